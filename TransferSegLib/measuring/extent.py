"""How far apart points lie: the greatest distance between any two, exactly, by way of the convex hull."""

from __future__ import annotations

import numpy as np

from .parts import Part

FEW = 200
"""Up to so many points are compared directly."""


def outermost_voxels(part: Part) -> np.ndarray:
    """The voxels of a part that can be corners of its convex hull, (n, 3) as k, j, i.

    Those that are an end of their row along all three axes; every corner of the hull is among them.
    """
    edge = part.mask.copy()
    for axis in range(3):
        edge &= _row_ends(part.mask, axis)
    return np.argwhere(edge) + part.start


def hull_corners(points: np.ndarray) -> np.ndarray:
    """The corners of the convex hull of points (n, 3), in mm; all of them where they are few.

    Points in one plane or on one line have a hull in that plane or on that line.
    """
    if len(points) <= FEW:
        return points
    from scipy.spatial import ConvexHull

    centred = points - points.mean(axis=0)
    _, scale, axes = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes[scale > 1e-9 * scale[0]].T
    if flat.shape[1] == 0:
        return points[:1]
    if flat.shape[1] == 1:
        return points[[int(flat.argmin()), int(flat.argmax())]]
    return points[np.sort(ConvexHull(flat).vertices)]


def greatest_distance(points: np.ndarray) -> float:
    """The distance of the two points that lie furthest apart, (n, 3) in mm; 0 for a single one."""
    corners = hull_corners(np.asarray(points, float))
    furthest = 0.0
    for first in range(0, len(corners), 256):
        apart = corners[first : first + 256, None] - corners[None, first:]
        furthest = max(furthest, float(np.einsum("abc,abc->ab", apart, apart).max()))
    return furthest**0.5


def _row_ends(mask: np.ndarray, axis: int) -> np.ndarray:
    """The first and the last voxel of the mask in every row along an axis."""
    size = mask.shape[axis]
    places = np.arange(size).reshape([-1 if other == axis else 1 for other in range(3)])
    first = np.expand_dims(mask.argmax(axis=axis), axis)
    last = size - 1 - np.expand_dims(np.flip(mask, axis).argmax(axis=axis), axis)
    return (places == first) | (places == last)
