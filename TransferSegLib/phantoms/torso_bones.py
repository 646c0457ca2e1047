"""Pelvis, hips and thighs."""

from __future__ import annotations

import numpy as np

from .ct_plan import Plan
from .ct_shapes import Part, bar, ellipsoid, merged
from .spine_curve import Vertebra


def wing(plan: Plan, side: int, crest: float, rng: np.random.Generator) -> Part:
    """One iliac blade: a curved plate from the sacroiliac joint to the front spine; ``crest`` is its top (z, mm)."""
    s, wide = plan.scale, 1.06 if plan.sex == "f" else 1.0
    flare, thin = rng.uniform(0.8, 1.15), rng.uniform(1.6, 2.4)
    origin = np.array([0.0, 0.0, -50.0 * s])
    top = crest - origin[2]
    axes = np.diag([float(side), 1.0, 1.0])

    def depth(u, v, w):
        back, up = v * np.float32(1 / s), w * np.float32(1 / s)
        edge = _outline(back, up, top / s)
        arc = np.clip((50 - back) * np.float32(1 / 100), -0.3, 1.35)
        sheet = 44 + 72 * flare * arc**1 + (0.30 * flare * up) * np.clip(arc * 1.3, 0, 1) - 12 * (arc - 0.5) ** 2
        sheet = sheet - np.clip(-up - 15, 0, 60) * np.float32(0.05)
        thick = (
            thin
            + 4.0 * np.exp(-(((back - 56) / 18) ** 2))
            + 3.2 * np.exp(-((edge / 8) ** 2))
            + 4 * np.clip(-up / 30, 0, 1)
        )
        across = (u * np.float32(1 / (s * wide)) - sheet) * np.float32(0.72)
        return (np.minimum(thick - abs(across), edge) * np.float32(s)).astype(np.float32)

    low = np.array([25.0, -60.0, -45.0]) * s
    high = np.array([165.0, 85.0, 0.0]) * s + np.array([0, 0, top + 8])
    return Part(origin, axes, low, high, depth, plan.cortex * 0.5 + plan.marrow * 0.2)


def _outline(back: np.ndarray, up: np.ndarray, top: float) -> np.ndarray:
    """Depth (mm at scale 1) inside the blade's outline seen from the side; ``up`` counts from 50 mm below S1's top."""
    arch = top - ((back - 8) / 62.0) ** 2 * np.float32(0.42 * top + 12) - 0.0
    lower = -38 + np.clip(back - 4, 0, 100) * np.float32(0.9) + np.clip(-8 - back, 0, 60) * np.float32(0.75)
    return np.minimum(np.minimum(arch - up, up - lower), np.minimum(back + 52, 72 - back))


def pelvis_parts(plan: Plan, spine: dict[str, Vertebra]) -> tuple[list[Part], dict]:
    """Both hip bones and femora; and landmarks (crest z, hip centres)."""
    rng = plan.rng(4)
    s = plan.scale
    fourth = spine["L4"] if plan.lumbar == 5 else spine[f"L{plan.lumbar - 1}"]
    crest = fourth.centre[2] + rng.normal(-4, 8) * s
    apart = (88 if plan.sex == "m" else 92) * s * rng.normal(1, 0.03)
    tip = np.radians(rng.normal(0, 5))
    turn = np.array([[1, 0, 0], [0, np.cos(tip), -np.sin(tip)], [0, np.sin(tip), np.cos(tip)]])
    parts, hips = [], {}
    for side in (-1, 1):
        hip = np.array([side * apart, 8 * s, -105 * s])
        own = [wing(plan, side, crest, rng), *_socket(plan, side, hip, rng)]
        parts += [part.moved(turn, np.zeros(3)) for part in merged(own)]
        hips[side] = turn @ hip
        parts += _femur(plan, side, hips[side], rng)
    return parts, {"crest": float(crest), "hips": hips}


