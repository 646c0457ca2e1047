"""Fitting the coefficients of a confidence to answers whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .confidence import ABSENT, MAP, ROW, Calibration, absent_features, row_features
from .consensus import candidates_of, shares_outside
from .correlation import correlation_at, refine
from .map_reading import two_peaks
from .second_looks import steadiness

if TYPE_CHECKING:
    from ..inference.votes import Votes

RIGHT_MM = 10.0
"""An error up to this many mm is right."""


@dataclass
class Samples:
    """Features of answers and whether they were right (or the level absent), collected one scan at a time."""

    row: list[tuple[tuple[float, ...], bool]] = field(default_factory=list)
    absent: list[tuple[tuple[float, ...], bool]] = field(default_factory=list)
    map: list[tuple[tuple[float, ...], bool]] = field(default_factory=list)

    def add_votes(
        self,
        votes: Votes,
        height: int,
        truth: float | None,
        row_mm: float = 1.0,
        others: Sequence[float | None] = (),
    ) -> None:
        """Votes of ``height`` rows whose level is at row ``truth`` (None: not in view), with the second looks' rows."""
        found = candidates_of(votes, height, row_mm=row_mm)
        above, below, _ = shares_outside(votes)
        self.absent.append((absent_features(found, max(above, below)), truth is None))
        if found:
            row, _ = refine(votes, found[0].row)
            right = truth is not None and abs(row - truth) * row_mm <= RIGHT_MM
            correlation, steady = correlation_at(votes, found[0].row), steadiness(row, others, row_mm)
            self.row.append((row_features(votes, found[0], found[1:2], correlation, steady), right))

    def add_map(
        self, heights: np.ndarray, truth: float | None, row_mm: float = 1.0, others: Sequence[float | None] = ()
    ) -> None:
        """A confidence map (rows,)."""
        heights = np.clip(np.nan_to_num(np.asarray(heights, float)), 0, 1)
        first, rival = two_peaks(heights, row_mm)
        right = truth is not None and abs(first - truth) * row_mm <= RIGHT_MM
        second = 0.0 if rival is None else float(heights[rival])
        self.map.append(((1.0, float(heights[first]), second, steadiness(first, others, row_mm)), right))


def fit(samples: Samples, *, before: Calibration, origin: str) -> Calibration:
    """Logistic regression with a mild pull to zero; what has fewer than 20 samples, or one kind only, stays as before.

    Parameters
    ----------
    samples : Samples
    before : Calibration
        Whose coefficients stand where there is too little to fit.
    origin : str
        The command, the model and the count, which the result carries.
    """
    fitted = {}
    for name, features in (("row", ROW), ("absent", ABSENT), ("map", MAP)):
        weights = _fit_one(getattr(samples, name), len(features))
        fitted[f"{name}_weights"] = weights if weights is not None else getattr(before, f"{name}_weights")
    return Calibration(**fitted, origin=origin)


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Mean distance of confidence and share of right answers over equal bins, weighted by their counts."""
    sure, true = np.asarray(confidences, float), np.asarray(right, float)
    places = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs(sure[places == b].mean() - true[places == b].mean()) * (places == b).sum() for b in set(places)]
    return float(sum(gaps) / max(len(sure), 1))


def _fit_one(samples: list[tuple[tuple[float, ...], bool]], count: int) -> tuple[float, ...] | None:
    from sklearn.linear_model import LogisticRegression

    right = np.array([true for _, true in samples], bool)
    if len(samples) < 20 or right.all() or not right.any():
        return None
    features = np.array([values for values, _ in samples], float).reshape(-1, count)
    model = LogisticRegression(C=10.0, max_iter=1000).fit(features[:, 1:], right)
    return (float(np.round(model.intercept_[0], 4)), *(float(np.round(value, 4)) for value in model.coef_[0]))
