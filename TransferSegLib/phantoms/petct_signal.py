"""From activity to what a PET scanner shows: point spread, partial volume, noise by dose; and lesions in both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .petct_lesions import Shaped
from .petct_plan import Scanner


@dataclass(frozen=True)
class Axes:
    """Voxel centres of a grid, ascending, mm; lengths in the order (k, j, i)."""

    z: np.ndarray
    y: np.ndarray
    x: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.z), len(self.y), len(self.x)

    @property
    def step(self) -> np.ndarray:
        """(k, j, i) mm."""
        return np.array([axis[1] - axis[0] for axis in (self.z, self.y, self.x)])

    def part(self, where: tuple[slice, slice, slice]) -> Axes:
        """The axes of a block."""
        return Axes(self.z[where[0]], self.y[where[1]], self.x[where[2]])

    def around(self, low: np.ndarray, high: np.ndarray, margin: float) -> tuple[slice, slice, slice]:
        """The block of voxels within ``margin`` mm of a box (z, y, x); empty slices where it lies outside."""
        spans = []
        for axis, a, b in zip((self.z, self.y, self.x), low, high):
            spans.append(slice(int(np.searchsorted(axis, a - margin)), int(np.searchsorted(axis, b + margin))))
        return tuple(spans)


def sampled(volume: np.ndarray, source: Axes, target: Axes, heights: np.ndarray) -> np.ndarray:
    """Linear interpolation of a volume at target positions; ``heights`` are the source z of the target's slices."""
    places = ((source.z, heights), (source.y, target.y), (source.x, target.x))
    for axis, (own, wanted) in enumerate(places):
        where = np.clip((wanted - own[0]) / (own[1] - own[0]), 0, len(own) - 1.0)
        low = np.minimum(where.astype(int), len(own) - 2)
        share = (where - low).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(3)])
        volume = np.take(volume, low, axis) * (1 - share) + np.take(volume, low + 1, axis) * share
    return volume


def nearest(labels: np.ndarray, source: Axes, target: Axes, heights: np.ndarray) -> np.ndarray:
    """Labels at target positions, the nearest voxel's; 0 outside of the source."""
    places = ((source.z, heights), (source.y, target.y), (source.x, target.x))
    for axis, (own, wanted) in enumerate(places):
        where = np.rint((wanted - own[0]) / (own[1] - own[0])).astype(int)
        inside = ((where >= 0) & (where < len(own))).reshape([-1 if n == axis else 1 for n in range(3)])
        labels = np.take(labels, np.clip(where, 0, len(own) - 1), axis) * inside
    return labels


def blurred(volume: np.ndarray, scanner: Scanner, step: np.ndarray, drawn: float = 0.0) -> np.ndarray:
    """Gaussian point spread; ``drawn`` mm (FWHM) of blur is in the volume already."""
    width = np.sqrt(max(scanner.fwhm**2 - drawn**2, 1.0)) / 2.3548
    return ndimage.gaussian_filter(volume, width / step, mode="nearest", truncate=3.0)


