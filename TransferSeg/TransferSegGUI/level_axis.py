"""Slices of a CT node along its head-foot axis: where slice k lies, and which slice a point is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .geometry import worldIjkToRas
from .grids import NodeGrid

AXES = "ijk"
OBLIQUE_DEGREES = 1.0


@dataclass(frozen=True)
class LevelAxis:
    """The axis (0 i, 1 j, 2 k) of a grid along which slices are counted; points are local RAS (without transforms)."""

    grid: NodeGrid
    axis: int

    @staticmethod
    def of(volumeNode: Any, axis: int | None = None) -> LevelAxis:
        """The axis nearest to head-foot in the world (transforms included), or the given one.

        Raises
        ------
        InputError
            A non-linear transform or a sheared grid.
        """
        matrix = worldIjkToRas(volumeNode)
        if axis is None:
            steps = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
            axis = int(np.abs(steps[2]).argmax())
        return LevelAxis(NodeGrid.of(volumeNode), axis)

    @property
    def count(self) -> int:
        """Number of slices."""
        return self.grid.shape[2 - self.axis]

    @property
    def step(self) -> float:
        """mm between slices."""
        return float(self.grid.spacing[self.axis])

    @property
    def others(self) -> tuple[int, int]:
        """The image axes in the slice's plane; the first one turned into the second turns about the normal."""
        return (self.axis + 1) % 3, (self.axis + 2) % 3

    def centre(self, index: float) -> np.ndarray:
        """Middle of a slice, local RAS mm."""
        ijk = (np.array(self.grid.shape[::-1], float) - 1) / 2
        ijk[self.axis] = index
        return np.array(self.grid.origin) + self.grid.directions @ (ijk * np.array(self.grid.spacing))

    def position(self, point: Any) -> float:
        """The slice that a point (local RAS) lies on, continuous and perhaps outside the volume."""
        apart = np.asarray(point, float) - np.array(self.grid.origin)
        return float((self.grid.directions.T @ apart)[self.axis] / self.step)

    def index(self, point: Any) -> int:
        """The nearest slice that there is."""
        return int(np.clip(round(self.position(point)), 0, self.count - 1))

    def frame(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Directions (x, y, normal) of the slice's plane, right-handed, local RAS."""
        first, second = (self.grid.directions[:, other] for other in self.others)
        return first, second, np.cross(first, second)

    def extent(self) -> tuple[float, float]:
        """mm that a slice measures along x and y."""
        return tuple(self.grid.shape[2 - other] * float(self.grid.spacing[other]) for other in self.others)

    def plane(self, array: np.ndarray, index: int) -> np.ndarray:
        """A view of one slice of an array (k, j, i)."""
        return array[(slice(None),) * (2 - self.axis) + (index,)]

    def pixel(self) -> tuple[float, float]:
        """mm between rows and between columns of ``plane``."""
        first, second = (other for other in (2, 1, 0) if other != self.axis)
        return float(self.grid.spacing[first]), float(self.grid.spacing[second])


def isOblique(volumeNode: Any) -> bool:
    """Whether the grid's axes are not those of the world, so that a slice view must be turned to show one slice."""
    matrix = worldIjkToRas(volumeNode)
    steps = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return bool((np.abs(steps).max(axis=0) < np.cos(np.radians(OBLIQUE_DEGREES))).any())
