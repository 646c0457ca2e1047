"""A picture from a loaded case to the network's array: channels from 0 to 1, mean and SD of the training set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .options import Prepared, Step

if TYPE_CHECKING:
    from ..cases import LoadedCase


def prepare_picture(
    loaded: LoadedCase, *, role: str, mean: Sequence[float] = (0.0,), sd: Sequence[float] = (1.0,)
) -> Prepared:
    """Bring a picture's channels to the network's scale; no pixel is moved.

    Parameters
    ----------
    loaded : LoadedCase
        With a picture of uint8, one slice.
    role : {"rgb", "grey"}
    mean, sd : sequence of float
        Of the training set, one number a channel or one for all, on the scale from 0 (black) to 1.

    Returns
    -------
    Prepared
        ``array`` float32 (channel, 1, j, i) on the picture's own pixels; ``mask`` is all of it.

    Raises
    ------
    InputError
        No picture for the role.
    """
    if role not in loaded.images:
        raise InputError(f"{loaded.case.id}: no picture for the role {role}; name it with --image {role}=FILE")
    values = sitk.GetArrayFromImage(loaded.images[role])
    values = values[None] if values.ndim == 3 else values.transpose(3, 0, 1, 2)
    array = picture_values(values, mean=mean, sd=sd)
    numbers = "; ".join(f"mean {m:g}, SD {s:g}" for m, s in zip(mean, sd))
    steps = (Step("normalisation", "done", f"0 to 1, then of the training set: {numbers}"),)
    truth = None if loaded.truth is None else sitk.GetArrayFromImage(loaded.truth).astype(np.uint8, copy=False)
    mask = np.ones(array.shape[1:], bool)
    grid = loaded.reference
    return Prepared(np.ascontiguousarray(array), mask, grid, grid, truth=truth, steps=steps, alignment={role: None})


def picture_values(values: np.ndarray, *, mean: Sequence[float], sd: Sequence[float]) -> np.ndarray:
    """Values from 0 to 255, (channel, k, j, i), on the network's scale; the parameters are `prepare_picture`'s."""
    array = values.astype(np.float32) / np.float32(255)
    column = (-1, 1, 1, 1)
    return (array - np.asarray(mean, np.float32).reshape(column)) / np.asarray(sd, np.float32).reshape(column)
