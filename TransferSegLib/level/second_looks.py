"""Second looks: whether a model still says the same row when the picture is changed in ways that change no answer.

The windows of one projection share what they see, so they can agree on a wrong vertebra. What is learned by heart of
the phantoms' proportions shows when the picture is stretched, fainter, or mirrored (test-time augmentation, Wang et
al. 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

STRETCH = 1.15
FAINT = 0.5
GAMMAS = (0.7, 1.4)
SHELL_MM = 4.0
"""Bones are hollowed out from this depth on (standard deviation of the blur)."""
CUT = 0.2
"""Share of the rows that is cut off."""
TOLERANCE_MM = 10.0
STEADY = 0.75
"""Least share of the second looks that keep a row that is found: 98 % of the right rows of phantoms have it."""
USUAL = 0.8
"""Steadiness that is assumed where no second look was taken."""

Look = tuple[np.ndarray, Callable[[float], float]]


def second_looks(pixels: np.ndarray, views: Sequence[str], row_mm: float = 1.0) -> Iterator[Look]:
    """The changed projections (views, rows, width), each with what brings its rows back to the original's."""
    yield from _other_greys(pixels, row_mm)
    mirrored = pixels.copy()
    for place, view in enumerate(views):
        if view == "frontal":
            mirrored[place] = pixels[place, :, ::-1]
    if "frontal" in views:
        yield mirrored, lambda row: row
    for factor in (STRETCH, 1 / STRETCH):
        yield stretched(pixels, factor), lambda row, by=factor: row / by
    cut = round(CUT * pixels.shape[1])
    if cut:
        yield np.ascontiguousarray(pixels[:, cut:]), lambda row: row + cut
        yield np.ascontiguousarray(pixels[:, :-cut]), lambda row: row


def _other_greys(pixels: np.ndarray, row_mm: float) -> Iterator[Look]:
    """Fainter, of another contrast, and with bones as shells."""
    inner = gaussian_filter(pixels, (0, SHELL_MM / row_mm, SHELL_MM / row_mm))
    shells = np.clip(0.55 * pixels + np.clip(pixels - inner, 0, 1), 0, 1)
    for changed in (pixels * FAINT, *(np.clip(pixels, 0, 1) ** gamma for gamma in GAMMAS), shells):
        yield changed.astype(np.float32), lambda row: row


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


def elsewhere(row: float, others: Sequence[float | None], height: int, row_mm: float) -> tuple[float, float] | None:
    """The row, a vertebra away or more, on which most second looks agree, and their share; None without one."""
    far = [other for other in others if other is not None and abs(other - row) * row_mm > 2 * TOLERANCE_MM]
    far = [other for other in far if -0.5 <= other <= height - 0.5]
    groups = [[other for other in far if abs(other - centre) * row_mm <= TOLERANCE_MM] for centre in far]
    if not groups:
        return None
    best = max(groups, key=len)
    return float(np.median(best)), len(best) / len(others)


def doubtful(
    places: list[tuple[float, float]], others: Sequence[float | None], height: int, row_mm: float
) -> list[tuple[float, float]]:
    """Candidates (row, confidence) of a row that second looks move: that row and theirs, the more seen one first."""
    row, sure = places[0]
    other, kept = elsewhere(row, others, height, row_mm), steadiness(row, others, row_mm)
    if other is None:
        return places
    both = [(row, 0.5 * sure * kept), (other[0], 0.5 * sure * other[1])]
    return sorted(both, key=lambda place: -place[1])
