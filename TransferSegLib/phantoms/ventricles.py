"""The ventricles: two horned lateral ones, the third and the fourth, as one depth field."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .fields import ellipsoid_depth, smooth_union

# Centre line of a lateral ventricle: (z, y, |x|, radius) in canonical mm, horns first to last.
_BODY = ((-3, -52, 13, 2.0), (1, -38, 9, 4.0), (8, -18, 8, 3.8), (14, 0, 11, 3.8), (9, 20, 22, 5.5), (-1, 46, 26, 1.6))
_TEMPORAL = ((9, 20, 22, 5.5), (-11, 13, 33, 2.6), (-22, -6, 33, 1.6), (-27, -20, 29, 1.0))


def ventricle_depth(rng: np.random.Generator, points: tuple, atrophy: float) -> np.ndarray:
    """Depth (mm, positive inside) below the ventricles' walls; they widen with ``atrophy`` and differ by side."""
    z, y, x = points
    widening = (0.65 + 1.1 * atrophy) * rng.uniform(0.85, 1.15)
    lopsided = rng.normal(0, 0.07)
    side = np.abs(x)
    swelling = np.where(x > 0, np.float32(widening * (1 + lopsided)), np.float32(widening * (1 - lopsided)))
    depth = None
    for line in (_BODY, _TEMPORAL):
        for start, end in pairwise(line):
            piece = _segment_depth((z, y, side), start, end, swelling)
            depth = piece if depth is None else smooth_union(depth, piece, 2.0)
    depth = np.minimum(depth, side - np.float32(0.8))  # the septum
    third = ellipsoid_depth(points, (-8, -7, 0), (10, 15, 1.5 + 3.0 * atrophy))
    fourth = ellipsoid_depth(points, (-42, 27, 0), (11, 5 + 2 * atrophy, 5 + 4 * atrophy))
    return np.maximum(depth, np.maximum(third, fourth))


def _segment_depth(points: tuple, start: tuple, end: tuple, swelling: np.ndarray) -> np.ndarray:
    """Depth inside a tapering tube from ``start`` to ``end``, both (z, y, x, radius)."""
    direction = np.subtract(end[:3], start[:3]).astype(np.float32)
    length = float(direction @ direction)
    offsets = [coordinate - np.float32(origin) for coordinate, origin in zip(points, start)]
    along = sum(offset * part for offset, part in zip(offsets, direction / np.float32(length)))
    np.clip(along, 0, 1, out=along)
    square = sum((offset - along * part) ** 2 for offset, part in zip(offsets, direction))
    radius = np.float32(start[3]) + along * np.float32(end[3] - start[3])
    return radius * swelling - np.sqrt(square)
