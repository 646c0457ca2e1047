"""What each sequence makes of each tissue: signal relative to white matter, with ranges drawn a phantom."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .fields import Frame, smooth_noise
from .lesions import Pathology

ROLES = ("flair", "t1", "t1gd", "t2")
# Lowest and highest signal, white matter = 1. Wide on purpose: a network trained on these should not
# lean on one scanner's contrast. "lesion" is what a full-strength lesion adds to what lies under it.
_RANGES = {
    "flair": {
        "grey": (1.05, 1.38),
        "deep": (0.98, 1.2),
        "fluid": (0.08, 0.5),
        "tumour": (1.2, 1.75),
        "necrosis": (0.6, 1.6),
        "cavity": (0.1, 0.6),
        "oedema": (1.35, 2.0),
        "scar": (1.25, 1.8),
        "lesion": (0.3, 0.95),
    },
    "t1": {
        "grey": (0.66, 0.9),
        "deep": (0.8, 0.96),
        "fluid": (0.15, 0.4),
        "tumour": (0.55, 0.85),
        "necrosis": (0.3, 0.55),
        "cavity": (0.15, 0.42),
        "oedema": (0.55, 0.85),
        "scar": (0.55, 0.9),
        "lesion": (-0.55, -0.15),
    },
    "t2": {
        "grey": (1.12, 1.5),
        "deep": (0.95, 1.25),
        "fluid": (2.2, 4.2),
        "tumour": (1.35, 2.2),
        "necrosis": (1.9, 3.4),
        "cavity": (2.2, 4.2),
        "oedema": (1.6, 2.5),
        "scar": (1.3, 2.0),
        "lesion": (0.4, 1.5),
    },
}
_ENHANCED = {"tumour": (1.15, 1.95), "scar": (1.1, 1.8), "necrosis": (0.3, 0.6)}


def draw_contrast(rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Signals of one scanner session: role -> tissue -> value."""
    drawn = {
        role: {tissue: float(rng.uniform(*limits)) for tissue, limits in table.items()}
        for role, table in _RANGES.items()
    }
    enhanced = {tissue: value * float(rng.uniform(0.95, 1.05)) for tissue, value in drawn["t1"].items()}
    enhanced |= {tissue: float(rng.uniform(*limits)) for tissue, limits in _ENHANCED.items()}
    drawn["t1gd"] = enhanced
    drawn["t1gd"]["active"] = float(rng.uniform(0.3, 0.9))
    return {role: {"white": 1.0, **drawn[role]} for role in ROLES}


def signals(
    rng: np.random.Generator, anatomy: Anatomy, pathology: Pathology, contrast: dict[str, dict[str, float]]
) -> dict[str, np.ndarray]:
    """Noise-free images, role -> (k, j, i) float32, from tissue fractions and pathology shares."""
    coarse, fine = smooth_noise(rng, anatomy.frame, 26), smooth_noise(rng, anatomy.frame, 5)
    ill = sum(share for name, share in pathology.shares.items() if name not in ("lesion", "active"))
    images = {}
    for role, values in contrast.items():
        image = _healthy(rng, anatomy, values, coarse, fine)
        if not np.isscalar(ill):
            image *= 1 - ill
        for name, share in pathology.shares.items():
            if name not in ("lesion", "active"):
                varied = 1 + np.float32(rng.uniform(0.03, 0.12)) * (fine if name != "necrosis" else -coarse)
                image += np.float32(values[name]) * share * varied
        if pathology.strength is not None:
            amount = pathology.damage if role in ("t1", "t1gd") else pathology.strength
            image += np.float32(values["lesion"]) * amount
        if role == "t1gd" and "active" in pathology.shares:
            image += np.float32(values["active"]) * pathology.shares["active"]
        images[role] = np.maximum(image, 0)
    return images


def _healthy(
    rng: np.random.Generator, anatomy: Anatomy, values: dict[str, float], coarse: np.ndarray, fine: np.ndarray
) -> np.ndarray:
    """Healthy tissue: mean signals, regional differences, fine texture."""
    sway, grain = np.float32(rng.uniform(0.01, 0.05)), np.float32(rng.uniform(0.005, 0.03))
    white = anatomy.white * (1 + sway * coarse + grain * fine)
    grey = anatomy.grey * np.float32(values["grey"]) * (1 - sway * coarse + np.float32(1.5) * grain * fine)
    image = white + grey + anatomy.fluid * np.float32(values["fluid"])
    return image + anatomy.deep * np.float32(values["deep"] - values["grey"])


def bias_field(rng: np.random.Generator, frame: Frame) -> np.ndarray:
    """Smooth multiplicative field around 1, a few percent to a fifth across the head."""
    return np.exp(np.float32(rng.uniform(0.0, 0.12)) * smooth_noise(rng, frame, 70))
