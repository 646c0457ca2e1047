"""Resampling in physical space, exact where the two grids share their voxel centres."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..errors import UsageError
from .arrays import from_array
from .grid import Grid

_INTERPOLATORS = {
    "linear": sitk.sitkLinear,
    "nearest": sitk.sitkNearestNeighbor,
    "gaussian-label": sitk.sitkLabelGaussian,
}
# Voxel centres closer than this (in voxels) are the same point: headers round to about 1e-4 mm.
_SAME_POINT = 2e-3


def resample(
    image: sitk.Image,
    grid: Grid,
    *,
    interpolation: str = "linear",
    transform: sitk.Transform | None = None,
    fill: float = 0.0,
) -> sitk.Image:
    """Put ``image`` on ``grid`` in physical space.

    Parameters
    ----------
    image : SimpleITK.Image
        3-D, scalar. Its number type is kept.
    grid : Grid
        Where the result lies.
    interpolation : {"linear", "nearest", "gaussian-label"}
        Linear for images, one of the others for labels.
    transform : SimpleITK.Transform, optional
        Maps points of ``grid`` to points of ``image`` (ITK's convention).
    fill : float
        Value outside the image.

    Returns
    -------
    SimpleITK.Image
        Without a transform, and with grids that are a permutation, flip, crop or padding of each
        other, voxel values are copied bit for bit.
    """
    if interpolation not in _INTERPOLATORS:
        raise UsageError(f"interpolation {interpolation!r}: unknown; choose one of {', '.join(_INTERPOLATORS)}")
    if transform is None:
        copied = _copy_if_aligned(image, grid, fill)
        if copied is not None:
            return copied
    return sitk.Resample(
        image,
        list(grid.size),
        sitk.Transform(3, sitk.sitkIdentity) if transform is None else transform,
        _INTERPOLATORS[interpolation],
        grid.origin,
        grid.spacing,
        grid.direction,
        float(fill),
        image.GetPixelID(),
    )


def _copy_if_aligned(image: sitk.Image, grid: Grid, fill: float) -> sitk.Image | None:
    """The image on ``grid`` by copying voxels, or None when centres do not coincide."""
    found = _signed_permutation(grid, Grid.of(image))
    if found is None:
        return None
    axes, signs, offset = found
    source = sitk.GetArrayViewFromImage(image).transpose(2, 1, 0)  # (i, j, k)
    result = np.full(grid.shape, fill, dtype=source.dtype).transpose(2, 1, 0)
    target_part, source_part = [slice(0, 0)] * 3, [slice(0, 0)] * 3
    for axis in range(3):
        from_axis, sign, start = axes[axis], signs[axis], offset[axes[axis]]
        # Target indices t with 0 <= sign * t + start < n lie on the image.
        n = source.shape[from_axis]
        low, high = (-start, n - start) if sign > 0 else (start - n + 1, start + 1)
        low, high = max(low, 0), min(high, result.shape[axis])
        if low >= high:
            return from_array(result.transpose(2, 1, 0), grid)
        first, last = sorted((sign * low + start, sign * (high - 1) + start))
        target_part[axis], source_part[from_axis] = slice(low, high), slice(first, last + 1)
    block = source[tuple(source_part)].transpose(axes)
    result[tuple(target_part)] = block[tuple(slice(None, None, sign) for sign in signs)]
    return from_array(result.transpose(2, 1, 0), grid)


def _signed_permutation(target: Grid, source: Grid) -> tuple[list[int], list[int], np.ndarray] | None:
    """How target indices become source indices, when that is a whole-voxel step for every voxel.

    Returns (source axis of each target axis, sign of each, whole-voxel offset per source axis).
    """
    to_source = np.linalg.inv(source.steps) @ target.steps
    rounded = np.rint(to_source)
    if not (np.abs(rounded).sum(axis=0) == 1).all() or not (np.abs(rounded).sum(axis=1) == 1).all():
        return None
    offset = source.indices([target.origin])[0]
    whole = np.rint(offset)
    ends = np.array([[n - 1 if bit & 1 << a else 0 for a, n in enumerate(target.size)] for bit in range(8)])
    if np.abs(ends @ (to_source - rounded).T + (offset - whole)).max() > _SAME_POINT:
        return None
    axes = [int(np.argmax(np.abs(rounded[:, axis]))) for axis in range(3)]
    return axes, [int(rounded[axes[axis], axis]) for axis in range(3)], whole.astype(int)
