"""Smooth random fields and rounded shapes in millimetres: what the phantom anatomy is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Half the edge of the cube (canonical mm) that random fields cover; a head fits with room to spare.
HALF_EXTENT = 120.0
# Field of view (k, j, i; mm) that holds an adult brain; smaller fields get a brain scaled to fit.
ADULT_FIELD = (144.0, 172.0, 142.0)
# Standard deviation of cubic B-spline sums of unit white noise, averaged over the three axes.
_SPLINE_DEVIATION = 0.332


@dataclass(frozen=True)
class Frame:
    """A centred voxel grid and how canonical (adult) millimetres lie on it.

    Attributes
    ----------
    shape : (k, j, i)
    spacing : (k, j, i) in mm
    scale : physical mm per canonical mm, at most 1
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    scale: float

    @classmethod
    def fit(cls, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Frame:
        """The frame in which a whole brain fits the field of view."""
        ratios = [n * s / full for n, s, full in zip(shape, spacing, ADULT_FIELD)]
        return cls(tuple(shape), tuple(spacing), min(1.0, *ratios))

    @property
    def voxel(self) -> np.ndarray:
        """Voxel edges in canonical mm, (k, j, i)."""
        return np.asarray(self.spacing, dtype=np.float64) / self.scale

    @property
    def edge(self) -> float:
        """Width (canonical mm) over which a boundary fills one voxel; never sharper than 1 mm."""
        return float(max(1.0, np.prod(self.voxel) ** (1 / 3)))

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Canonical coordinates of the voxel centres along k (up), j (back) and i (left), in mm."""
        return tuple(
            ((np.arange(n) - (n - 1) / 2) * edge).astype(np.float32) for n, edge in zip(self.shape, self.voxel)
        )


def smooth_noise(rng: np.random.Generator, frame: Frame, knot: float) -> np.ndarray:
    """Smooth noise, (k, j, i) float32, unit variance, made of cubic B-splines ``knot`` canonical mm apart.

    The random numbers drawn do not depend on the grid, so that one seed gives one brain at every resolution.
    """
    count = int(np.ceil(2 * HALF_EXTENT / knot)) + 4
    field = rng.standard_normal((count, count, count), dtype=np.float32)
    for axis, coordinates in enumerate(frame.axes()):
        matrix = _spline_matrix(coordinates, knot, count)
        field = np.moveaxis(np.tensordot(matrix, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(field) / np.float32(_SPLINE_DEVIATION)


def _spline_matrix(coordinates: np.ndarray, knot: float, count: int) -> np.ndarray:
    """Weights (coordinates, knots) of the uniform cubic B-spline."""
    position = np.clip((coordinates + HALF_EXTENT) / knot, 0, count - 4.001)
    start = np.floor(position).astype(int)
    t = position - start
    weights = np.stack(((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3), axis=1) / 6
    matrix = np.zeros((len(coordinates), count), dtype=np.float32)
    rows = np.arange(len(coordinates))[:, None]
    matrix[rows, start[:, None] + np.arange(4)] = weights
    return matrix


def fraction(depth: np.ndarray, width: float) -> np.ndarray:
    """Share of a voxel (0..1) inside a boundary ``depth`` mm away (positive inside), blurred over ``width`` mm."""
    return np.clip(depth * np.float32(1 / width) + np.float32(0.5), 0, 1)


def ellipsoid_depth(points: tuple, centre: tuple, radii: tuple) -> np.ndarray:
    """Depth (mm, positive inside) below an ellipsoid; points, centre and radii in (z, y, x)."""
    square, slope = 0.0, 0.0
    for coordinate, middle, radius in zip(points, centre, radii):
        part = (coordinate - np.float32(middle)) * np.float32(1 / radius)
        part *= part
        square = square + part
        slope = slope + part * np.float32(1 / radius**2)
    norm = np.sqrt(square + np.float32(1e-6))
    return (1 - norm) * norm / np.sqrt(slope + np.float32(1e-12))


def smooth_union(a: np.ndarray, b: np.ndarray, rounding: float) -> np.ndarray:
    """Union of two depths with a fillet of ``rounding`` mm."""
    blend = np.maximum(np.float32(rounding) - np.abs(a - b), 0)
    return np.maximum(a, b) + blend * blend * np.float32(0.25 / rounding)


def ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((value - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)
