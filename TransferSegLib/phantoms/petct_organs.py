"""Organs that PET shows and the trunk's CT phantom lacks: brain, left ventricle, glands, ureters, brown fat."""

from __future__ import annotations

import numpy as np

from .ct_patient import Patient
from .ct_shapes import Part, ellipsoid, frame, tube
from .torso_organs import organ_hu


def inner_parts(patient: Patient) -> list[Part]:
    """Parts that lie inside the body wall and are drawn with the other organs; scanner coordinates."""
    plan = patient.plan
    rng = plan.rng(42)
    parts = [*_ventricle(patient, rng), *_ureters(patient, rng)]
    return [part.moved(patient.turn, patient.shift) for part in parts]


def outer_parts(patient: Patient) -> list[Part]:
    """Parts of head, neck and groin, drawn over everything else; scanner coordinates."""
    plan = patient.plan
    rng = plan.rng(43)
    parts = [*_brain(patient, rng), *_neck(patient, rng)]
    s = plan.scale
    if plan.sex == "m":
        for side in (-1, 1):
            spot = np.array([side * 19, -75 + rng.normal(0, 4), -188 + rng.normal(0, 6)]) * s
            parts.append(ellipsoid(spot, (13 * s, 17 * s, 21 * s), 35.0, organ="testis"))
    if rng.random() < 0.05:
        parts += _brown_fat(patient, rng)
    return [part.moved(patient.turn, patient.shift) for part in parts]


def _ventricle(patient: Patient, rng: np.random.Generator) -> list[Part]:
    """The left ventricle: a cup that points forward, down and to the left, open at its base."""
    s, hu = patient.plan.scale, organ_hu(patient.plan)
    axes = frame(np.array([0.62, -0.55, -0.56]) + rng.normal(0, 0.12, 3), np.array([0.0, 0.0, 1.0]))
    centre = patient.spine["T8"].centre + np.array([33, -88, -8]) * s
    outer = np.array([31, 31, 43]) * s * rng.normal(1, 0.06)
    wall = rng.uniform(9, 12.5) * s
    base = -outer[2] * rng.uniform(0.45, 0.7)
    cup = ellipsoid(centre, outer, 45.0 + 0.3 * hu["heart"], axes=axes, organ="wall")
    hole = ellipsoid(centre - axes[2] * 3 * s, outer - wall, hu["heart"], axes=axes, organ="heart")
    whole = cup.depth
    cut = Part(
        cup.origin,
        cup.axes,
        cup.low,
        cup.high,
        lambda u, v, w: np.minimum(whole(u, v, w), w - np.float32(base)),
        cup.hu,
    )
    return [Part(**{**cut.__dict__, "organ": "wall"}), hole]


def _ureters(patient: Patient, rng: np.random.Generator) -> list[Part]:
    """Stretches of ureter that hold urine."""
    s, parts = patient.plan.scale, []
    l2, l4 = patient.spine["L2"].centre, patient.spine["L4"].centre
    for side in (-1, 1):
        way = [l2 + np.array([side * 42, -2, -18]) * s, l4 + np.array([side * 38, -16, 0]) * s]
        way += [
            np.array([side * 44, 8, -40]) * s,
            np.array([side * 50, 22, -75]) * s,
            np.array([side * 16, -8, -108]) * s,
        ]
        line = np.asarray(way)
        spots = np.linspace(0, len(line) - 1, 60)
        line = np.stack([np.interp(spots, np.arange(len(line)), line[:, n]) for n in range(3)], axis=1)
        for _ in range(rng.poisson(1.1)):
            start = int(rng.integers(0, 50))
            stretch = line[start : start + int(rng.integers(3, 12))]
            parts += tube(stretch, rng.uniform(1.6, 3.2), 20.0, organ="ureter")
    return parts


