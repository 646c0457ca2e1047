"""Normal uptake among lesions: brain, bladder, kidneys and heart named apart; what is in doubt stays a lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ..imaging import Grid
from .body_plan import BodyPlan, body_plan, upright, upright_indices, upright_step
from .kidneys import Kidney, find_kidneys
from .lesion import Lesion

ORGANS = ("brain", "bladder", "kidney", "heart")
_RULE = {
    "en": (
        "Nothing is named unless the PET shows a whole body (at least 350 mm long, the neck and the place where the "
        "legs part by the outline of the body; where the legs are not seen to part, a CT is needed).",
        "brain: above the neck, across or mirrored at the middle line, at least 40 ml (10 ml where the image ends "
        "through it); with a CT, bone lies around it.",
        "bladder: within 25 mm of the middle line, in the lowest quarter of the trunk, not at the back, compact, 5 to "
        "900 ml; with a CT the middle of its hot core, 9 mm below the surface, has the density of water or of excreted "
        "contrast; without, SUVmax is 40 or more, with at least 15 ml above half of it.",
        "kidney: only with a CT that shows both kidneys: warm soft-tissue organs of a kidney's size and shape beside "
        "the middle line, at a similar height, with fat beside them, whose uptake is moderate (median SUV at most 4) "
        "but for hot pieces of at most 15 ml (urine); what lies within them is named. A larger mass stays a lesion.",
        "heart: left of the middle line in the front of the chest, 25 to 500 ml, a cup or ring around a cooler middle; "
        "with a CT, between the lungs.",
        "What fits only in part keeps its place among the lesions and is counted; where it lies as a bladder or kidney "
        "would, a note says so, for you to look and move it.",
    ),
    "fr": (
        "Rien n'est nommé si la TEP ne montre pas un corps entier (350 mm au moins, le cou et la séparation des "
        "jambes reconnus au contour du corps ; sans cette dernière, il faut un scanner).",
        "cerveau : au-dessus du cou, à cheval sur la ligne médiane ou symétrique, 40 ml au moins (10 ml si l'image "
        "s'y arrête) ; avec un scanner, entouré d'os.",
        "vessie : à moins de 25 mm de la ligne médiane, dans le quart inférieur du tronc, pas en arrière, compacte, "
        "5 à 900 ml ; avec un scanner, son centre, à 9 mm sous la surface, a la densité de l'eau ou du contraste "
        "excrété ; sans, SUVmax de 40 au moins, dont 15 ml au moins au-dessus de la moitié.",
        "rein : seulement avec un scanner qui montre les deux reins : organes de tissu mou fixant, de taille et de "
        "forme rénales, de part et d'autre de la ligne médiane, à hauteur semblable, bordés de graisse, de fixation "
        "modérée (SUV médiane de 4 au plus) hormis des foyers de 15 ml au plus (urine) ; ce qui s'y trouve est nommé. "
        "Une masse active plus grande reste une lésion.",
        "cœur : à gauche de la ligne médiane, à l'avant du thorax, 25 à 500 ml, coupe ou anneau autour d'un centre "
        "moins actif ; avec un scanner, entre les poumons.",
        "Ce qui ne correspond qu'en partie reste parmi les lésions et compte ; à la place d'une vessie ou d'un rein, "
        "une note le dit, pour que vous regardiez et le déplaciez.",
    ),
}


def rule_in_words(lang: str = "en") -> tuple[str, ...]:
    """The rule by which uptake is named physiological, a sentence each, for the report (``en`` or ``fr``)."""
    return _RULE.get(lang, _RULE["en"])


@dataclass(frozen=True)
class _Spot:
    """One lesion in the upright frame: voxels (n, 3), centre and extent mm, from the middle line and the front."""

    voxels: np.ndarray
    centre: np.ndarray
    extent: np.ndarray
    aside: float
    nearest: float
    inward: float


def name_physiological(
    lesions: Sequence[Lesion],
    labels: np.ndarray | None,
    suv: np.ndarray,
    ct_on_pet: np.ndarray | None,
    grid: Grid,
) -> tuple[Lesion, ...]:
    """The lesions with ``physiological`` set to ``brain``, ``bladder``, ``kidney`` or ``heart``, or "" in doubt.

    ``suspected`` is ``bladder`` or ``kidney`` where a lesion that stays one lies as that organ's urine would.

    Parameters
    ----------
    lesions : of ``find_lesions``
    labels : (k, j, i) their numbers; used for lesions without a ``part``, may be None otherwise
    suv : (k, j, i) SUVbw, g/ml
    ct_on_pet : (k, j, i) HU on the PET's grid, -1024 where the CT does not reach; None without a CT
    grid : the PET's

    Notes
    -----
    A rule of geometry that looks at no atlas and no model; its words are ``rule_in_words``.
    """
    step = upright_step(grid)
    turned = upright(np.asarray(suv), grid)
    ct = None if ct_on_pet is None else upright(np.asarray(ct_on_pet), grid)
    plan = body_plan(turned, ct, step) if lesions else None
    if plan is None:
        return tuple(replace(lesion, physiological="", suspected="") for lesion in lesions)
    kidneys = find_kidneys(plan, turned, ct)
    spots = [_spot(lesion, labels, grid, plan) for lesion in lesions]
    named = []
    for lesion, spot in zip(lesions, spots):
        name = suspected = ""
        if _is_brain(lesion, spot, plan, spots, turned.shape, ct):
            name = "brain"
        elif _like_bladder(lesion, spot, plan):
            organ = "bladder"
            name, suspected = (organ, "") if _holds_urine(lesion, spot, plan, turned, ct) else ("", organ)
        elif _is_heart(lesion, spot, plan, turned, ct):
            name = "heart"
        elif any(_within(spot, turned, kidney, plan) for kidney in kidneys):
            name = "kidney"
        elif _like_kidney(lesion, spot, plan, turned, ct):
            suspected = "kidney"
        named.append(replace(lesion, physiological=name, suspected=suspected))
    return tuple(named)


def _spot(lesion: Lesion, labels: np.ndarray | None, grid: Grid, plan: BodyPlan) -> _Spot:
    own = lesion.part.indices() if lesion.part is not None else np.argwhere(labels == lesion.number)
    voxels = upright_indices(own, grid)
    places = voxels * plan.step
    centre = places.mean(0)
    k = plan.index(centre[0])
    across = places[:, 2] - plan.middle[voxels[:, 0]]
    nearest = 0.0 if across.min() <= 0 <= across.max() else float(np.abs(across).min())
    depth = max(plan.back[k] - plan.front[k], 1.0)
    extent = np.ptp(places, axis=0) + plan.step
    return _Spot(voxels, centre, extent, float(across.mean()), nearest, float((centre[1] - plan.front[k]) / depth))


def _is_brain(lesion: Lesion, spot: _Spot, plan: BodyPlan, spots: list[_Spot], shape: tuple, ct) -> bool:
    if plan.neck is None or spot.centre[0] < plan.neck + 35 or spot.centre[0] > plan.neck + 330:
        return False
    cut = bool(spot.voxels[:, 0].max() >= shape[0] - 1)
    if lesion.volume_ml < (10 if cut else 40) or abs(spot.aside) > 60 or lesion.volume_ml > 2200:
        return False
    if _mirrored(spot, plan, spots) < 0.4:
        return False
    return ct is None or _ringed(spot, plan, ct)


def _mirrored(spot: _Spot, plan: BodyPlan, spots: list[_Spot]) -> float:
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


def _ringed(spot: _Spot, plan: BodyPlan, ct: np.ndarray) -> bool:
    """Whether bone lies in most directions within 110 mm in the slice of a spot's middle."""
    k, j, i = np.round(spot.centre / plan.step).astype(int)
    hits = 0
    for angle in np.arange(24) * np.pi / 12:
        far = np.arange(15.0, 110.0, 2.0)
        rows = np.clip(np.round(j + far * np.sin(angle) / plan.step[1]).astype(int), 0, ct.shape[1] - 1)
        columns = np.clip(np.round(i + far * np.cos(angle) / plan.step[2]).astype(int), 0, ct.shape[2] - 1)
        hits += bool((ct[max(k - 1, 0) : k + 2, rows, columns] > 180).any())
    return hits >= 15


