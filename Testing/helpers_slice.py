"""A drawn axial slice at L3 with its true tissues: simple, but with every neighbour that is easily taken for muscle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

# HU of the organs without and with contrast.
NATIVE = {"bowel": 35, "liver": 58, "kidney": 33, "vessels": 42}
ENHANCED = {"bowel": 40, "liver": 110, "kidney": 190, "vessels": 170}


@dataclass(frozen=True)
class Drawn:
    """A slice, its spacing and its tissues (values as ``measuring.body_composition``)."""

    hu: np.ndarray
    spacing: tuple[float, float]
    truth: np.ndarray


def draw_slice(
    *,
    size: int = 512,
    step: float = 0.8,
    fat_mm: float = 22,
    wall_mm: float = 14,
    muscle: float = 50,
    marbled: float = 0.0,
    contrast: bool = False,
    arms: str = "",
    noise: float = 12,
    seed: int = 0,
    half: tuple[float, float] = (105, 150),
    table: float = 1.0,
) -> Drawn:
    """Draw a slice; lengths in mm, ``half`` the half axes (rows, columns) of what lies within the subcutaneous fat.

    ``arms`` is "" or "beside" or "touching"; ``table`` 1 behind, -1 in front (prone), 0 none; ``marbled`` the share of
    fat in the long muscles of the back.
    """
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:size, :size].astype(np.float32)
    y, x = (row - size / 2) * step, (column - size / 2) * step

    def ellipse(cy: float, cx: float, ry: float, rx: float) -> np.ndarray:
        return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1

    side = np.abs(x)
    within = ellipse(0, 0, *half)
    body = ellipse(0, 0, half[0] + fat_mm, half[1] + fat_mm)
    cavity = ellipse(0, 0, half[0] - wall_mm * 0.6, half[1] - wall_mm)
    vy = half[0] * 0.38
    spine = ellipse(vy, 0, 17, 24)
    arch = (ellipse(vy + 27, 0, 13, 17) & ~ellipse(vy + 25, 0, 8, 10)) | ((side < 4) & (y > vy + 36) & (y < vy + 58))
    back = (ellipse(vy + 42, -37, 24, 33) | ellipse(vy + 42, 37, 24, 33)) & within
    quadratus = (ellipse(vy + 14, -62, 9, 22) | ellipse(vy + 14, 62, 9, 22)) & within
    psoas = ellipse(vy + 2, -40, 19, 14) | ellipse(vy + 2, 40, 19, 14)
    muscular = ((within & ~cavity) | back | quadratus | psoas) & ~spine & ~arch & ~ellipse(vy + 25, 0, 9, 11)
    inside = within & ~muscular & ~spine & ~arch
    organs = {
        "bowel": ellipse(-40, -45, 16, 22) | ellipse(-45, 30, 15, 20) | ellipse(-15, 60, 14, 14),
        "liver": ellipse(-15, -half[1] + wall_mm + 21, 38, 18),
        "kidney": ellipse(vy - 26, -84, 23, 20) | ellipse(vy - 26, 88, 21, 19),
        "vessels": ellipse(vy - 30, -12, 11, 11) | ellipse(vy - 30, 13, 10, 10),
    }
    values = ENHANCED if contrast else NATIVE
    hu = np.full(body.shape, -1000, np.float32)
    hu[ndimage.binary_dilation(body, iterations=max(round(2.2 / step), 1))] = 10
    hu[body] = -105
    hu[inside] = -100
    for name, mask in organs.items():
        hu[mask & inside] = values[name]
    hu[ellipse(-60, -20, 8, 12) & inside] = -900
    hu[muscular] = muscle
    fat = (
        muscular
        & back
        & (ndimage.gaussian_filter(rng.normal(size=body.shape), 2 / step) * 10 * step < -3 + 9 * marbled)
    )
    if marbled:
        hu[fat] = -90
    hu[spine | arch] = 420
    hu[ellipse(vy, 0, 14, 21)] = 150
    hu[ellipse(vy + 25, 0, 8, 10)] = 25
    truth = np.zeros(body.shape, np.uint8)
    truth[body & ~within] = 2
    truth[inside & (hu == -100)] = 3
    truth[muscular] = 1
    if marbled:
        truth[fat] = 4
    if arms:
        gap = half[1] + fat_mm + (52 if arms == "beside" else 43)
        for sign in (-1, 1):
            hu[ellipse(10, sign * gap, 45, 42)] = -100
            hu[ellipse(10, sign * gap, 36, 33)] = 50
            hu[ellipse(10, sign * gap, 12, 12)] = 800
    if table:
        curve = table * (half[0] + fat_mm + 14) - y
        hu[(np.abs(curve) < 2) & (side < 180)] = 100
    hu = ndimage.gaussian_filter(hu, 0.6 / step) + rng.normal(size=hu.shape) * noise
    return Drawn(hu.astype(np.float32), (step, step), truth)


def dice(found: np.ndarray, truth: np.ndarray, value: int) -> float:
    """Overlap of one tissue."""
    a, b = found == value, truth == value
    return 2 * np.count_nonzero(a & b) / max(np.count_nonzero(a) + np.count_nonzero(b), 1)
