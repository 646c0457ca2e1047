"""A small copy of a scan along the body's axes, for looking at it as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..imaging.scan import Scan, anatomical_axes

# What lies outside the scanner's circle: some vendors write -2000 or -3024 there.
PAD_HU = -1500
AIR_HU = -1024
# Voxels kept along an axis at least, however small they are.
_LEAST = 24


@dataclass(frozen=True, eq=False)
class Coarse:
    """Every few voxels of a scan, not smoothed.

    Parameters
    ----------
    hu : (n, rows, columns) array
        From head to foot, from front to back, from the patient's right to left; the image's number type.
    steps : tuple of float
        Distance between neighbours along those axes, mm (the first one the mean of the true places).
    heights : (n,) array
        Height of each slice, mm, falling.
    numbers, rows, columns : arrays
        Image index, along the three axes, of each slice, row and column.
    """

    hu: np.ndarray = field(repr=False)
    steps: tuple[float, float, float]
    heights: np.ndarray = field(repr=False)
    numbers: np.ndarray = field(repr=False)
    rows: np.ndarray = field(repr=False)
    columns: np.ndarray = field(repr=False)

    @property
    def pixel_cm2(self) -> float:
        """Area of one voxel in the slice, cm2."""
        return self.steps[1] * self.steps[2] / 100.0


def coarse(scan: Scan, step_mm: float = 5.0) -> Coarse:
    """Take every n-th voxel so that neighbours are about ``step_mm`` apart; nothing is interpolated."""
    grid = scan.grid
    right, front, head = anatomical_axes(grid)
    strides = [max(1, min(int(step_mm / side), n // _LEAST)) for side, n in zip(grid.spacing, grid.size)]
    part = scan.array().transpose(2, 1, 0)[tuple(slice(None, None, stride) for stride in strides)]
    turned = (scan.superior_first is False, grid.matrix[1, front] < 0, grid.matrix[0, right] < 0)
    order = tuple(slice(None, None, -1 if turn else 1) for turn in turned)
    part = part.transpose(head, front, right)[order]
    numbers, rows, columns = (
        np.arange(0, grid.size[axis], strides[axis])[way] for axis, way in zip((head, front, right), order)
    )
    heights = scan.heights[numbers]
    mean = float(abs(heights[0] - heights[-1]) / (len(heights) - 1)) if len(heights) > 1 else grid.spacing[head]
    in_plane = (grid.spacing[front] * strides[front], grid.spacing[right] * strides[right])
    return Coarse(np.ascontiguousarray(part), (mean, *in_plane), heights, numbers, rows, columns)


def without_padding(hu: np.ndarray) -> np.ndarray:
    """Values as float32 with air in place of what only fills the box: very low ones, NaN, and the corners' constant."""
    found = hu.astype(np.float32)
    corners = hu[:, [0, 0, -1, -1], [0, -1, 0, -1]].ravel()
    values, counts = np.unique(
        corners[~np.isnan(corners)] if corners.dtype.kind == "f" else corners, return_counts=True
    )
    if counts.size and counts.max() > 0.5 * corners.size:
        constant = values[np.argmax(counts)]
        if np.count_nonzero(hu == constant) > 0.01 * hu.size:
            found[hu == constant] = AIR_HU
    return np.where(found > PAD_HU, found, np.float32(AIR_HU))  # NaN compares false
