"""Projections of a PET and of its label maps from the front and from the side, in millimetres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..imaging import Grid, resample
from ..imaging.arrays import from_array

_BODY = 0.25
"""SUV above which a column of the projection is body, not air."""
_MARGIN_MM = 12.0


@dataclass(frozen=True)
class View:
    """One projection, head up.

    Attributes
    ----------
    name : str
        ``frontal`` (the patient's right on the left) or ``lateral`` (anterior on the left).
    suv : float32 (rows, columns)
        Greatest SUV along each ray.
    masks : dict of str to bool (rows, columns)
        The shadow of each mask.
    size_mm : (width, height)
    """

    name: str
    suv: np.ndarray
    masks: dict[str, np.ndarray]
    size_mm: tuple[float, float]

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Width and height of a pixel."""
        rows, columns = self.suv.shape
        return self.size_mm[0] / columns, self.size_mm[1] / rows


def project(
    suv: np.ndarray, labels: np.ndarray, numbers: Sequence[str], masks: Mapping[str, np.ndarray], grid: Grid
) -> tuple[View, View]:
    """The frontal and the lateral maximum intensity projection, cut to the body.

    Parameters
    ----------
    suv : float (k, j, i)
        SUV on ``grid``.
    labels : integer (k, j, i)
        Numbered lesions; each of ``numbers`` gets a shadow under its name.
    masks : mapping of str to bool (k, j, i)
        What else is to be drawn.
    grid : Grid
        Its axes may run in any order and direction; they are turned to LPS.
    """
    upright = grid.reoriented("LPS")
    body = _turned(suv.astype(np.float32, copy=False), grid, upright)
    numbered = _turned(labels, grid, upright)
    boxes = ndimage.find_objects(numbered.astype(np.int32, copy=False))
    turned = {name: _turned(mask, grid, upright) > 0 for name, mask in masks.items()}
    step_i, step_j, step_k = upright.spacing
    views = []
    for name, axis, step in (("frontal", 1, step_i), ("lateral", 2, step_j)):
        # k runs towards the head and rows run down.
        flat = body.max(axis=axis)[::-1]
        shadows = {key: mask.any(axis=axis)[::-1] for key, mask in turned.items()}
        shadows |= {key: _shadow(numbered, boxes[int(key) - 1], int(key), axis)[::-1] for key in numbers}
        rows, columns = _kept(flat, shadows, (step_k, step))
        flat = flat[rows, columns]
        shadows = {key: shadow[rows, columns] for key, shadow in shadows.items()}
        views.append(View(name, flat, shadows, (flat.shape[1] * step, flat.shape[0] * step_k)))
    return views[0], views[1]


def _shadow(labels: np.ndarray, box: tuple[slice, ...], number: int, axis: int) -> np.ndarray:
    """The shadow of one label along an axis, looked for in its box only."""
    shape = [size for other, size in enumerate(labels.shape) if other != axis]
    shadow = np.zeros(shape, bool)
    part = tuple(cut for other, cut in enumerate(box) if other != axis)
    shadow[part] = (labels[box] == number).any(axis=axis)
    return shadow


def _turned(array: np.ndarray, grid: Grid, upright: Grid) -> np.ndarray:
    """The array with its axes along ``upright``; voxels are copied, never interpolated."""
    import SimpleITK as sitk

    if grid.same_as(upright, 1e-6):
        return array
    return sitk.GetArrayFromImage(resample(from_array(array, grid), upright, interpolation="nearest"))


def _kept(flat: np.ndarray, shadows: Mapping[str, np.ndarray], steps: tuple[float, float]) -> tuple[slice, slice]:
    """All rows, and the columns that hold body or a mask, with a margin."""
    filled = (flat > _BODY).any(axis=0)
    for shadow in shadows.values():
        filled |= shadow.any(axis=0)
    columns = np.flatnonzero(filled)
    if not len(columns):
        return slice(None), slice(None)
    margin = round(_MARGIN_MM / steps[1])
    return slice(None), slice(max(columns[0] - margin, 0), columns[-1] + 1 + margin)
