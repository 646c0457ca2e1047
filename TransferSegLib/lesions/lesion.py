"""Lesions: the connected parts of a mask with what is measured of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import UsageError
from ..imaging import Grid
from ..measuring import Part, components, hull_corners, outermost_voxels, separate_parts, suv_peak, uptake
from .checks import check_mask, check_suv
from .threshold import Threshold, counted_parts, threshold_of

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Lesion:
    """One lesion.

    Attributes
    ----------
    number : int
        From 1, the largest lesion first.
    voxels : int
        How many voxels it has.
    volume_ml : float
        Voxels x volume of one.
    suv_max, suv_mean, suv_peak : float
        Highest, mean and peak SUV, g/ml; the peak is the highest mean in a sphere of 1 ml about any of its voxels.
    tlg : float
        Total lesion glycolysis, sum of SUV x volume, g.
    centroid_mm : 3 floats
        Mean of its voxels' centres, LPS.
    hottest_mm : 3 floats
        Centre of its voxel of highest SUV (the first in raster order of several), LPS.
    box : three pairs of int
        First voxel and one past the last, along k, j, i.
    touches_border : bool
        Whether it reaches the image's outermost voxels: it may continue beyond them.
    physiological : str
        The organ whose normal uptake it is (``brain``, ``bladder``, ``kidney``, ``heart``); empty for a lesion.
    suspected : str
        The organ (as above) whose urine or uptake a lesion may be: it lies so, but that is no proof; it counts.
    part : Part
        Its voxels, cut out.
    corners_mm : float (n, 3)
        The corners of its convex hull (all outermost voxels where there are few), LPS: what Dmax needs of it.
    """

    number: int
    voxels: int
    volume_ml: float
    suv_max: float
    suv_mean: float
    suv_peak: float
    tlg: float
    centroid_mm: Point
    hottest_mm: Point
    box: tuple[tuple[int, int], ...]
    touches_border: bool
    physiological: str = ""
    suspected: str = ""
    part: Part | None = field(default=None, repr=False, compare=False)
    corners_mm: np.ndarray | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict:
        """The figures as plain JSON types, without voxels and corners."""
        figures = {name: value for name, value in vars(self).items() if name not in ("part", "corners_mm")}
        lists = {name: list(figures[name]) for name in ("centroid_mm", "hottest_mm")}
        return figures | lists | {"box": [list(ends) for ends in self.box]}


def find_lesions(
    suv: np.ndarray,
    mask: np.ndarray | None,
    grid: Grid,
    *,
    rule: str | float | Threshold | None = "4.0",
) -> tuple[Lesion, ...]:
    """The lesions of a mask: its 18-connected components after thresholding, the largest first.

    Parameters
    ----------
    suv : (k, j, i)
        Standardised uptake values by body weight, g/ml.
    mask : bool or integer (k, j, i), or None
        Where lesions are, what is not 0; None where the rule alone says it.
    grid : Grid
        Where the voxels lie.
    rule : str, float, Threshold or None
        ``4.0``, ``2.5``, ``41%`` (of the SUVmax of each component before thresholding), ``reading`` (SUV >= 4 and at
        least 3 ml) or a ``Threshold``; None takes the mask as it is.

    Returns
    -------
    tuple of Lesion
        Empty where nothing counts.

    Raises
    ------
    InputError
        When SUV or mask are not on the grid, or the values cannot be SUV.
    UsageError
        When the rule is none, or neither mask nor rule is given.
    """
    check_suv(suv, grid)
    if mask is not None:
        check_mask(mask, grid, "mask")
    if rule is not None:
        parts = counted_parts(suv, mask, threshold_of(rule), grid.voxel_ml)
    elif mask is not None:
        parts = separate_parts(mask)
    else:
        raise UsageError("lesions: neither a mask nor a threshold is given; give one of them")
    found = sorted(components(parts), key=lambda part: -part.voxels)
    return tuple(_measured(number, part, suv, grid) for number, part in enumerate(found, 1))


def label_map(lesions: Sequence[Lesion], shape: tuple[int, int, int]) -> np.ndarray:
    """The lesions' numbers as a label map (k, j, i); uint16, or uint32 where the numbers need it."""
    highest = max((lesion.number for lesion in lesions), default=0)
    labels = np.zeros(shape, np.uint16 if highest < 2**16 else np.uint32)
    for lesion in lesions:
        labels[lesion.part.box][lesion.part.mask] = lesion.number
    return labels


def touches_border(part: Part, shape: tuple[int, ...]) -> bool:
    """Whether a part reaches the outermost voxels of an image of this shape."""
    return any(axis.start == 0 or axis.stop == size for axis, size in zip(part.box, shape))


def _measured(number: int, part: Part, suv: np.ndarray, grid: Grid) -> Lesion:
    indices = part.indices()
    hottest = indices[int(suv[part.box][part.mask].argmax())]
    corners = grid.points(outermost_voxels(part)[:, ::-1])
    return Lesion(
        number=number,
        voxels=len(indices),
        volume_ml=len(indices) * grid.voxel_ml,
        suv_peak=suv_peak(part, suv, grid.spacing[::-1]),
        centroid_mm=_point(grid, indices.mean(axis=0)),
        hottest_mm=_point(grid, hottest),
        box=tuple((axis.start, axis.stop) for axis in part.box),
        touches_border=touches_border(part, suv.shape),
        part=part,
        corners_mm=hull_corners(corners),
        **uptake(part, suv, grid.voxel_ml),
    )


def _point(grid: Grid, index: np.ndarray) -> Point:
    """LPS position of a voxel given as k, j, i."""
    x, y, z = grid.points([index[::-1]])[0]
    return float(x), float(y), float(z)
