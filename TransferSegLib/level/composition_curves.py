"""Closed curves around a point of a slice: polar sampling and the cheapest closed path (dynamic programming)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

ANGLES = 240


class Polar:
    """Rays from a centre over a slice; radius index r is r mm.

    Parameters
    ----------
    shape : (int, int)
        Of the slice.
    centre : (float, float)
        Row and column.
    step : float
        Pixel size of the (isotropic) slice, mm.
    reach : int
        Longest radius, mm.

    Attributes
    ----------
    directions : (ANGLES, 2)
        Unit vectors (row, column); ray 0 points anterior, ray ANGLES / 4 to the patient's left.
    """

    def __init__(self, shape: tuple[int, int], centre: tuple[float, float], step: float, reach: int) -> None:
        self.shape, self.centre, self.step, self.reach = shape, np.asarray(centre, float), float(step), int(reach)
        angle = np.arange(ANGLES) * 2 * np.pi / ANGLES
        self.directions = np.stack([-np.cos(angle), np.sin(angle)], 1)

    def sample(self, image: np.ndarray, *, outside: float = 0.0) -> np.ndarray:
        """Linear samples of an image, float32 (ANGLES, reach)."""
        radius = np.arange(self.reach) / self.step
        points = self.centre[:, None, None] + self.directions.T[:, :, None] * radius
        return ndimage.map_coordinates(image.astype(np.float32), points, order=1, cval=outside, prefilter=False)

    def last_inside(self, mask: np.ndarray) -> np.ndarray:
        """Radius in mm of each ray's last sample in a mask (0 without one)."""
        inside = self.sample(mask) > 0.5
        return np.where(inside.any(1), self.reach - 1 - np.argmax(inside[:, ::-1], 1), 0)

    def fill(self, radii: np.ndarray) -> np.ndarray:
        """The pixels within a curve, bool (rows, columns), given its radius in mm on each ray."""
        row, column = np.ogrid[: self.shape[0], : self.shape[1]]
        down, right = (row - self.centre[0]) * self.step, (column - self.centre[1]) * self.step
        place = (np.arctan2(right, -down) / (2 * np.pi) * ANGLES) % ANGLES
        low = np.floor(place).astype(int) % ANGLES
        share = place - np.floor(place)
        limit = np.asarray(radii, float)
        return np.hypot(down, right) <= limit[low] * (1 - share) + limit[(low + 1) % ANGLES] * share


def cheapest_ring(cost: np.ndarray, *, bend: float, most: int = 4) -> np.ndarray:
    """The closed path with the least sum of ``cost`` (rays, radii) and ``bend`` for each mm of change.

    From one ray to the next the radius changes by ``most`` mm at most. Returns the radius index on each ray.
    """
    rays, radii = cost.shape
    order = np.concatenate([np.arange(rays)] * 3)
    shifts = np.arange(-most, most + 1)
    penalty = (bend * np.abs(shifts)).astype(np.float32)[:, None]
    neighbours = np.clip(np.arange(radii)[None] + shifts[:, None], 0, radii - 1)
    total = cost[0].astype(np.float32)
    came = np.zeros((len(order), radii), np.int16)
    for number in range(1, len(order)):
        candidates = total[neighbours] + penalty
        best = candidates.argmin(0)
        came[number] = neighbours[best, np.arange(radii)]
        total = candidates[best, np.arange(radii)] + cost[order[number]]
        total -= total.min()
    path = np.zeros(len(order), int)
    path[-1] = int(total.argmin())
    for number in range(len(order) - 1, 0, -1):
        path[number - 1] = came[number, path[number]]
    return path[rays : 2 * rays]
