"""Uptake of a lesion: highest and mean SUV, SUVpeak and total lesion glycolysis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .parts import Part

PEAK_ML = 1.0
"""Volume of the sphere of SUVpeak."""
PEAK_RADIUS_MM = (PEAK_ML * 1000 * 3 / (4 * math.pi)) ** (1 / 3)
_SLAB_VOXELS = 4_000_000


def uptake(part: Part, suv: np.ndarray, voxel_ml: float) -> dict[str, float]:
    """Highest and mean SUV (g/ml) and total lesion glycolysis of a lesion.

    Parameters
    ----------
    part : Part
        The lesion; not empty.
    suv : (k, j, i)
        Standardised uptake values, g/ml.
    voxel_ml : float
        Volume of a voxel.

    Returns
    -------
    dict
        ``suv_max``, ``suv_mean`` and ``tlg`` = sum of SUV x volume of a voxel, g.
    """
    values = suv[part.box][part.mask].astype(np.float64)
    total = float(values.sum())
    return {"suv_max": float(values.max()), "suv_mean": total / values.size, "tlg": total * voxel_ml}


def suv_peak(part: Part, suv: np.ndarray, spacing: Sequence[float]) -> float:
    """SUVpeak: the highest mean SUV in a sphere of 1 ml centred on any voxel of the lesion.

    This is the global intensity peak (0F91) of the Image Biomarker Standardisation Initiative and the peak of PERCIST
    (Wahl et al. 2009, doi:10.2967/jnumed.108.057307): the sphere need not lie on the hottest voxel. It holds the
    voxels whose centres are at most its radius (6.2 mm) from its centre, also those outside the lesion; at the edge of
    the image only those that exist. With voxels larger than the sphere it is SUVmax.

    Parameters
    ----------
    part : Part
        The lesion; not empty.
    suv : (k, j, i)
        Standardised uptake values, g/ml.
    spacing : 3 floats
        mm along k, j, i.
    """
    rows = _sphere_rows(spacing)
    reach = max(abs(rows[:, 0]).max(), 1)
    layer = int(np.prod(part.mask.shape[1:]))
    step = max(_SLAB_VOXELS // max(layer, 1), int(reach))
    highest = -math.inf
    for first in range(0, part.mask.shape[0], step):
        slab = part.mask[first : first + step]
        if slab.any():
            start = part.start + (first, 0, 0)
            highest = max(highest, _highest_mean(slab, start, suv, rows))
    return highest


def _sphere_rows(spacing: Sequence[float]) -> np.ndarray:
    """The rows along i that make the sphere: (rows, 3) of offset along k, offset along j, half length, in voxels."""
    sk, sj, si = (float(step) for step in spacing)
    square = PEAK_RADIUS_MM**2 * (1 + 1e-12)
    rows = []
    for k in range(-int(PEAK_RADIUS_MM / sk), int(PEAK_RADIUS_MM / sk) + 1):
        for j in range(-int(PEAK_RADIUS_MM / sj), int(PEAK_RADIUS_MM / sj) + 1):
            rest = square - (k * sk) ** 2 - (j * sj) ** 2
            if rest >= 0:
                rows.append((k, j, int(math.sqrt(rest) / si)))
    return np.array(rows)


def _highest_mean(mask: np.ndarray, start: np.ndarray, suv: np.ndarray, rows: np.ndarray) -> float:
    """Highest mean over the sphere about any voxel of a mask that starts at ``start`` in the volume."""
    reach = abs(rows).max(axis=0)
    low, high = start - reach, start + mask.shape + reach
    held_low, held_high = np.maximum(low, 0), np.minimum(high, suv.shape)
    values = suv[tuple(slice(a, b) for a, b in zip(held_low, held_high))].astype(np.float64)
    lacking = list(zip(held_low - low, high - held_high))
    sums = _sphere_sums(np.pad(values, lacking), mask.shape, reach, rows)
    if not np.any(lacking):
        return float(sums[mask].max() / (2 * rows[:, 2] + 1).sum())
    counts = _sphere_sums(np.pad(np.ones(values.shape), lacking), mask.shape, reach, rows)
    return float((sums[mask] / counts[mask]).max())


def _sphere_sums(values: np.ndarray, shape: tuple[int, ...], reach: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sums over the sphere about each voxel of ``shape``; ``values`` reaches further by ``reach`` on every side."""
    along = np.zeros((*values.shape[:2], values.shape[2] + 1))
    np.cumsum(values, axis=2, out=along[:, :, 1:])
    sums = np.zeros(shape)
    for half in np.unique(rows[:, 2]):
        left, right = reach[2] - half, reach[2] + half + 1
        row_sums = along[:, :, right : right + shape[2]] - along[:, :, left : left + shape[2]]
        for k, j, _ in rows[rows[:, 2] == half]:
            first = reach[0] + k, reach[1] + j
            sums += row_sums[first[0] : first[0] + shape[0], first[1] : first[1] + shape[1]]
    return sums
