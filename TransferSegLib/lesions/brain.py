"""Uptake of the brain among lesions: what fills the skull and is even; a tumour in it or at its base stays a lesion."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .body_plan import SKIN, BodyPlan
from .lesion import Lesion
from .spots import Spot

_RAYS = 36
_REACH, _AROUND = 32.0, 130.0  # mm from the brain's edge to the skin; degrees about the middle of the head
_WIDE = 80.0  # mm
_HOT, _HOT_ML = 1.6, 4.0  # times the SUV that 70 % of the uptake stays below, and how much of it is no brain


def like_brain(lesion: Lesion, spot: Spot, plan: BodyPlan, spots: list[Spot], shape: tuple, ct) -> bool:
    """Place, size, symmetry and, with a CT, bone around, as of the brain; a tumour at its base may share them."""
    if plan.neck is None or spot.centre[0] < plan.neck + 35 or spot.centre[0] > plan.neck + 330:
        return False
    cut = bool(spot.voxels[:, 0].max() >= shape[0] - 1)
    if lesion.volume_ml < (10 if cut else 40) or abs(spot.aside) > 60 or lesion.volume_ml > 2200:
        return False
    if _mirrored(spot, plan, spots) < 0.4:
        return False
    return ct is None or _ringed(spot, plan, ct)


def is_brain(spot: Spot, plan: BodyPlan, suv: np.ndarray) -> bool:
    """Whether what lies like the brain fills the head, as only the brain does, and holds no hot piece of its own.

    Where the image ends through it, its lowest parts do not fill the head, but are together as wide as no tumour is.
    """
    wide = bool(spot.voxels[:, 0].max() >= suv.shape[0] - 1 and spot.extent[2] >= _WIDE)
    return (wide or _fills_head(spot, plan, suv)) and not _hot_piece(spot, plan, suv)


def _fills_head(spot: Spot, plan: BodyPlan, suv: np.ndarray) -> bool:
    """Whether a spot's edge lies near the skin over a wide angle in the slice where it is largest."""
    heights, areas = np.unique(spot.voxels[:, 0], return_counts=True)
    k = int(heights[np.argmax(areas)])
    slab = np.clip(suv[max(k - 6, 0) : k + 7], 0, 4).astype(np.float32)
    smooth = ndimage.gaussian_filter(slab, 5.0 / plan.step, truncate=2.5)[min(k, 6)]
    body = ndimage.binary_fill_holes(smooth > SKIN)
    own = np.zeros(body.shape, dtype=bool)
    own[tuple(spot.voxels[spot.voxels[:, 0] == k, 1:].T)] = True
    x = np.arange(body.shape[1]) * plan.step[2]
    head = body & (np.abs(x - plan.middle[k]) < 130)
    centre = np.argwhere(head).mean(0) * plan.step[1:] if head.any() else spot.centre[1:]
    far = np.arange(0.0, 150.0, 2.0)
    crossed = near = 0
    for angle in np.arange(_RAYS) * 2 * np.pi / _RAYS:
        ways = centre[:, None] + far * np.array([[np.sin(angle)], [np.cos(angle)]])
        j, i = np.round(ways / plan.step[1:, None]).astype(int)
        inside = (j >= 0) & (j < body.shape[0]) & (i >= 0) & (i < body.shape[1])
        hot, tissue = own[j[inside], i[inside]], head[j[inside], i[inside]]
        if hot.any():
            crossed += 1
            near += far[np.flatnonzero(tissue).max(initial=0)] - far[np.flatnonzero(hot).max()] <= _REACH
    return crossed * 360 / _RAYS >= _AROUND and near >= 0.6 * crossed


def _hot_piece(spot: Spot, plan: BodyPlan, suv: np.ndarray) -> bool:
    """Whether some of a spot is much hotter than the rest, in one piece."""
    low = spot.voxels.min(0)
    values = suv[tuple(spot.voxels.T)]
    hot = np.zeros(spot.voxels.max(0) - low + 1, dtype=bool)
    hot[tuple((spot.voxels - low)[values > _HOT * np.percentile(values, 70)].T)] = True
    pieces, count = ndimage.label(hot)
    return bool(count and np.bincount(pieces.ravel())[1:].max() * np.prod(plan.step) / 1000 >= _HOT_ML)


def _mirrored(spot: Spot, plan: BodyPlan, spots: list[Spot]) -> float:
    """Share of a spot whose mirror image at the middle line of the head holds a lesion too."""
    near = [one.voxels for one in spots if abs(one.centre[0] - spot.centre[0]) < 90]
    everything = np.concatenate(near)
    around = everything[np.abs(everything[:, 2] * plan.step[2] - spot.centre[2]) < 150]
    middle = (around[:, 2].min() + around[:, 2].max()) / 2
    if abs(middle * plan.step[2] - plan.middle[plan.index(spot.centre[0])]) > 45:
        return 0.0
    keys = {tuple(v) for v in np.round(around / 2).astype(int)}
    mirror = spot.voxels.astype(float).copy()
    mirror[:, 2] = 2 * middle - mirror[:, 2]
    return float(np.mean([tuple(v) in keys for v in np.round(mirror / 2).astype(int)]))


def _ringed(spot: Spot, plan: BodyPlan, ct: np.ndarray) -> bool:
    """Whether bone lies in most directions within 110 mm in the slice of a spot's middle."""
    k, j, i = np.round(spot.centre / plan.step).astype(int)
    hits = 0
    for angle in np.arange(24) * np.pi / 12:
        far = np.arange(15.0, 110.0, 2.0)
        rows = np.clip(np.round(j + far * np.sin(angle) / plan.step[1]).astype(int), 0, ct.shape[1] - 1)
        columns = np.clip(np.round(i + far * np.cos(angle) / plan.step[2]).astype(int), 0, ct.shape[2] - 1)
        hits += bool((ct[max(k - 1, 0) : k + 2, rows, columns] > 180).any())
    return hits >= 15
