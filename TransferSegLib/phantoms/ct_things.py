"""What is not anatomy: implants, clips, tubes, electrodes, clothing and the table."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .ct_plan import Plan
from .ct_shapes import Part, bar, block, ellipsoid, tube
from .spine_curve import Vertebra

METAL = 3071.0


def implant_parts(plan: Plan, spine: dict[str, Vertebra], hips: dict) -> tuple[list[Part], list[str]]:
    """Metal inside the patient, and its names."""
    rng, s = plan.rng(10), plan.scale
    parts: list[Part] = []
    found: list[str] = []
    if rng.random() < 0.06:
        parts += _screws(plan, spine, rng)
        found.append("pedicle screws")
    if rng.random() < 0.08:
        sides = [-1, 1] if rng.random() < 0.3 else [int(rng.choice([-1, 1]))]
        for side in sides:
            parts += _prosthesis(hips[side], side, s)
        found.append("hip prosthesis")
    if rng.random() < 0.05:
        front = spine["T5"].centre + np.array([0, -150, 20]) * s
        parts += [block(front - (0, 0, 17 * n), (7, 1.5, 1.2), METAL, rounding=1.0) for n in range(6)]
        found.append("sternal wires")
    if rng.random() < 0.1:
        spot = spine["L1"].centre + np.array([-55, -80, 0]) * s
        parts += [block(spot + rng.normal(0, 9, 3), (1, 1, 4), METAL, rounding=0.8) for _ in range(rng.integers(2, 7))]
        found.append("clips")
    if rng.random() < 0.03:
        parts += _cement(spine, rng)
        found.append("cement")
    if rng.random() < 0.12:
        parts += _lines(plan, spine, rng)
        found.append("catheter")
    return parts, found


def _screws(plan: Plan, spine: dict, rng: np.random.Generator) -> list[Part]:
    s = plan.scale
    names = [f"L{n}" for n in range(plan.lumbar, 0, -1)] + ["T12", "T11", "T10"]
    first = int(rng.integers(0, 4))
    chosen = (["S1"] if rng.random() < 0.4 and first == 0 else []) + names[first : first + int(rng.integers(2, 5))]
    parts = []
    for side in (-1, 1):
        heads = []
        for name in chosen:
            bone = spine[name]
            apart, b = bone.width * 0.33, bone.depth / 2
            lift = bone.height * 0.18
            head = bone.at(side * (apart + 5), b + 26 * s, lift)
            parts.append(bar(bone.at(side * apart * 0.55, -b * 0.35, lift), head, 2.9, METAL))
            parts.append(ellipsoid(head, (6, 7, 6), METAL))
            heads.append(head + np.array([0, 4, 0]))
        parts += tube(heads, 2.8, METAL)
    return parts


def _prosthesis(hip: np.ndarray, side: int, s: float) -> list[Part]:
    one = np.array([side, 1.0, 1.0])
    cup = ellipsoid(hip + np.array([-2, 0, 3]) * one, (27 * s,) * 3, 250.0, shell_hu=METAL, shell=4.0)
    neck, stem = hip + np.array([38, 4, -36]) * s * one, hip + np.array([46, 6, -150]) * s * one
    return [cup, ellipsoid(hip, (15, 15, 15), METAL), bar(hip, neck, (7, 8), METAL), bar(neck, stem, (9, 5), METAL)]


def _cement(spine: dict, rng: np.random.Generator) -> list[Part]:
    name = str(rng.choice(["T11", "T12", "L1", "L2", "L3", "L4"]))
    bone = spine[name]
    radii = np.array([bone.width * 0.3, bone.depth * 0.28, bone.height * 0.35])
    return [ellipsoid(bone.at(*rng.normal(0, 2.5, 3)), radii * rng.uniform(0.6, 1, 3), 1500.0, axes=bone.axes)]


def _lines(plan: Plan, spine: dict, rng: np.random.Generator) -> list[Part]:
    """A port with its catheter, a stomach tube or a drain."""
    s, kind = plan.scale, rng.integers(3)
    t2, t6, l2 = spine["T2"].centre, spine["T6"].centre, spine["L2"].centre
    if kind == 0:
        port = t2 + np.array([-85, -110, -45]) * s
        way = tube(
            [
                port,
                t2 + np.array([-40, -80, 0]) * s,
                t2 + np.array([-24, -55, -10]) * s,
                t6 + np.array([-24, -62, 0]) * s,
            ],
            1.4,
            900.0,
        )
        return [*way, ellipsoid(port, (11, 6, 9), 300.0, shell_hu=METAL, shell=1.5)]
    if kind == 1:
        points = [t2 + (0, -28 * s, 60), t6 + (0, -32 * s, 0), spine["T10"].centre + (12 * s, -45 * s, 0)]
        return tube([*points, l2 + np.array([45, -80, 70]) * s], 2.2, 700.0)
    points = [l2 + np.array([rng.uniform(-120, 120), -120, rng.uniform(-60, 60)]) * s]
    points += [points[0] * 0.4 + l2 * 0.6 + rng.normal(0, 20, 3)]
    return tube(points, 2.4, 600.0)


def outside_parts(plan: Plan, rng: np.random.Generator, marks: dict) -> list[Part]:
    """Table, cables, buttons; in the room's frame (they do not turn with the patient)."""
    low, high, back, front = marks["low"] - 80, marks["high"] + 80, marks["back"], marks["front"]
    parts: list[Part] = []
    half, drop = rng.uniform(195, 265), rng.uniform(12, 30)
    shell = float(rng.uniform(-350, 60))
    arc = np.linspace(-1, 1, 15)
    sag = rng.uniform(0, 45)
    for a, b in pairwise(arc):
        ends = [np.array([half * t, back + drop - sag * t * t, low]) for t in (a, b)]
        middle, wide = (ends[0] + ends[1]) / 2, np.linalg.norm(ends[1] - ends[0]) / 2
        left = (ends[1] - ends[0]) / (2 * wide)
        axes = np.stack([left, np.array([-left[1], left[0], 0]), [0, 0, 1.0]])
        centre = np.array([middle[0], middle[1], (low + high) / 2])
        parts.append(block(centre, (wide + 1, 2.0, (high - low) / 2), shell, axes=axes, rounding=1.0, tissue=-1))
    if rng.random() < 0.45:
        edge = float(rng.uniform(60, 600))
        for side in (-1, 1):
            spot = np.array([side * half, back + drop - sag + rng.uniform(-4, 8), low])
            parts.append(bar(spot, spot + (0, 0, high - low), rng.uniform(2, 5), edge, tissue=-1))
    for _ in range(rng.poisson(0.7)):
        parts += _cable(rng, low, high, front, back)
    if rng.random() < 0.12:
        spot = np.array([rng.normal(0, 25), front + 2, rng.uniform(low + 80, high - 80)])
        parts += [ellipsoid(spot + (0, 0, 14.0 * n), (4, 2.5, 4), METAL, tissue=-1) for n in range(rng.integers(1, 6))]
    return parts


def _cable(rng: np.random.Generator, low: float, high: float, front: float, back: float) -> list[Part]:
    """An electrode and its lead on the skin."""
    start = np.array([rng.uniform(-170, 170), front + rng.uniform(-2, 25), rng.uniform(low, high)])
    points = [start]
    for _ in range(int(rng.integers(4, 12))):
        points.append(points[-1] + np.array([rng.normal(0, 25), rng.normal(0, 4), rng.uniform(15, 45)]))
    return tube(points, rng.uniform(0.7, 1.2), float(rng.uniform(250, 1600)), tissue=-1)
