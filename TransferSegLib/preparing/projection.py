"""Maximum-intensity projections of a CT, head to foot, in which a vertebral level is a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.ndimage import correlate1d

from ..errors import UsageError
from ..imaging.scan import Scan
from .projecting import View, views_of

VIEWS = ("frontal", "lateral")


@dataclass(frozen=True)
class ProjectionSpec:
    """How a projection is made.

    Parameters
    ----------
    views : tuple of {"frontal", "lateral"}
        The maximum is taken from front to back, or from right to left.
    hu : tuple of float
        Values are clipped to this range and scaled to 0..1 (Belharbi et al. 2017: 100 to 1500 HU).
    row_mm : float
        Side of a pixel, mm, in both directions.
    width : int
        Columns; the body is centred in them.
    """

    views: tuple[str, ...] = ("frontal",)
    hu: tuple[float, float] = (100.0, 1500.0)
    row_mm: float = 1.0
    width: int = 512

    def __post_init__(self) -> None:
        object.__setattr__(self, "views", tuple(self.views))
        object.__setattr__(self, "hu", (float(self.hu[0]), float(self.hu[1])))
        if not self.views or not set(self.views) <= set(VIEWS):
            raise UsageError(f"views {', '.join(self.views) or '(none)'}: choose among {', '.join(VIEWS)}")
        if not self.hu[0] < self.hu[1] or not self.row_mm > 0 or self.width < 1:
            raise UsageError(f"a projection of {self.hu} HU, {self.row_mm} mm, {self.width} columns; correct the card")

    @classmethod
    def of_card(cls, card: Any) -> ProjectionSpec:
        """What a level model's card asks for (its ``projection``, ``spacing`` and ``window``)."""
        return cls(tuple(card.projection["views"]), tuple(card.projection["hu"]), card.spacing[0], int(card.window[1]))


@dataclass(frozen=True, eq=False)
class Projection:
    """A scan seen from the front or from the side.

    Parameters
    ----------
    pixels : float32 array (views, rows, width)
        0..1. Row 0 is the most superior; column 0 the patient's right (frontal) or front (lateral). Zero
        outside the scan.
    spec : ProjectionSpec
        How it was made.
    top : float
        Height of the centre of row 0, mm (LPS S).
    indices : (rows,) array
        Continuous slice index at each row, along the scan's axis; strictly monotone.
    positions : (n, 3) array
        LPS centre of each slice of the scan, mm.
    centres : tuple of float
        For each view the LPS coordinate, mm, in the middle of the width (x of a frontal, y of a lateral one).
    """

    pixels: np.ndarray = field(repr=False)
    spec: ProjectionSpec
    top: float
    indices: np.ndarray = field(repr=False)
    positions: np.ndarray = field(repr=False)
    centres: tuple[float, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.pixels.shape[1]

    def mm_of_row(self, row: float) -> float:
        """Height, mm (LPS S), of a row."""
        return float(self.top - row * self.spec.row_mm)

    def row_of_mm(self, z: float) -> float:
        """Row at a height, mm (LPS S); outside 0..rows-1 it lies beyond the scan."""
        return float((self.top - z) / self.spec.row_mm)

    def row_of_slice(self, k: float) -> float:
        """Row of a slice, by its true place (a fraction lies between two slices)."""
        return _interpolate(float(k), self.indices, np.arange(self.rows, dtype=float))

    def index_of_row(self, row: float) -> float:
        """Continuous slice index at a row, not clipped."""
        return _interpolate(float(row), np.arange(self.rows, dtype=float), self.indices)

    def slice_of_row(self, row: float) -> int:
        """The slice nearest to a row, one of the scan's."""
        return int(np.clip(np.rint(self.index_of_row(row)), 0, len(self.positions) - 1))

    def position_of_row(self, row: float) -> tuple[float, float, float]:
        """LPS centre, mm, of the slice plane at a row (between two slices: between their centres)."""
        place, numbers = self.index_of_row(row), np.arange(len(self.positions), dtype=float)
        return tuple(_interpolate(place, numbers, self.positions[:, a]) for a in range(3))


def _interpolate(x: float, xp: np.ndarray, fp: np.ndarray) -> float:
    """``np.interp`` for one point, ``xp`` rising or falling, straight on beyond its ends."""
    if len(xp) < 2:
        return float(fp[0])
    if xp[0] > xp[-1]:
        xp, fp = xp[::-1], fp[::-1]
    here = int(np.clip(np.searchsorted(xp, x) - 1, 0, len(xp) - 2))
    return float(fp[here] + (x - xp[here]) * (fp[here + 1] - fp[here]) / (xp[here + 1] - xp[here]))


def project(scan: Scan, spec: ProjectionSpec | None = None) -> Projection:
    """The projections of a scan that ``spec`` asks for; reads the voxels once a view, without a copy.

    Image axes within 15 degrees of the body's are projected as they are, so that a row is a slice; otherwise
    a coarse copy along the body's axes is projected, and a row is the slice that meets the spine at its height.
    """
    spec = spec or ProjectionSpec()
    views, top, rows, indices = views_of(scan, spec)
    heights = top - spec.row_mm * np.arange(rows)
    made = [_pixels(view, heights, spec) for view in views]
    return Projection(
        pixels=np.stack([pixels for pixels, _ in made]),
        spec=spec,
        top=top,
        indices=indices,
        positions=scan.positions,
        centres=tuple(centre for _, centre in made),
    )


def _pixels(view: View, heights: np.ndarray, spec: ProjectionSpec) -> tuple[np.ndarray, float]:
    """One view on the projection's own grid, (rows, width), and the coordinate in its middle."""
    low, high = spec.hu
    grey = (np.clip(view.maxima, low, high) - low) / (high - low)
    centre = view.centre()
    columns = centre + (np.arange(spec.width) - (spec.width - 1) / 2.0) * spec.row_mm
    grey = _resampled(_smoothed(grey.T, view.places, spec.row_mm), view.places, columns).T
    grey = _resampled(_smoothed(grey, view.heights, spec.row_mm), view.heights, heights)
    return np.ascontiguousarray(grey, dtype=np.float32), centre


def _smoothed(values: np.ndarray, places: np.ndarray, pixel: float) -> np.ndarray:
    """Values (n, m) averaged with a tent as wide as a pixel where pixels are coarser than the samples."""
    reach = pixel / float(np.median(np.diff(places))) if len(places) > 1 else 1.0
    if reach < 1.4:
        return values
    whole = int(np.ceil(reach)) - 1
    tent = 1.0 - np.abs(np.arange(-whole, whole + 1)) / reach
    return correlate1d(values, tent / tent.sum(), axis=0, mode="nearest")


def _resampled(values: np.ndarray, places: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Linear interpolation of (n, m) ``values`` at rising ``places`` (n,) onto ``wanted``; zero outside."""
    if len(places) == 1:
        return np.where(np.abs(wanted - places[0])[:, None] < 0.5, values[:1], 0.0)
    low = np.clip(np.searchsorted(places, wanted) - 1, 0, len(places) - 2)
    share = (wanted - places[low]) / (places[low + 1] - places[low])
    inside = (share >= -1e-6) & (share <= 1 + 1e-6)
    share = np.clip(share, 0, 1)[:, None].astype(values.dtype)
    result = values[low] * (1 - share) + values[low + 1] * share
    result[~inside] = 0
    return result
