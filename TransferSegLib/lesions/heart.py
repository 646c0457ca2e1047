"""Uptake of the heart among lesions: a thin cup of a ventricle's size; a mass on it or beside it stays a lesion."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .body_plan import BodyPlan
from .lesion import Lesion
from .spots import Spot, ball

_WALL = 15.0  # mm, half of the thickest place of the muscle as it shows in the PET


def like_heart(lesion: Lesion, spot: Spot, plan: BodyPlan, suv: np.ndarray, ct) -> bool:
    """Place, size and hollowness of the left ventricle, which a necrotic mediastinal mass may share."""
    along = plan.along(spot.centre[0])
    if not 25 <= lesion.volume_ml <= 500 or not 8 < spot.aside < 85 or not 0.1 < spot.inward < 0.62:
        return False
    if spot.extent.max() > 150 or spot.extent.min() < 30:
        return False
    if ct is not None:
        if plan.lungs is None:
            return False
        height = (spot.centre[0] - plan.lungs[0]) / (plan.lungs[1] - plan.lungs[0])
        if not -0.15 < height < 0.5:
            return False
        if not _between_lungs(spot, plan, ct):
            return False
    elif along is None or not plan.parted or not 0.6 < along < 0.785:
        return False
    return _hollow(spot, plan, suv)


def is_heart(spot: Spot, plan: BodyPlan) -> bool:
    """Whether what lies like the heart is nowhere thicker than its muscle."""
    low = spot.voxels.min(0) - 1
    mask = np.zeros(spot.voxels.max(0) - low + 2, dtype=bool)
    mask[tuple((spot.voxels - low).T)] = True
    return bool(ndimage.distance_transform_edt(mask, sampling=plan.step).max() <= _WALL)


def _between_lungs(spot: Spot, plan: BodyPlan, ct: np.ndarray) -> bool:
    """Whether lung lies to the left and to the right within 170 mm in most slices of a spot."""
    sides = np.zeros(2)
    heights = np.unique(spot.voxels[:, 0])
    j = round(spot.centre[1] / plan.step[1])
    reach = round(170 / plan.step[2])
    i = round(spot.centre[2] / plan.step[2])
    for k in heights:
        rows = ct[k, max(j - 4, 0) : j + 8]
        sides += [(rows[:, i : i + reach] < -550).sum() > 4, (rows[:, max(i - reach, 0) : i] < -550).sum() > 4]
    return bool((sides >= 0.4 * len(heights)).all())


def _hollow(spot: Spot, plan: BodyPlan, suv: np.ndarray) -> bool:
    """Whether the middle of a spot is cooler than its wall: the chamber within the muscle."""
    low = spot.voxels.min(0)
    size = spot.voxels.max(0) - low + 1
    mask = np.zeros(size + 2, dtype=bool)
    mask[tuple((spot.voxels - low + 1).T)] = True
    whole = ndimage.binary_closing(np.pad(mask, 6), ball(22 / plan.step))[6:-6, 6:-6, 6:-6]
    whole = ndimage.binary_fill_holes(whole)
    inner = whole & (ndimage.distance_transform_edt(whole, sampling=plan.step) > 11)
    box = tuple(slice(max(a - 1, 0), b + 2) for a, b in zip(low, spot.voxels.max(0)))
    block = suv[box]
    trim = tuple(slice(1 if a == 0 else 0, (1 if a == 0 else 0) + n) for a, n in zip(low, block.shape))
    inner, mask, whole = inner[trim], mask[trim], whole[trim]
    if inner.sum() < 8:
        return False
    wall = np.percentile(block[mask], 60)
    return bool(np.percentile(block[inner], 15) < 0.62 * wall and whole.sum() > 1.05 * mask.sum())
