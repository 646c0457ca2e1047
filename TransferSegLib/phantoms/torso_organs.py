"""Organs and bowel with the HU of the contrast phase."""

from __future__ import annotations

import numpy as np

from .ct_plan import Plan
from .ct_shapes import Part, ellipsoid, frame, tube
from .spine_curve import Vertebra

# HU by phase, in the order native, arterial, venous, late.
_HU = {
    "liver": (56, 66, 108, 88),
    "spleen": (48, 115, 122, 92),
    "kidney": (32, 145, 195, 165),
    "aorta": (42, 330, 155, 105),
    "cava": (40, 85, 140, 105),
    "portal": (40, 110, 165, 105),
    "heart": (42, 250, 145, 100),
    "pelvis": (10, 20, 60, 900),
    "bladder": (6, 6, 8, 450),
    "wall": (35, 60, 75, 60),
}
_PHASES = ("native", "arterial", "venous", "late")


def organ_hu(plan: Plan) -> dict[str, float]:
    """HU of every organ of one patient."""
    rng = plan.rng(7)
    column = _PHASES.index(plan.phase)
    hu = {name: values[column] * rng.uniform(0.8, 1.25) for name, values in _HU.items()}
    if rng.random() < 0.2:
        hu["liver"] -= rng.uniform(10, 50)  # steatosis
    if plan.phase == "late":
        hu["pelvis"] = float(rng.uniform(250, 2200))
        hu["bladder"] = float(rng.uniform(20, 1400))
    return hu


def organ_parts(plan: Plan, spine: dict[str, Vertebra]) -> list[Part]:
    """Liver, spleen, kidneys, heart, stomach, bowel, bladder."""
    rng, hu = plan.rng(8), organ_hu(plan)
    parts = [*_solid(plan, spine, hu, rng), *_kidneys(plan, spine, hu, rng)]
    return parts + _bowel(plan, spine, hu, rng) + _pelvic(plan, hu, rng)


def _solid(plan: Plan, spine: dict, hu: dict, rng: np.random.Generator) -> list[Part]:
    s, big = plan.scale, rng.normal(1, 0.1)
    low = rng.normal(0, 10)  # breathing
    dome, twelfth = spine["T11"].centre + (0, 0, low), spine["T12"].centre + (0, 0, low)
    heart = spine["T8"].centre + np.array([22, -82, 0]) * s
    parts = [
        ellipsoid(
            dome + np.array([-82, -52, -8]) * s, np.array([68, 72, 78]) * s * big, hu["liver"], power=2.6, organ="liver"
        ),
        ellipsoid(
            dome + np.array([-25, -92, 6]) * s, np.array([82, 38, 38]) * s * big, hu["liver"], power=2.3, organ="liver"
        ),
        ellipsoid(
            dome + np.array([-100, -55, -75]) * s,
            np.array([36, 45, 60]) * s * big * rng.uniform(0.5, 1.2),
            hu["liver"],
            organ="liver",
        ),
        ellipsoid(
            twelfth + np.array([98, 6, 18]) * s,
            np.array([27, 45, 52]) * s * rng.normal(1, 0.14),
            hu["spleen"],
            organ="spleen",
        ),
        ellipsoid(heart, np.array([58, 52, 62]) * s * rng.normal(1, 0.08), 45.0 + 0.25 * hu["heart"], organ="heart"),
        ellipsoid(heart + np.array([10, 8, 5]) * s, np.array([26, 24, 34]) * s, hu["heart"], organ="heart"),
        ellipsoid(
            heart + np.array([-28, -12, 8]) * s,
            np.array([24, 26, 40]) * s,
            hu["heart"] * rng.uniform(0.6, 1.1),
            organ="heart",
        ),
    ]
    gall = dome + np.array([-62, -95, -75]) * s
    parts.append(ellipsoid(gall, (13 * s, 16 * s, 25 * s), 12.0, organ="fluid"))
    if rng.random() < 0.1:
        parts += [ellipsoid(gall + rng.normal(0, 6, 3), rng.uniform(2, 7, 3), rng.uniform(60, 700)) for _ in range(3)]
    return parts


def _kidneys(plan: Plan, spine: dict, hu: dict, rng: np.random.Generator) -> list[Part]:
    s, parts = plan.scale, []
    for side in (-1, 1):
        if rng.random() < 0.03:
            continue
        one = np.array([side, 1.0, 1.0])
        out = 57 + 10 * plan.visceral
        centre = (
            spine["L1"].centre
            + np.array([out, 4 - 6 * plan.visceral, -8 - 9 * (side < 0) + rng.normal(0, 12)]) * s * one
        )
        axes = frame(np.array([-0.28 * side, 0.18, 1.0]), np.array([0.5 * side, 1.0, 0]))
        radii = np.array([27, 26, 54]) * s * rng.normal(1, 0.09)
        parts.append(ellipsoid(centre, radii, hu["kidney"], axes=axes, organ="kidney"))
        hilum = centre + np.array([-13, -6, 0]) * s * one
        parts.append(ellipsoid(hilum, np.array([15, 11, 26]) * s, -70.0, axes=axes))
        for lift in (-18, 0, 18):
            calyx = centre + np.array([-3, -3, lift]) * s * one
            parts.append(ellipsoid(calyx, (6 * s, 5 * s, 6 * s), hu["pelvis"], organ="urine"))
        parts.append(ellipsoid(hilum, np.array([7, 6, 12]) * s, hu["pelvis"], organ="urine"))
        if plan.phase == "late":
            way = [
                hilum,
                hilum * (0.75, 1, 1) + (0, -12 * s, -60 * s),
                (side * 38 * s, -5, 0),
                (side * 48 * s, 25, -60 * s),
            ]
            parts += tube([*way, (side * 12 * s, -20 * s, -105 * s)], 2.4, hu["pelvis"], organ="ureter")
        if rng.random() < 0.06:
            parts.append(ellipsoid(centre + rng.normal(0, 12, 3), rng.uniform(1.5, 7, 3), rng.uniform(300, 1300)))
        if rng.random() < 0.25:
            parts.append(ellipsoid(centre + rng.normal(0, 18, 3), (rng.uniform(5, 22),) * 3, 8.0, organ="fluid"))
    return parts


