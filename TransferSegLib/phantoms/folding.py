"""Sulci: sheets of band-passed noise that stand on a wall and cut into it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .fields import HALF_EXTENT, Frame


def folded(
    rng: np.random.Generator,
    frame: Frame,
    points: tuple,
    wall: np.ndarray,
    centre: tuple,
    radii: tuple,
    wavelength: float,
    length: float,
    width: float,
) -> np.ndarray:
    """Depth below a wall into which sheets ``width`` mm wide cut about ``length`` mm deep.

    The sheets are the zero set of band-passed noise read at the point's projection outward from ``centre``,
    so that they stand on the wall as sulci do.
    """
    z, y, x = points
    middle = np.where(x >= 0, np.float32(centre[2]), np.float32(-centre[2]))
    arms = (z - np.float32(centre[0]), y - np.float32(centre[1]), x - middle)
    norm = np.sqrt(sum((arm * np.float32(1 / radius)) ** 2 for arm, radius in zip(arms, radii)) + np.float32(1e-4))
    factor = np.clip(norm, 0.3, 1.6) ** np.float32(-0.8)
    step = 2.0 if wavelength < 15 else 3.0
    noise = _ring_noise(rng, wavelength, step)
    near = wall > -3  # only here can tissue be; the look-ups are the slow part
    places = (np.float32(centre[0]), np.float32(centre[1]), middle[near])
    where = np.stack([arm[near] * factor[near] + place for arm, place in zip(arms, places)])
    where += np.float32(HALF_EXTENT)
    where /= np.float32(step)
    value = np.zeros(wall.shape, dtype=np.float32)
    value[near] = ndimage.map_coordinates(noise, where, order=1, mode="nearest")
    slope = np.sqrt(sum(g * g for g in np.gradient(value, *frame.voxel.astype(np.float32))))[near]
    value = np.abs(value[near])
    across = value / np.maximum(slope, 0.5 * slope.mean())
    depth = wall[near]
    # Deep ends vary with the noise itself, so that gyri differ in height.
    beyond = np.maximum(depth - np.float32(length) * (1 - np.float32(0.25) * value), 0)
    sheet = np.sqrt(across**2 + beyond**2) - np.float32(width) * (1 - np.float32(0.03) * depth)
    cut = wall.copy()
    cut[near] = np.minimum(depth, sheet)
    return cut


def _ring_noise(rng: np.random.Generator, wavelength: float, step: float) -> np.ndarray:
    """Band-passed noise of unit variance on a cube of ``step`` mm over the whole extent.

    Its zero set is a labyrinth of sheets about half a ``wavelength`` apart: the pattern of sulci.
    """
    count = int(2 * HALF_EXTENT / step) + 1
    spectrum = np.fft.rfftn(rng.standard_normal((count,) * 3, dtype=np.float32))
    full, half = np.fft.fftfreq(count, step), np.fft.rfftfreq(count, step)
    radius = np.sqrt(full[:, None, None] ** 2 + full[None, :, None] ** 2 + half[None, None, :] ** 2)
    spectrum *= np.exp(-(((radius * wavelength - 1) / 0.18) ** 2))
    noise = np.fft.irfftn(spectrum, s=(count,) * 3, axes=(0, 1, 2)).astype(np.float32)
    return noise / noise.std()
