"""Bones of a slice, and the vertebra with its canal: where the body's axes are measured from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.signal import fftconvolve

from .composition_curves import Polar

BONE_HU = 165.0
# A lumbar vertebral body is about 50 mm wide; half of that.
HALF_WIDTH_MM = 25.0
# Depth of the body by its width.
DEPTH = 0.72


@dataclass(frozen=True)
class Vertebra:
    """The vertebra in a slice.

    Attributes
    ----------
    mask : bool (rows, columns)
        Body, arch, processes and canal.
    centre : (float, float)
        Row and column of the middle of the vertebral body.
    half_width : float
        Of the body, mm.
    found : bool
        False when no body was seen (a disc, or no bone) and its place was taken from the arch or the trunk.
    """

    mask: np.ndarray
    centre: tuple[float, float]
    half_width: float
    found: bool


def disc(radius: float) -> np.ndarray:
    """A disc-shaped structuring element, radius in pixels."""
    n = int(radius)
    row, column = np.ogrid[-n : n + 1, -n : n + 1]
    return row**2 + column**2 <= radius**2


def closing(mask: np.ndarray, radius: float) -> np.ndarray:
    """Closing by a disc, radius in pixels."""
    n = int(np.ceil(radius)) + 1
    padded = np.pad(mask, n)
    grown = ndimage.distance_transform_edt(~padded) <= radius
    return (ndimage.distance_transform_edt(grown) > radius)[n:-n, n:-n] | mask


def find_vertebra(hu: np.ndarray, inside: np.ndarray, step: float) -> Vertebra:
    """The vertebra in a smoothed slice with square pixels; ``inside`` is the trunk within the subcutaneous fat."""
    bone = np.where(inside, np.clip((hu - 110) / 120, 0, 1), 0).astype(np.float32)
    centre, half_width = _body_of(hu, bone, inside, step)
    share, width, front = _rim_seen(bone, centre, step)
    half_width = half_width if width is None else width
    half_depth = DEPTH * half_width
    if front is not None:
        centre = (centre[0] + np.clip(half_depth - front, -6, 6) / step, centre[1])
    row, column = np.ogrid[: hu.shape[0], : hu.shape[1]]
    down, right = (row - centre[0]) * step, (column - centre[1]) * step
    body = np.where(down > 0, 1, 1.15) * np.abs(down / half_depth) ** 3 + np.abs(right / (half_width + 1)) ** 3 <= 1
    bright = (hu > BONE_HU) & inside & (np.abs(right) < 55) & (down > -half_depth - 8) & (down < 80)
    near = np.abs(right) < half_width + 5
    solid = (
        closing(bright, 3 / step) | (closing(bright, 6 / step) & near) | body | _canal(bright, down, right, half_depth)
    )
    parts, _ = ndimage.label(solid)
    mask = ndimage.binary_fill_holes(parts == parts[int(centre[0]), int(centre[1])])
    return Vertebra(mask & inside, centre, half_width, share > 0.5)


def _canal(bright: np.ndarray, down: np.ndarray, right: np.ndarray, half_depth: float) -> np.ndarray:
    """The canal: an ellipse behind the body, all between the body and the arch, and between the pedicles."""
    ellipse = ((down - half_depth - 8) / 9) ** 2 + (right / 11) ** 2 <= 1
    arch = bright & (down > half_depth + 6) & (down < half_depth + 30) & (np.abs(right) < 13)
    before_arch = arch[::-1].cumsum(0)[::-1] > 0
    sides = bright & (down > half_depth - 4) & (down < half_depth + 18) & (np.abs(right) < 21)
    pedicles = (sides & (right < -4)).any(1) & (sides & (right > 4)).any(1)
    return ellipse | (before_arch & (down > 0) & (np.abs(right) < 13)) | (pedicles[:, None] & (np.abs(right) < 10))


def _body_of(hu: np.ndarray, bone: np.ndarray, inside: np.ndarray, step: float) -> tuple[tuple[float, float], float]:
    """Centre and half width (mm) of the vertebral body.

    The place where an elliptic rim of bone fits best that has bone (the arch) behind and none in front.
    """
    rows, columns = np.nonzero(inside)
    top, bottom = np.percentile(rows, [0.5, 99.5])
    row, column = np.ogrid[: bone.shape[0], : bone.shape[1]]
    depth = (row - top) / max(bottom - top, 1)
    prior = 0.5 * ((column - columns.mean()) * step / 35) ** 2 + 0.5 * ((depth - 0.6) / 0.15) ** 2
    arch = _shifted(ndimage.uniform_filter(bone, (int(30 / step), int(30 / step))), round(38 / step))
    ahead = _shifted(ndimage.uniform_filter(bone, (int(24 / step), int(30 / step))), round(-38 / step))
    best = (-np.inf, (0.0, 0.0), HALF_WIDTH_MM)
    dense = np.where(inside, np.clip((hu - 40) / 80, 0, 1), 0).astype(np.float32)
    inner = ndimage.uniform_filter(dense, (int(22 / step), int(30 / step)))
    for half_width in (19.0, 22.0, 25.0, 28.0, 31.0):
        rim = fftconvolve(bone, _rim(half_width, step), mode="same")
        score = rim + 2 * np.minimum(arch, 0.25) - 0.8 * ahead + 0.5 * inner - 0.15 * prior
        place = np.unravel_index(np.argmax(score), score.shape)
        if score[place] > best[0]:
            best = (score[place], (float(place[0]), float(place[1])), half_width)
    return best[1:]


def _rim_seen(bone: np.ndarray, centre: tuple[float, float], step: float) -> tuple[float, float | None, float | None]:
    """The share of rays to the front and the sides that meet the body's rim; its half width and front (mm) by them."""
    polar = Polar(bone.shape, centre, step, 35)
    hit = polar.sample(bone) > 0.25
    hit[:, :10] = False
    met = hit.any(1)
    ahead = polar.directions[:, 0] < 0.25
    lateral = met & (np.abs(polar.directions[:, 0]) < 0.35)
    front = met & (polar.directions[:, 0] < -0.94)
    last = 34 - np.argmax(hit[:, ::-1], 1)
    width = float(np.clip(np.median(last[lateral]), 17, 32)) if np.count_nonzero(lateral) > 15 else None
    return float(met[ahead].mean()), width, float(np.median(last[front])) if np.count_nonzero(front) > 15 else None


def _rim(half_width: float, step: float) -> np.ndarray:
    """An elliptic rim 4 mm thick as a kernel that sums to 1, with a weak penalty around it."""
    n = int(np.ceil((half_width + 10) / step))
    row, column = np.ogrid[-n : n + 1, -n : n + 1]
    size = np.hypot(row / DEPTH, column) * step
    rim = np.abs(size - half_width + 2) <= 2.5
    around = (size > half_width + 2) & (size < half_width + 9) & (row < -0.15 * half_width / step)
    return (rim / rim.sum() - 0.5 * around / around.sum()).astype(np.float32)


def _shifted(image: np.ndarray, up: int) -> np.ndarray:
    """The image moved towards the front by ``up`` pixels, zeros from behind."""
    out = np.zeros_like(image)
    if up > 0:
        out[:-up] = image[up:]
    else:
        out[-up:] = image[:up]
    return out


def other_bones(hu: np.ndarray, inside: np.ndarray, step: float) -> np.ndarray:
    """Ribs, iliac crests and other bright things with their marrow."""
    bright = (hu > BONE_HU) & inside
    return ndimage.binary_fill_holes(closing(bright, 2.5 / step)) & inside
