"""Aorta, vena cava, their branches, and calcified walls."""

from __future__ import annotations

import numpy as np

from .ct_plan import Plan
from .ct_shapes import Part, ellipsoid, tube
from .spine_curve import Vertebra


def vessel_parts(plan: Plan, spine: dict[str, Vertebra], hu: dict[str, float]) -> list[Part]:
    """Great vessels with blood of the phase's HU; plaques in the old."""
    rng = plan.rng(9)
    s = plan.scale
    line = _aorta(plan, spine, rng)
    radius = np.linspace(13.5, 9.0, len(line)) * s * (1 + 0.15 * plan.wear)
    if rng.random() < 0.05 * plan.wear:
        radius *= 1 + rng.uniform(0.3, 2.0) * np.exp(-(((np.arange(len(line)) - 0.8 * len(line)) / 2) ** 2))
    parts = tube(line, radius, hu["aorta"])
    split, branches = line[-1], []
    for side in (-1, 1):
        points = [
            split,
            split + (side * 28 * s, 2, -42 * s),
            (side * 62 * s, 5 * s, -55 * s),
            (side * 72 * s, -38 * s, -105 * s),
        ]
        points.append((side * 82 * s, -40 * s, -160 * s))
        branches.append(np.asarray(points, dtype=float))
        parts += tube(points, (7 * s, 6 * s, 5 * s, 4.5 * s, 4.5 * s), hu["aorta"])
    parts += _arch(plan, spine, line[0], hu, s) + _visceral(plan, spine, hu, rng)
    veins = [
        spine[n].at(-19 * s, -(spine[n].depth / 2 + 6 * s), 0) for n in ("L4", "L3", "L2", "L1", "T12", "T11", "T9")
    ]
    return parts + tube(veins, 11 * s, hu["cava"]) + _plaques(plan, [line, *branches], radius, rng)


def _aorta(plan: Plan, spine: dict, rng: np.random.Generator) -> np.ndarray:
    """Middle line from the arch to the bifurcation, (n, 3) mm; winding in the old."""
    s = plan.scale
    order = ["T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4"]
    left = np.interp(np.arange(13), [0, 4, 8, 12], [24, 20, 10, 4]) * s
    front = np.interp(np.arange(13), [0, 4, 8, 12], [6, 6, 15, 15]) * s
    wind = np.cumsum(rng.normal(0, 3.5 * plan.wear, 13))
    points = [
        spine[n].at(x, -(spine[n].depth / 2 + y), 0) for n, x, y in zip(order, left + wind - wind.mean() * 0.5, front)
    ]
    return np.asarray(points)


def _arch(plan: Plan, spine: dict, top: np.ndarray, hu: dict, s: float) -> list[Part]:
    root = spine["T7"].centre + np.array([2, -75, 8]) * s
    points = [
        top,
        top + np.array([-4, -22, 16]) * s,
        top + np.array([-24, -55, 8]) * s,
        top + np.array([-34, -64, -30]) * s,
    ]
    parts = tube([*points, root], 14 * s, hu["aorta"])
    vein = spine["T2"].centre + np.array([-24, -52, -10]) * s
    parts += tube([vein, vein + (0, -6, -85 * s)], 9 * s, hu["heart"] * 1.1)
    lung = spine["T6"].centre + np.array([10, -58, 6]) * s
    for side in (-1, 1):
        parts += tube(
            [lung, lung + np.array([side * 34, 14, -4]) * s, lung + np.array([side * 52, 26, -35]) * s],
            (12 * s, 9 * s, 6 * s),
            hu["heart"],
        )
        neck = [
            points[1] + np.array([side * 12 - 8, -12, 10]) * s,
            spine["T1"].centre + np.array([side * 26, -42, 0]) * s,
        ]
        parts += tube([*neck, spine["C4"].centre + np.array([side * 28, -16, 0]) * s], 4.5 * s, hu["aorta"])
        parts += tube([vein, spine["C5"].centre + np.array([side * 34, -18, 0]) * s], 6 * s, hu["cava"])
    return parts


def _visceral(plan: Plan, spine: dict, hu: dict, rng: np.random.Generator) -> list[Part]:
    s, l1, l2 = plan.scale, spine["L1"], spine["L2"]
    front = -(l1.depth / 2 + 26 * s)
    parts = tube([l1.at(5, front, 5), l1.at(0, front - 22, -15), l1.at(-4, front - 28, -95 * s)], 3.5 * s, hu["aorta"])
    parts += tube(
        [l1.at(-12, front - 24, -90 * s), l1.at(-10, front - 20, 0), l1.at(-55 * s, front - 30, 45 * s)],
        6 * s,
        hu["portal"],
    )
    parts += tube([l1.at(-10, front - 20, 2), l1.at(75 * s, front + 25, 25 * s)], 4.5 * s, hu["portal"])
    for side in (-1, 1):
        parts += tube([l2.at(0, -(l2.depth / 2 + 15), 12), l2.at(side * 45 * s, -5, 14)], (3.2, 2.6), hu["aorta"])
        parts += tube([l2.at(-12, -(l2.depth / 2 + 12), 9), l2.at(side * 42 * s, -10, 8)], 4.5, hu["cava"])
    return parts


def _plaques(plan: Plan, lines: list[np.ndarray], radius: np.ndarray, rng: np.random.Generator) -> list[Part]:
    """Calcium in the walls; more below the renal arteries."""
    parts, load = [], max(0.0, plan.age - 48) / 35 * rng.gamma(1.2, 0.8)
    for line, size in zip(lines, (radius, np.full(5, 6.0), np.full(5, 6.0))):
        for _ in range(rng.poisson(min(14 * load, 60))):
            place = len(line) * rng.beta(2.2, 1.1) - 1
            n = int(np.clip(place, 0, len(line) - 2))
            t = float(np.clip(place - n, 0, 1))
            angle = rng.uniform(0, 2 * np.pi)
            ring = np.array([np.cos(angle), np.sin(angle), 0]) * size[n]
            spot = line[n] * (1 - t) + line[n + 1] * t + ring
            parts.append(ellipsoid(spot, rng.uniform((1, 1, 1), (2.8, 2.8, 5)), rng.uniform(250, 1100)))
    return parts
