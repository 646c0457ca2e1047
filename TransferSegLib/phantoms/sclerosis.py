"""Multiple sclerosis: ovoid lesions by the ventricles, under the cortex, in stem and cerebellum; confluent caps."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .fields import fraction, ramp, smooth_noise
from .lesions import Pathology

_MOST_LESIONS = 70


def sclerosis(rng: np.random.Generator, anatomy: Anatomy, *, value: int = 1) -> Pathology:
    """Lesions labelled ``value``: 0.3-50 ml in an adult brain, heavy-tailed, 3-20 mm each.

    Every lesion has its own brightness and T1 darkening; a few enhance.
    """
    frame = anatomy.frame
    distance = anatomy.distance_to(anatomy.ventricles > 0.5)
    rough = smooth_noise(rng, frame, 5.5)
    load = float(np.clip(np.exp(rng.normal(np.log(7.0), 1.1)), 0.3, 50.0))  # ml in an adult brain
    growth = float(np.clip((load / 7) ** 0.22, 0.65, 1.5))
    share = np.zeros(frame.shape, dtype=np.float32)
    strength = np.zeros_like(share)
    damage = np.zeros_like(share)
    active = np.zeros_like(share)
    full_damage, common_damage = rng.uniform(0.2, 1.0), rng.uniform(0.0, 0.5)
    voxel_ml = float(np.prod(frame.voxel)) / 1000
    solid = np.clip(1.15 * anatomy.white + 0.75 * anatomy.grey, 0, 1)
    done = 0.0
    if load > 4 and rng.random() < 0.75:
        cap = _confluent(rng, anatomy, distance, load * rng.uniform(0.2, 0.7), voxel_ml) * solid
        share, strength = cap, cap * np.float32(rng.uniform(0.7, 1.1))
        damage = cap * np.float32(full_damage * rng.uniform(0.3, 1.0))
        done = float((cap > 0.5).sum()) * voxel_ml
    kinds = _kinds(anatomy, distance)
    slopes = None
    chances = np.array([0.45, 0.3, 0.15, 0.1]) * rng.uniform(0.3, 1.7, 4)
    for count in range(_MOST_LESIONS):
        if done >= load and count >= 5:
            break
        kind = rng.choice(4, p=chances / chances.sum())
        if not len(kinds[kind]):
            continue
        if slopes is None:
            slopes = np.gradient(distance)
        flat = kinds[kind][rng.integers(len(kinds[kind]))]
        place = np.unravel_index(flat, frame.shape)
        left_over = max(load - done, 0.05)
        radius = min(growth * np.exp(rng.normal(np.log(2.6), 0.45)), 1.2 * (left_over / 0.00419) ** (1 / 3), 9.0)
        radius = max(radius, 1.4, 0.75 * frame.edge)
        outward = np.array([slope[place] for slope in slopes]) if kind == 0 else rng.normal(size=3)
        box, lesion = _ovoid(rng, anatomy, place, radius, outward, rough)
        lesion = lesion * solid[box]
        done += float(((lesion > 0.5) & (share[box] <= 0.5)).sum()) * voxel_ml
        share[box] = np.maximum(share[box], lesion)
        strength[box] = np.maximum(strength[box], lesion * np.float32(rng.uniform(0.45, 1.2)))
        dark = full_damage * rng.uniform(0.5, 1.0) if rng.random() < 0.4 else common_damage * rng.uniform(0.3, 1.0)
        damage[box] = np.maximum(damage[box], lesion * np.float32(dark))
        if rng.random() < 0.08:
            hollow = np.clip(lesion - rng.uniform(0, 0.8) * ramp(lesion, 0.9, 1.0), 0, 1)
            active[box] = np.maximum(active[box], hollow)
    halo = _halo(rng, anatomy, share)
    labels = np.where((share > 0.45) & anatomy.brain, np.uint8(value), np.uint8(0))
    brain = anatomy.brain
    shares = {"lesion": share * brain, "active": active * brain}
    texture = 1 + np.float32(rng.uniform(0.0, 0.2)) * smooth_noise(rng, frame, 3.5)
    return Pathology(shares, labels, strength * texture * brain + halo, damage * brain)


def _kinds(anatomy: Anatomy, distance: np.ndarray) -> list[np.ndarray]:
    """Flat indices where lesions may be centred: by the ventricles, deep white, under the cortex, below the tent."""
    z, y, _ = anatomy.points
    white = anatomy.white > 0.6
    below = (z < -18) & (y > -8)
    above = white & ~below
    rim = (anatomy.white > 0.25) & (anatomy.white < 0.75) & (anatomy.depth > 3) & ~below
    masks = (
        above & (distance < 7) & (z > -15),
        above & (distance > 7) & (anatomy.depth > 15),
        rim & (distance > 9) & (anatomy.grey > 0.2),
        white & below & (anatomy.depth > 3),
    )
    return [np.flatnonzero(mask) for mask in masks]


def _ovoid(
    rng: np.random.Generator, anatomy: Anatomy, place: tuple, radius: float, axis: np.ndarray, rough: np.ndarray
) -> tuple[tuple[slice, ...], np.ndarray]:
    """Window and share of one ovoid whose long axis runs along ``axis`` (k, j, i), with a soft rough edge."""
    frame = anatomy.frame
    long = rng.uniform(1.0, 1.9)
    direction = axis + rng.normal(0, 0.25, 3) * np.linalg.norm(axis)
    direction = direction / max(float(np.linalg.norm(direction)), 1e-6)
    reach = radius * 2.4 + frame.edge
    box, arms = [], []
    for n, at, edge in zip(frame.shape, place, frame.voxel):
        half = int(np.ceil(reach / edge))
        window = slice(max(0, at - half), min(n, at + half + 1))
        box.append(window)
        arms.append(((np.arange(window.start, window.stop) - at) * edge).astype(np.float32))
    box = tuple(box)
    k, j, i = arms[0][:, None, None], arms[1][None, :, None], arms[2][None, None, :]
    along = k * np.float32(direction[0]) + j * np.float32(direction[1]) + i * np.float32(direction[2])
    square = k * k + j * j + i * i - along * along * np.float32(1 - 1 / long**2)
    depth = np.float32(radius) - np.sqrt(np.maximum(square, 0)) + rough[box] * np.float32(0.22 * radius)
    softness = max(frame.edge, rng.uniform(0.8, 2.4))
    return box, fraction(depth, softness)


def _confluent(
    rng: np.random.Generator, anatomy: Anatomy, distance: np.ndarray, target: float, voxel_ml: float
) -> np.ndarray:
    """Share of a confluent sheet along the lateral ventricles of about ``target`` ml."""
    z, _, _ = anatomy.points
    noise = smooth_noise(rng, anatomy.frame, 18) + np.float32(0.5) * smooth_noise(rng, anatomy.frame, 7)
    field = distance - np.float32(2.5) * noise + np.maximum(-4 - z, 0)
    candidates = field[(anatomy.white > 0.6) & (distance < 16)]
    if not candidates.size:
        return np.zeros_like(distance)
    wanted = min(int(target / voxel_ml), candidates.size - 1)
    level = np.partition(candidates, wanted)[wanted]
    return fraction(level - field, max(anatomy.frame.edge, rng.uniform(1, 2.5))) * ramp(anatomy.white, 0.2, 0.7)


def _halo(rng: np.random.Generator, anatomy: Anatomy, share: np.ndarray) -> np.ndarray:
    """Faint brightness of white matter near lesions, which no expert outlines."""
    amount = rng.uniform(0.0, 0.22) if rng.random() < 0.7 else 0.0
    if amount == 0.0:
        return np.zeros_like(share)
    near = np.exp(anatomy.distance_to(share > 0.5) * np.float32(-1 / 4))
    return np.float32(amount) * near * anatomy.white * (1 - share)
