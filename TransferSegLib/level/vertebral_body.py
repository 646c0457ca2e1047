"""The vertebral body in a mask of a whole vertebra: arch and processes are thinner than it."""

from __future__ import annotations

import numpy as np

from ..imaging import Grid

# Pedicles, laminae and processes are at most about 12 mm thick, a lumbar body 25 to 35 mm.
RADII_MM = (8.0, 6.5, 5.0, 3.5)
GRID_MM = 1.5
CORE_MM = 9.0
# A body reaches at least so far from its axis; processes lie further behind it.
BODY_MM = 15.0


def body_centre(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """LPS point (3,), mm, half-way between the endplates on the axis of the vertebral body.

    Parameters
    ----------
    mask : bool array (k, j, i)
        The vertebra, or only its body.
    grid : Grid
        Where the mask lies.

    Notes
    -----
    A ball that fits the body, but none of the processes, is moved through the mask; what it sweeps is the body. The
    height is taken on the column of the body's middle, so that a tilted vertebra gives its middle too.
    """
    cube, origin, step = _upright(mask, grid)
    body = _body(cube, step)
    points = np.argwhere(body) * step + origin
    centre = points.mean(axis=0)
    column = points[((points[:, 1:] - centre[1:]) ** 2).sum(axis=1) <= CORE_MM**2]
    heights = column[:, 0] if len(column) else points[:, 0]
    middle = (heights.min() + heights.max()) / 2
    return np.array([centre[2], centre[1], middle])


def is_cut(mask: np.ndarray, grid: Grid, centre: np.ndarray) -> bool:
    """Whether a vertebra's body goes on to the mask's first or last slice, where its middle cannot be told.

    Parameters
    ----------
    mask : bool array (k, j, i)
    grid : Grid
    centre : (3,) array
        LPS point, mm, of `body_centre`.
    """
    along = 2 - int(np.argmax(np.abs(grid.matrix[2])))
    for end in (0, mask.shape[along] - 1):
        places = np.argwhere(np.take(mask, [end], axis=along))
        places[:, along] = end
        if len(places) and np.hypot(*(grid.points(places[:, ::-1]) - centre)[:, :2].T).min() <= BODY_MM:
            return True
    return False


def _upright(mask: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray, float]:
    """The mask on an even grid along the patient's axes: (z, y, x) bool, its origin (z, y, x) mm, its step mm."""
    import SimpleITK as sitk

    where = np.argwhere(mask)
    low, high = where.min(axis=0), where.max(axis=0) + 1
    part = np.pad(mask[tuple(slice(a, b) for a, b in zip(low, high))], 1).astype(np.float32)
    image = sitk.GetImageFromArray(part)
    image.SetSpacing(grid.spacing)
    image.SetDirection(grid.direction)
    image.SetOrigin(tuple(grid.points(np.array([low[::-1] - 1.0]))[0]))
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.array(image.GetSize()) - 1.0)
    places = np.array([image.TransformContinuousIndexToPhysicalPoint(tuple(map(float, c))) for c in corners])
    start, end = places.min(axis=0) - 2 * GRID_MM, places.max(axis=0) + 2 * GRID_MM
    size = [int(n) for n in np.ceil((end - start) / GRID_MM)]
    even = sitk.Resample(
        image, size, sitk.Transform(), sitk.sitkLinear, tuple(start), (GRID_MM,) * 3, np.eye(3).ravel(), 0.0
    )
    return sitk.GetArrayFromImage(even) >= 0.5, start[::-1], GRID_MM


def _body(cube: np.ndarray, step: float) -> np.ndarray:
    """The largest part that a ball sweeps; smaller balls for small vertebrae, the whole mask when none fits."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(cube, 1))[1:-1, 1:-1, 1:-1] * step
    for radius in RADII_MM:
        core = depth > radius
        if not core.any():
            continue
        parts, count = ndimage.label(core)
        if count > 1:
            sizes = ndimage.sum_labels(core, parts, range(1, count + 1))
            core = parts == 1 + int(np.argmax(sizes))
        return cube & (ndimage.distance_transform_edt(~core) * step <= radius + step / 2)
    return cube
