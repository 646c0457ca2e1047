"""What a scanner adds: vessels, plexus and flow that are no lesions, blur, shift, bias, noise."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .anatomy import Anatomy
from .contrast import bias_field
from .fields import Frame, ramp, smooth_noise


def add_lookalikes(rng: np.random.Generator, anatomy: Anatomy, images: dict[str, np.ndarray]) -> None:
    """Add in place what is bright without being a lesion; none of it is labelled.

    FLAIR: caps of the horns, choroid plexus, inflowing fluid, bright rim of cortex. T1Gd: vessels, dura, plexus.
    T2: flow voids.
    """
    frame = anatomy.frame
    noise = smooth_noise(rng, frame, 11)
    z, y, _ = anatomy.points
    distance = anatomy.distance_to(anatomy.ventricles > 0.5)
    lining = np.exp(distance * np.float32(-1 / rng.uniform(0.8, 2.5))) * anatomy.white
    horns = ramp(np.abs(y + 5), 20, 45)
    images["flair"] += np.float32(rng.uniform(0, 0.35)) * lining * (np.float32(0.35) + horns)
    images["t2"] += np.float32(rng.uniform(0, 0.3)) * lining * (np.float32(0.35) + horns)

    plexus = anatomy.ventricles * ramp(noise, 0.5, 1.1) * ramp(y, 8, 16)
    images["flair"] += np.float32(rng.uniform(0.3, 1.0)) * plexus
    images["t1"] += np.float32(rng.uniform(0.2, 0.5)) * plexus
    images["t1gd"] += np.float32(rng.uniform(0.4, 1.4)) * plexus
    images["t2"] *= 1 - np.float32(rng.uniform(0.1, 0.4)) * plexus

    low = ramp(-z, 8, 28) * anatomy.fluid
    flow = low * ramp(noise, 0.2, 1.4)
    images["flair"] += np.float32(rng.uniform(0, 1.1)) * flow
    images["t2"] *= 1 - np.float32(rng.uniform(0, 0.7)) * flow
    sulci = anatomy.fluid * (1 - anatomy.ventricles) * ramp(-noise, 0.8, 1.8)
    images["flair"] += np.float32(rng.uniform(0, 0.7)) * sulci

    vessels = ramp(smooth_noise(rng, frame, 6), rng.uniform(0.9, 1.5), 2.0) * anatomy.fluid * (1 - anatomy.ventricles)
    dura = (1 - ramp(anatomy.depth, 1.5, 3.5)) * anatomy.brain * ramp(noise + y * np.float32(0.012), 0.6, 1.5)
    images["t1gd"] += np.float32(rng.uniform(0.4, 1.8)) * vessels + np.float32(1.5 * rng.random() ** 2) * dura
    images["flair"] += np.float32(0.5 * rng.random() ** 2) * dura


def scan(rng: np.random.Generator, frame: Frame, image: np.ndarray, *, noise: float, brain: np.ndarray) -> np.ndarray:
    """One acquired image: gamma, resolution, sub-voxel shift, bias field, Rician noise; (k, j, i) float32."""
    image = np.maximum(image, 0) ** np.float32(rng.uniform(0.88, 1.14))
    image *= bias_field(rng, frame)
    image = _resolution(rng, frame, image)
    image = _shift(rng, frame, image)
    sigma = np.float32(noise)
    real = image + sigma * rng.standard_normal(image.shape, dtype=np.float32)
    imaginary = sigma * rng.standard_normal(image.shape, dtype=np.float32)
    return np.hypot(real, imaginary) * brain


def _resolution(rng: np.random.Generator, frame: Frame, image: np.ndarray) -> np.ndarray:
    """In-plane blur, and for half of the sequences thicker slices along one axis."""
    widths = np.full(3, rng.uniform(0.0, 0.7))
    if rng.random() < 0.5:
        widths[rng.choice(3, p=[0.6, 0.1, 0.3])] = rng.uniform(0.8, 1.8)
    for axis, width in enumerate(widths / frame.voxel):
        if width > 0.2:
            image = ndimage.gaussian_filter1d(image, width, axis=axis, truncate=2.5)
    return image


def _shift(rng: np.random.Generator, frame: Frame, image: np.ndarray) -> np.ndarray:
    """What registration left: a shift below half a millimetre, by linear interpolation."""
    for axis, amount in enumerate(rng.uniform(-0.45, 0.45, 3) / frame.voxel):
        share = np.float32(abs(amount))
        if share > 0.05:
            moved = np.roll(image, int(np.sign(amount)), axis=axis)
            image = (1 - share) * image + share * moved
    return image
