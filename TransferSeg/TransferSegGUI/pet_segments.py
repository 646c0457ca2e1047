"""Uptake as segments: one a lesion, coloured by number, organs in grey-blue; and what they are, read back."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
import vtk.util.numpy_support
from slicer.i18n import tr as _

from .grids import NodeGrid
from .history import fingerprint
from .pet_live import LESION, Drawn
from .pet_words import organName
from .truths import labelArray, sharedImage

KIND_TAG, NUMBER_TAG = "TransferSeg.Uptake", "TransferSeg.UptakeNumber"
MOST_SEGMENTS = 200
"""Slicer becomes slow with more; the smaller ones share a segment."""
COLOURS = (
    "#E6194B", "#3CB44B", "#FFE119", "#4363D8", "#F58231", "#42D4F4", "#F032E6", "#BFEF45", "#FABED4", "#469990",
    "#DCBEFF", "#9A6324", "#FFFAC8", "#800000", "#AAFFC3", "#808000", "#FFD8B1",
)  # fmt: skip
APART = "#7A96B4"
_LESION = (
    "Segmentation category and type - DICOM master list~SCT^49755003^Morphologically Altered Structure"
    "~SCT^52988006^Lesion~^^~Anatomic codes - DICOM master list~^^~^^"
)


def colourOf(number: int, kind: str) -> str:
    """The colour of an uptake."""
    return COLOURS[(number - 1) % len(COLOURS)] if kind in ("", LESION) else APART


def writeUptake(node: Any, uptake: Any, labels: np.ndarray, grid: NodeGrid) -> None:
    """Give a segmentation node the segments of an uptake in place of those that it has.

    Parameters
    ----------
    labels : the numbers, (k, j, i) on ``grid``, the PET's own
    """
    groups = _groups(uptake)
    values = np.zeros(max((one.number for one in uptake.lesions), default=0) + 1, np.uint16)
    for value, (_name, _kind, numbers) in enumerate(groups, 1):
        values[list(numbers)] = value
    kept = np.uint8 if len(groups) < 256 else np.uint16
    image = grid.orientedImage(values[labels].astype(kept))
    segmentation = node.GetSegmentation()
    representation = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    with slicer.util.NodeModify(node):
        segmentation.RemoveAllSegments()
        for value, (name, kind, numbers) in enumerate(groups, 1):
            segment = slicer.vtkSegment()
            segment.SetName(name)
            segment.SetColor(*_rgb(colourOf(numbers[0], kind)))
            segment.SetLabelValue(value)
            segment.SetTag(KIND_TAG, kind)
            segment.SetTag(NUMBER_TAG, str(numbers[0]))
            if kind == LESION:
                _setTerm(segment)
            segment.AddRepresentation(representation, image)
            segmentation.AddSegment(segment, segmentation.GenerateUniqueSegmentID(name))


def readKinds(node: Any, grid: NodeGrid) -> Drawn:
    """What is lesion and what stands apart, as it is outlined now; segments of the user's own are lesions."""
    segmentation = node.GetSegmentation()
    kinds = {one: _tag(segmentation.GetSegment(one), KIND_TAG) or LESION for one in segmentation.GetSegmentIDs()}
    organs = tuple(sorted(set(kinds.values()) - {LESION}))
    values = {one: 1 if kind == LESION else 2 + organs.index(kind) for one, kind in kinds.items()}
    shared = sharedImage(node, grid)
    if shared is None:
        return Drawn(labelArray(node, values, grid), organs)
    table = np.zeros(int(shared.max(initial=0)) + 1, np.uint8)
    for segmentId, value in values.items():
        label = segmentation.GetSegment(segmentId).GetLabelValue()
        if label < len(table):
            table[label] = value
    return Drawn(table[shared], organs)


def withKind(drawn: Drawn, voxel: Any, organ: str) -> Drawn:
    """The outlines with the part (18-connected, of one kind) that holds a voxel i, j, k made a lesion or an organ's."""
    from scipy import ndimage

    place = tuple(voxel[::-1])
    if not drawn.kinds[place]:
        return drawn
    parts, _count = ndimage.label(drawn.kinds == drawn.kinds[place], ndimage.generate_binary_structure(3, 2))
    organs = drawn.organs if not organ or organ in drawn.organs else (*drawn.organs, organ)
    kinds = drawn.kinds.copy()
    kinds[parts == parts[place]] = 2 + organs.index(organ) if organ else 1
    return Drawn(kinds, organs)


def markOf(drawn: Drawn) -> str:
    """What tells edited outlines from those that were written."""
    return f"{fingerprint(drawn.kinds)} {','.join(drawn.organs)}"


def _groups(uptake: Any) -> list[tuple[str, str, list[int]]]:
    """(name, kind, numbers) of each segment."""
    groups: list[tuple[str, str, list[int]]] = []
    rest: dict[str, list[int]] = {}
    for one in uptake.lesions:
        kind = one.physiological or LESION
        if len(groups) < MOST_SEGMENTS:
            name = _("Lesion {n}") if kind == LESION else _("{n} {organ}")
            groups.append((name.format(n=one.number, organ=organName(kind)), kind, [one.number]))
        else:
            rest.setdefault(kind, []).append(one.number)
    for kind, numbers in rest.items():
        name = _("{n} smaller lesions") if kind == LESION else _("{n} smaller, {organ}")
        groups.append((name.format(n=len(numbers), organ=organName(kind)), kind, numbers))
    return groups


def _tag(segment: Any, name: str) -> str:
    text = vtk.reference("")
    return str(text) if segment.GetTag(name, text) else ""


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))


def _setTerm(segment: Any) -> None:
    if hasattr(segment, "SetTerminology"):
        segment.SetTerminology(_LESION)
    else:  # Slicer before 5.10
        segment.SetTag(segment.GetTerminologyEntryTagName(), _LESION)
