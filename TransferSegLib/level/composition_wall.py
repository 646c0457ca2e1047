"""The abdominal wall: its outer surface against the subcutaneous fat, its inner one against the cavity."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .composition_bone import Vertebra
from .composition_curves import Polar, cheapest_ring

# Typical thickness of the wall at the front, at the side, mm; weights of the costs per mm.
FRONT_MM, SIDE_MM = 11.0, 22.0
FAT_INSIDE, TOO_THICK, BEND = 0.025, 0.035, 0.06
# What a millimetre costs that the cavity's back wall lies ahead of or behind its expected place.
AHEAD, BEHIND = 0.02, 0.011
# In the second round a wall should not be thicker than the other side's, with some slack.
SLACK_MM, TOO_ASYMMETRIC = 4.0, 0.08
THINNEST_MM = 2
# The outermost millimetres of the wall that should hold no fat, and what a millimetre of fat there costs.
WALL_MM, FAT_BENEATH = 4, 0.7
# The cavity's back wall (front of the quadratus lumborum) lies this far behind the vertebral body's middle, mm.
BACK_WALL_MM = 9.0


def muscleness(hu: np.ndarray, reference: float) -> np.ndarray:
    """How much each pixel looks like muscle, 0 to 1 (float32), given the muscles' own HU in this slice."""
    low, high = reference - 75, reference + 60
    rising = np.clip((hu - low) / 55, 0, 1)
    return (rising * np.clip((high - hu) / 25, 0, 1)).astype(np.float32)


def outer_surface(hu: np.ndarray, body: np.ndarray, step: float) -> np.ndarray:
    """What lies within the subcutaneous fat: bool (rows, columns), star-shaped about the trunk's middle.

    The surface is where least soft tissue is left outside and least fat in its outermost millimetres.
    """
    centre = ndimage.center_of_mass(body)
    polar = Polar(hu.shape, centre, step, int(np.hypot(*hu.shape) * step / 1.4))
    skin = polar.last_inside(body)
    tissue = polar.sample(np.clip((hu + 60) / 50, 0, 1))
    gas = polar.sample(hu < -250) > 0.5
    radius = np.arange(polar.reach)[None]
    under_skin = skin[:, None] - 3.0
    soft = np.where((radius <= under_skin) & ~gas, tissue, 0)
    outside = soft[:, ::-1].cumsum(1)[:, ::-1]
    fat = np.where((radius <= under_skin) & ~gas, 1 - tissue, 0)
    before = np.pad(fat.cumsum(1), ((0, 0), (WALL_MM, 0)))[:, : polar.reach]
    cost = outside + FAT_BENEATH * (fat.cumsum(1) - before)
    cost[radius > np.maximum(under_skin, 5)] = 1e4
    path = cheapest_ring(cost.astype(np.float32), bend=0.5, most=4)
    return polar.fill(path + 0.5) & body


def inner_surface(hu: np.ndarray, within: np.ndarray, vertebra: Vertebra, reference: float, step: float) -> np.ndarray:
    """The abdominal cavity with psoas and vertebral body still in it, bool (rows, columns)."""
    middle = ndimage.center_of_mass(within)
    row = min(middle[0], vertebra.centre[0] - 38 / step)
    top = np.nonzero(within.any(1))[0][0]
    centre = (max(row, top + 25 / step), vertebra.centre[1])
    polar = Polar(hu.shape, centre, step, int(np.hypot(*hu.shape) * step / 1.4))
    outer = polar.last_inside(within)
    muscle = polar.sample(muscleness(hu, reference))
    bright = polar.sample(hu > 160) > 0.5
    cost = _cost(np.maximum(muscle, bright), outer)
    back = _back_wall(polar, outer, vertebra, within, step)
    expected = _thickness(polar)
    first = cheapest_ring(_with_expectation(cost, outer, expected, TOO_THICK, back), bend=BEND, most=12)
    thickness = outer - first
    mirrored = np.roll(thickness[::-1], 1)
    expected = np.maximum(ndimage.minimum_filter1d(np.minimum(thickness, mirrored), 5, mode="wrap") + SLACK_MM, 6)
    second = cheapest_ring(_with_expectation(cost, outer, expected, TOO_ASYMMETRIC, back), bend=BEND, most=12)
    return polar.fill(second) & within


def _cost(muscle: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Cost of an inner surface at each radius: an edge from not muscle to muscle is good, fat in the wall is not."""
    radius = np.arange(muscle.shape[1])[None]
    total = np.pad(muscle.cumsum(1), ((0, 0), (6, 6)), mode="edge")
    n = muscle.shape[1]
    beyond = (total[:, 6 + 3 : 6 + 3 + n] - total[:, 6 : 6 + n]) / 3
    before = (total[:, 6 : 6 + n] - total[:, 1 : 1 + n]) / 5
    edge = np.maximum(beyond - before, 0)
    fat = np.where(radius < outer[:, None], 1 - muscle, 0)
    between = fat[:, ::-1].cumsum(1)[:, ::-1]
    cost = FAT_INSIDE * between - edge
    cost[radius > np.maximum(outer[:, None] - THINNEST_MM, 3)] = 1e3
    return cost.astype(np.float32)


def _thickness(polar: Polar) -> np.ndarray:
    """Expected thickness (mm) of the wall along each ray."""
    side = np.abs(polar.directions[:, 1])
    ahead = polar.directions[:, 0] < 0
    smooth = np.where(ahead, np.clip((side - 0.45) / 0.4, 0, 1), 1)
    return FRONT_MM + (SIDE_MM - FRONT_MM) * smooth


def _with_expectation(
    cost: np.ndarray,
    outer: np.ndarray,
    thickness: np.ndarray,
    price: float,
    back: dict[int, tuple[np.ndarray, bool]],
) -> np.ndarray:
    """The cost with ``price`` for each mm that the wall is thicker than expected; ``back`` as ``_back_wall`` says."""
    radius = np.arange(cost.shape[1])[None]
    excess = outer[:, None] - thickness[:, None] - radius
    out = cost + (price * np.clip(excess, 0, None)).astype(np.float32)
    for ray, (extra, only) in back.items():
        out[ray] = extra if only else cost[ray] + extra
    return out


def _back_wall(
    polar: Polar, outer: np.ndarray, vertebra: Vertebra, within: np.ndarray, step: float
) -> dict[int, tuple[np.ndarray, bool]]:
    """For rays that meet the long muscles of the back: the cost of lying off the front of the quadratus lumborum.

    By ray: the cost at each radius, and whether it is all that counts (behind the vertebra).
    """
    columns = np.nonzero(within.any(0))[0]
    scale = np.ptp(columns) * step / 320
    down, right = polar.directions[:, 0], polar.directions[:, 1]
    drop = (vertebra.centre[0] - polar.centre[0]) * step + BACK_WALL_MM
    crossing = np.where(down > 0.05, drop / np.maximum(down, 0.05), 1e6)
    aside = np.abs(crossing * right)
    radius = np.arange(polar.reach)
    costs = {}
    for ray in np.flatnonzero((aside < 88 * scale) & (crossing < outer - 8)):
        if aside[ray] < vertebra.half_width + 8:
            costs[int(ray)] = (0.1 * np.abs(radius - crossing[ray])).astype(np.float32), True
            continue
        ahead, behind = np.clip(crossing[ray] - 3 - radius, 0, None), np.clip(radius - crossing[ray] - 3, 0, None)
        costs[int(ray)] = (AHEAD * ahead + BEHIND * behind).astype(np.float32), False
    return costs
