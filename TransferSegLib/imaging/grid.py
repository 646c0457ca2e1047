"""Grid: where the voxels of an image lie in physical space (LPS, mm)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..errors import InputError

Triple = tuple[float, float, float]

# Anatomical letter -> (row of the direction matrix, sign along it) in LPS.
_LETTERS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}


@dataclass(frozen=True)
class Grid:
    """Size, spacing, origin and direction of a 3-D image.

    Parameters
    ----------
    size : tuple of int, (i, j, k)
        Voxels along each image axis.
    spacing : tuple of float, (i, j, k)
        Distance between voxel centres, mm.
    origin : tuple of float
        LPS position of the centre of voxel (0, 0, 0), mm.
    direction : tuple of 9 float
        Row-major matrix; column a is the LPS unit vector of image axis a.
    """

    size: tuple[int, int, int]
    spacing: Triple
    origin: Triple = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", tuple(int(v) for v in self.size))
        for name in ("spacing", "origin", "direction"):
            object.__setattr__(self, name, tuple(float(v) for v in getattr(self, name)))
        # ITK's inverse of a direction fails, loudly and wrongly, on numbers such as 1e-310.
        object.__setattr__(self, "direction", tuple(0.0 if abs(v) < 1e-12 else v for v in self.direction))

    @classmethod
    def of(cls, image: sitk.Image) -> Grid:
        """The grid of a SimpleITK image."""
        return cls(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the array, (k, j, i)."""
        return self.size[::-1]

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel, ml."""
        return float(np.prod(self.spacing)) / 1000.0

    @property
    def matrix(self) -> np.ndarray:
        """The 3x3 direction matrix."""
        return np.array(self.direction).reshape(3, 3)

    @property
    def steps(self) -> np.ndarray:
        """3x3: column a is the LPS vector, mm, from one voxel to the next along axis a."""
        return self.matrix * np.array(self.spacing)

    def points(self, indices: np.ndarray) -> np.ndarray:
        """LPS positions, (n, 3) mm, of continuous indices, (n, 3) in (i, j, k) order."""
        return np.asarray(indices, float) @ self.steps.T + np.array(self.origin)

    def indices(self, points: np.ndarray) -> np.ndarray:
        """Continuous indices, (n, 3) in (i, j, k) order, of LPS positions, (n, 3) mm."""
        return (np.asarray(points, float) - np.array(self.origin)) @ np.linalg.inv(self.steps).T

    def corners(self) -> np.ndarray:
        """LPS positions, (8, 3) mm, of the outer corners of the field of view (half a voxel out)."""
        return self.points(list(itertools.product(*[(-0.5, n - 0.5) for n in self.size])))

    def same_as(self, other: Grid, tolerance: float = 0.01) -> bool:
        """Whether sizes are equal and no corner lies further apart than ``tolerance`` voxels."""
        if self.size != other.size:
            return False
        limit = tolerance * min(min(self.spacing), min(other.spacing))
        return bool(np.abs(self.corners() - other.corners()).max() <= limit)

    def image(self, pixel_type: int = sitk.sitkUInt8) -> sitk.Image:
        """A new image of zeros on this grid."""
        return self.put_on(sitk.Image(list(self.size), pixel_type))

    def put_on(self, image: sitk.Image) -> sitk.Image:
        """Give ``image`` (of this grid's size) this grid's spacing, origin and direction."""
        image.SetSpacing(self.spacing)
        image.SetOrigin(self.origin)
        image.SetDirection(self.direction)
        return image

    def cropped(self, start_ijk: tuple[int, int, int], size_ijk: tuple[int, int, int]) -> Grid:
        """The part from voxel ``start_ijk`` (may be negative: a padding) with ``size_ijk`` voxels."""
        return Grid(size_ijk, self.spacing, tuple(self.points([start_ijk])[0]), self.direction)

    def reoriented(self, code: str = "LPS") -> Grid:
        """The same voxels with axes permuted and flipped to run most nearly along ``code``.

        ``code`` names where each axis runs *to*: ``LPS`` has a direction matrix nearest identity.
        """
        try:
            wanted = [_LETTERS[letter] for letter in code.upper()]
        except KeyError:
            wanted = []
        if sorted(row for row, _ in wanted) != [0, 1, 2]:
            raise InputError(f"orientation {code!r}: not three different axes; write for example LPS or RAS")
        matrix = self.matrix
        order = max(
            itertools.permutations(range(3)),
            key=lambda axes: sum(abs(matrix[row, axis]) for (row, _), axis in zip(wanted, axes)),
        )
        flips = [matrix[row, axis] * sign < 0 for (row, sign), axis in zip(wanted, order)]
        start = np.zeros(3)
        for flip, axis in zip(flips, order):
            start[axis] = self.size[axis] - 1 if flip else 0
        columns = [matrix[:, axis] * (-1 if flip else 1) for flip, axis in zip(flips, order)]
        return Grid(
            tuple(self.size[axis] for axis in order),
            tuple(self.spacing[axis] for axis in order),
            tuple(self.points([start])[0]),
            tuple(np.stack(columns, axis=1).ravel() + 0.0),
        )

    def with_spacing(self, spacing: Triple) -> Grid:
        """The same field of view, centred, in voxels of ``spacing`` mm (rounded up to whole voxels)."""
        old, new = np.array(self.spacing), np.array(spacing, float)
        if new.shape != (3,) or not (new > 0).all():
            raise InputError(f"spacing {spacing}: not three positive lengths in mm; write for example 1 1 1")
        same = np.isclose(old, new, rtol=1e-5, atol=0)
        size = np.where(same, self.size, np.maximum(np.ceil(np.array(self.size) * old / new - 1e-3), 1)).astype(int)
        centre = self.points([(np.array(self.size) - 1) / 2])[0]
        origin = centre - (self.matrix * new) @ ((size - 1) / 2)
        if same.all():
            return self
        return Grid(tuple(size), tuple(np.where(same, old, new)), tuple(origin), self.direction)


def overlap_fraction(a: Grid, b: Grid, *, samples: int = 24) -> float:
    """Share of the smaller field of view that lies inside the other, 0 to 1.

    Estimated on ``samples``^3 points spread evenly through the smaller of the two.
    """
    small, large = sorted((a, b), key=lambda grid: grid.voxel_ml * np.prod(grid.size))
    steps = [(np.arange(samples) + 0.5) / samples * n - 0.5 for n in small.size]
    points = small.points(np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3))
    index = large.indices(points)
    inside = (index >= -0.5 - 1e-6) & (index <= np.array(large.size) - 0.5 + 1e-6)
    return float(inside.all(axis=1).mean())
