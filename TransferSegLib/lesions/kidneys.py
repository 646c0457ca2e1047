"""The two kidneys in a whole-body PET/CT: evidence that a mass does not give, or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import Delaunay

from .body_plan import BodyPlan

# SUV that parts the kidney's own tissue from fat and muscle, and, where these touch it, from liver and spleen; and
# how thick (mm, half) a bridge between organs may be.
_WARM, _BRIDGE = (1.4, 1.8, 2.2, 2.6), (7.0, 10.0)
_FAT = 0.12  # of what lies within 3 to 11 mm, both kidneys' mean: liver, spleen, psoas and bowel touch them too
_HOT = 1.6  # times the kidney's median SUV
_URINE_ML = 15.0  # a fuller renal pelvis is not told from a mass


@dataclass(frozen=True)
class Kidney:
    """One kidney in the upright frame: surface points (n, 3) and centre, mm; volume; median SUV; fat's share around."""

    points: np.ndarray
    centre: np.ndarray
    volume_ml: float
    middle: float
    fat: float

    def share(self, places: np.ndarray) -> float:
        """Share of ``places`` (n, 3; mm) within its convex hull, 4 mm wider: the renal pelvis lies in its hollow."""
        hull = Delaunay(self.points)
        toward = self.centre - places
        away = np.linalg.norm(toward, axis=1, keepdims=True)
        return float(np.mean(hull.find_simplex(places + toward * np.minimum(4.0 / np.maximum(away, 1e-6), 1.0)) >= 0))

    def holds(self, core: np.ndarray, places: np.ndarray, values: np.ndarray, voxel_ml: float) -> bool:
        """Whether uptake (hot core and all, (n, 3) mm; SUV of all) is its own: inside, and hot in a small part only."""
        hot = float((values > _HOT * self.middle).sum()) * voxel_ml
        small = hot <= min(_URINE_ML, 0.25 * self.volume_ml)
        return small and self.share(core) >= 0.9 and self.share(places) >= 0.75


def find_kidneys(plan: BodyPlan, suv: np.ndarray, ct: np.ndarray | None) -> tuple[Kidney, ...]:
    """Both kidneys of an upright PET (SUV) and CT (HU) on one grid (k, j, i), or none at all.

    Each is a warm soft-tissue organ of a kidney's size, shape and place, with fat around it, of moderate uptake but
    for small hot pieces (urine); both lie at a similar height and are of similar size. Without a CT there are none.
    """
    if ct is None or plan.neck is None or plan.crotch is None:
        return ()
    best = None
    right, left = (_one_side(plan, suv, ct, side) for side in (-1, 1))
    for a in right:
        for b in left:
            apart = abs(a.centre[0] - b.centre[0])
            ratio = max(a.volume_ml, b.volume_ml) / min(a.volume_ml, b.volume_ml)
            size = (a.volume_ml + b.volume_ml) / (1 + (apart / 30) ** 2)
            if apart < 45 and ratio < 2.5 and a.fat + b.fat > 2 * _FAT and (best is None or size > best[0]):
                best = (size, (a, b))
    return () if best is None else best[1]


def _one_side(plan: BodyPlan, suv: np.ndarray, ct: np.ndarray, side: int) -> list[Kidney]:
    """What passes for a kidney right (-1) or left (1) of the middle line."""
    trunk = plan.neck - plan.crotch
    bottom, top = (plan.index(plan.crotch + share * trunk) for share in (0.25, 0.75))
    middle = plan.middle[(bottom + top) // 2]
    ends = sorted((middle + side * 12, middle + side * 120))
    columns = [int(np.clip(round(x / plan.step[2]), 0, suv.shape[2])) for x in ends]
    box = (slice(bottom, top), slice(0, suv.shape[1]), slice(*columns))
    if top - bottom < 4 or columns[1] - columns[0] < 4:
        return []
    density = ndimage.gaussian_filter(ct[box].astype(np.float32), 3.0 / plan.step)
    heat = ndimage.gaussian_filter(suv[box].astype(np.float32), 2.0 / plan.step)
    low = np.array([bottom, 0, columns[0]])
    found = []
    for warm in _WARM:
        tissue = (density > -10) & (heat > warm)
        depth = ndimage.distance_transform_edt(tissue, sampling=plan.step)
        for bridge in _BRIDGE:
            for organ in _pieces(tissue, depth > bridge, bridge, plan):
                fat = _fat_around(organ, density, plan) if _has_shape(organ, low, plan) else 0.0
                if fat > _FAT / 3 and _is_moderate(organ, suv[box], plan):
                    points = (np.argwhere(organ & ~ndimage.binary_erosion(organ)) + low) * plan.step
                    middle = float(np.median(suv[box][organ]))
                    found.append(Kidney(points, points.mean(0), _ml(organ, plan), middle, fat))
    return found


def _pieces(tissue: np.ndarray, cores: np.ndarray, bridge: float, plan: BodyPlan) -> list[np.ndarray]:
    """The parts of ``tissue`` about each connected core, of a size that a kidney may have."""
    labels, count = ndimage.label(cores)
    sizes = np.bincount(labels.ravel())[1:] * np.prod(plan.step) / 1000
    pieces = []
    for number in range(1, count + 1):
        if 3 <= sizes[number - 1] <= 350:
            away = ndimage.distance_transform_edt(labels != number, sampling=plan.step)
            pieces.append(tissue & (away <= bridge + 2))
    return pieces


def _ml(mask: np.ndarray, plan: BodyPlan) -> float:
    return float(mask.sum() * np.prod(plan.step) / 1000)


def _has_shape(organ: np.ndarray, low: np.ndarray, plan: BodyPlan) -> bool:
    """Size, shape and place of a kidney."""
    volume = _ml(organ, plan)
    if not 35 <= volume <= 300:
        return False
    where = np.argwhere(organ)
    extent = (np.ptp(where, axis=0) + 1) * plan.step
    if not 60 <= extent[0] <= 150 or extent[1:].min() < 28 or extent[1:].max() > min(78, extent[0]):
        return False
    if volume * 1000 < 0.55 * np.pi / 6 * extent.prod():
        return False
    centre = (where.mean(0) + low) * plan.step
    k = plan.index(centre[0])
    inward = (centre[1] - plan.front[k]) / max(plan.back[k] - plan.front[k], 1.0)
    return bool(30 < abs(centre[2] - plan.middle[k]) < 90 and 0.4 < inward < 0.9)


def _fat_around(organ: np.ndarray, density: np.ndarray, plan: BodyPlan) -> float:
    """Share of fat in what lies 3 to 11 mm around an organ; 0 where more than a little of that is air."""
    away = ndimage.distance_transform_edt(~organ, sampling=plan.step)
    around = density[(away > 3) & (away < 11)]
    return 0.0 if np.mean(around < -300) > 0.1 else float(np.mean((around > -150) & (around < -20)))


def _is_moderate(organ: np.ndarray, suv: np.ndarray, plan: BodyPlan) -> bool:
    """Whether an organ's uptake is moderate but for hot pieces that are small, alone and against it."""
    middle = float(np.median(suv[organ]))
    hot = organ & (suv > _HOT * middle)
    pieces, count = ndimage.label(hot, np.ones((3, 3, 3)))
    largest = np.bincount(pieces.ravel())[1:].max() * np.prod(plan.step) / 1000 if count else 0.0
    return bool(middle <= 4.0 and hot.sum() <= 0.25 * organ.sum() and largest <= _URINE_ML)
