"""Intensities to the scale a network expects: z-scores over the brain or over what is not zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError

NORMALISATIONS = ("zscore-brain", "zscore-nonzero", "none")


def normalise(channel: np.ndarray, mask: np.ndarray, *, kind: str, where: str) -> None:
    """Normalise one channel in place and set it to 0 outside the mask.

    Parameters
    ----------
    channel : np.ndarray
        float32 (k, j, i).
    mask : np.ndarray
        bool (k, j, i).
    kind : str
        ``zscore-brain``: mean 0 and SD 1 over the mask; ``zscore-nonzero``: over the mask's voxels that are
        not 0, zeros stay 0 (MONAI's ``NormalizeIntensityd(nonzero=True, channel_wise=True)``); ``none``.
    where : str
        Role and file, for the message.

    Raises
    ------
    InputError
        When the channel is constant over the voxels that count.
    """
    apply_scale(channel, mask, find_scale(channel, mask, kind=kind, where=where))


@dataclass(frozen=True)
class Scale:
    """What normalising does to a channel: (value - ``mean``) * ``factor``, over all of the mask or what is not 0."""

    mean: np.float32
    factor: np.float32
    nonzero: bool = False


def find_scale(channel: np.ndarray, mask: np.ndarray, *, kind: str, where: str) -> Scale | None:
    """The scale that `normalise` (same parameters) brings a channel to; None leaves its values."""
    if kind == "none":
        return None
    counted = mask if kind == "zscore-brain" else mask & (channel != 0)
    values = channel[counted]
    if values.size == 0 or values.min() == values.max():
        raise InputError(f"{where}: the image is constant inside the brain; give the right file for this role")
    # Sums in float64: float32 sums over a million voxels of scanner values lose digits.
    mean = values.mean(dtype=np.float64)
    spread = np.sqrt(np.square(values - np.float32(mean)).mean(dtype=np.float64))
    return Scale(np.float32(mean), np.float32(1.0 / spread), kind != "zscore-brain")


def apply_scale(channel: np.ndarray, mask: np.ndarray, scale: Scale | None) -> None:
    """Bring a channel, or one slice of it, to the scale in place, and set it to 0 where it does not count."""
    counted = mask & (channel != 0) if scale is not None and scale.nonzero else mask
    if scale is not None:
        channel -= scale.mean
        channel *= scale.factor
    np.multiply(channel, counted, out=channel)
