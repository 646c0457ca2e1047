"""Local binary patterns of a projection: histograms over a grid of cells, for every window at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import DependencyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

NEIGHBOURS = 8
RADIUS = 1
CODES = NEIGHBOURS + 2
"""Uniform, rotation-invariant codes (Ojala et al. 2002): 0..8 by the number of brighter neighbours, 9 for the rest."""


def pattern_counts(pixels: np.ndarray, columns: int) -> np.ndarray:
    """How often each code stands in each row of each of ``columns`` upright strips, summed from the top.

    Parameters
    ----------
    pixels : float32 (views, rows, width) in [0, 1]
    columns : int
        Strips of equal width; what is left of the width at the right is not looked at.

    Returns
    -------
    int32 (views, rows + 1, columns, codes)
        Entry ``[:, r]`` counts the rows above ``r``: a window's histogram is the difference of two entries.

    Raises
    ------
    DependencyError
        scikit-image is missing.
    UsageError
        More strips than pixels in a row.
    """
    views, rows, width = pixels.shape
    if not 1 <= columns <= width:
        raise UsageError(f"local binary patterns: {columns} strips in {width} pixels; use 1 to {width}")
    counts = np.zeros((views, rows + 1, columns, CODES), dtype=np.int32)
    each = width // columns
    for view, picture in enumerate(pixels):
        codes = _codes(picture)[:, : each * columns].reshape(rows, columns, each)
        for code in range(CODES):
            np.cumsum((codes == code).sum(axis=2), axis=0, out=counts[view, 1:, :, code])
    return counts


def window_histograms(counts: np.ndarray, tops: Sequence[int], *, rows: int, bands: int) -> np.ndarray:
    """Share of each code in each cell of the windows with these tops.

    Parameters
    ----------
    counts : int32 (views, rows of the projection + 1, columns, codes)
        From `pattern_counts`.
    tops : sequence of int (n,)
        First row of each window, inside the projection.
    rows : int
        Height of a window.
    bands : int
        Cells of a column; what is left of the height below is not looked at.

    Returns
    -------
    float32 (n, views * bands * columns * codes)
    """
    each = rows // bands
    edges = np.asarray(tops, dtype=np.int64)[:, None] + each * np.arange(bands + 1)
    histograms = np.diff(counts[:, edges], axis=2).astype(np.float32)
    cell = histograms.sum(axis=-1, keepdims=True)
    return np.moveaxis(histograms / np.maximum(cell, 1), 1, 0).reshape(len(edges), -1)


def _codes(picture: np.ndarray) -> np.ndarray:
    """Codes (rows, width) of one view; it is read in 255 steps, so that rounding noise makes no texture."""
    try:
        from skimage.feature import local_binary_pattern
    except ImportError as error:
        raise DependencyError(
            "local binary patterns need scikit-image; install it with pip install 'transferseg[baselines]'"
        ) from error
    steps = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return local_binary_pattern(steps, NEIGHBOURS, RADIUS, method="uniform").astype(np.uint8)
