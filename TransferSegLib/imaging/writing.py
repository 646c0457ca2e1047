"""Writing images: whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError
from ..storage import check_writable as check_folder_writable
from ..storage import writing
from .complete import why_incomplete
from .formats import WRITABLE_SUFFIXES, image_suffix


def write_image(image: sitk.Image, path: str | Path, *, compress: bool = True) -> None:
    """Write a 3-D image as NIfTI, NRRD or MHA, by the suffix of ``path``.

    The file appears under its name only when it is complete; missing parent folders are made.
    ``compress`` holds for ``.nrrd`` and ``.mha`` (``.nii.gz`` always is, ``.nii`` never).

    Raises
    ------
    InputError
        When the suffix is not one that can be written.
    StorageError
        When the folder cannot be written or the disk is full; no file is left behind.
    """
    suffix = _writable_suffix(path)
    compress = {".nii.gz": True, ".nii": False}.get(suffix, compress)
    with writing(path, suffix=suffix) as temporary:
        try:
            with _no_native_messages():
                sitk.WriteImage(image, str(temporary), compress)
        except RuntimeError as error:
            raise _as_os_error(error, temporary) from error
        # ITK's NIfTI writer does not report a full disk: look at what arrived.
        if why_incomplete(temporary) is not None:
            found = _why_not_written(temporary)
            raise found if found is not None else OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def check_writable(path: str | Path) -> None:
    """Raise now, before long work, what ``write_image`` would raise for this path."""
    _writable_suffix(path)
    check_folder_writable(path)


def _writable_suffix(path: str | Path) -> str:
    suffix = image_suffix(path)
    if suffix not in WRITABLE_SUFFIXES:
        raise InputError(f"{path}: not an image format that can be written; end it in {', '.join(WRITABLE_SUFFIXES)}")
    return suffix


def _as_os_error(error: RuntimeError, temporary: Path) -> OSError:
    last = " ".join(str(error).strip().splitlines()[-1:]).replace(str(temporary), "the file")
    return _why_not_written(temporary) or OSError(errno.EIO, last or "unknown reason")


def _why_not_written(temporary: Path) -> OSError | None:
    """The system's own error, which SimpleITK does not hand on: meet it once more."""
    try:
        with temporary.open("ab", buffering=0) as file:
            file.write(b"\0" * 65536)
            file.write(b"\0")
    except OSError as found:
        return found
    return None


_STDERR = threading.Lock()


@contextlib.contextmanager
def _no_native_messages() -> Iterator[None]:
    """Keep what the C libraries print about a failed write off stderr: our error says it."""
    with _STDERR:
        try:
            sys.stderr.flush()
            kept = os.dup(2)
        except (OSError, ValueError, AttributeError):  # no stderr, as under pythonw
            yield
            return
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
