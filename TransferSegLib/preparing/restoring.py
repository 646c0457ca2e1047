"""From a network's result back to the reference image's own grid."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..errors import UsageError
from ..imaging import from_array, resample
from .options import Prepared
from .placing import exact_view, place_image, place_labels


def restore_labels(labels: np.ndarray, prepared: Prepared) -> sitk.Image:
    """Bring a label map back to the reference grid.

    A work grid that is a permutation, flip and crop of the reference is undone by slicing, bit for bit.
    Otherwise each label is interpolated linearly and the strongest one taken: surfaces stay smooth on
    fine grids and no label appears that was not there.

    Parameters
    ----------
    labels : np.ndarray
        uint8 (k, j, i) on ``prepared.grid``.

    Returns
    -------
    sitk.Image
        uint8, with exactly the size, spacing, origin and direction of ``prepared.reference``.

    Raises
    ------
    UsageError
        When the shape is not that of ``prepared.grid``.
    """
    labels = _checked(labels, prepared).astype(np.uint8, copy=False)
    restored = _by_slicing(labels, prepared, fill=0)
    if restored is None:
        restored = place_labels(labels, prepared.grid, prepared.reference, transform=_inverse(prepared))
    return from_array(restored, prepared.reference)


def restore_map(values: np.ndarray, prepared: Prepared, *, fill: float = 0.0) -> sitk.Image:
    """Bring a map of numbers (an uncertainty, a probability) back to the reference grid, float32.

    Linear interpolation where slicing does not do; ``fill`` outside the work grid.
    """
    values = _checked(values, prepared).astype(np.float32, copy=False)
    restored = _by_slicing(values, prepared, fill=fill)
    if restored is None:
        image = from_array(values, prepared.grid)
        restored = place_image(image, prepared.reference, transform=_inverse(prepared), fill=fill)
    return from_array(restored, prepared.reference)


def aligned_image(image: sitk.Image, role: str, prepared: Prepared) -> sitk.Image:
    """An input image as it was laid over the reference: on the reference grid, in its own number type.

    Outside the image it has the image's lowest value.
    """
    transform = prepared.alignment.get(role)
    lowest = float(sitk.GetArrayViewFromImage(image).min())
    return resample(image, prepared.reference, transform=transform, fill=lowest)


def _checked(array: np.ndarray, prepared: Prepared) -> np.ndarray:
    array = np.asarray(array)
    if array.shape != tuple(prepared.grid.shape):
        raise UsageError(
            f"restoring: the array has shape {array.shape} and the prepared grid {tuple(prepared.grid.shape)}; "
            "give the array that was made from this prepared case"
        )
    return array


def _by_slicing(array: np.ndarray, prepared: Prepared, *, fill: float) -> np.ndarray | None:
    if prepared.transform is not None:
        return None
    whole = np.full(prepared.reference.shape, fill, dtype=array.dtype)
    view = exact_view(whole, prepared.reference, prepared.grid)
    if view is None:
        return None
    view[...] = array
    return whole


def _inverse(prepared: Prepared) -> sitk.Transform | None:
    return None if prepared.transform is None else prepared.transform.GetInverse()
