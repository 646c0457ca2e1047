"""The slices of a volume as a live model looks at them, and which of them a slice view is nearest to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .geometry import ijkToLps, lpsToRas, worldIjkToRas

FARTHEST = 45.0
"""Degrees; a view that is turned further shows other slices."""
OBLIQUE = 1.0
"""Degrees from which on a view is said to be oblique."""


@dataclass(frozen=True)
class FollowedSlices:
    """Slices k of a volume's voxels in the model's order of axes.

    Attributes
    ----------
    matrix : 4x4, voxel indices (i, j, k) of the volume to the world, LPS
    grid : the library's ``Grid`` of the volume in the world
    slices : the same voxels, reordered; equal to ``grid`` where slices are taken across the volume's own last axis
    """

    matrix: np.ndarray
    grid: Any
    slices: Any

    @staticmethod
    def of(volumeNode: Any, orientation: str | None) -> FollowedSlices:
        """Slices of a node; ``orientation`` (``LPS`` ...) is the model's, None takes the volume's own axes.

        ``InputError`` for a bent or sheared volume.
        """
        from TransferSegLib.imaging import Grid

        matrix = ijkToLps(worldIjkToRas(volumeNode))
        steps = matrix[:3, :3]
        spacing = np.linalg.norm(steps, axis=0)
        size = volumeNode.GetImageData().GetDimensions()
        grid = Grid(size, spacing, matrix[:3, 3], (steps / spacing).reshape(-1))
        return FollowedSlices(matrix, grid, grid if orientation is None else grid.reoriented(orientation))

    @property
    def count(self) -> int:
        """How many there are."""
        return self.slices.size[2]

    def plane(self, array: np.ndarray, index: int) -> np.ndarray:
        """Slice ``index`` of the volume's voxels (k, j, i) or (k, j, i, components): (j, i), not a copy."""
        from TransferSegLib.preparing.placing import exact_view

        if self.slices is self.grid:
            return array[index]
        return exact_view(array, self.grid, self.slices)[index]

    def nearest(self, sliceNode: Any) -> tuple[int, float]:
        """The slice that a slice view is nearest to at its centre, and by how many degrees the view is turned to it."""
        plane = lpsToRas(_array(sliceNode.GetSliceToRAS()))
        cosine = float(plane[:3, 2] @ self.slices.matrix[:, 2]) / max(float(np.linalg.norm(plane[:3, 2])), 1e-12)
        index = round(float(self.slices.indices([plane[:3, 3]])[0, 2]))
        return min(max(index, 0), self.count - 1), float(np.degrees(np.arccos(min(abs(cosine), 1.0))))


def _array(matrix: Any) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
