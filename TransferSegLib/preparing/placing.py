"""Arrays and images from one grid to another: by slicing where that is exact, by resampling otherwise."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..imaging import Grid, from_array

# How far (in voxels) a corner may lie from a whole index for two grids to count as the same lattice.
LATTICE_TOLERANCE = 0.01

KJI = tuple[slice, slice, slice]


def exact_view(array: np.ndarray, source: Grid, target: Grid) -> np.ndarray | None:
    """The part of ``array`` that lies on ``target``, as a view, or None where that is not exact.

    Parameters
    ----------
    array : np.ndarray
        (k, j, i) on ``source``.
    source, target : Grid
        ``target`` must be a permutation, flip and crop of ``source`` for a view to exist.

    Returns
    -------
    np.ndarray or None
        (k, j, i) on ``target``, sharing memory with ``array``.
    """
    scaled = _directions(target) * np.asarray(target.spacing)
    to_index = np.linalg.inv(_directions(source) * np.asarray(source.spacing))
    matrix = to_index @ scaled
    offset = to_index @ (np.asarray(target.origin) - np.asarray(source.origin))
    whole, first = np.rint(matrix).astype(int), np.rint(offset).astype(int)
    if not (np.abs(whole).sum(0) == 1).all() or not (np.abs(whole).sum(1) == 1).all():
        return None
    last = np.asarray(target.size) - 1
    drift = np.abs(offset - first) + np.abs(matrix - whole) @ last
    if drift.max() > LATTICE_TOLERANCE:
        return None
    axes, cuts = [0, 0, 0], [slice(None)] * 3
    for axis in range(3):
        on = int(np.flatnonzero(whole[:, axis])[0])
        step, start = int(whole[on, axis]), int(first[on])
        stop = start + step * int(last[axis])
        if min(start, stop) < 0 or max(start, stop) >= source.size[on]:
            return None
        end = stop + step
        cuts[2 - on] = slice(start, end if end >= 0 else None, step)
        axes[2 - axis] = 2 - on
    return array[tuple(cuts)].transpose(axes)


def place_image(
    image: sitk.Image, grid: Grid, *, transform: sitk.Transform | None = None, fill: float = 0.0
) -> np.ndarray:
    """Intensities of ``image`` on ``grid``, float32 (k, j, i); linear where resampling is needed.

    ``transform`` maps points of ``grid`` to points of ``image``. The result may be a read-only view.
    """
    if transform is None:
        view = exact_view(sitk.GetArrayViewFromImage(image), Grid.of(image), grid)
        if view is not None:
            return view
    moved = _resample(image, grid, sitk.sitkLinear, transform, fill, sitk.sitkFloat32)
    return sitk.GetArrayViewFromImage(moved).copy()


def place_labels(
    labels: np.ndarray, source: Grid, target: Grid, *, transform: sitk.Transform | None = None
) -> np.ndarray:
    """Labels on another grid, each label interpolated linearly and the strongest taken.

    That follows the surface between voxels where nearest-neighbour leaves steps, and, unlike plain
    linear interpolation, never makes a value that was not there. Outside ``source`` it is 0.

    Parameters
    ----------
    labels : np.ndarray
        bool or uint8 (k, j, i) on ``source``.
    transform : sitk.Transform, optional
        Maps points of ``target`` to points of ``source``.

    Returns
    -------
    np.ndarray
        (k, j, i) on ``target``, of the same type; a view where the grids allow one.
    """
    if transform is None:
        view = exact_view(labels, source, target)
        if view is not None:
            return view
    image = from_array(np.ascontiguousarray(labels, dtype=np.uint8), source)
    moved = _resample(image, target, sitk.sitkLabelLinear, transform, 0, sitk.sitkUInt8)
    return sitk.GetArrayFromImage(moved).astype(labels.dtype, copy=False)


def chain(first: sitk.Transform | None, then: sitk.Transform | None) -> sitk.Transform | None:
    """The transform that applies ``first`` and then ``then``; None is the identity."""
    if first is None or then is None:
        return then if first is None else first
    # A composite applies what was added last first.
    return sitk.CompositeTransform([then, first])


def bounding_box(mask: np.ndarray) -> KJI | None:
    """The smallest box (k, j, i slices) around the True voxels, or None when there are none."""
    cuts = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        hit = np.flatnonzero(mask.any(axis=others))
        if hit.size == 0:
            return None
        cuts.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return tuple(cuts)


def grown(box: KJI, shape: tuple[int, ...], margin: int) -> KJI:
    """The box with ``margin`` voxels more on each side, kept inside ``shape``."""
    return tuple(slice(max(cut.start - margin, 0), min(cut.stop + margin, n)) for cut, n in zip(box, shape))


def crop_grid(grid: Grid, box: KJI) -> Grid:
    """The grid of ``array[box]``."""
    return grid.cropped(tuple(c.start for c in reversed(box)), tuple(c.stop - c.start for c in reversed(box)))


def _directions(grid: Grid) -> np.ndarray:
    """(3, 3): column a is the unit vector along which index axis a runs."""
    return np.asarray(grid.direction, dtype=np.float64).reshape(3, 3)


def _resample(image, grid, interpolator, transform, fill, pixel_type) -> sitk.Image:
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(n) for n in grid.size])
    resampler.SetOutputSpacing([float(x) for x in grid.spacing])
    resampler.SetOutputOrigin([float(x) for x in grid.origin])
    resampler.SetOutputDirection([float(x) for x in grid.direction])
    resampler.SetInterpolator(interpolator)
    resampler.SetOutputPixelType(pixel_type)
    resampler.SetDefaultPixelValue(float(fill))
    if transform is not None:
        resampler.SetTransform(transform)
    return resampler.Execute(image)
