"""Ribs from T1 to T12, their cartilages, and the breastbone."""

from __future__ import annotations

import numpy as np

from .ct_plan import Plan
from .ct_shapes import Part, bar, ellipsoid, tube
from .spine_curve import Vertebra

# Of a man of 1.72 m: half width of the chest at a rib, its depth from vertebra to front, how far the bony end
# lies below the head of the rib (mm), and how far round it reaches (degrees from the back).
_HALF_WIDTH = (58, 86, 104, 115, 122, 128, 132, 134, 133, 129, 121, 108)
_DEEP = (78, 112, 136, 154, 168, 178, 185, 188, 188, 186, 182, 176)
_DROP = (26, 40, 52, 63, 74, 84, 93, 102, 110, 112, 96, 62)
_ROUND = (150, 150, 148, 146, 144, 140, 136, 126, 116, 102, 72, 46)


def rib_path(plan: Plan, bone: Vertebra, side: int, rng: np.random.Generator, build: dict) -> np.ndarray:
    """(n, 3) middle line of one rib, mm; ``side`` is 1 for the patient's left."""
    n, s = bone.rank, plan.scale
    half = _HALF_WIDTH[n] * s * build["wide"]
    deep = _DEEP[n] * s * build["deep"]
    reach = np.radians(_ROUND[n] * rng.normal(1, 0.02))
    if n >= 10:
        length = plan.twelfth if n == 11 else 0.6 + 0.4 * build["eleventh"]
        reach = np.radians(14) + (reach - np.radians(14)) * length
    drop = _DROP[n] * s * build["steep"] * (reach / np.radians(_ROUND[n]))
    start = np.arcsin(min(0.9, (bone.width / 2 + 1) / half))
    t = np.linspace(0, 1, max(4, int(13 * reach / 2.5) + 2))
    angle = start + (reach - start) * t
    rear = bone.depth / 2 + 26 * s * (0.5 if n == 0 else 1.0)
    middle, radius = rear - (deep + rear) / 2, (deep + rear) / 2
    x = half * np.sin(np.clip(angle, 0, np.pi / 2)) if n > 9 else half * np.sin(angle) ** 0.9
    y = middle + radius * np.cos(angle) - rear * 0.78 * np.exp(-((x / (30 * s)) ** 2))
    z = bone.height * (0.35 if 0 < n < 9 else 0.1) - drop * t**0.85 + 5 * s * np.sin(np.pi * np.minimum(t * 4, 1))
    path = np.stack([side * x, y, z], axis=1)
    return bone.centre + path @ _levelled(bone)


def _levelled(bone: Vertebra) -> np.ndarray:
    """Rows: axes that follow the side bend and twist of the vertebra, but its lean by a third only."""
    up = bone.axes[2] * (1, 0.33, 1)
    up = up / np.linalg.norm(up)
    back = bone.axes[1] - up * (bone.axes[1] @ up)
    back /= np.linalg.norm(back)
    return np.stack([np.cross(back, up), back, up])


def chest_parts(plan: Plan, spine: dict[str, Vertebra]) -> list[Part]:
    """Ribs, cartilage and sternum."""
    rng = plan.rng(3)
    build = {"wide": rng.normal(1, 0.05) * (1 + 0.05 * plan.fat), "deep": rng.normal(1, 0.07) + 0.06 * plan.wear}
    build |= {"steep": rng.uniform(0.75, 1.25), "eleventh": rng.uniform(0.5, 1.2)}
    shell = dict(shell_hu=plan.cortex * 1.0, shell=1.0 * plan.scale)
    parts, paths = [], {}  # paths by name: "T5+1" is the left fifth
    for n in range(12):
        bone = spine[f"T{n + 1}"]
        for side in (-1, 1):
            if n == 11 and plan.twelfth * rng.uniform(0.6, 1.2) < 0.2:
                continue
            path = rib_path(plan, bone, side, rng, build)
            paths[f"{bone.name}{side:+d}"] = path
            thick = (3.2 if n < 11 else 2.6) * plan.scale * rng.normal(1, 0.06)
            hint = np.array([0.0, 0.0, 1.0])
            parts += tube(
                path, np.linspace(1.1, 1.0, len(path)) * thick, plan.marrow * 0.9, flat=1.9, hint=hint, **shell
            )
    parts += _lumbar_ribs(plan, spine["L1"], rng, shell)
    return parts + _front(plan, spine, paths, rng)


