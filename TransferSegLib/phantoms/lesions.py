"""Glioma before and after surgery: core, rim, cavity, scar, and oedema that follows the white matter."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from .anatomy import Anatomy
from .fields import fraction, ramp, smooth_noise
from .warp import Mass


@dataclass
class Pathology:
    """What is not healthy.

    Attributes
    ----------
    shares : material name -> share of the voxel, (k, j, i) float32; together at most 1
    labels : uint8 (k, j, i)
    strength : of the multiple-sclerosis lesions, how much of the full contrast each voxel has
    damage : the same for T1 darkening
    """

    shares: dict[str, np.ndarray]
    labels: np.ndarray
    strength: np.ndarray | None = field(default=None)
    damage: np.ndarray | None = field(default=None)


def choose_mass(rng: np.random.Generator) -> Mass:
    """A place in the white matter of one hemisphere (canonical mm) and a size for a glioma."""
    centre = (rng.uniform(-2, 32), rng.uniform(-42, 42), rng.choice([-1, 1]) * rng.uniform(22, 38))
    return Mass(tuple(float(c) for c in centre), float(rng.uniform(10, 21)), float(rng.uniform(0.1, 0.7)))


def glioma(rng: np.random.Generator, anatomy: Anatomy, mass: Mass) -> Pathology:
    """An irregular enhancing rim (1) around necrosis (2) in oedema (3)."""
    noise = smooth_noise(rng, anatomy.frame, 9) + np.float32(0.5) * smooth_noise(rng, anatomy.frame, 4.5)
    core = _blob(rng, anatomy, mass.centre, mass.radius, noise * np.float32(mass.radius * rng.uniform(0.12, 0.28)))
    core = np.minimum(core, anatomy.depth - 1)
    edge = anatomy.frame.edge
    rim = mass.radius * rng.uniform(0.18, 0.4) + rng.uniform(0.3, 1.0) * smooth_noise(rng, anatomy.frame, 7)
    solid = 1 - anatomy.ventricles * np.float32(0.9)
    oedema = _oedema(rng, anatomy, core, rng.uniform(8, 26))
    fractions = {
        "necrosis": fraction(core - np.maximum(rim, 1.2), edge * 1.3),
        "tumour": fraction(core, edge * 1.2) * solid,
        "oedema": oedema,
    }
    return _layered(anatomy, fractions, {"tumour": 1, "necrosis": 2, "oedema": 3})


def postoperative(rng: np.random.Generator, anatomy: Anatomy) -> Pathology:
    """A cavity (2) that reaches the cortex, a thin scar (4), nodules of tumour (1) at its wall, oedema (3)."""
    frame, edge = anatomy.frame, anatomy.frame.edge
    centre = _place(rng, anatomy, 9, 17)
    radius = float(rng.uniform(8, 17))
    noise = smooth_noise(rng, frame, 9)
    cavity = _blob(rng, anatomy, centre, radius, noise * np.float32(radius * rng.uniform(0.1, 0.22)))
    # The way in: the cavity widens toward the nearest surface.
    outward = np.float32(1) - np.clip(anatomy.depth / np.float32(14), 0, 1)
    cavity += outward * np.float32(0.35 * radius) * (cavity > -radius)
    width = max(rng.uniform(1.4, 2.6), 0.9 * edge)
    patchy = ramp(smooth_noise(rng, frame, 10), -1.2, -0.4)
    inside = 1 - anatomy.ventricles
    tumour = np.full(frame.shape, -50, dtype=np.float32)
    wall = np.argwhere((np.abs(cavity) < max(2, edge)) & (anatomy.depth > 5) & (anatomy.white > 0.3))
    for _ in range(int(rng.integers(1, 4))):
        if len(wall):
            place = [axis[n] for axis, n in zip(frame.axes(), wall[rng.integers(len(wall))])]
            size = rng.uniform(3.5, 8)
            tumour = np.maximum(tumour, _blob(rng, anatomy, place, size, noise * np.float32(0.2 * size)))
    tumour = np.minimum(tumour, -cavity)
    fractions = {
        "cavity": fraction(cavity, edge) * anatomy.brain,
        "tumour": fraction(tumour, edge * 1.2) * inside,
        "scar": fraction(cavity + np.float32(width), edge) * patchy * inside * ramp(anatomy.depth, 0, 2),
        "oedema": _oedema(rng, anatomy, np.maximum(cavity, tumour), rng.uniform(6, 18)),
    }
    return _layered(anatomy, fractions, {"tumour": 1, "cavity": 2, "oedema": 3, "scar": 4})


def _place(rng: np.random.Generator, anatomy: Anatomy, low: float, high: float) -> tuple[float, float, float]:
    """A voxel of a hemisphere between ``low`` and ``high`` mm below the hull; canonical mm (z, y, x)."""
    z, _, x = anatomy.points
    fits = (anatomy.depth > low) & (anatomy.depth < high) & (z > 0) & (np.abs(x) > 20) & (anatomy.ventricles < 0.1)
    places = np.flatnonzero(fits)
    if not len(places):  # a grid so coarse that no voxel lies between
        places = np.flatnonzero(anatomy.depth > low)
    chosen = np.unravel_index(places[rng.integers(len(places))], fits.shape)
    return tuple(float(axis[n]) for axis, n in zip(anatomy.frame.axes(), chosen))


def _blob(rng: np.random.Generator, anatomy: Anatomy, centre: tuple, radius: float, noise: np.ndarray) -> np.ndarray:
    """Depth (mm) below an ovoid of about ``radius`` whose surface ``noise`` (mm) moves."""
    square = 0.0
    for coordinate, middle, factor in zip(anatomy.points, centre, rng.uniform(0.75, 1.3, 3)):
        square = square + ((coordinate - np.float32(middle)) * np.float32(1 / factor)) ** 2
    return np.float32(radius) - np.sqrt(square) + noise


def _oedema(rng: np.random.Generator, anatomy: Anatomy, core: np.ndarray, reach: float) -> np.ndarray:
    """Share of oedema: within ``reach`` mm of the core, in white matter that joins it, with fingers."""
    noise = smooth_noise(rng, anatomy.frame, 12) + np.float32(0.4) * smooth_noise(rng, anatomy.frame, 5)
    depth = core + np.float32(reach) * (1 + np.float32(0.35) * noise)
    spread = fraction(depth, max(3.0, 1.5 * anatomy.frame.edge)) * ramp(anatomy.white, 0.25, 0.8)
    spread *= 1 - np.clip(anatomy.deep * 3, 0, 0.8)
    joined = ndimage.binary_propagation((core > -3) & anatomy.brain, mask=(spread > 0.3) | (core > -3))
    near = ndimage.binary_dilation(joined)
    return (spread * near).astype(np.float32)


def _layered(anatomy: Anatomy, fractions: dict[str, np.ndarray], values: dict[str, int]) -> Pathology:
    """Lay materials over each other, first on top; a voxel is labelled by its largest share once half is ill."""
    left = anatomy.brain.astype(np.float32)
    shares, largest = {}, np.zeros(anatomy.frame.shape, dtype=np.float32)
    labels = np.zeros(anatomy.frame.shape, dtype=np.uint8)
    for name, share in fractions.items():
        shares[name] = share = np.minimum(share, left)
        left = left - share
        wins = share > largest
        labels[wins] = values[name]
        largest = np.maximum(largest, share)
    labels[left > 0.5] = 0
    return Pathology(shares, labels * anatomy.brain)
