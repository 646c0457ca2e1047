"""Where the windows of a sliding window lie, and how each of their voxels is weighted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Placement:
    """Windows over one volume; all indices are (k, j, i).

    Attributes
    ----------
    window : tuple of int
        Size that every window has: the one asked for, smaller along an axis that the volume does not fill.
    pad_before, pad_after : tuple of int
        Background voxels to add on each side so that the volume is at least one window large.
    starts : tuple of tuple of int
        First voxel of each window in the padded volume, sorted by k, then j, then i.
    skipped : int
        Windows left out because no voxel of the mask lies in them.
    low, high : tuple of int
        Box of the padded volume that the windows cover (half open).
    """

    window: tuple[int, int, int]
    pad_before: tuple[int, int, int]
    pad_after: tuple[int, int, int]
    starts: tuple[tuple[int, int, int], ...]
    skipped: int
    low: tuple[int, int, int]
    high: tuple[int, int, int]

    @property
    def padded(self) -> bool:
        """Whether the volume is smaller than one window along some axis."""
        return any(self.pad_before) or any(self.pad_after)


def place_windows(
    shape: tuple[int, int, int],
    mask: np.ndarray | None = None,
    *,
    window: tuple[int, int, int] = (128, 128, 128),
    overlap: float = 0.5,
    divisor: int | tuple[int, int, int] = 16,
    within: Box | None = None,
) -> Placement:
    """Cover the mask's bounding box with as few windows as the overlap allows.

    Along an axis of n voxels windows start every ``window * (1 - overlap)`` voxels and the last one is snapped to
    the edge: ceil((n - window) / step) + 1 windows, as many as nnU-Net's rule gives. Where the volume is
    smaller than the window, the window shrinks to the next multiple of ``divisor``, and what is still missing is
    padded with background, equally on both sides: no time goes into windows of padding.

    Parameters
    ----------
    shape : tuple of int
        Volume (k, j, i) in voxels.
    mask : bool array of that shape, optional
        Brain or body; windows without a voxel of it are skipped. An empty mask gives no window.
    window : tuple of int
        Window (k, j, i) in voxels, multiples of ``divisor``.
    overlap : float
        Share of a window that its neighbour covers too, 0 <= overlap < 1.
    divisor : int or tuple of int
        What the network's input sizes must be divisible by; one number for all axes, or (k, j, i).
    within : ((int, int), ...) along k, j and i, optional
        Cover this box (half open) instead of the mask's: one slice is then covered as in its volume.
    """
    window = tuple(int(w) for w in window)
    divisors = (divisor,) * 3 if isinstance(divisor, int) else tuple(divisor)
    if not 0 <= overlap < 1:
        raise UsageError(f"overlap: got {overlap}, expected 0 <= overlap < 1")
    if len(window) != 3 or any(w <= 0 or w % d for w, d in zip(window, divisors)):
        raise UsageError(f"window: got {window}, expected three multiples of {divisor}")
    window = tuple(min(w, math.ceil(n / d) * d) for w, n, d in zip(window, shape, divisors))
    before = tuple(max(w - n, 0) // 2 for w, n in zip(window, shape))
    after = tuple(max(w - n, 0) - b for w, n, b in zip(window, shape, before))
    padded = tuple(n + b + a for n, b, a in zip(shape, before, after))
    box = _bounding_box(mask, shape)
    box = box if within is None or box is None else list(within)
    if box is None:
        return Placement(window, before, after, (), 0, (0, 0, 0), (0, 0, 0))
    ranges = [_axis_range(lo + b, hi + b, w, n) for (lo, hi), b, w, n in zip(box, before, window, padded)]
    axes = [[lo + s for s in _axis_starts(hi - lo, w, overlap)] for (lo, hi), w in zip(ranges, window)]
    every = [(k, j, i) for k in axes[0] for j in axes[1] for i in axes[2]]
    kept = tuple(start for start in every if mask is None or _any_mask(mask, start, window, before))
    low, high = (tuple(r[side] for r in ranges) for side in (0, 1))
    return Placement(window, before, after, kept, len(every) - len(kept), low, high)


def gaussian_weights(window: tuple[int, int, int], *, sigma_scale: float = 0.125) -> np.ndarray:
    """Weights float32 (k, j, i) of a window's voxels: a Gaussian of sigma ``sigma_scale * window``, at least 0.001.

    The same weights as MONAI's ``SlidingWindowInferer(mode="gaussian")``.
    """
    profiles = []
    for size in window:
        x = np.arange(size, dtype=np.float64) - (size - 1) / 2
        profiles.append(np.exp(-(x**2) / (2 * (sigma_scale * size) ** 2)))
    weights = np.einsum("k,j,i->kji", *profiles).astype(np.float32)
    return np.maximum(weights, max(float(weights[weights > 0].min()), 1e-3), dtype=np.float32)


def central_weights(window: tuple[int, int, int], *, centre: float = 0.5) -> np.ndarray:
    """Weights float32 (k, j, i): 1 in the middle ``centre`` of a window, falling to 0.001 at its rim.

    With the square root of the distance from that middle, in voxels along the worst axis, as TMTV-Net weighs its tiles
    (methods.md, section 1).
    """
    outside = []
    for size in window:
        half = int(size * centre) // 2
        place = np.arange(size)
        outside.append(np.maximum(np.maximum(size // 2 - half - place, place - (size // 2 + half - 1)), 0))
    distance = np.maximum.reduce(np.meshgrid(*outside, indexing="ij")).astype(np.float64)
    weights = 1.0 - np.sqrt(distance / max(float(distance.max()), 1.0))
    return np.maximum(weights, 1e-3).astype(np.float32)


def _bounding_box(mask: np.ndarray | None, shape: tuple[int, int, int]) -> list[tuple[int, int]] | None:
    """Half-open range of the mask along each axis; the whole volume without a mask, None for an empty one."""
    if mask is None:
        return [(0, n) for n in shape]
    if tuple(mask.shape) != tuple(shape):
        raise UsageError(f"mask: got shape {tuple(mask.shape)}, expected that of the volume {tuple(shape)}")
    box = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        if hit.size == 0:
            return None
        box.append((int(hit[0]), int(hit[-1]) + 1))
    return box


def _axis_range(low: int, high: int, window: int, size: int) -> tuple[int, int]:
    """Grow a range to at least one window, about its centre, inside 0..size."""
    if high - low >= window:
        return low, high
    start = min(max((low + high - window) // 2, 0), size - window)
    return start, start + window


def _axis_starts(size: int, window: int, overlap: float) -> list[int]:
    """First voxels of the windows along one axis of ``size`` voxels."""
    step = max(int(window * (1 - overlap)), 1)
    count = math.ceil((size - window) / step) + 1
    return [min(n * step, size - window) for n in range(count)]


def _any_mask(mask: np.ndarray, start: tuple[int, int, int], window: tuple, before: tuple) -> bool:
    """Whether the window that starts at ``start`` of the padded volume holds a voxel of the mask."""
    box = tuple(slice(max(s - b, 0), max(s - b + w, 0)) for s, w, b in zip(start, window, before))
    return bool(mask[box].any())
