"""Where head, trunk and pelvis lie in a whole-body PET, by the shape of the body alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..imaging import Grid

# From the neck to where the legs part, mm, in adults: stands in where touching thighs or the field's end hide that.
_TRUNK = 690.0
SKIN = 0.15  # SUV of the smoothed PET that counts as body; fat has 0.15 to 0.35, air about 0


@dataclass(frozen=True)
class BodyPlan:
    """Landmarks in an upright frame: mm from the first voxel of the array turned so that k runs up, j back, i left.

    Attributes
    ----------
    step : voxel edges (k, j, i), mm
    middle : (k,) x of the middle line, mm
    front, back : (k,) y of skin on the middle line, mm
    neck, crotch : height of the narrowest place below the head and of where the legs part, mm; None: not seen
    parted : whether the legs were seen to part; else ``crotch`` is reckoned from the neck
    lungs : heights of their lowest and highest slice, mm; None: not seen, or no CT
    """

    step: np.ndarray
    middle: np.ndarray
    front: np.ndarray
    back: np.ndarray
    neck: float | None
    crotch: float | None
    parted: bool
    lungs: tuple[float, float] | None

    def along(self, z: float) -> float | None:
        """Height as a share of the way from the crotch (0) to the neck (1); None where either is not seen."""
        if self.neck is None or self.crotch is None:
            return None
        return (z - self.crotch) / (self.neck - self.crotch)

    def index(self, z: float) -> int:
        """The slice at a height."""
        return int(np.clip(round(z / self.step[0]), 0, len(self.middle) - 1))


def upright(array: np.ndarray, grid: Grid) -> np.ndarray:
    """A view of ``array`` (k, j, i) whose axes run up, back and left; those of oblique grids as near as can be."""
    order, flips = _turn(grid)
    return np.transpose(array, order)[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]


def upright_indices(indices: np.ndarray, grid: Grid) -> np.ndarray:
    """Voxel indices (n, 3) in (k, j, i) order in the frame of ``upright``."""
    order, flips = _turn(grid)
    turned = np.asarray(indices)[:, order]
    shape = np.array(grid.shape)[list(order)]
    return np.where(flips, shape - 1 - turned, turned)


def upright_step(grid: Grid) -> np.ndarray:
    """Voxel edges along up, back and left, mm."""
    order, _ = _turn(grid)
    return np.array(grid.spacing[::-1])[list(order)]


def _turn(grid: Grid) -> tuple[tuple[int, int, int], np.ndarray]:
    """Which array axes run up, back and left, and which of them must be flipped."""
    near = grid.reoriented("LPS").matrix
    matrix = grid.matrix
    axes = [int(np.argmax(np.abs(matrix[row] * (np.abs(matrix) == np.abs(matrix).max(0))[row]))) for row in (2, 1, 0)]
    if sorted(axes) != [0, 1, 2]:
        axes = [int(np.argmax(np.abs(near[row]))) for row in (2, 1, 0)]
    flips = np.array([matrix[row, axis] < 0 for row, axis in zip((2, 1, 0), axes)])
    return tuple(2 - axis for axis in axes), flips


def body_plan(suv: np.ndarray, ct: np.ndarray | None, step: np.ndarray) -> BodyPlan | None:
    """The landmarks of an upright PET (k, j, i; SUV) and, where there is one, its CT on the same grid (HU).

    None where the field is too short (350 mm) or too narrow (250 mm) to be a whole body.
    """
    shape = np.array(suv.shape) * step
    if shape[0] < 350 or shape[2] < 250 or shape[1] < 150:
        return None
    smooth = ndimage.gaussian_filter(np.clip(suv, 0, 4).astype(np.float32), 5.0 / step, truncate=2.5)
    pieces, count = ndimage.label(smooth > SKIN)
    if not count:
        return None
    body = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    body = np.stack([ndimage.binary_fill_holes(one) for one in body])
    columns = body.any(1)
    centre = float(np.median(np.concatenate([np.flatnonzero(row) for row in columns]) if columns.any() else [0]))
    own, width = _central(body, centre, step)
    neck = _neck(width, step[0])
    middle = _line(own, width, step[0], neck)
    front, back = _depth(body, middle, step)
    crotch = _crotch(body, float(np.median(middle)), step)
    parted = crotch is not None and (neck is None or 560 < neck - crotch < 860)
    if not parted:
        crotch = None if neck is None else neck - _TRUNK
    return BodyPlan(step, middle, front, back, neck, crotch, parted, _lungs(body, ct, middle, step))


def _central(body: np.ndarray, centre: float, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle line (mm) and width (mm) of the piece of each slice that lies nearest to the middle of the body."""
    middle, width = np.full(len(body), np.nan), np.zeros(len(body))
    for k, one in enumerate(body):
        pieces, count = ndimage.label(one)
        if not count:
            continue
        best = None
        for number, where in enumerate(ndimage.find_objects(pieces), 1):
            size = int((pieces[where] == number).sum())
            low, high = where[1].start, where[1].stop - 1
            away = max(low - centre, centre - high, 0) * step[2]
            score = size * float(np.prod(step[1:])) / (1 + (away / 25) ** 2)
            if best is None or score > best[0]:
                best = (score, low, high)
        middle[k], width[k] = (best[1] + best[2]) / 2 * step[2], (best[2] - best[1] + 1) * step[2]
    return middle, width


