"""The distance from vertebra to vertebra, from how density repeats along the spine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from ..imaging.scan import Scan, anatomical_axes
from .coarse import Coarse, coarse

# Half sides of the sagittal band that is followed along the spine, mm: across, and from front to back.
_ACROSS_MM, _DEEP_MM, _COLUMN_MM = 9.0, 40.0, 2.0
_TREND_MM = 60.0
# Greatest height of the pieces compared and the furthest they are looked for, mm; columns they may slide.
_PIECE_MM, _LAG_MM, _SLIDE = 30, 100, 5
_BONE_HU = 150.0
_SHORTEST_ROWS, _LEAST_SPREAD, _ALIKE = 36, 30.0, 0.26


@dataclass(frozen=True)
class Period:
    """The step from vertebra to vertebra.

    ``mm`` is the median over pieces of the spine; ``share`` is how many pieces have a step at all, and
    ``agreement`` how many of those have nearly this one (each 0..1).
    """

    mm: float
    share: float
    agreement: float


def spine_period(scan: Scan, small: Coarse | None = None) -> Period | None:
    """The step from vertebra to vertebra by the header's millimetres, or None where nothing repeats.

    In a sagittal band that follows the bone of the body's middle, vertebrae and discs take turns: how far
    below a piece of it is the next that looks like it is the step. Where there is no spine something else may
    repeat: look at the body first.
    """
    band = spine_band(scan, small or coarse(scan))
    if band is None or len(band) < _SHORTEST_ROWS:
        return None
    steps = [_step(curve) for curve in _likeness(band)]
    found = np.array([step for step in steps if step])
    if len(found) < 3:
        return None
    usual = float(np.median(found))
    return Period(usual, len(found) / len(steps), float(np.mean(np.abs(np.log(found / usual)) < _ALIKE)))


def _likeness(band: np.ndarray) -> Iterator[np.ndarray]:
    """For pieces of the band, how like each is to what lies each lag below it, (lags,).

    A piece may be found some columns further to the front or back, since the spine is curved.
    """
    n, columns = band.shape
    tall = int(np.clip(n // 4, 12, _PIECE_MM))
    inner = slice(_SLIDE, columns - _SLIDE)
    pieces = np.lib.stride_tricks.sliding_window_view(band, tall, axis=0)  # (start, column, row)
    for start in range(0, n - tall - 12, max(10, n // 40)):
        one = pieces[start, inner] - pieces[start, inner].mean()
        if np.sqrt((one * one).mean()) < _LEAST_SPREAD:
            continue
        last = min(start + min(_LAG_MM, n - 2 * tall), n - tall)
        best = np.full(last + 1 - start, -1.0)
        for slide in range(0, 2 * _SLIDE + 1, 2):
            other = pieces[start : last + 1, slide : columns - 2 * _SLIDE + slide]
            other = other - other.mean(axis=(1, 2), keepdims=True)
            spread = np.sqrt((one * one).sum() * (other * other).sum(axis=(1, 2)))
            best = np.maximum(best, np.einsum("cr,lcr->l", one, other) / np.maximum(spread, 1e-6))
        yield best


def _step(curve: np.ndarray) -> int:
    """The first lag of a high peak that stands out from the valley before it; 0 where there is none."""
    peaks = np.flatnonzero((curve[1:-1] > curve[:-2]) & (curve[1:-1] >= curve[2:])) + 1
    high = [int(lag) for lag in peaks if lag >= 4 and curve[lag] > 0.4 and curve[lag] - curve[:lag].min() > 0.25]
    return high[0] if high else 0


def spine_band(scan: Scan, small: Coarse) -> np.ndarray | None:
    """Density of the sagittal band, (rows at 1 mm, columns), slow trend removed; None with too little bone."""
    centres = _centre_line(small)
    if centres is None or len(small.numbers) < 4:
        return None
    values = _band(scan, small, *centres)
    return values - uniform_filter1d(values, int(_TREND_MM), axis=0, mode="nearest")


def _centre_line(small: Coarse) -> tuple[np.ndarray, np.ndarray] | None:
    """Image index, across and from front to back, of the bone in the body's middle at each coarse slice.

    Of the rows' bone, near where most of all bone is, the median; smoothed over 60 mm.
    """
    lines = []
    for axis, step, indices in ((1, small.steps[2], small.columns), (2, small.steps[1], small.rows)):
        seen = np.clip(np.nan_to_num(small.hu.max(axis=axis).astype(np.float32)) - _BONE_HU, 0, 1000.0)
        reach = max(1, round(60.0 / max(small.steps[0], 1e-3)))
        bone = seen.sum(axis=1)
        if np.median(bone) * step < _BONE_HU:
            return None
        middle = int(np.median(_halves(seen)[bone > 0.2 * np.median(bone)]))
        seen = uniform_filter1d(seen, reach, axis=0, mode="nearest")
        seen = seen * (np.abs(np.arange(seen.shape[1]) - middle) * step < 90)
        half = np.where(seen.any(axis=1), _halves(seen), middle)
        lines.append(uniform_filter1d(indices[half].astype(float), reach, mode="nearest"))
    return lines[0], lines[1]


def _halves(seen: np.ndarray) -> np.ndarray:
    """The column at which half of each row is reached, (n,)."""
    total = np.cumsum(seen, axis=1)
    return np.argmax(total >= np.maximum(total[:, -1:], 1e-6) / 2.0, axis=1)


def _band(scan: Scan, small: Coarse, across: np.ndarray, deep: np.ndarray) -> np.ndarray:
    """Clipped density around the line in each slice, averaged across, at 1-mm heights from the top, (rows, columns)."""
    grid, (right, front, head) = scan.grid, anatomical_axes(scan.grid)
    voxels = scan.array().transpose(2, 1, 0).transpose(right, front, head)
    order = np.argsort(small.numbers)
    numbers = np.arange(scan.count)
    x, y = (np.interp(numbers, small.numbers[order], line[order]) for line in (across, deep))
    offsets = np.arange(-_DEEP_MM, _DEEP_MM + 1, _COLUMN_MM) / grid.spacing[front] * np.sign(grid.matrix[1, front])
    half = max(0.5, _ACROSS_MM / grid.spacing[right])
    values = np.empty((scan.count, len(offsets)))
    for k in numbers:
        low = int(np.clip(x[k] - half, 0, grid.size[right] - 1))
        high = int(np.clip(x[k] + half, low + 1, grid.size[right]))
        rows = np.clip(np.rint(y[k] + offsets).astype(int), 0, grid.size[front] - 1)
        values[k] = np.clip(voxels[low:high, rows, k], 0, 500).mean(axis=0)
    # Where an upright line through the body meets the planes: not where their centres are, when they lean.
    normal = grid.matrix[:, head]
    heights = scan.positions @ normal / normal[2]
    rising = np.argsort(heights, kind="stable")
    wanted = np.arange(heights.max(), heights.min(), -1.0)
    return np.stack([np.interp(wanted, heights[rising], column[rising]) for column in values.T], axis=1)
