"""Body composition on the slice of a level: the four tissues as a segmentation, and the numbers as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import slicer
import vtk
import vtk.util.numpy_support

from . import results
from .history import fingerprint
from .level_axis import LevelAxis
from .level_words import tissueName
from .truths import labelArray

COMPOSITION = "body composition"
TISSUE = "TransferSeg.Tissue"
"""Tag of a segment: which tissue it is, whatever it is called."""
COLOURS = {
    "skeletal_muscle": "#D55E00",
    "subcutaneous_fat": "#56B4E9",
    "visceral_fat": "#F0E442",
    "intermuscular_fat": "#CC79A7",
}
_MASTER = "Segmentation category and type - DICOM master list"
_TERM = "{master}~SCT^85756007^Tissue~SCT^{code}^{meaning}~^^~Anatomic codes - DICOM master list~^^~^^"
_FAT, _MUSCLE = ("248300009", "Body fat"), ("71616004", "Muscle")


def tissueValues() -> dict[str, int]:
    """{tissue: value in the label map of a composition}."""
    from TransferSegLib.measuring.body_composition import TISSUES

    return {name: value for value, name, _low, _high in TISSUES}


def makeComposition(labels: np.ndarray, axis: LevelAxis, index: int, name: str) -> Any:
    """A segmentation with the four tissues on one slice.

    Parameters
    ----------
    labels : uint8, the slice's own array (``LevelAxis.plane`` of the label map)
    axis : of the CT as it is now
    """
    kinds = [
        SimpleNamespace(name=tissueName(key), value=value, colour=COLOURS.get(key, ""), terminology=_term(key))
        for key, value in tissueValues().items()
    ]
    node = results.makeSegments(_sliceImage(labels, axis, index), axis.grid, kinds, name, COMPOSITION)
    segmentation = node.GetSegmentation()
    for segmentId, key in zip(segmentation.GetSegmentIDs(), tissueValues()):
        segmentation.GetSegment(segmentId).SetTag(TISSUE, key)
    return node


def measure(segmentationNode: Any, volumeNode: Any, axis: LevelAxis, index: int, height: float | None) -> dict:
    """The numbers of the slice as it is outlined now: what ``body_composition`` says, and a ``mark`` of the outlines.

    ``height`` is in metres, None or 0 where it is not known.
    """
    from TransferSegLib.measuring.body_composition import body_composition

    labels = sliceLabels(segmentationNode, axis, index)
    hu = np.asarray(axis.plane(slicer.util.arrayFromVolume(volumeNode), index))
    return {**body_composition(labels, hu, axis.pixel(), height or None), "mark": fingerprint(labels)}


def sliceLabels(segmentationNode: Any, axis: LevelAxis, index: int) -> np.ndarray:
    """The tissues on a slice, uint8, as ``LevelAxis.plane`` is; where segments overlap the later one counts."""
    segmentation = segmentationNode.GetSegmentation()
    values = {}
    for segmentId in segmentation.GetSegmentIDs():
        key = _tissueOf(segmentation.GetSegment(segmentId))
        if key:
            values[segmentId] = tissueValues()[key]
    same = segmentationNode.GetTransformNodeID() == axis.grid.transformId
    images = {segmentId: segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId) for segmentId in values}
    if not same or not all(image is not None and _liesOn(image, axis) for image in images.values()):
        return axis.plane(labelArray(segmentationNode, values, axis.grid), index)
    array = np.zeros(axis.plane(np.empty(axis.grid.shape, np.bool_), index).shape, np.uint8)
    for segmentId, image in images.items():
        _copy(image, segmentation.GetSegment(segmentId).GetLabelValue(), axis, index, array, values[segmentId])
    return array


def _tissueOf(segment: Any) -> str:
    """Which tissue a segment is: by its tag, else by its name; empty for one that the user added."""
    text = vtk.reference("")
    if segment.GetTag(TISSUE, text) and str(text) in tissueValues():
        return str(text)
    return next((key for key in tissueValues() if tissueName(key) == segment.GetName()), "")


def _sliceImage(labels: np.ndarray, axis: LevelAxis, index: int) -> Any:
    """A ``vtkOrientedImageData`` on the CT's grid that holds one slice only."""
    image = slicer.vtkOrientedImageData()
    extent = [edge for size in axis.grid.shape[::-1] for edge in (0, size - 1)]
    extent[2 * axis.axis] = extent[2 * axis.axis + 1] = index
    image.SetExtent(*extent)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    voxels = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    voxels.reshape(image.GetDimensions()[::-1])[...] = np.expand_dims(labels, 2 - axis.axis)
    image.SetSpacing(axis.grid.spacing)
    image.SetOrigin(axis.grid.origin)
    image.SetDirections(axis.grid.directions)
    return image


def _liesOn(image: Any, axis: LevelAxis) -> bool:
    matrix, wanted = vtk.vtkMatrix4x4(), axis.grid.ijkToRas()
    image.GetImageToWorldMatrix(matrix)
    pairs = ((matrix.GetElement(r, c), wanted.GetElement(r, c)) for r in range(3) for c in range(4))
    return image.IsEmpty() or all(abs(one - other) < 1e-5 for one, other in pairs)


def _copy(image: Any, label: int, axis: LevelAxis, index: int, array: np.ndarray, value: int) -> None:
    """Write ``value`` where the segment with this label is on the slice."""
    extent = image.GetExtent()
    first, last = extent[2 * axis.axis], extent[2 * axis.axis + 1]
    if image.IsEmpty() or not first <= index <= last:
        return
    voxels = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    part = axis.plane(voxels.reshape(image.GetDimensions()[::-1]), index - first)
    ours, theirs = [], []
    for size, other in zip(array.shape, (other for other in (2, 1, 0) if other != axis.axis)):
        low, high = max(extent[2 * other], 0), min(extent[2 * other + 1] + 1, size)
        ours.append(slice(low, high))
        theirs.append(slice(low - extent[2 * other], high - extent[2 * other]))
    if all(part.stop > part.start for part in ours):
        array[tuple(ours)][part[tuple(theirs)] == label] = value


def _term(key: str) -> str:
    code, meaning = _MUSCLE if key == "skeletal_muscle" else _FAT
    return _TERM.format(master=_MASTER, code=code, meaning=meaning)


def numbersChanged(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> bool:
    """Whether the outlines are others than those of ``before``."""
    return before is None or before.get("mark") != now["mark"]