def shares(lesion: Shaped, axes: Axes, heights: np.ndarray, where: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Share of each voxel of a block that a lesion fills, and share x uptake pattern, (k, j, i), by sub-sampling."""
    fine = (2, 3, 3)
    step = axes.step
    offsets = [((np.arange(n) + 0.5) / n - 0.5) * s for n, s in zip(fine, step)]
    own = (heights[where[0]], axes.y[where[1]], axes.x[where[2]])
    points = [(axis[:, None] + offset[None]).ravel() for axis, offset in zip(own, offsets)]
    share, pattern = lesion.on(*points, width=float(min(step / fine)))
    shape = [n for axis, f in zip(own, fine) for n in (len(axis), f)]
    filled = share.reshape(shape).mean((1, 3, 5))
    return filled, (share * pattern).reshape(shape).mean((1, 3, 5))


@dataclass
class Hot:
    """What the lesions do to a PET.

    Attributes
    ----------
    truth : (k, j, i) uint8, number of the lesion
    suv : (k, j, i) float32, noise-free PET with the lesions
    peaks : noise-free SUVmax of each lesion
    volumes : ml of each on the PET grid
    """

    truth: np.ndarray
    suv: np.ndarray
    peaks: list[float]
    volumes: list[float]


def with_lesions(
    activity: np.ndarray, lesions: list[Shaped], axes: Axes, heights: np.ndarray, scanner: Scanner, drawn: float
) -> Hot:
    """Put lesions into ``activity`` (k, j, i) so that each one's hottest voxel after blur has the SUV it should."""
    blocks, left = [], np.ones(axes.shape, dtype=np.float32)
    truth = np.zeros(axes.shape, dtype=np.uint8)
    margin = 1.5 * scanner.fwhm + 16 + float(axes.step.max())
    for number, lesion in enumerate(lesions, 1):
        # A lesion moves with the breath as a whole, so that it keeps its volume.
        moved = float(np.interp(lesion.centre[0], heights, heights - axes.z))
        low, high = lesion.reach()
        where = axes.around(low - (moved, 0, 0), high - (moved, 0, 0), margin)
        if any(s.start >= s.stop for s in where):
            blocks.append(None)
            continue
        filled, uptake = shares(lesion, axes, axes.z + moved, where)
        left[where] *= 1 - filled
        _mark(truth[where], filled, number)
        blocks.append((where, filled, blurred(uptake, scanner, axes.step)))
    suv = blurred(activity * left, scanner, axes.step, drawn)
    peaks = []
    for number, (lesion, block) in enumerate(zip(lesions, blocks), 1):
        peaks.append(_heat(suv, activity, truth, number, lesion, block))
    voxel = float(np.prod(axes.step)) / 1000
    return Hot(truth, suv, peaks, [float((truth == n + 1).sum() * voxel) for n in range(len(lesions))])


def _mark(truth: np.ndarray, filled: np.ndarray, number: int) -> None:
    """The voxels filled most, as many as make up the volume that lies in the field."""
    count = round(float(filled.sum()))
    if count:
        order = np.argsort(filled, axis=None, kind="stable")[::-1][:count]
        chosen = np.zeros(filled.size, dtype=bool)
        chosen[order] = True
        truth[chosen.reshape(filled.shape) & (filled > 0.05)] = number


def _heat(suv, activity, truth, number: int, lesion: Shaped, block) -> float:
    """Add a lesion's blurred uptake, scaled to its SUV, at least 1.5 x the tissue it replaces; returns its peak."""
    if block is None:
        return 0.0
    where, filled, uptake = block
    own = truth[where] == number
    if not own.any():
        return 0.0
    around = float((activity[where] * filled).sum() / max(filled.sum(), 1e-6))
    target = float(np.clip(max(lesion.wish.suv, 1.5 * around), None, 30.0))
    below = suv[where]
    hottest = np.unravel_index(np.argmax(np.where(own, uptake, -1)), own.shape)
    scale = max(target - float(below[hottest]), 0.35 * target) / float(uptake[hottest])
    suv[where] += np.float32(scale) * uptake
    return float(suv[where][own].max())


def noisy(
    suv: np.ndarray, level: float, body: np.ndarray, scanner: Scanner, rng: np.random.Generator, reference: float
) -> np.ndarray:
    """Noise of reconstruction: correlated, its variance grows with the activity and in wide slices; none below 0.

    ``level`` is its relative standard deviation where the SUV is ``reference`` (the liver's); ``body`` the share of
    each slice, over the usual, that the body fills, (k,).
    """
    grain = rng.standard_normal(suv.shape, dtype=np.float32)
    grain = ndimage.gaussian_filter(grain, scanner.grain)
    grain /= np.float32(grain.std())
    spread = np.sqrt(np.maximum(suv, 0.0) * np.float32(reference)) + np.float32(0.03)
    strength = np.float32(level) * np.clip(body, 0.5, 1.6).astype(np.float32)[:, None, None]
    return np.maximum(suv + strength * spread * grain, 0)
