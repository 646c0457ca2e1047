"""The trunk in a slice: without table, clothes and arms; and whether the field of view cuts it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Above this a pixel is body (fat is about -100), HU.
BODY_HU = -300.0
# Half the width of the widest neck between arm and trunk, and of the thickest table or cloth, mm.
NECK_MM, CLOTH_MM = 14.0, 3.5


def trunk(hu: np.ndarray, step: float) -> np.ndarray:
    """The trunk, bool (rows, columns), gas inside included; empty where there is no body.

    Parameters
    ----------
    hu : (rows, columns)
        Smoothed slice with square pixels.
    step : float
        Pixel size, mm.
    """
    body = _without_cloth(hu > BODY_HU, step)
    parts, count = ndimage.label(body)
    if not count:
        return body
    body = ndimage.binary_fill_holes(parts == 1 + np.argmax(np.bincount(parts.ravel())[1:]))
    return ndimage.binary_fill_holes(_without_arms(body, hu, step))


def _without_cloth(mask: np.ndarray, step: float) -> np.ndarray:
    """An opening by a disc, on the filled mask so that the thin walls of gas-filled bowel stay."""
    filled = ndimage.binary_fill_holes(mask)
    filled = np.pad(filled, 1, mode="edge")
    core = ndimage.distance_transform_edt(filled) * step > CLOTH_MM
    opened = ndimage.distance_transform_edt(~core) * step <= CLOTH_MM + 1.25 * step
    return (opened & filled)[1:-1, 1:-1]


def _without_arms(body: np.ndarray, hu: np.ndarray, step: float) -> np.ndarray:
    """Cut parts off that hang on a neck and hold a bone of their own."""
    seeds, count = ndimage.label(
        ndimage.distance_transform_edt(np.pad(body, 1, mode="edge"))[1:-1, 1:-1] * step > NECK_MM
    )
    if count < 2:
        return body
    sizes = np.bincount(seeds.ravel())[1:]
    main = 1 + int(np.argmax(sizes))
    bone = np.bincount(seeds[hu > 250], minlength=count + 1) * step**2
    arms = [n for n in range(1, count + 1) if n != main and bone[n] > 60]
    if not arms:
        return body
    rows, columns = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    return body & ~np.isin(seeds[rows, columns], arms)


def cut_share(body: np.ndarray, step: float) -> tuple[float, float]:
    """How much of the trunk's outline lies on the edge of the image or of the round field of view: mm, and share."""
    edge = body & ~ndimage.binary_erosion(body, border_value=0)
    border = np.zeros_like(body)
    border[[0, -1]], border[:, [0, -1]] = True, True
    cut = np.count_nonzero(edge & border)
    rows, columns = body.shape
    if abs(rows - columns) <= 2:
        row, column = np.ogrid[:rows, :columns]
        radius = np.hypot(row - (rows - 1) / 2, column - (columns - 1) / 2)
        beyond = np.count_nonzero(body & (radius > rows / 2 + 2.5))
        on_circle = np.count_nonzero(edge & ~border & (np.abs(radius - rows / 2) <= 2.0))
        cut += on_circle if not beyond and on_circle * step > 30 else 0
    return float(cut * step), cut / max(np.count_nonzero(edge), 1)
