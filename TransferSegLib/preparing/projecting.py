"""From voxels to raw maxima: which image axes to look along, and where rows and columns lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..imaging.arrays import to_array
from ..imaging.grid import Grid
from ..imaging.scan import Scan, anatomical_axes, scan_of
from .spine_line import spine_line

if TYPE_CHECKING:
    from .projection import ProjectionSpec

# Axes further off the body's than this, degrees, are resampled first.
_OBLIQUE = 15.0
# The coarse copy of an oblique scan: voxel side, mm, and the most voxels it may have.
_COARSE_MM, _COARSE_VOXELS = 2.0, 3e7
# Bone for the centring, HU: above fat, muscle and most table tops; and how much of its density above that counts.
_BONE, _DENSE = 150.0, 1000.0
_OUTSIDE = -1024


@dataclass(frozen=True)
class View:
    """Raw maxima of one view.

    ``maxima`` (n, columns) float32, HU, n rising by ``heights`` (n,) mm; columns rising by ``places`` mm
    (LPS x of a frontal view, y of a lateral one: ``across`` 0 or 1).
    """

    maxima: np.ndarray
    heights: np.ndarray
    places: np.ndarray
    across: int = 0

    def centre(self) -> float:
        """The coordinate of the body's middle: the median of the rows' bone medians.

        Bones lie on both sides alike, tables hardly reach bone's HU, and an arm is in few rows or in pairs.
        """
        total = np.cumsum(np.clip(self.maxima - _BONE, 0, _DENSE), axis=1)
        medians, bone = self.places[np.argmax(total >= np.maximum(total[:, -1:] / 2, 1e-6), axis=1)], total[:, -1]
        rows = bone > 0.2 * np.median(bone[bone > 0]) if (bone > 0).any() else bone > 0
        if not rows.any():
            return float((self.places[0] + self.places[-1]) / 2.0)
        return float(np.median(medians[rows]))


def views_of(scan: Scan, spec: ProjectionSpec) -> tuple[list[View], float, int, np.ndarray]:
    """The raw views, the height of row 0 (mm), the number of rows and the slice index at each row."""
    if is_oblique(scan):
        return _oblique(scan, spec)
    heights = scan.heights
    nominal = scan.grid.points([(np.array(scan.grid.size) - 1) / 2.0])[0]
    views = [_direct(scan.array(), scan.grid, heights, name) for name in spec.views]
    shift = scan.positions.mean(axis=0) - nominal  # with gantry tilt or gaps the grid is the nominal one
    views = [replace(view, places=view.places + shift[view.across]) for view in views]
    top, rows = _extent(heights, spec)
    wanted = top - spec.row_mm * np.arange(rows)
    order = np.argsort(heights)
    indices = np.interp(wanted, heights[order], np.arange(scan.count, dtype=float)[order])
    return views, top, rows, indices


def bare_maxima(scan: Scan) -> np.ndarray:
    """The maxima along the image axis nearest to front-back, float32, HU: foot first, the patient's right first.

    They depend on the voxels alone, not on how exactly a file writes spacing and position.
    """
    return _direct(scan.array(), scan.grid, scan.heights, "frontal").maxima


def is_oblique(scan: Scan) -> bool:
    """Whether a scan is looked at through a copy along the body's axes, its own being too far off them."""
    return _off_axes(scan.grid) > _OBLIQUE and scan.even


def upright(scan: Scan) -> Scan:
    """The scan; of an oblique one a coarse copy along the body's axes (LPS), air where it does not reach."""
    return scan_of(_coarse(scan), modality=scan.modality) if is_oblique(scan) else scan


def _off_axes(grid: Grid) -> float:
    """The largest angle, degrees, between an image axis and the body axis it is nearest to."""
    axes = anatomical_axes(grid)
    cosines = [abs(grid.matrix[row, axes[row]]) for row in range(3)]
    return float(np.degrees(np.arccos(np.clip(min(cosines), 0, 1))))


