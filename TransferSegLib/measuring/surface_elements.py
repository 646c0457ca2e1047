"""Surface elements of a mask: where eight neighbouring voxels disagree, and how much surface lies between them.

The areas are derived here. Each 2x2x2 neighbourhood is a cube with a voxel centre at each corner. The surface
crosses every edge between an inside and an outside corner at its middle; on each face these crossings are joined by
segments, the segments close to loops, and a loop's area is that of its triangles. Two choices are left open by this:

- on a face whose inside corners lie diagonally, the corners that are in the minority in the cube are kept apart;
- a loop that is not flat is cut into the triangles of greatest area in the cube of side 1.

With these the areas are those of the surface-distance package of DeepMind, whose numbers are the usual ones for the
normalised surface distance (Nikolov et al. 2021, doi:10.2196/26151).
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np

CORNERS = tuple(itertools.product((0, 1), repeat=3))
"""The corner (k, j, i) that each bit of a neighbour code stands for, lowest bit first."""
INSIDE = 255
"""The code of a neighbourhood that lies wholly inside; 0 is wholly outside."""


def neighbour_codes(mask: np.ndarray, *, flat: bool = False) -> np.ndarray:
    """The neighbour code of every 2x2x2 neighbourhood of a mask with one voxel of background put around it.

    Parameters
    ----------
    mask : bool (k, j, i)
    flat : bool
        The mask is one slice of a picture: it goes on above and below, and has a surface at its outline only.

    Returns
    -------
    uint8 (k+1, j+1, i+1), of a flat mask (1, j+1, i+1)
        Element (k, j, i) is the corner shared by the voxels k-1 and k, j-1 and j, i-1 and i; bit b is set where the
        voxel at offset ``CORNERS[b]`` is inside.
    """
    values = mask.astype(bool, copy=False).view(np.uint8)
    padded = np.pad(np.repeat(values, 2, axis=0), ((0, 0), (1, 1), (1, 1))) if flat else np.pad(values, 1)
    nk, nj, ni = (n - 1 for n in padded.shape)
    codes = np.zeros((nk, nj, ni), np.uint8)
    for bit, (k, j, i) in enumerate(CORNERS):
        codes |= padded[k : k + nk, j : j + nj, i : i + ni] << np.uint8(bit)
    return codes


@lru_cache(maxsize=64)
def element_areas(spacing: tuple[float, float, float]) -> np.ndarray:
    """Area in mm2 of the surface element of each of the 256 neighbour codes, for a spacing in mm (k, j, i)."""
    sk, sj, si = spacing
    scale = np.array([sj * si, sk * si, sk * sj])
    areas = np.array([np.linalg.norm(vectors * scale, axis=1).sum() for vectors in _area_vectors()])
    areas.setflags(write=False)
    return areas


@lru_cache(maxsize=1)
def _area_vectors() -> tuple[np.ndarray, ...]:
    """For each code the area vectors (triangles, 3) of its surface in the cube of side 1."""
    empty = np.zeros((0, 3))
    vectors = []
    for code in range(256):
        triangles = [_greatest_triangles(loop) for loop in _loops(code)]
        vectors.append(np.concatenate(triangles) if triangles else empty)
    return tuple(vectors)


def _faces() -> list[list[tuple[int, ...]]]:
    """The six faces of the cube, each as its four corners in cyclic order."""
    faces = []
    for axis, side in itertools.product(range(3), (0, 1)):
        face = []
        for pair in ((0, 0), (1, 0), (1, 1), (0, 1)):
            corner = list(pair)
            corner.insert(axis, side)
            face.append(tuple(corner))
        faces.append(face)
    return faces


def _segments(face: list[tuple[int, ...]], inside: dict, cut_inside: bool) -> list[tuple[frozenset, frozenset]]:
    """The segments across one face, each as the two cube edges whose middles it joins."""
    edges = [frozenset((face[n], face[(n + 1) % 4])) for n in range(4)]
    crossed = [n for n in range(4) if inside[face[n]] != inside[face[(n + 1) % 4]]]
    if len(crossed) == 2:
        return [(edges[crossed[0]], edges[crossed[1]])]
    if len(crossed) == 4:
        return [(edges[n - 1], edges[n]) for n in range(4) if inside[face[n]] == cut_inside]
    return []


def _loops(code: int) -> list[np.ndarray]:
    """The closed loops of one neighbour code, each as its points (n, 3) in the cube of side 1."""
    inside = {corner: bool(code >> bit & 1) for bit, corner in enumerate(CORNERS)}
    cut_inside = sum(inside.values()) <= 4
    neighbours: dict[frozenset, list[frozenset]] = {}
    for face in _faces():
        for start, end in _segments(face, inside, cut_inside):
            neighbours.setdefault(start, []).append(end)
            neighbours.setdefault(end, []).append(start)
    loops = []
    while neighbours:
        edge = next(iter(neighbours))
        loop = []
        while edge is not None:
            loop.append(np.mean(list(edge), axis=0))
            edge = next((other for other in neighbours.pop(edge) if other in neighbours), None)
        loops.append(np.array(loop))
    return loops


def _greatest_triangles(loop: np.ndarray) -> np.ndarray:
    """Area vectors (n-2, 3) of the triangulation of a loop (n, 3) that has the greatest area."""
    best: dict[tuple[int, int], tuple[float, list[np.ndarray]]] = {(n, n + 1): (0.0, []) for n in range(len(loop) - 1)}
    for length in range(2, len(loop)):
        for first in range(len(loop) - length):
            last = first + length
            choices = []
            for middle in range(first + 1, last):
                vector = np.cross(loop[middle] - loop[first], loop[last] - loop[first]) / 2
                (left, left_vectors), (right, right_vectors) = best[first, middle], best[middle, last]
                area = left + right + float(np.linalg.norm(vector))
                choices.append((area, [*left_vectors, *right_vectors, vector]))
            best[first, last] = max(choices, key=lambda choice: round(choice[0], 9))
    return np.array(best[0, len(loop) - 1][1])