def _lumbar_ribs(plan: Plan, bone: Vertebra, rng: np.random.Generator, shell: dict) -> list[Part]:
    """Short ribs on the first lumbar vertebra, in few."""
    parts = []
    for side in (-1, 1):
        if plan.lumbar_ribs * rng.uniform(0.3, 1) < 0.1:
            continue
        points = [(side * bone.width * 0.55, bone.depth * 0.6, 3), (side * bone.width * 0.95, bone.depth, 0)]
        far = bone.width * (1 + plan.lumbar_ribs)
        points.append((side * far, bone.depth * 1.05, -30 * plan.lumbar_ribs))
        parts += tube([bone.at(*p) for p in points], 2.7 * plan.scale, plan.marrow, flat=1.6, **shell)
    return parts


def _front(plan: Plan, spine: dict[str, Vertebra], paths: dict, rng: np.random.Generator) -> list[Part]:
    """Sternum, and cartilages that calcify with age."""
    s = plan.scale
    front = {n: (paths[f"T{n}+1"][-1] + paths[f"T{n}-1"][-1]) / 2 for n in (1, 4, 7)}
    notch = front[1] + np.array([0, -14 * s, -12 * s])
    angle = front[4] * (1, 1, 0) + np.array([0, -22 * s, spine["T5"].centre[2] + rng.normal(0, 6)])
    low = front[7] * (1, 1, 0) + np.array([0, -14 * s, spine["T9"].centre[2] + rng.normal(0, 10)])
    flat = dict(shell_hu=plan.cortex * 0.65, shell=1.0 * s, hint=(1.0, 0.0, 0.0))
    parts = [bar(notch, angle + (0, 0, 4), (5.5 * s, 5 * s), plan.marrow * 0.7, flat=5.0, **flat)]
    parts.append(bar(angle - (0, 0, 4), low, (5 * s, 5 * s), plan.marrow * 0.7, flat=3.7, **flat))
    tip = low + np.array([rng.normal(0, 3), rng.normal(2, 4), -rng.uniform(12, 38)])
    parts.append(bar(low, tip, (4, 3), plan.marrow * 0.6, flat=2.0, **flat))
    chalk = max(0.0, plan.age - 35) / 50
    for n in range(1, 11):
        for side in (-1, 1):
            end = paths[f"T{n}{side:+d}"][-1]
            share = (n - 1) / 6
            goal = notch * (1 - share) + low * share if n < 8 else paths[f"T{n - 1}{side:+d}"][-1] * (0.6, 1, 1)
            goal = goal + np.array([side * 16 * s, 3 * s, -6 * s]) if n < 8 else goal + (0, -8 * s, -14 * s)
            middle = (end + goal) / 2 + np.array([0, -5, -(4 + 3.0 * n) * s])
            parts += _cartilage(plan, rng, [end, middle, goal], chalk)
    return parts


def _cartilage(plan: Plan, rng: np.random.Generator, points: list, chalk: float) -> list[Part]:
    """One costal cartilage: faint, with specks and streaks of calcium in the old."""
    parts = tube(points, 5 * plan.scale, rng.uniform(85, 135), flat=1.3)
    points = np.asarray(points)
    for _ in range(rng.poisson(5 * chalk)):
        place = rng.random()
        spot = (
            points[0] * (1 - place) + points[1] * place
            if rng.random() < 0.6
            else points[1] + (points[2] - points[1]) * place
        )
        size = rng.uniform(1.2, 3.6, 3)
        parts.append(ellipsoid(spot + rng.normal(0, 2.5, 3), size, rng.uniform(180, 650)))
    return parts
