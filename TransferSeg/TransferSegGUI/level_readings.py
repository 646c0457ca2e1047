"""A reader's reading of a level, kept in a CSV that ``transferseg readers`` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from . import wording
from .folder_cases import patientOf
from .level_cases import casesFolder
from .level_numbers import worldPoint
from .level_results import L3Result
from .roles import PATIENT, dicomValue, fileName

READINGS = "readings.csv"


def readingsFile() -> Path:
    """Where readings are kept unless another file is chosen."""
    return casesFolder() / READINGS


def saveReading(result: L3Result, reader: str, review: int, path: Any = None) -> Path:
    """Append where the plane stands as a reader's reading; the file."""
    from TransferSegLib.level.readers import append_reading

    problem = whyNotRead(result, reader)
    if problem is not None:
        raise wording.problem(problem)
    file = Path(path) if path else readingsFile()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    node = result.volumeNode
    append_reading(
        file,
        reader=reader.strip(),
        review=int(review),
        id=readingName(node),
        ct=fileName(node),
        level=result.level,
        slice=result.sliceIndex,
        # Under a transform the height in the scene is not that of the file, whose slice says it all.
        mm=None if node.GetParentTransformNode() else worldPoint(result.planeNode, result.sliceIndex)[2],
    )
    return file


def whyNotRead(result: L3Result | None, reader: str) -> str | None:
    """Why no reading can be saved, in plain words; None when one can."""
    if result is None or result.sliceIndex is None or result.volumeNode is None:
        return _("Find the level, or set it by hand, first.")
    if not reader.strip():
        return _("Write the reader's name.")
    return None


def caseName(volumeNode: Any) -> str:
    """What a CT is called in lists."""
    return volumeNode.GetName()


def readingName(volumeNode: Any) -> str:
    """What a CT is called among readings: its name, and its patient's hash, as two patients may have a "CT"."""
    name = caseName(volumeNode)
    return f"{name} {patientName(volumeNode)}" if dicomValue(volumeNode, PATIENT) else name


def patientName(volumeNode: Any) -> str:
    """Whose CT it is: a hash of the DICOM PatientID where there is one, else after its name."""
    return patientOf(caseName(volumeNode), dicomValue(volumeNode, PATIENT))
