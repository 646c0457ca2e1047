"""Scalp, skull, marrow and neck around the brain, for trying brain masks."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .fields import ellipsoid_depth, smooth_noise, smooth_union

# Signal relative to white matter: subarachnoid fluid, bone, marrow, muscle, fat.
_SIGNALS = {
    "flair": {"bone": 0.08, "marrow": 0.7, "muscle": 0.55, "fat": 1.2},
    "t1": {"bone": 0.06, "marrow": 1.2, "muscle": 0.5, "fat": 1.8},
    "t1gd": {"bone": 0.06, "marrow": 1.3, "muscle": 0.65, "fat": 1.8},
    "t2": {"bone": 0.06, "marrow": 0.9, "muscle": 0.5, "fat": 1.3},
}


def add_skull(rng: np.random.Generator, anatomy: Anatomy, images: dict[str, np.ndarray]) -> np.ndarray:
    """Draw what lies outside the brain into the images, in place; returns the head as bool (k, j, i)."""
    z, y, x = anatomy.points
    outside = anatomy.distance_to(anatomy.brain) * ~anatomy.brain
    wobble = smooth_noise(rng, anatomy.frame, 22)
    fluid_end = np.float32(rng.uniform(1.0, 3.0)) + 0.5 * wobble
    inner = fluid_end + np.float32(rng.uniform(1.5, 2.2))
    marrow_end = inner + np.float32(rng.uniform(1.5, 4.0)) + 0.6 * wobble
    bone_end = marrow_end + np.float32(rng.uniform(1.5, 2.2))
    scalp_end = bone_end + np.float32(rng.uniform(4.0, 8.0)) + wobble
    face = ellipsoid_depth((z, y, x), (-55, -48, 0), (50, 42, 55))
    neck = np.minimum(60 - np.sqrt(x**2 + (y - 12) ** 2), -28 - z + 0 * x)
    head = smooth_union(smooth_union(scalp_end - outside, face, 12), neck, 12) > 0
    fat = head & (outside > bone_end) & ((scalp_end - outside > 1.2) & (outside < scalp_end) | (wobble > 0.8))
    layers = {
        "muscle": head & ~anatomy.brain & (outside > bone_end),
        "fat": fat,
        "bone": head & ~anatomy.brain & (outside <= bone_end) & (outside > fluid_end),
        "marrow": head & ~anatomy.brain & (outside <= marrow_end) & (outside > inner),
    }
    fluid = head & ~anatomy.brain & (outside <= fluid_end)
    for role, image in images.items():
        image[fluid] = {"t2": 2.6, "flair": 0.25}.get(role, 0.28)
        for name, mask in layers.items():
            image[mask] = _SIGNALS[role][name] * rng.uniform(0.85, 1.15)
        image[~head] = 0
    return head
