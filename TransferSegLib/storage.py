"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import StorageError
from .processes import is_abandoned, mark

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


# What ``_unique`` puts into a name.
_TEMPORARY = re.compile(r"^\..*\.([0-9a-f]{8}-[0-9]+)-[0-9a-f]{8}(\.|$)")


@contextmanager
def writing(path: str | Path, *, suffix: str | None = None) -> Iterator[Path]:
    """Yield a temporary sibling of ``path`` to write to, then move it into place.

    Missing parent folders are made. On any exception the temporary file is removed and ``path`` is
    left as it was; an ``OSError`` becomes a ``StorageError`` that names ``path``. What a killed process left
    beside it is removed.
    """
    path = Path(path)
    ending = "".join(path.suffixes[-1:]) if suffix is None else suffix
    temporary = path.parent / f".{path.name[:40]}.{_unique()}{ending}"
    try:
        if path.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent)
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
        remove_leftovers(path.parent)
        temporary = path.parent / f".writing-{path.name[:40]}.{_unique()}"
        temporary.mkdir()
        yield temporary
        if path.is_dir():
            path.rmdir()
        os.replace(temporary, path)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        if temporary is not None and temporary.exists():
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def adding_to_folder(path: Path | str) -> Iterator[Path]:
    """Give a temporary folder whose files move into ``path`` when the block ends well, over files of their names.

    Missing folders are made then, not before; a block that fails leaves ``path`` as it was.
    """
    path = Path(path)
    if not path.is_dir():
        with writing_folder(path) as temporary:
            yield temporary
        return
    temporary = path / f".adding.{_unique()}"
    try:
        remove_leftovers(path)
        temporary.mkdir()
        yield temporary
        for file in sorted(temporary.iterdir()):
            os.replace(file, path / file.name)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def scratch_folder(what: str) -> Iterator[Path]:
    """Give a private folder among the system's temporary files; what killed processes left there is removed."""
    place = Path(tempfile.gettempdir())
    remove_leftovers(place)
    folder = Path(tempfile.mkdtemp(prefix=f".transferseg-{what}.{_unique()}.", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(folder: Path | str) -> None:
    """Remove what processes that are gone were writing to ``folder``; nothing of a live one, nothing of others."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _TEMPORARY.search(entry.name)
            if found is None or not is_abandoned(found[1]):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    os.unlink(entry.path)


def remove_folder(path: Path | str) -> None:
    """Remove a folder whole or, where a part of it is in use, not at all (``StorageError``); of a link, the link."""
    path = Path(path)
    gone = path.parent / f".deleting-{path.name[:40]}.{_unique()}"
    try:
        if path.is_symlink():
            path.unlink()
            return
        os.replace(path, gone)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be deleted ({error.strerror or error}); close programs that use it, and try again"
        ) from error
    shutil.rmtree(gone, ignore_errors=True)


def check_folder_is_free(path: Path | str, option: str = "--out") -> None:
    """Raise ``StorageError`` unless ``path`` can become a new folder (absent, or there and empty)."""
    path = Path(path)
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise StorageError(f"{path}: exists already; name another {option} or remove it first")
    check_writable(path / "x")


def check_file_is_free(path: Path | str, option: str = "--out", *, overwrite: bool = False) -> None:
    """Raise ``StorageError`` unless a file can be written to ``path`` that replaces none, or may (``overwrite``)."""
    path = Path(path)
    if path.is_file() and not overwrite:
        raise StorageError(f"{path}: exists already; name another {option}, remove it or say --overwrite")
    check_writable(path)


def check_writable(path: str | Path) -> None:
    """Raise ``StorageError`` now when ``path`` could not be written later; leaves nothing behind."""
    path = Path(path)
    if path.is_dir():
        raise StorageError(f"{path}: it is a folder; add a file name")
    parent = path.parent
    while not os.path.lexists(parent) and parent != parent.parent:
        parent = parent.parent
    probe = parent / f".transferseg.{_unique()}"
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


def _unique() -> str:
    """The middle of a temporary's name: whose it is, and a number of its own."""
    return f"{mark()}-{uuid.uuid4().hex[:8]}"