def _extent(heights: np.ndarray, spec: ProjectionSpec) -> tuple[float, int]:
    top, bottom = float(heights.max()), float(heights.min())
    return top, int(np.floor((top - bottom) / spec.row_mm + 1e-6)) + 1


def _direct(voxels: np.ndarray, grid: Grid, heights: np.ndarray, name: str) -> View:
    """The maxima along an image axis; ``heights`` (n,) of the slices."""
    axes = anatomical_axes(grid)
    across, along = (0, 1) if name == "frontal" else (1, 0)  # LPS rows: columns run across, the ray along
    maxima = _maximum(voxels, 2 - axes[along])
    left = [axis for axis in (2, 1, 0) if axis != axes[along]]  # array order of what is left
    if left[0] != axes[2]:
        maxima = maxima.T
    index = np.tile((np.array(grid.size) - 1) / 2.0, (grid.size[axes[across]], 1))
    index[:, axes[across]] = np.arange(grid.size[axes[across]])
    places = grid.points(index)[:, across]
    rows, columns = np.argsort(heights, kind="stable"), np.argsort(places, kind="stable")
    return View(maxima[rows][:, columns], heights[rows], places[columns], across)


def _maximum(voxels: np.ndarray, axis: int) -> np.ndarray:
    """The maximum along an array axis, float32, block by block; NaN counts as nothing there."""
    blocks = [voxels] if axis == 0 else voxels
    along = 0 if axis == 0 else axis - 1
    found = np.stack([block.max(axis=along) for block in blocks])
    if found.dtype.kind == "f" and np.isnan(found).any():  # once more, slower, only where it matters
        found = np.stack([np.fmax.reduce(block, axis=along) for block in blocks])
    return np.nan_to_num(found[0] if axis == 0 else found, nan=_OUTSIDE).astype(np.float32)


def _oblique(scan: Scan, spec: ProjectionSpec) -> tuple[list[View], float, int, np.ndarray]:
    """The same from a coarse copy along the body's axes, and the slice that meets the spine at each row."""
    coarse = _coarse(scan)
    grid, voxels = Grid.of(coarse), to_array(coarse)
    places = [start + step * np.arange(count) for start, step, count in zip(grid.origin, grid.spacing, grid.size)]
    views = [_direct(voxels, grid, places[2], name) for name in spec.views]
    top, rows = _extent(places[2], spec)
    wanted = top - spec.row_mm * np.arange(rows)
    line = spine_line(voxels[:, ::2, ::2], places[0][::2], places[1][::2], places[2])  # as good, and quick
    x, y = (np.interp(wanted, places[2], along) for along in line)
    indices = scan.grid.indices(np.stack([x, y, wanted], axis=1))[:, scan.axis]
    falling = indices[-1] < indices[0]
    steps = np.arange(rows) * 1e-6  # strictly monotone, even where the spine bends against the slices
    indices = -np.maximum.accumulate(-indices) - steps if falling else np.maximum.accumulate(indices) + steps
    return views, top, rows, indices


def _coarse(scan: Scan) -> sitk.Image:
    corners = scan.grid.corners()
    low, high = corners.min(axis=0), corners.max(axis=0)
    side = max(_COARSE_MM, float((np.prod(high - low) / _COARSE_VOXELS) ** (1 / 3)))
    size = np.maximum(np.ceil((high - low) / side), 2).astype(int)
    box = Grid(tuple(size), (side,) * 3, tuple(low + side / 2.0))
    return sitk.Resample(
        scan.image,
        list(box.size),
        sitk.Transform(3, sitk.sitkIdentity),
        sitk.sitkLinear,
        box.origin,
        box.spacing,
        box.direction,
        float(_OUTSIDE),
        sitk.sitkFloat32 if scan.image.GetPixelID() in (sitk.sitkFloat32, sitk.sitkFloat64) else sitk.sitkInt16,
    )
