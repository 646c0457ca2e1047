"""Reading a scan for l3: what cannot be read is an error, what can be read and is no CT of a trunk an answer."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError, UnreadableFile
from ..imaging.scan import Scan, read_scan


def read_or_refuse(path: str | Path) -> tuple[Scan | None, str]:
    """The scan; or None and the sentence that says why its content cannot be answered.

    Several series, a single slice, a localiser, RGB, 4-D and the like are content.

    Raises
    ------
    UnreadableFile
        The file does not exist, or cannot be read.
    """
    try:
        return read_scan(path), ""
    except UnreadableFile:
        raise
    except InputError as error:
        return None, sentence_of(error.message, path)


def sentence_of(message: str, path: str | Path) -> str:
    """An error's line as a sentence: without the path that the user has just given, and with a capital.

    A file in the folder that was given keeps its name as it is.
    """
    text = message.removeprefix(f"{path}: ").strip()
    begins_with_file = text.startswith(f"{path}")
    text = text.replace(f"{path}", Path(path).name)
    first = text[:1] if begins_with_file else text[:1].upper()
    return f"{first}{text[1:].rstrip('.')}."
