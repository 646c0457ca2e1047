"""Shoulders, arms and head: what long fields of view show above and beside the trunk."""

from __future__ import annotations

import numpy as np

from .ct_plan import Plan
from .ct_shapes import Part, bar, block, ellipsoid, merged, plate, tube
from .spine_curve import Vertebra


def shoulder_parts(plan: Plan, spine: dict[str, Vertebra]) -> tuple[list[Part], list[Part]]:
    """Collar bones, shoulder blades and arms of both sides; and the arms' flesh."""
    rng = plan.rng(5)
    parts, flesh, up = [], [], plan.arms == "up"
    for side in (-1, 1):
        parts += _girdle(plan, spine, side, up, rng)
        joint = _joint(plan, spine, side, up)
        elbow, wrist = _reach(plan, side, joint, rng)
        parts += _arm(plan, joint, elbow, wrist, rng)
        flesh += _flesh(plan, joint, elbow, wrist)
    return parts, flesh


def _joint(plan: Plan, spine: dict[str, Vertebra], side: int, up: bool) -> np.ndarray:
    """Centre of the humeral head."""
    s, base = plan.scale, spine["T2"].centre
    offset = (148, 12, 48) if up else (172, 8, -4)
    return base + np.array(offset) * s * (side, 1, 1)


def _girdle(plan: Plan, spine: dict[str, Vertebra], side: int, up: bool, rng: np.random.Generator) -> list[Part]:
    s, one = plan.scale, np.array([side, 1.0, 1.0])
    shell = dict(shell_hu=plan.cortex * 1.0, shell=1.4 * s)
    joint, base = _joint(plan, spine, side, up), spine["T2"].centre
    notch = base + np.array([22, -74, -14]) * s * one
    acromion = joint + np.array([-8, 6, 30 if not up else 16]) * s * one
    bend = [notch + (acromion - notch) * t + np.array([0, w, 0]) * s for t, w in ((0.33, -14), (0.7, 8))]
    parts = tube([notch, *bend, acromion], (8 * s, 6 * s, 5.5 * s, 7 * s), plan.marrow, **shell)
    socket = joint + np.array([-24, 4, -2]) * s * one
    low = base + np.array([110 if up else 88, 58, -118 if up else -132]) * s * one
    inner = base + np.array([88 if up else 66, 58, -8]) * s * one
    parts.append(plate([socket, low, inner], 2.0 * s, plan.cortex * 0.5, bulge=rng.uniform(4, 9)))
    parts.append(bar(socket, low, (7 * s, 5 * s), plan.marrow, flat=0.8, **shell))
    parts.append(bar(inner, low, (3.5 * s, 4.5 * s), plan.marrow, **shell))
    parts.append(bar(inner + (0, 8, -12), acromion, (4 * s, 7 * s), plan.marrow, flat=1.6, **shell))
    parts.append(ellipsoid(socket, (9 * s, 14 * s, 18 * s), plan.marrow * 1.1, **shell))
    coracoid = joint + np.array([-20, -24, 10]) * s * one
    return merged([*parts, bar(socket + (0, 0, 12 * s), coracoid, (6 * s, 5 * s), plan.marrow, **shell)])