def _core(spot: _Spot, suv: np.ndarray, share: float) -> np.ndarray:
    """Voxels of a spot with at least ``share`` of its SUVmax."""
    values = suv[tuple(spot.voxels.T)]
    return spot.voxels[values >= share * values.max()]


def _like_bladder(lesion: Lesion, spot: _Spot, plan: BodyPlan) -> bool:
    """Place, size and compactness of a bladder, which a pelvic mass may share."""
    along = plan.along(spot.centre[0])
    if along is None or not -0.03 < along < 0.27 or not 5 <= lesion.volume_ml <= 900:
        return False
    if abs(spot.aside) > 25 or not 0.15 < spot.inward < 0.68:
        return False
    return lesion.volume_ml * 1000 / (np.pi / 6 * np.prod(spot.extent)) >= 0.5


def _holds_urine(lesion: Lesion, spot: _Spot, plan: BodyPlan, suv: np.ndarray, ct) -> bool:
    """Whether what lies as a bladder has the density of urine; without a CT, uptake that tumours do not reach."""
    if ct is None:
        half = len(_core(spot, suv, 0.5)) * float(np.prod(plan.step)) / 1000
        return plan.parted and lesion.suv_max >= 40 and abs(spot.aside) < 18 and half >= 15
    middle = _deep(_core(spot, suv, 0.6), plan, 9.0)  # near its surface fat and muscle come to water's density
    if len(middle) * float(np.prod(plan.step)) < 1000:
        return False
    density = _smooth(ct, middle, plan, 3.0)
    watery = np.mean((density > -20) & (density < 27)) + np.mean((density > 110) & (density < 2500))
    middle = float(np.median(density))
    return bool(watery > 0.6 and not 25 < middle < 110)