def _brain(patient: Patient, rng: np.random.Generator) -> list[Part]:
    """Cortex, white matter, deep grey matter, ventricles, cerebellum; sized as the skull in ``head_parts``."""
    s = 0.5 + 0.5 * patient.plan.scale
    top = patient.spine["C1"].centre + np.array([0, 0, 8.0])
    centre = top + np.array([0, -8, 76]) * s
    parts = [ellipsoid(centre - (0, 0, 4 * s), np.array([66, 84, 68]) * s, 20.0, organ="white")]
    for side in (-1, 1):
        one = np.array([side, 1.0, 1.0])
        half = centre + np.array([33, -2, 6]) * s * one
        parts.append(ellipsoid(half, np.array([33, 80, 52]) * s, 37.0, power=2.3, organ="grey"))
        parts.append(ellipsoid(half + (0, 0, 2 * s), np.array([19, 62, 36]) * s, 30.0, power=2.3, organ="white"))
        for n in range(7):  # folds: tongues of cortex into the white matter
            angle = (n + rng.uniform(-0.3, 0.3)) * np.pi / 3.5
            spot = half + np.array([0, 52 * np.cos(angle), 30 * np.sin(angle)]) * s
            parts.append(ellipsoid(spot, np.array([26, 6, 9]) * s * rng.uniform(0.8, 1.3), 37.0, organ="grey"))
        parts.append(ellipsoid(centre + np.array([16, -6, 0]) * s * one, np.array([9, 17, 12]) * s, 37.0, organ="grey"))
        parts.append(ellipsoid(centre + np.array([7, -8, 10]) * s * one, np.array([4, 26, 7]) * s, 8.0, organ="fluid"))
        parts.append(
            ellipsoid(centre + np.array([22, 44, -44]) * s * one, np.array([25, 27, 19]) * s, 36.0, organ="grey")
        )
        temple = centre + np.array([42, -18, -34]) * s * one
        parts.append(ellipsoid(temple, np.array([17, 42, 18]) * s, 36.0, organ="grey"))
    stem = [centre + np.array([0, 14, -26]) * s, centre + np.array([0, 22, -66]) * s]
    return parts + tube(stem, 12 * s, 34.0, organ="white")


def _neck(patient: Patient, rng: np.random.Generator) -> list[Part]:
    """Salivary glands, tonsils, tongue, larynx and thyroid."""
    s = 0.5 + 0.5 * patient.plan.scale
    top = patient.spine["C1"].centre + np.array([0, 0, 8.0])
    parts = [ellipsoid(top + np.array([0, -72, -24]) * s, np.array([21, 26, 15]) * s, 55.0, organ="muscle")]
    for side in (-1, 1):
        one = np.array([side, 1.0, 1.0])
        parts.append(
            ellipsoid(top + np.array([55, -16, -16]) * s * one, np.array([9, 15, 20]) * s, 10.0, organ="gland")
        )
        parts.append(
            ellipsoid(top + np.array([30, -58, -44]) * s * one, np.array([9, 14, 11]) * s, 40.0, organ="gland")
        )
        size = np.array([6, 8, 11]) * s * rng.uniform(0.7, 1.2)
        parts.append(ellipsoid(top + np.array([15, -46, -22]) * s * one, size, 50.0, organ="tonsil"))
        lobe = patient.spine["C7"].centre + np.array([20, -50, 2]) * s * one
        parts.append(ellipsoid(lobe, np.array([9, 9, 20]) * s * rng.uniform(0.8, 1.2), 95.0, organ="thyroid"))
        cord = patient.spine["C5"].centre + np.array([6, -52, -6]) * s * one
        parts.append(ellipsoid(cord, np.array([4, 12, 6]) * s, 60.0, organ="larynx"))
    return parts


def _brown_fat(patient: Patient, rng: np.random.Generator) -> list[Part]:
    """Patches above the collar bones and beside the spine; fat on CT."""
    s, parts = patient.plan.scale, []
    for side in (-1, 1):
        for _ in range(int(rng.integers(2, 6))):
            spot = patient.spine["T1"].centre + np.array([side * rng.uniform(35, 110), rng.uniform(-40, 5), 0]) * s
            spot = spot + (0, 0, rng.uniform(-5, 28))
            parts.append(ellipsoid(spot, rng.uniform(5, 13, 3) * s, -85.0, organ="brown"))
        for name in ("T4", "T7", "T10"):
            spot = patient.spine[name].centre + np.array([side * 26, 12, 0]) * s
            parts.append(ellipsoid(spot, np.array([5, 5, 6]) * s, -85.0, organ="brown"))
    return parts
