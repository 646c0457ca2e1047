"""The psoas muscles beside the vertebral body, and the quadratus lumborum where it stands into the cavity."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .composition_bone import Vertebra
from .composition_curves import Polar, cheapest_ring

# Where a psoas begins (from the vertebral body's side), its largest radius, mm.
BESIDE_MM, REACH_MM = (3.0, 34.0), 42
# The quadratus lumborum: half its greatest thickness, how far it lies behind and beside the body's middle, mm.
FLAT_MM, BEHIND_MM, ASIDE_MM = 11.0, (2.0, 45.0), 92.0


def psoas(muscle: np.ndarray, vertebra: Vertebra, step: float) -> np.ndarray:
    """Both psoas muscles, bool (rows, columns).

    Parameters
    ----------
    muscle : float32 (rows, columns)
        How much each pixel looks like muscle (``composition_wall.muscleness``).
    vertebra : Vertebra
        Its body and mask.
    step : float
        Pixel size, mm.
    """
    found = np.zeros(muscle.shape, bool)
    free = np.where(vertebra.mask, 0, muscle)
    for side in (-1, 1):
        seed = _seed(free, vertebra, side, step)
        if seed is not None:
            found |= _grow(free, vertebra, seed, side, step)
    return found & ~vertebra.mask


def quadratus(soft: np.ndarray, muscles: np.ndarray, vertebra: Vertebra, step: float) -> np.ndarray:
    """Flat soft tissue behind the vertebral body's middle that hangs on the muscles, bool (rows, columns).

    Parameters
    ----------
    soft : bool (rows, columns)
        Soft tissue of muscle's HU in the cavity, without the muscles found so far.
    muscles : bool (rows, columns)
        Those: wall, back, psoas.
    vertebra : Vertebra
        Its body.
    step : float
        Pixel size, mm.
    """
    core = ndimage.distance_transform_edt(soft) * step > FLAT_MM
    organ = ndimage.distance_transform_edt(~core) * step <= FLAT_MM + 2 * step if core.any() else core
    down, right = _offsets(soft.shape, vertebra, step)
    aside = np.abs(right)
    zone = (down > BEHIND_MM[0]) & (down < BEHIND_MM[1]) & (aside > vertebra.half_width) & (aside < ASIDE_MM)
    parts, count = ndimage.label(soft & ~organ & zone)
    edge = np.bincount(parts[ndimage.binary_dilation(muscles)], minlength=count + 1) * step
    size = np.bincount(parts.ravel(), minlength=count + 1) * step**2
    # It must hang on a muscle over a good part of its outline.
    held = (edge > 8) & (edge > 0.5 * np.sqrt(size))
    held[0] = False
    return held[parts]


def _offsets(shape: tuple[int, int], vertebra: Vertebra, step: float) -> tuple[np.ndarray, np.ndarray]:
    """mm behind and to the left of the vertebral body's middle."""
    row, column = np.ogrid[: shape[0], : shape[1]]
    return (row - vertebra.centre[0]) * step, (column - vertebra.centre[1]) * step


def _seed(free: np.ndarray, vertebra: Vertebra, side: int, step: float) -> tuple[int, int] | None:
    """The thickest place of soft tissue in the corner beside the vertebral body."""
    down, right = _offsets(free.shape, vertebra, step)
    aside = side * right - vertebra.half_width
    window = (aside > BESIDE_MM[0]) & (aside < BESIDE_MM[1]) & (down > -16) & (down < 16)
    depth = ndimage.distance_transform_edt(free > 0.6) * step
    depth = np.where(window, np.minimum(depth, 11) - 0.3 * np.abs(aside - 13) - 0.15 * np.abs(down - 2), -1e3)
    place = np.unravel_index(np.argmax(depth), depth.shape)
    return place if free[place] > 0.6 else None


def _grow(free: np.ndarray, vertebra: Vertebra, seed: tuple[int, int], side: int, step: float) -> np.ndarray:
    """A closed smooth curve about the seed, where muscle ends."""
    polar = Polar(free.shape, seed, step, REACH_MM)
    muscle = polar.sample(free)
    total = np.pad(muscle.cumsum(1), ((0, 0), (4, 4)), mode="edge")
    n = REACH_MM
    inside = (total[:, 4 : 4 + n] - total[:, 1 : 1 + n]) / 3
    outside = (total[:, 7 : 7 + n] - total[:, 4 : 4 + n]) / 3
    radius = np.arange(n)[None]
    holes = (1 - muscle).cumsum(1)
    cost = -np.maximum(inside - outside, 0) + 0.1 * holes + 0.012 * np.clip(radius - 16, 0, None)
    rows = seed[0] + polar.directions[:, :1] * radius / step
    columns = seed[1] + polar.directions[:, 1:] * radius / step
    down = (rows - vertebra.centre[0]) * step
    aside = side * (columns - vertebra.centre[1]) * step - vertebra.half_width
    # In front of the body's front edge lie the great vessels, medially the body, behind it the back's own muscles.
    cost = cost + 0.05 * np.clip(-down - 20, 0, None) + 0.03 * np.clip(aside - 34, 0, None)
    cost = cost + 0.2 * np.clip(-aside - 4, 0, None) + 0.2 * np.clip(down - 26, 0, None)
    cost[:, :4] = 1e3
    ring = cheapest_ring(cost.astype(np.float32), bend=0.12, most=2)
    return polar.fill(ring + 0.5) & (free > 0.15)
