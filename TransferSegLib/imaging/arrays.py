"""Between SimpleITK images and numpy arrays, (k, j, i)."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .grid import Grid


def to_array(image: sitk.Image) -> np.ndarray:
    """A copy of the voxels, shape (k, j, i), in the image's own number type."""
    return sitk.GetArrayFromImage(image)


def from_array(array: np.ndarray, grid: Grid) -> sitk.Image:
    """An image of ``array`` (k, j, i) on ``grid``; bool becomes uint8, float16 float32.

    Raises
    ------
    InputError
        When the shape is not the grid's.
    """
    array = np.asarray(array)
    if array.shape != grid.shape:
        raise InputError(
            f"array of shape {array.shape}: the grid has {grid.shape} (k, j, i); pass the array's own grid"
        )
    if array.dtype == bool:
        array = array.astype(np.uint8)
    elif array.dtype == np.float16:
        array = array.astype(np.float32)
    return grid.put_on(sitk.GetImageFromArray(np.ascontiguousarray(array)))
