"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import StorageError


@contextmanager
def writing(path: Path | str) -> Iterator[Path]:
    """Give a temporary sibling of ``path`` (same suffix) that replaces it when the block ends well.

    Raises
    ------
    StorageError
        The folder is not writable or the disk is full; nothing half-written is left.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".writing-", suffix="".join(path.suffixes[-2:]), dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        if temporary is not None and temporary.exists():
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
    check_writable(path)


def check_writable(path: Path | str) -> None:
    """Raise ``StorageError`` unless a file can be made beside ``path``; leaves nothing behind."""
    parent = Path(path).absolute().parent
    while not parent.exists():
        parent = parent.parent
    try:
        with tempfile.NamedTemporaryFile(prefix=".writing-", dir=parent):
            pass
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: Path | str, error: OSError) -> StorageError:
    """The one-line error for a failed write."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"{path}: the disk is full; free some space and try again")
    reason = error.strerror or str(error)
    return StorageError(f"{path}: cannot be written ({reason}); choose a folder you may write to")


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
