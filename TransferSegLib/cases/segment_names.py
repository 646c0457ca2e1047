"""The names that a segmentation saved by 3D Slicer (.seg.nrrd) keeps in its header."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError

_FIELD = re.compile(r"^Segment(\d+)_(Name|LabelValue):=(.*)$")
_LONGEST_HEADER = 1 << 20


def segment_names(path: Path) -> dict[int, str]:
    """Label value to segment name; empty where the file keeps none.

    Raises
    ------
    InputError
        Two segments of one value: they overlap, in layers of their own, and a label map cannot hold both.
    """
    fields: dict[str, dict[str, str]] = {}
    for line in _header(path):
        found = _FIELD.match(line)
        if found:
            fields.setdefault(found[1], {})[found[2]] = found[3].strip()
    names: dict[int, str] = {}
    for field in fields.values():
        value, name = field.get("LabelValue", ""), field.get("Name", "")
        if not value.isdigit() or not name:
            continue
        if int(value) in names:
            raise InputError(
                f"{path}: the segments {names[int(value)]} and {name} overlap; export it as a label map with one "
                "value a segment"
            )
        names[int(value)] = name
    return names


def _header(path: Path) -> list[str]:
    """The lines of a NRRD header; none where the file is not NRRD."""
    if path.suffix.lower() != ".nrrd":
        return []
    with path.open("rb") as file:
        if file.read(4) != b"NRRD":
            return []
        head = file.read(_LONGEST_HEADER)
    text = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    return [line.rstrip("\r") for line in text.decode("utf-8", "replace").split("\n")]
