"""Reading a scan for l3: what cannot be read is an error, what can be read and is no CT of a trunk an answer."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..imaging.scan import Scan, read_scan

_UNREADABLE = (
    "no such file",
    "not an image;",
    "cannot be read",
    "truncated",
    "damaged",
    "without dicom images",
    "without a dicom",
    "not what its suffix says",
    "not enough memory",
    "copy or export",
)
"""Marks of the readers' messages about a file that is missing or broken, as against its content."""


def read_or_refuse(path: str | Path) -> tuple[Scan | None, str]:
    """The scan; or None and the sentence that says why its content cannot be answered.

    Several series, a single slice, a localiser, RGB, 4-D and the like are content.

    Raises
    ------
    InputError
        The file does not exist, or cannot be read.
    """
    try:
        return read_scan(path), ""
    except InputError as error:
        if any(mark in error.message.lower() for mark in _UNREADABLE):
            raise
        return None, sentence_of(error.message, path)


def sentence_of(message: str, path: str | Path) -> str:
    """An error's line as a sentence: without the path that the user has just given, and with a capital."""
    text = message.removeprefix(f"{path}: ").strip()
    text = text.replace(f"{path}", Path(path).name)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
