"""Writing files so that a failure leaves nothing half-written."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from ..errors import StorageError

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file would be larger than allowed here; choose another disk",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.EACCES: "the folder is not writable; choose another folder",
    errno.EPERM: "the folder is not writable; choose another folder",
    errno.ENOTDIR: "a part of its path is a file, not a folder; choose another folder",
    errno.EISDIR: "it is a folder; add a file name",
}


def storage_error(path: Path, error: OSError) -> StorageError:
    """The one-line error for a failed write to ``path``."""
    reason = _REASONS.get(error.errno or 0, f"it cannot be written ({error.strerror or error}); choose another folder")
    return StorageError(f"{path}: {reason}")


@contextlib.contextmanager
def atomic_path(path: str | Path, *, suffix: str | None = None) -> Iterator[Path]:
    """Yield a temporary sibling of ``path`` to write to, then move it into place.

    Missing parent folders are made. On any exception the temporary file is removed and ``path`` is
    left as it was; an ``OSError`` becomes a ``StorageError`` that names ``path``.
    """
    path = Path(path)
    ending = "".join(path.suffixes[-1:]) if suffix is None else suffix
    temporary = path.parent / f".{path.name[:40]}.{uuid.uuid4().hex[:8]}{ending}"
    try:
        if path.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.open("xb").close()
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if isinstance(error, FileExistsError):
            error = NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        raise storage_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def check_folder_writable(path: str | Path) -> None:
    """Raise ``StorageError`` now when ``path`` could not be written later; leaves nothing behind."""
    path = Path(path)
    if path.is_dir():
        raise StorageError(f"{path}: it is a folder; add a file name")
    parent = path.parent
    while not os.path.lexists(parent) and parent != parent.parent:
        parent = parent.parent
    probe = parent / f".transferseg-{uuid.uuid4().hex[:8]}"
    try:
        with probe.open("xb") as file:
            file.write(b"\0")
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
