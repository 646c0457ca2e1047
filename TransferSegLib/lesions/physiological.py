"""Normal uptake among lesions: brain, bladder, kidneys and heart named apart; what is in doubt stays a lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..imaging import Grid
from .body_plan import BodyPlan, body_plan, upright, upright_step
from .brain import is_brain, like_brain
from .heart import is_heart, like_heart
from .kidneys import Kidney, find_kidneys
from .lesion import Lesion
from .rule_words import rule_in_words
from .spots import Spot, core_of, deep_in, shell_around, smooth_at, spot_of

__all__ = ["ORGANS", "name_physiological", "rule_in_words"]

ORGANS = ("brain", "bladder", "kidney", "heart")


def name_physiological(
    lesions: Sequence[Lesion],
    labels: np.ndarray | None,
    suv: np.ndarray,
    ct_on_pet: np.ndarray | None,
    grid: Grid,
) -> tuple[Lesion, ...]:
    """The lesions with ``physiological`` set to ``brain``, ``bladder``, ``kidney`` or ``heart``, or "" in doubt.

    ``suspected`` is the organ where a lesion that stays one lies as that organ's uptake or urine would.

    Parameters
    ----------
    lesions : of ``find_lesions``
    labels : (k, j, i) their numbers; used for lesions without a ``part``, may be None otherwise
    suv : (k, j, i) SUVbw, g/ml
    ct_on_pet : (k, j, i) HU on the PET's grid, -1024 where the CT does not reach; None without a CT
    grid : the PET's

    Notes
    -----
    A rule of geometry that looks at no atlas and no model; its words are ``rule_words``.
    """
    step = upright_step(grid)
    turned = upright(np.asarray(suv), grid)
    ct = None if ct_on_pet is None else upright(np.asarray(ct_on_pet), grid)
    plan = body_plan(turned, ct, step) if lesions else None
    if plan is None:
        return tuple(replace(lesion, physiological="", suspected="") for lesion in lesions)
    kidneys = find_kidneys(plan, turned, ct)
    spots = [spot_of(lesion, labels, grid, plan) for lesion in lesions]
    named = []
    for lesion, spot in zip(lesions, spots):
        name = suspected = ""
        if like_brain(lesion, spot, plan, spots, turned.shape, ct):
            name, suspected = ("brain", "") if is_brain(spot, plan, turned) else ("", "brain")
        elif _like_bladder(lesion, spot, plan):
            organ = "bladder"
            name, suspected = (organ, "") if _holds_urine(lesion, spot, plan, turned, ct) else ("", organ)
        elif like_heart(lesion, spot, plan, turned, ct):
            name, suspected = ("heart", "") if is_heart(spot, plan) else ("", "heart")
        elif any(_within(spot, turned, kidney, plan) for kidney in kidneys):
            name = "kidney"
        elif _like_kidney(lesion, spot, plan, turned, ct):
            suspected = "kidney"
        named.append(replace(lesion, physiological=name, suspected=suspected))
    return _one_heart(named)


def _one_heart(named: list[Lesion]) -> tuple[Lesion, ...]:
    """There is one heart: where several pass for it, all of them stay lesions."""
    if sum(one.physiological == "heart" for one in named) > 1:
        named = [
            replace(one, physiological="", suspected="heart") if one.physiological == "heart" else one for one in named
        ]
    return tuple(named)


def _like_bladder(lesion: Lesion, spot: Spot, plan: BodyPlan) -> bool:
    """Place, size and compactness of a bladder, which a pelvic mass may share."""
    along = plan.along(spot.centre[0])
    if along is None or not -0.03 < along < 0.27 or not 5 <= lesion.volume_ml <= 900:
        return False
    if abs(spot.aside) > 25 or not 0.15 < spot.inward < 0.68:
        return False
    return lesion.volume_ml * 1000 / (np.pi / 6 * np.prod(spot.extent)) >= 0.5


def _holds_urine(lesion: Lesion, spot: Spot, plan: BodyPlan, suv: np.ndarray, ct) -> bool:
    """Whether what lies as a bladder has the density of urine; without a CT, uptake that tumours do not reach."""
    if ct is None:
        half = len(core_of(spot, suv, 0.5)) * float(np.prod(plan.step)) / 1000
        return plan.parted and lesion.suv_max >= 40 and abs(spot.aside) < 18 and half >= 15
    middle = deep_in(core_of(spot, suv, 0.6), plan, 9.0)  # near its surface fat and muscle come to water's density
    if len(middle) * float(np.prod(plan.step)) < 1000:
        return False
    density = smooth_at(ct, middle, plan, 3.0)
    watery = np.mean((density > -20) & (density < 27)) + np.mean((density > 110) & (density < 2500))
    middle = float(np.median(density))
    return bool(watery > 0.6 and not 25 < middle < 110)


def _like_kidney(lesion: Lesion, spot: Spot, plan: BodyPlan, suv: np.ndarray, ct) -> bool:
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
    around = shell_around(spot, plan, ct.shape, 14.0, 14.0)
    density = smooth_at(ct, around, plan)
    return bool(np.mean(density > 0) > 0.45 and np.mean(density > 300) < 0.06 and np.mean(density < -300) < 0.04)


def _surroundings(spot: Spot, plan: BodyPlan, suv: np.ndarray) -> float:
    """Median SUV of the hotter half of what lies 8 to 16 mm around a spot: the kidney's own tissue, if it is one."""
    around = shell_around(spot, plan, suv.shape, 16.0, 8.0)
    values = suv[tuple(around.T)] if len(around) else np.zeros(1)
    return float(np.percentile(values, 65))


def _within(spot: Spot, suv: np.ndarray, kidney: Kidney, plan: BodyPlan) -> bool:
    """Whether a spot is a kidney's own uptake."""
    core = core_of(spot, suv, 0.6) * plan.step
    values = suv[tuple(spot.voxels.T)]
    return kidney.holds(core, spot.voxels * plan.step, values, float(np.prod(plan.step)) / 1000)
