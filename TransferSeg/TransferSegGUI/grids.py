"""The voxel grid of a volume node, kept exactly, also when the node is gone by the time a result comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
import vtk.util.numpy_support


@dataclass(frozen=True)
class NodeGrid:
    """The local grid of a volume node (its parent transform is apart).

    ``shape`` is (k, j, i); ``origin`` is where the array's first voxel lies (VTK lets a volume's indices start
    anywhere, here they start at 0); ``directions`` a 3x3 array, columns are the axes i, j, k in RAS; ``changed`` is
    the modified time of the voxels.
    """

    nodeId: str
    nodeName: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    directions: np.ndarray
    transformId: str | None
    changed: int

    @staticmethod
    def of(volumeNode: Any) -> NodeGrid:
        """The grid that a node has now."""
        image = volumeNode.GetImageData()
        directions = np.zeros((3, 3))
        volumeNode.GetIJKToRASDirections(directions)
        return NodeGrid(
            volumeNode.GetID(),
            volumeNode.GetName(),
            tuple(image.GetDimensions()[::-1]),
            volumeNode.GetSpacing(),
            _firstVoxel(volumeNode, directions, image),
            directions,
            volumeNode.GetTransformNodeID(),
            image.GetMTime(),
        )

    @staticmethod
    def ofSegmentation(segmentationNode: Any) -> NodeGrid | None:
        """The reference geometry that a segmentation keeps itself, also when its reference volume is gone."""
        converter = slicer.vtkSegmentationConverter
        name = converter.GetReferenceImageGeometryParameterName()
        text = segmentationNode.GetSegmentation().GetConversionParameter(name)
        image = slicer.vtkOrientedImageData()
        if not text or not converter.DeserializeImageGeometry(text, image, False):
            return None
        directions = np.zeros((3, 3))
        image.GetDirections(directions)
        return NodeGrid(
            "",
            "",
            tuple(image.GetDimensions()[::-1]),
            image.GetSpacing(),
            _firstVoxel(image, directions, image),
            directions,
            segmentationNode.GetTransformNodeID(),
            0,
        )

    @property
    def node(self) -> Any:
        """The volume node, or None when it is gone or holds another image by now.

        The same voxels in another place (a hardened transform) are the same image, and so are other values in the
        same place.
        """
        found = slicer.mrmlScene.GetNodeByID(self.nodeId)
        image = found.GetImageData() if found is not None and found.IsA("vtkMRMLVolumeNode") else None
        if image is None or tuple(image.GetDimensions()[::-1]) != self.shape:
            return None
        return found if image.GetMTime() == self.changed or self._samePlace(found) else None

    def now(self) -> NodeGrid:
        """The node's grid now (it may have been moved, voxels and all), or this one when it is gone."""
        node = self.node
        return self if node is None else NodeGrid.of(node)

    def _samePlace(self, volumeNode: Any) -> bool:
        now = NodeGrid.of(volumeNode)
        return (
            now.spacing == self.spacing
            and now.origin == self.origin
            and np.array_equal(now.directions, self.directions)
        )

    def ijkToRas(self) -> vtk.vtkMatrix4x4:
        """Local IJK to RAS."""
        matrix = vtk.vtkMatrix4x4()
        for row in range(3):
            for column in range(3):
                matrix.SetElement(row, column, self.directions[row, column] * self.spacing[column])
            matrix.SetElement(row, 3, self.origin[row])
        return matrix

    def orientedImage(self, array: np.ndarray) -> Any:
        """A ``vtkOrientedImageData`` with this grid and a copy of the array."""
        image = slicer.vtkOrientedImageData()
        self.fill(image, array)
        image.SetSpacing(self.spacing)
        image.SetOrigin(self.origin)
        image.SetDirections(self.directions)
        return image

    def fill(self, image: Any, array: np.ndarray) -> None:
        """Give an image the array's voxels; VTK owns them."""
        if tuple(array.shape) != self.shape:
            raise ValueError(f"array of shape {array.shape} for a grid of {self.shape}")
        image.SetDimensions(*self.shape[::-1])
        image.AllocateScalars(vtk.util.numpy_support.get_vtk_array_type(array.dtype), 1)
        voxels = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
        voxels.reshape(self.shape)[...] = array

    def place(self, volumeNode: Any) -> None:
        """Give a volume node this grid and its parent transform."""
        volumeNode.SetSpacing(*self.spacing)
        volumeNode.SetOrigin(*self.origin)
        volumeNode.SetIJKToRASDirections(self.directions.tolist())
        self.move(volumeNode)

    def move(self, node: Any) -> None:
        """Put a node under the grid's parent transform, if that is still there."""
        if self.transformId and slicer.mrmlScene.GetNodeByID(self.transformId) is not None:
            node.SetAndObserveTransformNodeID(self.transformId)


def _firstVoxel(placed: Any, directions: np.ndarray, image: Any) -> tuple[float, float, float]:
    """Where the first voxel of ``image`` lies; ``placed`` has the spacing and the origin, that of index (0, 0, 0)."""
    start = np.array(image.GetExtent()[::2], float)
    if not start.any():
        return placed.GetOrigin()
    return tuple((np.array(placed.GetOrigin()) + directions @ (np.array(placed.GetSpacing()) * start)).tolist())
