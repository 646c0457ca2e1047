"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import StorageError

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


@contextmanager
def writing(path: str | Path, *, suffix: str | None = None) -> Iterator[Path]:
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
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def writing_folder(path: Path | str) -> Iterator[Path]:
    """Give a temporary sibling folder that becomes ``path`` (new or empty) when the block ends well."""
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".writing-{path.name}-", dir=path.parent))
        os.chmod(temporary, 0o777 & ~_umask())
        yield temporary
        if path.is_dir():
            path.rmdir()
        os.replace(temporary, path)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        if temporary is not None and temporary.exists():
            shutil.rmtree(temporary, ignore_errors=True)


def check_folder_is_free(path: Path | str, option: str = "--out") -> None:
    """Raise ``StorageError`` unless ``path`` can become a new folder (absent, or there and empty)."""
    path = Path(path)
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise StorageError(f"{path}: exists already; name another {option} or remove it first")
    check_writable(path / "x")


def check_writable(path: str | Path) -> None:
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
        with suppress(OSError):
            probe.unlink()


def write_json(path: Path | str, value: Any) -> None:
    """Write JSON text atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text atomically, with LF line ends."""
    with writing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def sha256(path: Path | str) -> str:
    """Hex digest of a file, or of a folder's files in sorted order (a DICOM series)."""
    path = Path(path)
    digest = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        with open(file, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