def _line(own: np.ndarray, width: np.ndarray, step: float, neck: float | None) -> np.ndarray:
    """Middle line (k,), mm: of the trunk, smoothed; of the head from the neck on, where arms do not pull it aside."""
    heights = np.arange(len(own)) * step
    trunk = np.isfinite(own) & (width > 220) & (heights < (np.inf if neck is None else neck - 60))
    if not trunk.any():
        trunk = np.isfinite(own)
    seen = np.flatnonzero(trunk)
    line = np.interp(np.arange(len(own)), seen, ndimage.median_filter(own[seen], 31, mode="nearest"))
    if neck is not None:
        head = np.isfinite(own) & (np.abs(heights - neck) < 40)
        line = np.where(heights > neck - 30, np.median(own[head]), line)
    return line


def _depth(body: np.ndarray, middle: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last y (mm) of the body within 40 mm of the middle line, smoothed along the body."""
    x = np.arange(body.shape[2]) * step[2]
    near = np.abs(x[None, :] - middle[:, None]) < 40
    rows = (body & near[:, None, :]).sum(2) >= 2
    front = np.where(rows.any(1), rows.argmax(1), np.nan)
    back = np.where(rows.any(1), rows.shape[1] - 1 - rows[:, ::-1].argmax(1), np.nan)
    seen = np.flatnonzero(np.isfinite(front))
    ends = []
    for edge in (front, back):
        smooth = ndimage.median_filter(edge[seen], 15, mode="nearest") if len(seen) else np.zeros(1)
        ends.append(np.interp(np.arange(len(body)), seen if len(seen) else [0], smooth) * step[1])
    return ends[0], ends[1]


def _neck(width: np.ndarray, step: float) -> float | None:
    """Height of the neck: the narrowest slice above the shoulders, with what is as wide as a head above it."""
    smooth = ndimage.uniform_filter1d(width, max(1, round(12 / step)), mode="nearest")
    broad = np.flatnonzero(smooth > 255)
    if not len(broad):
        return None
    shoulder = int(broad.max())
    above = smooth[shoulder : shoulder + round(170 / step)]
    if len(above) * step < 40:
        return None
    neck = shoulder + int(np.argmin(np.where(above > 40, above, np.inf)[: round(130 / step)]))
    head = smooth[neck : neck + round(150 / step)]
    if not 60 < smooth[neck] < 190 or not 90 < head.max() < 240:
        return None
    return neck * step


def _crotch(body: np.ndarray, middle: float, step: np.ndarray) -> float | None:
    """Height at which the legs part: below it the strip on the middle line is nearly empty."""
    x = np.arange(body.shape[2]) * step[2]
    strip = body[:, :, np.abs(x - middle) < 8]
    filled = strip.mean(2).sum(1) * step[1]
    deep = np.percentile(filled[filled > 0], 60) if (filled > 0).any() else 0.0
    parted = filled < 0.4 * deep
    half = len(body) // 2
    joined = np.flatnonzero(~parted[:half])
    run = int(joined[0]) if len(joined) else 0
    # Thighs that touch again further up are still thighs: the last parted slice counts if most below it are.
    for k in range(half - 1, run, -1):
        if parted[k] and parted[: k + 1].mean() > 0.7:
            run = k + 1
            break
    if run * step[0] < 25:
        return None
    return run * step[0]


def _lungs(body: np.ndarray, ct: np.ndarray | None, middle: np.ndarray, step: np.ndarray) -> tuple[float, float] | None:
    """Lowest and highest slice with air inside the body on both sides."""
    if ct is None:
        return None
    air = body & (ct < -550) & (ct > -1000)
    air = ndimage.binary_erosion(air)
    x = np.arange(body.shape[2]) * step[2]
    left = x[None, :] > middle[:, None] + 15
    area = float(np.prod(step[1:])) / 100
    sides = [(air & side[:, None, :]).sum((1, 2)) * area for side in (left, x[None, :] < middle[:, None] - 15)]
    both = np.flatnonzero(np.minimum(*sides) > 12)
    if len(both) * step[0] < 60:
        return None
    runs = np.split(both, np.flatnonzero(np.diff(both) > round(12 / step[0])) + 1)
    longest = max(runs, key=len)
    return float(longest[0] * step[0]), float(longest[-1] * step[0])