def _reach(plan: Plan, side: int, joint: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Elbow and wrist: raised, at the side or across the belly."""
    s, one = plan.scale, np.array([side, 1.0, 1.0])
    if plan.arms == "up":
        elbow = joint + np.array([rng.uniform(-10, 70), rng.uniform(-60, 10), 285]) * s * one
        wrist = elbow + np.array([rng.uniform(-150, -60), rng.uniform(-60, 20), rng.uniform(60, 200)]) * s * one
        return elbow, wrist
    elbow = joint + np.array([rng.uniform(18, 55) + 25 * plan.fat, rng.uniform(-10, 40), -300]) * s * one
    wrist = elbow + np.array([rng.uniform(-30, 10), rng.uniform(-60, -5), -235]) * s * one
    if plan.arms == "across":
        wrist = elbow + np.array([rng.uniform(-190, -110), -rng.uniform(110, 150), rng.uniform(-90, 90)]) * s * one
    return elbow, wrist


def _flesh(plan: Plan, joint: np.ndarray, elbow: np.ndarray, wrist: np.ndarray) -> list[Part]:
    """Fat and muscle of one arm; the arms count for no body composition."""
    s, thick = plan.scale, 1 + 0.35 * plan.fat
    parts = []
    for hu, rind in ((-100.0, 0.0), (48.0, 5 + 9 * plan.fat)):
        parts.append(bar(joint, elbow, (46 * s * thick - rind, 38 * s * thick - rind), hu))
        parts.append(bar(elbow, wrist, (38 * s * thick - rind, 25 * s * thick - 0.4 * rind), hu))
    return parts


def _arm(plan: Plan, joint: np.ndarray, elbow: np.ndarray, wrist: np.ndarray, rng: np.random.Generator) -> list[Part]:
    """Humerus, radius, ulna and hand."""
    s = plan.scale
    shell = dict(shell_hu=plan.cortex * 0.9, shell=1.3 * s)
    thick = dict(shell_hu=plan.cortex * 1.15, shell=2.7 * s)
    parts = [ellipsoid(joint, (24 * s,) * 3, plan.marrow * 0.8, **shell)]
    neck = joint + (elbow - joint) * 0.12
    parts.append(bar(joint, neck, (21 * s, 12 * s), plan.marrow * 0.5, **shell))
    parts.append(bar(neck, elbow, (11 * s, 11 * s), 20.0, **thick))
    parts.append(ellipsoid(elbow, (27 * s, 13 * s, 18 * s), plan.marrow, **shell))
    for shift in (-11, 11):
        parts.append(bar(elbow + (shift * s, 0, 0), wrist + (shift * s, 0, 0), (6.5 * s, 5.8 * s), 20.0, **thick))
    way = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    for finger in range(5):
        root = wrist + way * 25 * s + np.array([(finger - 2) * 9, 4, 0]) * s
        fan = way * 80 * s + np.array([(finger - 2) * 10, rng.normal(8, 10), 0]) * s
        parts += tube([root, root + fan], 3.8 * s, plan.marrow, **shell)
    return merged(parts) + [ellipsoid(wrist + way * 12 * s, (22 * s, 11 * s, 16 * s), plan.marrow * 1.2, **shell)]


def head_parts(plan: Plan, spine: dict[str, Vertebra]) -> list[Part]:
    """Skull, jaw, teeth and hyoid, coarse."""
    rng = plan.rng(6)
    s = 0.5 + 0.5 * plan.scale
    top = spine["C1"].centre + np.array([0, 0, 8.0])
    centre = top + np.array([0, -8, 72]) * s
    radii = np.array([74, 92, 76]) * s
    skull = ellipsoid(centre, radii, 36.0, shell_hu=plan.cortex * 1.35, shell=7.0)
    parts = [skull]
    face = top + np.array([0, -72, 15]) * s
    for side in (-1, 1):
        one = np.array([side, 1.0, 1.0])
        corner = top + np.array([46, -32, -22]) * s * one
        chin = top + np.array([9, -98, -48]) * s * one
        jaw = [
            corner + np.array([2, 4, 42]) * s * one,
            corner,
            (corner + chin) / 2 + np.array([9, 0, 2]) * s * one,
            chin,
        ]
        parts += tube(
            jaw, (5 * s, 7 * s, 7.5 * s, 8 * s), 500.0, flat=1.5, hint=(0, 0, 1.0), shell_hu=1300.0, shell=2.0
        )
        parts.append(bar(face + np.array([30, 5, 20]) * s * one, top + np.array([66, -20, 26]) * s * one, 5 * s, 700.0))
        parts.append(ellipsoid(top + np.array([40, 8, 14]) * s * one, (18, 20, 15), 500.0, shell_hu=1300.0, shell=3.0))
    parts.append(
        ellipsoid(face + np.array([0, 6, 14]) * s, (34 * s, 26 * s, 34 * s), -100.0, shell_hu=550.0, shell=3.0)
    )
    metal = rng.random() < 0.5
    for row, z in ((0, -8.0), (1, -22.0)):
        for angle in np.linspace(-1.2, 1.2, 12):
            spot = top + np.array([27 * np.sin(angle), -66 - 24 * np.cos(angle), z + 4 * row]) * s
            parts.append(block(spot, (3.2, 3.2, 7), 3000.0 if metal and rng.random() < 0.3 else 1900.0))
    hyoid = spine["C4"].centre + np.array([0, -48, 4]) * s
    bow = [hyoid + np.array([x, y, 0]) * s for x, y in ((-20, 22), (-12, 2), (0, -4), (12, 2), (20, 22))]
    return parts + tube(bow, 2.6, 350.0)
