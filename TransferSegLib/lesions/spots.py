"""A lesion as the rule of physiological uptake sees it, in the upright frame, and what lies in and around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..imaging import Grid
from .body_plan import BodyPlan, upright_indices
from .lesion import Lesion


@dataclass(frozen=True)
class Spot:
    """One lesion in the upright frame: voxels (n, 3), centre and extent mm, from the middle line and the front."""

    voxels: np.ndarray
    centre: np.ndarray
    extent: np.ndarray
    aside: float
    nearest: float
    inward: float


def spot_of(lesion: Lesion, labels: np.ndarray | None, grid: Grid, plan: BodyPlan) -> Spot:
    """A lesion's voxels (of its ``part``, else of the label map) and where they lie in the body."""
    own = lesion.part.indices() if lesion.part is not None else np.argwhere(labels == lesion.number)
    voxels = upright_indices(own, grid)
    places = voxels * plan.step
    centre = places.mean(0)
    k = plan.index(centre[0])
    across = places[:, 2] - plan.middle[voxels[:, 0]]
    nearest = 0.0 if across.min() <= 0 <= across.max() else float(np.abs(across).min())
    depth = max(plan.back[k] - plan.front[k], 1.0)
    extent = np.ptp(places, axis=0) + plan.step
    return Spot(voxels, centre, extent, float(across.mean()), nearest, float((centre[1] - plan.front[k]) / depth))


def core_of(spot: Spot, suv: np.ndarray, share: float) -> np.ndarray:
    """Voxels of a spot with at least ``share`` of its SUVmax."""
    values = suv[tuple(spot.voxels.T)]
    return spot.voxels[values >= share * values.max()]


def deep_in(voxels: np.ndarray, plan: BodyPlan, depth: float) -> np.ndarray:
    """Those of ``voxels`` (n, 3) that lie at least ``depth`` mm below the surface of what they fill."""
    low = voxels.min(0) - 1
    mask = np.zeros(voxels.max(0) - low + 2, dtype=bool)
    mask[tuple((voxels - low).T)] = True
    inner = ndimage.distance_transform_edt(mask, sampling=plan.step)[tuple((voxels - low).T)]
    return voxels[inner >= depth]


def smooth_at(ct: np.ndarray, voxels: np.ndarray, plan: BodyPlan, width: float = 4.0) -> np.ndarray:
    """HU at ``voxels`` (n, 3), its noise smoothed over ``width`` mm."""
    low = np.maximum(voxels.min(0) - 4, 0)
    block = ct[tuple(slice(a, b + 5) for a, b in zip(low, voxels.max(0)))]
    return ndimage.gaussian_filter(block.astype(np.float32), width / plan.step)[tuple((voxels - low).T)]


def shell_around(spot: Spot, plan: BodyPlan, shape: tuple, outer: float, inner: float) -> np.ndarray:
    """Voxels (n, 3) within ``outer`` mm of a spot; beyond ``inner`` mm of it where that is less."""
    grow = np.ceil(outer / plan.step).astype(int) + 1
    low = np.maximum(spot.voxels.min(0) - grow, 0)
    high = np.minimum(spot.voxels.max(0) + grow + 1, shape)
    mask = np.zeros(high - low, dtype=bool)
    mask[tuple((spot.voxels - low).T)] = True
    away = ndimage.distance_transform_edt(~mask, sampling=plan.step)
    chosen = (away <= outer) & (away > inner) if inner < outer else away <= outer
    return np.argwhere(chosen) + low


def ball(radii: np.ndarray) -> np.ndarray:
    """bool (k, j, i): an ellipsoid of these radii, voxels, as a structuring element."""
    axes = [np.arange(-int(r), int(r) + 1) / max(r, 1) for r in radii]
    return sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")) <= 1