def _deep(voxels: np.ndarray, plan: BodyPlan, depth: float) -> np.ndarray:
    """Those of ``voxels`` (n, 3) that lie at least ``depth`` mm below the surface of what they fill."""
    low = voxels.min(0) - 1
    mask = np.zeros(voxels.max(0) - low + 2, dtype=bool)
    mask[tuple((voxels - low).T)] = True
    inner = ndimage.distance_transform_edt(mask, sampling=plan.step)[tuple((voxels - low).T)]
    return voxels[inner >= depth]


def _smooth(ct: np.ndarray, voxels: np.ndarray, plan: BodyPlan, width: float = 4.0) -> np.ndarray:
    """HU at ``voxels`` (n, 3), its noise smoothed over ``width`` mm."""
    low = np.maximum(voxels.min(0) - 4, 0)
    block = ct[tuple(slice(a, b + 5) for a, b in zip(low, voxels.max(0)))]
    return ndimage.gaussian_filter(block.astype(np.float32), width / plan.step)[tuple((voxels - low).T)]


def _is_heart(lesion: Lesion, spot: _Spot, plan: BodyPlan, suv: np.ndarray, ct) -> bool:
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


def _between_lungs(spot: _Spot, plan: BodyPlan, ct: np.ndarray) -> bool:
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


def _hollow(spot: _Spot, plan: BodyPlan, suv: np.ndarray) -> bool:
    """Whether the middle of a spot is cooler than its wall: the chamber within the muscle."""
    low = spot.voxels.min(0)
    size = spot.voxels.max(0) - low + 1
    mask = np.zeros(size + 2, dtype=bool)
    mask[tuple((spot.voxels - low + 1).T)] = True
    whole = ndimage.binary_closing(np.pad(mask, 6), _ball(22 / plan.step))[6:-6, 6:-6, 6:-6]
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


def _ball(radii: np.ndarray) -> np.ndarray:
    axes = [np.arange(-int(r), int(r) + 1) / max(r, 1) for r in radii]
    return sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")) <= 1


def _like_kidney(lesion: Lesion, spot: _Spot, plan: BodyPlan, suv: np.ndarray, ct) -> bool:
    """Place and size of a kidney or of the urine in it, which a retroperitoneal mass may share."""
    along = plan.along(spot.centre[0])
    if along is None or not 0.33 < along < 0.62 or lesion.volume_ml > 450:
        return False
    if not plan.parted and plan.lungs is None:
        return False
    if plan.lungs is not None and spot.centre[0] > plan.lungs[0] + 30:
        return False
    if not 30 < abs(spot.aside) < 85 or spot.nearest < 14 or not 0.45 < spot.inward < 0.88 or spot.extent[0] > 160:
        return False
    if lesion.volume_ml >= 30:  # the kidney as a whole
        if spot.extent[0] < 45 or max(spot.extent[1:]) > 100:
            return False
    elif lesion.suv_max < 3.5 or _surroundings(spot, plan, suv) < 1.2:
        return False
    if ct is None:
        return True
    around = _shell(spot, plan, ct.shape, 14.0, 14.0)
    density = _smooth(ct, around, plan)
    return bool(np.mean(density > 0) > 0.45 and np.mean(density > 300) < 0.06 and np.mean(density < -300) < 0.04)


def _surroundings(spot: _Spot, plan: BodyPlan, suv: np.ndarray) -> float:
    """Median SUV of the hotter half of what lies 8 to 16 mm around a spot: the kidney's own tissue, if it is one."""
    around = _shell(spot, plan, suv.shape, 16.0, 8.0)
    values = suv[tuple(around.T)] if len(around) else np.zeros(1)
    return float(np.percentile(values, 65))


def _shell(spot: _Spot, plan: BodyPlan, shape: tuple, outer: float, inner: float) -> np.ndarray:
    """Voxels (n, 3) within ``outer`` mm of a spot; beyond ``inner`` mm of it where that is less."""
    grow = np.ceil(outer / plan.step).astype(int) + 1
    low = np.maximum(spot.voxels.min(0) - grow, 0)
    high = np.minimum(spot.voxels.max(0) + grow + 1, shape)
    mask = np.zeros(high - low, dtype=bool)
    mask[tuple((spot.voxels - low).T)] = True
    away = ndimage.distance_transform_edt(~mask, sampling=plan.step)
    chosen = (away <= outer) & (away > inner) if inner < outer else away <= outer
    return np.argwhere(chosen) + low


def _within(spot: _Spot, suv: np.ndarray, kidney: Kidney, plan: BodyPlan) -> bool:
    """Whether a spot is a kidney's own uptake."""
    core = _core(spot, suv, 0.6) * plan.step
    values = suv[tuple(spot.voxels.T)]
    return kidney.holds(core, spot.voxels * plan.step, values, float(np.prod(plan.step)) / 1000)
