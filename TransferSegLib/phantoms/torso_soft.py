"""Skin, fat, muscles, lungs and belly: the soft body drawn slice-wise from the outline, with its tissue values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .ct_patient import Patient
from .ct_shapes import Painter

# Body-composition values; see measuring.body_composition.
OTHER, MUSCLE, SUBCUTANEOUS, VISCERAL, INTERMUSCULAR = range(5)


@dataclass
class _Slices:
    """Coordinates and outline of the slices to draw; everything broadcasts to (k, j, i).

    ``u`` is mm to the left of the middle line, ``v`` mm behind the vertebral bodies' middle line.
    """

    z: np.ndarray
    u: np.ndarray
    v: np.ndarray
    at: dict[str, np.ndarray]


def paint_soft(painter: Painter, patient: Patient) -> np.ndarray:
    """Fill the painter's volume with air and the soft body; organs and bones are painted over it afterwards.

    Returns where organs may lie: inside the body wall, (k, j, i) bool.
    """
    room = np.zeros(painter.volume.shape, dtype=bool)
    for start in range(0, len(painter.z), 24):
        part = slice(start, start + 24)
        tissues = None if painter.tissues is None else painter.tissues[part]
        room[part] = _paint_slab(painter.volume[part], tissues, _slices(painter, patient, part), patient)
    return room


def _slices(painter: Painter, patient: Patient, part: slice) -> _Slices:
    z = painter.z[part].astype(np.float32)
    own = z - np.float32(patient.shift[2])
    at = {name: value.astype(np.float32)[:, None, None] for name, value in patient.outline.at(own).items()}
    # A lying patient's tilt moves each slice as a whole; the roll about z turns within it.
    shift = patient.turn[:2, 2][None, :] * own[:, None] + patient.shift[:2]
    x = painter.x.astype(np.float32)[None, None, :] - shift[:, 0].astype(np.float32)[:, None, None]
    y = painter.y.astype(np.float32)[None, :, None] - shift[:, 1].astype(np.float32)[:, None, None]
    roll = np.arctan2(patient.turn[1, 0], patient.turn[0, 0])
    cos, sin = np.float32(np.cos(roll)), np.float32(np.sin(roll))
    return _Slices(own[:, None, None], x * cos + y * sin - at["spine_x"] * 0.5, y * cos - x * sin - at["spine_y"], at)


def _oval(s: _Slices, side, front, back) -> np.ndarray:
    """A superellipse of power 2.5 (1 on the edge), ``side`` wide each way, that spans ``front``..``back`` in v."""
    middle, half = (front + back) / 2, np.maximum((back - front) / 2, 1)
    across, along = abs(s.u / side), abs((s.v - middle) / half)
    return across * across * np.sqrt(across) + along * along * np.sqrt(along)


def _legs(s: _Slices, half, front, back, rind, whole: np.ndarray) -> np.ndarray:
    """Below the crotch the body is two thighs; ``whole`` above it."""
    split = np.clip((-150 - s.z) / 25, 0, 1)
    if not split.any():
        return whole
    middle, deep = (front + back) / 2, np.maximum((back - front) / 2 - rind, 20)
    thigh = ((abs(s.u) - half * 0.5) / np.maximum(half * 0.5 - 3 - rind, 20)) ** 2 + ((s.v - middle) / deep) ** 2
    return np.where(split > 0.5, thigh, whole)


def _paint_slab(volume: np.ndarray, tissues: np.ndarray | None, s: _Slices, patient: Patient) -> np.ndarray:
    plan, levels = patient.plan, {name: bone.centre[2] for name, bone in patient.spine.items()}
    rng = plan.rng(14)
    half, front, back = s.at["half"], s.at["front"] - s.at["spine_y"], s.at["back"] - s.at["spine_y"]
    fat = plan.fat
    trunk = _share(s.z, levels["T1"] + 10, levels["T1"] + 50)  # 1 in the trunk, 0 in the neck
    rind = np.float32(7 + 34 * fat * (1.0 if plan.sex == "f" else 0.8))
    belly = np.exp(-(((s.z - levels["L3"]) / 160) ** 2)).astype(np.float32)
    rind_front, rind_side, rind_back = (rind * (a + b * belly) for a, b in ((0.45, 0.6), (0.4, 0.4), (0.5, 0.5)))
    skin = _legs(s, half, front, back, 0.0, _oval(s, half, front, back))
    inner = _oval(s, half - rind_side, front + rind_front, back - rind_back)
    inner = _legs(s, half, front, back, rind * np.float32(0.55), inner)
    hu = {"fat": float(rng.uniform(-112, -96)), "muscle": float(rng.uniform(38, 62) - 14 * plan.wear)}
    rim = (1 - 2.0 / np.minimum(half, 120)) ** 2.5  # two millimetres below the skin
    volume[...] = -1000
    volume[skin < 1] = hu["fat"]
    volume[(skin < 1) & (skin > rim)] = 10
    wall = np.float32(rng.uniform(9, 15)) * np.float32(1.1 if plan.sex == "m" else 0.85)
    muscle = (inner < 1) & _fleshy(s, levels, half - rind_side, front + rind_front, wall)
    volume[muscle] = hu["muscle"]
    if tissues is not None:
        tissues[...] = 0
        tissues[(skin < rim) & ~muscle] = SUBCUTANEOUS
        tissues[muscle] = MUSCLE
    _marbling(volume, tissues, s, patient, muscle & (s.v > 8), hu["fat"], rng)
    edges = (half - rind_side - wall, front + rind_front + wall * 0.75)
    room = _cavity(volume, tissues, s, patient, levels, edges, hu, trunk)
    _columns(volume, tissues, s, patient, levels, hu, rng)
    return room


def _fleshy(s: _Slices, levels: dict, side, front, wall) -> np.ndarray:
    """Between chest and pelvis muscle is a wall around the belly and two columns behind; beside them lies fat."""
    columns = ((abs(s.u) - 34) / 36) ** 2 + ((s.v - 48) / 30) ** 2 < 1
    columns |= (abs(s.u) < 30) & (s.v > 10) & (s.v < 62)
    ring = _oval(s, side, front, np.float32(42) + wall) < 1
    return columns | ring | (s.z > levels["T11"]) | (s.z < -15)


def _share(z: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip((np.float32(high) - z) * np.float32(1 / (high - low)), 0, 1)


def _cavity(volume, tissues, s: _Slices, patient: Patient, levels: dict, edges: tuple, hu: dict, trunk) -> np.ndarray:
    """Belly with its fat, lungs and mediastinum, pelvis."""
    side, front = edges
    lowest, dome = -135 * patient.plan.scale, levels["T10"] + 8
    rear = np.float32(26) - np.clip((s.z - levels["L1"]) / 120, -0.6, 1) * np.float32(-30)
    pelvic = np.clip((-20 - s.z) / 80, 0, 1)
    belly = _oval(s, side * (1 - 0.55 * pelvic), front, rear + 16 + 14 * pelvic) < 1
    belly &= (s.z > lowest) & (s.z < levels["T8"])
    # Back muscles and the bodies' own bed bulge into it from behind.
    bed = np.minimum((s.u / 66) ** 2 + ((s.v - 58) / 44) ** 2, (s.u / 38) ** 2 + ((s.v - 18) / 26) ** 2)
    belly &= (bed > 1) | (s.z < -30)
    volume[belly] = hu["fat"] + 3
    if tissues is not None:
        tissues[belly] = VISCERAL
    up = (s.z - dome) / 60
    round_top = ((abs(s.u) - 70) / 88) ** 2 + ((s.v + 58) / 95) ** 2
    top = dome + 42 * (1 - np.minimum(round_top, 2.5)) - 60 * np.clip((s.v + 40) / 120, 0, 1)
    narrow = np.clip(1 - np.clip((s.z - levels["T6"]) / 190, 0, 1) ** 2, 0.05, 1)
    chest = _oval(s, np.maximum(side * 0.97, 20) * np.sqrt(narrow), front * 0.96, rear + 22) < 1
    behind = np.minimum((s.u / 48) ** 2 + ((s.v - 62) / 48) ** 2, (s.u / 24) ** 2 + ((s.v - 12) / 26) ** 2)
    chest &= (behind > 1) & (s.z > top) & (s.z < levels["T1"] + 25) & (up > -2) & (trunk > 0.5)
    middle = (((s.u - 8) / (30 + 22 * np.exp(-(((s.v + 75) / 30) ** 2)))) ** 2 < 1) & (s.v < 12)
    volume[chest] = -840
    volume[chest & middle] = 35
    if tissues is not None:
        tissues[chest] = OTHER
    return belly | chest


def _columns(volume, tissues, s: _Slices, patient: Patient, levels: dict, hu: dict, rng) -> None:
    """Psoas, square lumbar and back muscles, beside the spine."""
    scale = patient.plan.scale * (1.1 if patient.plan.sex == "m" else 0.9) * float(rng.normal(1, 0.08))
    grow = np.clip((levels["T12"] + 5 - s.z) / max(levels["T12"] - levels["L5" if "L5" in levels else "L4"], 1), 0, 1)
    lower = np.clip((-10 - s.z) / 90, 0, 1)
    size = np.maximum(np.sqrt(grow) * 24 * scale * (1 - 0.4 * lower), 0.1)
    out, fore = 26 + 14 * grow + 30 * lower, -2 - 6 * grow - 45 * lower
    shape = ((abs(s.u) - out * scale) / (size * 0.85)) ** 2 + ((s.v - fore) / size) ** 2
    psoas = (shape < 1) & (s.z < levels["T12"]) & (s.z > -120)
    deep = np.clip((levels["T12"] - s.z) / 60, 0, 1) * (s.z > -15)
    square = ((abs(s.u) - 62 * scale) / 22) ** 2 + ((s.v - 22) / (9 * deep + 0.1)) ** 2 < 1
    for mask in (psoas, square):
        volume[mask] = hu["muscle"] + 4
        if tissues is not None:
            tissues[mask] = MUSCLE


def _marbling(volume, tissues, s: _Slices, patient: Patient, muscle: np.ndarray, fat: float, rng) -> None:
    """Fat between and within the back muscles."""
    share = 0.25 + 0.5 * patient.plan.wear + 0.4 * patient.plan.fat
    waves = rng.uniform(0.12, 0.35, 5)
    value = sum(np.sin(s.u * w + s.v * waves[n - 1] * 0.8 + s.z * 0.03 * n + n) for n, w in enumerate(waves))
    veins = muscle & (value * np.float32(0.45) > 1.9 - share)
    volume[veins] = fat + 25
    if tissues is not None:
        tissues[veins] = INTERMUSCULAR
