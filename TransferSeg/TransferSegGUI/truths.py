"""The voxels of a segmentation node as one label map on a volume's grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import slicer
import vtk
import vtk.util.numpy_support
from slicer.i18n import tr as _

from . import wording
from .grids import NodeGrid


def labelArray(segmentationNode: Any, values: Mapping[str, int], grid: NodeGrid) -> np.ndarray:
    """uint8 (k, j, i) on ``grid``: ``values`` is {segment id: value}; where segments overlap the later one counts.

    Segments that lie on the grid already are copied voxel by voxel; others are resampled (nearest neighbour).

    Raises
    ------
    UsageError
        When Slicer cannot make voxels of a segment: it would be taken for background.
    """
    segmentationNode.CreateBinaryLabelmapRepresentation()
    values = {name: value for name, value in values.items() if segmentationNode.GetSegmentation().GetSegment(name)}
    result = np.zeros(grid.shape, np.uint8)
    if not values:
        return result
    if any(_image(segmentationNode, name) is None for name in values):
        raise _noVoxels(segmentationNode)
    same = segmentationNode.GetTransformNodeID() == grid.transformId
    if same and all(_liesOn(_image(segmentationNode, name), grid) for name in values):
        for name, value in values.items():
            _copy(segmentationNode, name, value, result)
        return result
    return _resampled(segmentationNode, values, grid)


def sharedImage(node: Any, grid: NodeGrid) -> np.ndarray | None:
    """The label map (k, j, i) of all segments, not a copy, where they share one on the whole grid; else None."""
    segmentation = node.GetSegmentation()
    if segmentation.GetNumberOfSegments() == 0 or node.GetTransformNodeID() != grid.transformId:
        return None
    images = [node.GetBinaryLabelmapInternalRepresentation(one) for one in segmentation.GetSegmentIDs()]
    image = images[0]
    if image is None or any(other is not image for other in images) or image.GetPointData().GetScalars() is None:
        return None
    ijkToWorld, wanted = vtk.vtkMatrix4x4(), grid.ijkToRas()
    image.GetImageToWorldMatrix(ijkToWorld)
    pairs = ((ijkToWorld.GetElement(r, c), wanted.GetElement(r, c)) for r in range(3) for c in range(4))
    whole = [edge for size in grid.shape[::-1] for edge in (0, size - 1)]
    if list(image.GetExtent()) != whole or any(abs(one - other) > 1e-5 for one, other in pairs):
        return None
    return vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(grid.shape)


def segmentIdOf(segmentationNode: Any, name: str) -> str | None:
    """The id of the first segment with that name, or None."""
    segmentation = segmentationNode.GetSegmentation()
    for segmentId in segmentation.GetSegmentIDs():
        if segmentation.GetSegment(segmentId).GetName() == name:
            return segmentId
    return None


def _image(segmentationNode: Any, segmentId: str) -> Any:
    return segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId)


def _liesOn(image: Any, grid: NodeGrid) -> bool:
    """Whether the voxels of a segment are voxels of the grid (its extent may be another)."""
    if image.IsEmpty():
        return True
    matrix, wanted = vtk.vtkMatrix4x4(), grid.ijkToRas()
    image.GetImageToWorldMatrix(matrix)
    return all(
        abs(matrix.GetElement(row, column) - wanted.GetElement(row, column)) < 1e-5
        for row in range(3)
        for column in range(4)
    )


def _copy(segmentationNode: Any, segmentId: str, value: int, result: np.ndarray) -> None:
    """Write ``value`` where the segment is."""
    image = _image(segmentationNode, segmentId)
    if image.IsEmpty():
        return
    extent = image.GetExtent()
    scalars = image.GetPointData().GetScalars()
    voxels = vtk.util.numpy_support.vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1])
    label = segmentationNode.GetSegmentation().GetSegment(segmentId).GetLabelValue()
    ours, theirs = [], []
    for axis in (2, 1, 0):
        first, last = extent[2 * axis], extent[2 * axis + 1]
        low, high = max(first, 0), min(last + 1, result.shape[2 - axis])
        if low >= high:
            return
        ours.append(slice(low, high))
        theirs.append(slice(low - first, high - first))
    result[tuple(ours)][voxels[tuple(theirs)] == label] = value


def _resampled(segmentationNode: Any, values: Mapping[str, int], grid: NodeGrid) -> np.ndarray:
    """Merged by Slicer's own logic in the grid of a volume node that stands for ``grid``."""
    names, numbers = vtk.vtkStringArray(), vtk.vtkIntArray()
    for name, value in values.items():
        names.InsertNextValue(name)
        numbers.InsertNextValue(value)
    stand = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "__TransferSeg grid__")
    try:
        image = vtk.vtkImageData()
        grid.fill(image, np.zeros(grid.shape, np.uint8))
        grid.place(stand)
        stand.SetAndObserveImageData(image)
        merged = slicer.vtkOrientedImageData()
        slicer.vtkSlicerSegmentationsModuleLogic.GenerateMergedLabelmapInReferenceGeometry(
            segmentationNode, stand, names, slicer.vtkSegmentation.EXTENT_REFERENCE_GEOMETRY, merged, numbers
        )
    finally:
        slicer.mrmlScene.RemoveNode(stand)
    scalars = merged.GetPointData().GetScalars()
    # What went wrong is only written to Slicer's log.
    if scalars is None or merged.GetDimensions()[::-1] != grid.shape:
        raise _noVoxels(segmentationNode)
    return vtk.util.numpy_support.vtk_to_numpy(scalars).reshape(grid.shape).astype(np.uint8)


def _noVoxels(segmentationNode: Any) -> Exception:
    text = _("{segmentation} could not be turned into voxels; open it in the Segmentations module and check it.")
    return wording.problem(text.format(segmentation=segmentationNode.GetName()))
