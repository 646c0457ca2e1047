"""Second looks: whether a model still says the same row when the picture is changed in ways that change no answer.

The windows of one projection share what they see, so they can agree on a wrong vertebra. What is learned by heart of
the phantoms' proportions shows when the picture is stretched, fainter, or mirrored (test-time augmentation, Wang et
al. 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

STRETCH = 1.07
FAINT = 0.75
TOLERANCE_MM = 10.0
USUAL = 0.8
"""Steadiness that is assumed where no second look was taken."""


def second_looks(pixels: np.ndarray, views: Sequence[str]) -> Iterator[tuple[np.ndarray, Callable[[float], float]]]:
    """The changed projections (views, rows, width), each with what brings its rows back to the original's."""
    mirrored = pixels.copy()
    for place, view in enumerate(views):
        if view == "frontal":
            mirrored[place] = pixels[place, :, ::-1]
    if "frontal" in views:
        yield mirrored, lambda row: row
    yield pixels * np.float32(FAINT), lambda row: row
    for factor in (STRETCH, 1 / STRETCH):
        yield stretched(pixels, factor), lambda row, by=factor: row / by


def stretched(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Rows drawn apart by a factor, linear interpolation."""
    high = pixels.shape[1]
    places = np.minimum(np.arange(max(round((high - 1) * factor), 1) + 1) / factor, high - 1)
    low = np.minimum(places.astype(int), max(high - 2, 0))
    share = (places - low).astype(np.float32)[None, :, None]
    upper = np.minimum(low + 1, high - 1)
    return np.ascontiguousarray(pixels[:, low] * (1 - share) + pixels[:, upper] * share, dtype=np.float32)


def steadiness(row: float, others: Sequence[float | None], row_mm: float) -> float:
    """Share of the second looks that lie within 10 mm of ``row``, 0 to 1; one that found nothing does not."""
    near = [other is not None and abs(other - row) * row_mm <= TOLERANCE_MM for other in others]
    return float(np.mean(near)) if near else USUAL


def elsewhere(
    row: float, others: Sequence[float | None], height: int, row_mm: float, sure: float
) -> list[tuple[float, float]]:
    """The other candidate (row, confidence) that the second looks found, a vertebra away or more; empty without one."""
    far = [other for other in others if other is not None and abs(other - row) * row_mm > 2 * TOLERANCE_MM]
    far = [other for other in far if -0.5 <= other <= height - 0.5]
    return [(float(np.median(far)), sure * len(far) / (2 * len(others)))] if far else []