def _socket(plan: Plan, side: int, hip: np.ndarray, rng: np.random.Generator) -> list[Part]:
    """Acetabulum, pubis and ischium of one side."""
    s = plan.scale
    shell = dict(shell_hu=plan.cortex * 0.9, shell=1.4 * s)
    hu = plan.marrow * 0.7
    one = np.array([side, 1.0, 1.0])
    medial, out = hip + np.array([-15, 2, 6]) * s * one, np.array([-3, 4, 32]) * s * one
    parts = [ellipsoid(medial, (15 * s, 27 * s, 30 * s), hu, **shell)]
    parts.append(bar(hip + out * 0.6, hip + np.array([2, 8, 62]) * s * one, (13 * s, 3 * s), hu, flat=1.6, **shell))
    pubis = np.array([side * 12 * s, -38 * s, hip[2] - 18 * s])
    parts += _chain(
        [medial + np.array([0, -18, 0]) * s, (medial + pubis) / 2 + (0, -12 * s, 10 * s), pubis],
        (9, 6.5, 7),
        s,
        hu,
        shell,
    )
    parts.append(bar(pubis + (0, 0, 8 * s), pubis - (0, 0, 14 * s), (7 * s, 6.5 * s), hu, **shell))
    seat = np.array([side * (58 if plan.sex == "m" else 64) * s, 34 * s, hip[2] - 62 * s])
    parts.append(bar(medial + np.array([0, 18, -8]) * s, seat, (13 * s, 13 * s), hu, **shell))
    parts.append(ellipsoid(seat, (13 * s, 14 * s, 20 * s), hu, **shell))
    low = np.array([side * 30 * s, -10 * s, hip[2] - 52 * s])
    return parts + _chain([seat + (0, -8 * s, -6 * s), low, pubis - (0, 0, 14 * s)], (7, 5, 6), s, hu, shell)


def _chain(points: list, radii: tuple, s: float, hu: float, shell: dict) -> list[Part]:
    """Rods through points, not merged yet."""
    return [bar(a, b, (p * s, q * s), hu, **shell) for a, b, p, q in zip(points, points[1:], radii, radii[1:])]


def _femur(plan: Plan, side: int, hip: np.ndarray, rng: np.random.Generator) -> list[Part]:
    """Head, neck, trochanters and shaft down to the knee."""
    s = plan.scale
    shell = dict(shell_hu=plan.cortex * 0.8, shell=1.2 * s)
    one = np.array([side, 1.0, 1.0])
    parts = [ellipsoid(hip, (24 * s,) * 3, plan.marrow * 1.3, **shell)]
    knee_in = rng.normal(0, 6)
    neck = hip + np.array([40, rng.normal(4, 6), -34]) * s * one
    parts.append(bar(hip, neck, (15 * s, 17 * s), plan.marrow * 0.9, flat=0.85, **shell))
    parts.append(
        ellipsoid(neck + np.array([14, 8, 8]) * s * one, (14 * s, 19 * s, 22 * s), plan.marrow * 0.45, **shell)
    )
    shaft_top, knee = neck + np.array([6, 2, -30]) * s * one, hip + np.array([8 + knee_in, 5, -430]) * s * one
    parts.append(bar(neck, shaft_top, (17 * s, 14.5 * s), plan.marrow * 0.4, **shell))
    points = [shaft_top + (knee - shaft_top) * t for t in (0, 0.08, 0.18, 0.35, 0.55, 0.75, 0.86)]
    for a, b, share in zip(points, points[1:], (0.35, 0.6, 0.85, 1.0, 0.9, 0.5)):
        wall = dict(shell_hu=plan.cortex * (0.85 + 0.35 * share), shell=5.2 * s * share * (1.1 - 0.3 * plan.wear))
        parts.append(bar(a, b, (14.2 - share) * s, 20.0, **wall))
    parts.append(bar(points[-1], knee, (15 * s, 32 * s), plan.marrow * 0.6, **shell))
    lesser = neck + np.array([-10, 12, -26]) * s * one
    return merged(parts + [ellipsoid(lesser, (8 * s, 8 * s, 11 * s), plan.marrow * 0.6, **shell)])