def _loop(rng: np.random.Generator, points: list, radius: float, hus: list[float]) -> list[Part]:
    """A gut segment in pouches; its content changes along its length and settles to the back."""
    points = np.asarray([np.asarray(p, dtype=float) + rng.normal(0, 6, 3) for p in points])
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    spots = np.arange(0, length[-1], radius * 0.9)
    line = np.stack([np.interp(spots, length, points[:, n]) for n in range(3)], axis=1) + rng.normal(
        0, 3, (len(spots), 3)
    )
    parts, hu = [], float(rng.choice(hus))
    for spot in line:
        if rng.random() < 0.2:
            hu = float(rng.choice(hus))
        radii = radius * rng.uniform(0.65, 1.25) * rng.uniform(0.8, 1.15, 3)
        parts.append(ellipsoid(spot, radii + 2.5, 45.0, organ="colon"))
        content = hu * rng.uniform(0.8, 1.1)
        if content > 80 and rng.random() < 0.7:
            level = radii[1] * rng.uniform(-0.2, 0.5)
            parts.append(ellipsoid(spot, radii, -900.0 if rng.random() < 0.6 else 30.0, organ="lumen"))
            parts.append(ellipsoid(spot + (0, level, 0), radii * (0.95, 0.7, 0.95), content, organ="lumen"))
        else:
            parts.append(ellipsoid(spot, radii, content, organ="lumen"))
    return parts


def _bowel(plan: Plan, spine: dict, hu: dict, rng: np.random.Generator) -> list[Part]:
    s, depth = plan.scale, 1 + 0.5 * plan.visceral
    l3, l5, l1 = spine["L3"].centre, spine[f"L{plan.lumbar}"].centre, spine["L1"].centre
    small = [25.0, 35.0, -600.0, 30.0]
    colon = [-850.0, 30.0, -400.0, 60.0]
    full = plan.oral * rng.choice([0.0, 1.0, 1.0], 3)
    small = small + [float(full[0])] * 5 if full[0] else small
    colon = colon + [float(full[1]) * 1.2] * 5 if full[1] else colon
    belly = -62 * s * depth
    right, left = (-98 - 22 * plan.visceral) * s, (100 + 22 * plan.visceral) * s
    frame_points = [
        l5 + (right * 0.85, belly * 0.7, -40 * s),
        l3 + (right, belly * 0.4, 10 * s),
        l1 + (right * 0.85, belly * 0.9, -5 * s),
        l3 + (0, belly * 1.5, rng.uniform(-50, 40) * s),
        l1 + (left * 0.8, belly * 0.8, 25 * s),
        l3 + (left, belly * 0.3, 0),
        l5 + (left * 0.9, belly * 0.5, -30 * s),
        (20 * s, -10 * s, -60 * s),
        (0, 45 * s, -85 * s),
        (0, 45 * s, -140 * s),
    ]
    parts = _loop(rng, frame_points, 21 * s, colon)
    for _ in range(int(rng.integers(14, 28))):
        spot = l3 + np.array([rng.normal(0, 52), belly / s - rng.uniform(-25, 30) * depth, rng.uniform(-115, 30)]) * s
        way = spot + np.cumsum(np.vstack([np.zeros(3), rng.normal(0, 12, 3) + rng.normal(0, 11, (4, 3))]), axis=0)
        size = rng.uniform(8, 13) * s * rng.uniform(0.75, 1.15, 5)
        content = float(rng.choice(small)) * rng.uniform(0.7, 1.1)
        parts += tube(way, size, content, shell_hu=hu["wall"], shell=2.0, organ="bowel")
    stomach = spine["T12"].centre + np.array([58, -72 * depth, 18]) * s
    fill = float(full[2]) if full[2] else float(rng.choice([25.0, 35.0, 60.0]))
    parts.append(ellipsoid(stomach, np.array([38, 40, 58]) * s, fill, shell_hu=60.0, shell=4.0, organ="stomach"))
    parts.append(ellipsoid(stomach + (0, -22 * s, 8), np.array([26, 16, 36]) * s, -950.0, organ="lumen"))
    parts += tube(
        [stomach + (0, 0, -45 * s), l1 + (0, belly, 0), l1 + (-40 * s, belly * 0.8, 5)], 15 * s, fill, organ="bowel"
    )
    return parts


def _pelvic(plan: Plan, hu: dict, rng: np.random.Generator) -> list[Part]:
    s, size = plan.scale, rng.uniform(0.5, 1.3)
    centre = np.array([rng.normal(0, 6), -30 * s, -118 * s + 25 * size * s])
    radii = np.array([42, 34, 34]) * s * size
    parts = [ellipsoid(centre, radii, hu["bladder"], shell_hu=30.0, shell=3.0, organ="bladder")]
    middle = centre + np.array([0, 42, -8]) * s
    parts.append(ellipsoid(middle, np.array([26, 22, 26]) * s, 45 + 0.4 * hu["wall"], organ="genital"))
    for _ in range(rng.poisson(1.8)):
        spot = np.array([rng.choice([-1, 1]) * rng.uniform(35, 68), rng.uniform(5, 35), rng.uniform(-150, -95)]) * s
        parts.append(ellipsoid(spot, (rng.uniform(1.2, 3),) * 3, rng.uniform(200, 900)))
    return parts
