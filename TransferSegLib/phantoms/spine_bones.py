"""A vertebra as parts: body, pedicles, laminae, joints, transverse and spinous processes; and the sacrum."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .ct_plan import Plan
from .ct_shapes import Part, bar, ellipsoid, merged
from .spine_curve import NUMBERS, Vertebra

# Half span of the transverse processes over the body's width, tip height and backward shift (mm).
_SPAN = {"C": (1.25, 0, 4), "T": (1.08, 4, 24), "L": (0.95, 2, 12), "S": (1.0, 0, 10)}


def spine_parts(plan: Plan, spine: dict[str, Vertebra]) -> list[Part]:
    """All vertebrae and the sacrum, each with its TotalSegmentator v2 number as label."""
    rng = plan.rng(2)
    parts: list[Part] = []
    for name, bone in spine.items():
        if name != "S1":
            parts += _vertebra(plan, bone, rng)
    return parts + _sacrum(plan, spine["S1"], rng)


def between_parts(plan: Plan, spine: dict[str, Vertebra]) -> list[Part]:
    """Spinal canal and discs: soft, but no muscle."""
    s, parts = plan.scale, []
    bones = list(spine.values())
    for bone, lower in pairwise(bones):
        wide = (12.0 if bone.kind == "L" else 9.0) * s
        ends = [b.at(0, b.depth / 2 + 8 * s, 0) for b in (bone, lower)]
        parts.append(bar(*ends, wide, 22.0, flat=0.65))
        if bone.disc > 1:
            radii = (bone.width / 2, bone.depth / 2, bone.disc / 2 + 2)
            parts.append(
                ellipsoid(bone.at(0, 0, -(bone.height + bone.disc) / 2), radii, 70.0, axes=bone.axes, power=3.0)
            )
    return parts


def _vertebra(plan: Plan, bone: Vertebra, rng: np.random.Generator) -> list[Part]:
    label = NUMBERS[bone.name]
    compact = dict(shell_hu=plan.cortex, shell=1.1 * plan.scale, label=label)
    if bone.name == "C1":
        return _atlas(plan, bone, compact)
    parts = [*_arch(plan, bone, compact, rng), *_processes(plan, bone, compact, rng)]
    parts = merged([_body(plan, bone, rng, label), *parts])
    if plan.wear > 0.35:
        parts += _spurs(plan, bone, rng, label)
    return parts


def _body(plan: Plan, bone: Vertebra, rng: np.random.Generator, label: int) -> Part:
    """Waisted body with hollow end plates and, with wear, lipped rims."""
    a, b, h = bone.width / 2, bone.depth / 2, bone.height / 2
    hollow = h * rng.uniform(0.06, 0.16) * (1.6 if plan.marrow < 90 else 1.0)
    waist = rng.uniform(0.06, 0.14)
    lip = 3.5 * plan.wear * rng.uniform(0.2, 1.0)
    front = plan.cracked.get(bone.name, 1.0)
    wedge = {"L5": 0.1, "L6": 0.1}.get(bone.name, -0.04 if bone.kind == "T" else 0.02) - 0.35 * (1 - front)
    posts = np.float32(rng.uniform(2.2, 2.6))

    def depth(u, v, w):
        x, y = abs(u * np.float32(1 / a)), abs(v * np.float32(1 / b))
        level = np.clip(abs(w) * np.float32(1 / h), 0, 1)
        girth = np.float32(1 - waist) + np.float32(waist + lip / a * 0.6) * level * level * level
        dent = np.exp(-((u * np.float32(2.2 / a)) ** 2) - (v * np.float32(1 / b) - 1) ** 2 * np.float32(6))
        rho = (x**posts + y**posts) ** (1 / posts) + np.float32(0.12) * dent
        roof = h * (1 - np.float32(wedge) * (v * np.float32(1 / b)))
        roof = roof - np.float32(hollow) * np.clip(1 - rho * rho * np.float32(1.3), 0, 1)
        return np.minimum((girth - rho) * np.float32(min(a, b)), roof - abs(w))

    reach = np.array([a + lip + 3, b + lip + 3, h * (1 + abs(wedge)) + 3])
    hu = plan.marrow * rng.uniform(0.95, 1.2) * (1.35 if front < 1 else 1.0)
    shell = plan.cortex * rng.uniform(0.7, 0.95)
    return Part(bone.centre, bone.axes, -reach, reach, depth, hu, shell, 1.5 * plan.scale, label)


def _arch(plan: Plan, bone: Vertebra, compact: dict, rng: np.random.Generator) -> list[Part]:
    """Pedicles, laminae and articular masses on both sides."""
    s, a, b, h = plan.scale, bone.width / 2, bone.depth / 2, bone.height
    lumbar, neck = bone.kind == "L", bone.kind == "C"
    canal = (15 + (1.5 if lumbar else 0.0)) * s
    apart = a * (0.62 if lumbar else 0.6 if not neck else 0.9) * (1 + 0.05 * bone.rank * lumbar)
    up = h * (0.18 if not neck else 0.0)
    thick = (3.3 + 0.45 * bone.rank if lumbar else 2.6 if neck else 2.5 + 0.09 * bone.rank) * s
    inner = plan.marrow * 1.2
    parts = []
    for side in (-1, 1):
        root, end = bone.at(side * apart, b * 0.8, up), bone.at(side * apart * 1.05, b + canal * 0.65, up)
        parts.append(bar(root, end, thick, inner, flat=1.5 if not neck else 1.0, hint=bone.axes[2], **compact))
        apex = bone.at(0, b + canal + 4 * s, -h * 0.35)
        waist = 0.86 if lumbar else 1.1
        mass = bone.at(side * apart * waist, b + canal * 0.85, -h * 0.15)
        parts.append(bar(mass, apex, (3.8 * s, 3.2 * s), inner, flat=1.6, hint=bone.axes[2], **compact))
        width = (4.9 if lumbar else 4.0 if not neck else 5.5) * s * (1 + 0.3 * plan.wear * rng.random())
        top = bone.at(side * (apart + (2.5 if lumbar else 1.0) * s), b + canal * 0.72, h * (0.58 if lumbar else 0.5))
        low = bone.at(side * apart * 0.84, b + canal * 0.98, -h * (0.8 if lumbar else 0.55))
        parts.append(bar(mass, top, (width * 0.9, width), inner, flat=0.8, **compact))
        parts.append(bar(mass, low, (width * 0.85, width * 0.9), inner, flat=0.8, **compact))
    return parts


def _processes(plan: Plan, bone: Vertebra, compact: dict, rng: np.random.Generator) -> list[Part]:
    s, a, b, h = plan.scale, bone.width / 2, bone.depth / 2, bone.height
    span, lift, back = _SPAN[bone.kind]
    if bone.kind == "L":
        span *= (0.84, 0.95, 1.08, 0.92, 0.93, 0.93)[bone.rank]
        lift += 2.0 * (bone.rank > 2)
    if bone.kind == "T":
        span *= (1.25, 1.2, 1.22, 1.2, 1.15, 1.1, 1.05, 1.0, 0.92, 0.82, 0.68, 0.6)[bone.rank]
    parts, inner = [], plan.marrow * 1.1
    thick = (4.2 + 0.9 * (bone.rank >= 4) if bone.kind == "L" else 4.0 if bone.kind == "T" else 2.8) * s
    for side in (-1, 1):
        root = bone.at(side * a * 0.75, b + (9 if bone.kind != "C" else 2) * s, 1 * s)
        tip = bone.at(
            side * 2 * a * span * rng.normal(1, 0.04), b + back * s * rng.normal(1, 0.08), lift * s + rng.normal(0, 2.5)
        )
        parts.append(bar(root, tip, (thick * 1.1, thick * rng.uniform(0.55, 0.85)), inner, flat=0.7, **compact))
    length, drop = {"C": (20 + 3.0 * bone.rank * (bone.rank > 3), 0.35), "L": (31, 0.18)}.get(bone.kind, (30, 0.85))
    if bone.kind == "T" and bone.rank > 8:
        drop = (0.5, 0.35, 0.25)[bone.rank - 9]
    base, tall = b + 18 * s, (9.0 if bone.kind == "L" else 4.5) * s
    start = bone.at(0, base, -h * 0.3)
    end = bone.at(rng.normal(0, 1.5), base + length * s, -h * 0.3 - length * drop * s)
    parts.append(bar(start, end, (3.0 * s, 3.3 * s), inner, flat=tall / (3.2 * s), hint=bone.axes[2], **compact))
    return parts


def _spurs(plan: Plan, bone: Vertebra, rng: np.random.Generator, label: int) -> list[Part]:
    """Osteophytes at the rims of the body, beside and in front."""
    parts = []
    for edge in (-1, 1):
        for _ in range(rng.poisson(1.1 * plan.wear)):
            angle = rng.uniform(-0.2, np.pi + 0.2)
            spot = (np.cos(angle) * bone.width / 2, -np.sin(angle) * bone.depth / 2, edge * bone.height / 2)
            out = bone.at(spot[0] * 1.14, spot[1] * 1.14, spot[2] + edge * rng.uniform(-1, 3.5))
            size = rng.uniform(1.5, 3.5) * plan.scale
            parts.append(bar(bone.at(*spot), out, (size + 1, size * 0.6), plan.cortex * 0.75, label=label))
    return parts


def _atlas(plan: Plan, bone: Vertebra, compact: dict) -> list[Part]:
    s, parts = plan.scale, []
    ring = [bone.at(x * s, y * s, 0) for x, y in ((0, -12), (16, -8), (24, 6), (16, 24), (0, 30))]
    for mirrored in (1, -1):
        points = [bone.centre + (p - bone.centre) * (mirrored, 1, 1) for p in ring]
        for start, end, r in zip(points, points[1:], (3.5, 6, 5, 3.5)):
            parts.append(bar(start, end, r * s, plan.marrow * 1.2, **compact))
        parts.append(bar(points[2], points[2] + np.array([mirrored * 14, 2, 0]) * s, 3.5 * s, plan.marrow, **compact))
    return parts


def _sacrum(plan: Plan, top: Vertebra, rng: np.random.Generator) -> list[Part]:
    """Five fused segments: bodies, wings with the foramina between, median crest, coccyx."""
    s, parts, rear_parts = plan.scale, [], []
    lean = np.arcsin(np.clip(-top.axes[2][1], -1, 1))
    spot = top.centre + top.axes[2] * top.height / 2
    table = ((28, 50, 33, 0.0), (24, 38, 24, 0.1), (20, 31, 18, 0.0), (17, 27, 14, -0.35), (15, 24, 11, -0.8))
    wings = ((60, 20, 10), (54, 16, 8), (44, 12, 6), (35, 9, 5), (26, 6, 4))
    for n, ((height, width, depth, bend), (out, deep, tall)) in enumerate(zip(table, wings)):
        angle = lean + bend
        down = np.array([0.0, np.sin(angle), -np.cos(angle)])
        back = np.array([0.0, np.cos(angle), np.sin(angle)])
        axes = np.stack([np.array([1.0, 0, 0]), back, -down])
        middle = spot + down * height * s / 2
        label = 26 if n == 0 else 25
        shell = dict(shell_hu=plan.cortex * 0.85, shell=1.3 * s, label=label)
        radii = (width * s / 2, depth * s / 2, height * s / 2)
        parts.append(ellipsoid(middle, radii, plan.marrow * 0.85, axes=axes, power=3.0, **shell))
        for side in (-1, 1):
            root = middle + np.array([side * width * 0.3 * s, 0, 0]) + back * 3 * s
            tip = middle + np.array([side * (out - 8) * s, 0, 0]) + back * 8 * s + down * 3 * s
            size = (tall * 1.1 * s, tall * 1.2 * s)
            parts.append(bar(root, tip, size, plan.marrow * 0.55, flat=deep / tall / 1.3, hint=back, **shell))
            low = tip + down * (height - 4) * s - np.array([side * 3 * s, 0, 0])
            parts.append(bar(tip, low, 6.5 * s, plan.marrow * 0.6, flat=deep / tall * 0.7, hint=back, **shell))
        rear = middle + back * (depth / 2 + 14 - 2 * n) * s
        rear_parts.append(bar(rear - down * 8 * s, rear + down * 8 * s, 3.2 * s, plan.cortex * 0.5, label=label))
        spot = spot + down * height * s
    for n in range(3):
        angle = lean - 1.2 - 0.2 * n
        down = np.array([rng.normal(0, 0.1), np.sin(angle), -np.cos(angle)])
        rear_parts.append(ellipsoid(spot + down * 5 * s, (6 * s, 4 * s, 5 * s), plan.cortex * 0.4, label=25))
        spot = spot + down * 10 * s
    return merged(parts) + rear_parts
