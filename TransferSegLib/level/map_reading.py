"""Reading a confidence map (Kanavati et al. 2018): its highest place, and whether another rivals it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .confidence import Calibration, shipped_calibration
from .consensus import APART_MM
from .located import RIVAL, UNSURE, Located, nowhere, somewhere
from .second_looks import STEADY, doubtful, steadiness

WEAK = 0.25
"""A map that nowhere rises this far above its lowest place shows no level."""
LEAST = 0.5
"""Height of the peak of a level that is found."""
CENTRE_MM = 8.0
"""The row is the centre of mass of what lies this near to the peak."""


def locate_map(
    heights: np.ndarray,
    *,
    row_mm: float = 1.0,
    level: str = "L3",
    calibration: Calibration | None = None,
    others: Sequence[float | None] = (),
) -> Located:
    """Judge a confidence map.

    Parameters
    ----------
    heights : (rows,)
        1 where the network is certain, 0 where the level is not; NaN counts as 0.
    row_mm : float
        Height of a row.
    level : str
        The level's name, for the message.
    calibration, others
        As ``locate`` takes them.
    """
    heights = np.asarray(heights, np.float64).ravel()
    if not np.isfinite(heights).any():
        return nowhere("uncertain", 0.0, f"the model gave no usable numbers for {level}")
    heights = np.clip(np.nan_to_num(heights, posinf=1.0, neginf=0.0), 0, 1)
    first, rival = two_peaks(heights, row_mm)
    top, next_top = float(heights[first]), float(heights[rival]) if rival is not None else 0.0
    steady = steadiness(first, others, row_mm)
    sure = (calibration or shipped_calibration()).map(top, next_top, steady)
    if np.ptp(heights) < WEAK:
        if sure > UNSURE:
            return nowhere(
                "uncertain", 1 - sure, f"whether {level} is in the field of view cannot be told", agreement=top
            )
        return nowhere("not-in-view", 1 - sure, f"no row of the scan looks like {level}", agreement=top)
    row, width = _centre(heights, first, row_mm)
    places = [(row, sure)]
    doubt = None if sure >= UNSURE and top >= LEAST else f"the map's peak for {level} is weak"
    if steady < STEADY:
        doubt = f"the height changes when the picture is changed a little, so {level} is not recognised firmly"
        places = doubtful(places, others, len(heights), row_mm)
    if rival is not None and next_top >= RIVAL * top:
        places.append((_centre(heights, rival, row_mm)[0], sure * next_top / (2 * top)))
        doubt = f"two heights fit {level}"
    message = f"the map's peak for {level} is {top:.2f} of 1"
    return somewhere(places, doubt=doubt, correlation=top, spread=width, agreement=top, message=message)


def two_peaks(heights: np.ndarray, row_mm: float) -> tuple[int, int | None]:
    """The highest row, and the highest of those at least 25 mm away (None where the map is shorter)."""
    first = int(np.argmax(heights))
    away = np.abs(np.arange(len(heights)) - first) * row_mm >= APART_MM
    return first, int(np.argmax(np.where(away, heights, -1))) if away.any() else None


def _centre(heights: np.ndarray, peak: int, row_mm: float) -> tuple[float, float]:
    """Centre of mass around a peak, and its width, in rows."""
    reach = max(round(CENTRE_MM / row_mm), 1)
    rows = np.arange(max(peak - reach, 0), min(peak + reach + 1, len(heights)))
    weights = heights[rows] / heights[rows].sum()
    row = float((rows * weights).sum())
    return row, float(np.sqrt((weights * (rows - row) ** 2).sum()))
