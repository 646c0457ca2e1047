"""What a coarse look at each slice tells: body, bone, lung, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from .coarse import Coarse, without_padding

TISSUE_HU, BONE_HU, CORTEX_HU = -300.0, 180.0, 700.0
# The middle of the body, where the spine is: this far to both sides, mm.
_MIDDLE_MM = 35.0


@dataclass(frozen=True, eq=False)
class Trunk:
    """Measures of each coarse slice, arrays of shape (n,), from head to foot; lengths in mm, areas in cm2.

    ``spine`` is where the bone of the body's middle lies between its front (-1) and its back (1), NaN where
    the body runs out of the picture in front or behind; ``lung`` is what lies on both sides alike;
    ``open_sides`` whether air is seen on both sides; ``ring`` is the share of the body's lines that begin and
    end with bone; ``parted`` whether the body's middle is empty, as between two legs.
    """

    width: np.ndarray
    depth: np.ndarray
    area: np.ndarray
    bone: np.ndarray
    cortex: np.ndarray
    lung: np.ndarray
    spine: np.ndarray
    ring: np.ndarray
    parted: np.ndarray
    open_sides: np.ndarray = field(repr=False)


def trunk_of(small: Coarse) -> Trunk:
    """Measure the body (the largest pieces; tables and cables are dropped) in every coarse slice."""
    hu = without_padding(small.hu)
    body = _body(hu > TISSUE_HU, small)
    area = body.sum(axis=(1, 2)) * small.pixel_cm2
    filled = _spans(body, 1)  # lungs and bowel gas lie within the outline
    bone = body & (hu > BONE_HU)
    left, right = _ends(body.any(axis=1))
    front, back = _ends(body.any(axis=2))
    return Trunk(
        width=(right - left) * small.steps[2],
        depth=(back - front) * small.steps[1],
        area=area,
        bone=bone.sum(axis=(1, 2)) * small.pixel_cm2,
        cortex=(body & (hu > CORTEX_HU)).sum(axis=(1, 2)) * small.pixel_cm2,
        lung=_lung(filled & (hu < -500) & (hu > -960), left, right) * small.pixel_cm2,
        spine=_spine(body, bone, small),
        ring=_ring(body, bone, small),
        parted=_parted(body, small),
        open_sides=(left > 0) & (right < body.shape[2]),
    )


def _body(tissue: np.ndarray, small: Coarse) -> np.ndarray:
    """Tissue less thin things (in the slice), of that the pieces of at least a tenth of the largest."""
    core = np.zeros((1, 3, 3), bool)
    core[0, 1, :] = core[0, :, 1] = True
    opened = ndimage.binary_opening(tissue, core) if max(small.steps[1:]) < 8 else tissue
    # Beside the border, opening eats what goes on outside.
    opened[:, :, [0, -1]] |= tissue[:, :, [0, -1]] & opened[:, :, [1, -2]]
    opened[:, [0, -1]] |= tissue[:, [0, -1]] & opened[:, [1, -2]]
    labels, count = ndimage.label(opened)
    if count < 2:
        return opened
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (sizes >= 0.1 * sizes.max())[labels]


def _spans(mask: np.ndarray, axis: int) -> np.ndarray:
    """Everything between the first and the last voxel of each line along ``axis``."""
    after = np.logical_or.accumulate(mask, axis=axis)
    before = np.flip(np.logical_or.accumulate(np.flip(mask, axis), axis=axis), axis)
    return after & before


def _ends(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First index and one past the last of each row of (n, m); 0, 0 where there is none."""
    some = lines.any(axis=1)
    first = np.where(some, np.argmax(lines, axis=1), 0)
    last = np.where(some, lines.shape[1] - np.argmax(lines[:, ::-1], axis=1), 0)
    return first, last


def _spine(body: np.ndarray, bone: np.ndarray, small: Coarse) -> np.ndarray:
    across = np.arange(body.shape[2]) * small.steps[2]
    area = np.maximum(body.sum(axis=(1, 2)), 1)
    middle = (body.sum(axis=1) @ across) / area
    near = np.abs(across - middle[:, None]) < _MIDDLE_MM
    band = (body & near[:, None, :]).any(axis=2)
    front, back = _ends(band)
    found = (bone & near[:, None, :]).sum(axis=2)
    count = found.sum(axis=1)
    place = (found @ np.arange(body.shape[1])) / np.maximum(count, 1)
    half = np.maximum((back - front) / 2.0, 1)
    seen = (front > 0) & (back < body.shape[1]) & (count * small.pixel_cm2 > 2.0) & (half * small.steps[1] > 30)
    return np.where(seen, (place - (front + back - 1) / 2.0) / half, np.nan)


def _lung(thin: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Twice the smaller of what lies on the two sides of the body's middle, voxels (n,): bowel gas is seldom paired."""
    middle = (left + right) // 2
    counts = np.cumsum(thin.sum(axis=1), axis=1)
    before = counts[np.arange(len(counts)), np.maximum(middle - 1, 0)]
    return 2 * np.minimum(before, counts[:, -1] - before)


def _parted(body: np.ndarray, small: Coarse) -> np.ndarray:
    """Whether no body lies within 8 mm of its middle, between the outermost sides, (n,)."""
    lines = body.any(axis=1)
    left, right = _ends(lines)
    off = np.abs(np.arange(lines.shape[1]) - ((left + right - 1) / 2.0)[:, None]) * small.steps[2]
    return (right > left) & ~(lines & (off < 8.0)).any(axis=1)


def _ring(body: np.ndarray, bone: np.ndarray, small: Coarse) -> np.ndarray:
    """Share of lines across the body with bone within 20 mm of both its sides, (n,)."""
    n, rows, columns = body.shape
    reach = 20.0 / small.steps[2]
    left, right = _ends(body.reshape(-1, columns))
    first, last = _ends(bone.reshape(-1, columns))
    held = (last > 0) & (first - left <= reach) & (right - last <= reach) & (last - first > 2 * reach)
    lines = (right > left).reshape(n, rows)
    return held.reshape(n, rows).sum(axis=1) / np.maximum(lines.sum(axis=1), 1)
