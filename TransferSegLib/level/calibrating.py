"""Fitting the coefficients of a confidence to answers whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .confidence import Calibration, absent_features, row_features
from .consensus import candidates_of, chance, shares_outside
from .correlation import correlation_at, refine
from .locating import EDGE_MM
from .map_reading import two_peaks
from .second_looks import steadiness

if TYPE_CHECKING:
    from ..inference.votes import Votes

SIGNS = {"row": (0, 1, 1, -1, 1, 1, 1), "absent": (0, -1, 1), "map": (0, 1, -1, 1)}
"""Which way each feature of ``ROW``, ``ABSENT`` and ``MAP`` may point (0: either): on few phantoms an accident can make
rivals a good sign, or steadiness a bad one."""
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
        if not found or found[0].agreement < chance(votes, found[0].complete, row_mm):  # as ``locate`` decides
            self.absent.append((absent_features(found, max(above, below)), truth is None))
        else:
            row, _ = refine(votes, found[0].row)
            edge = EDGE_MM / row_mm
            if -edge <= row <= height - 1 + edge:
                right = truth is not None and abs(row - truth) * row_mm <= RIGHT_MM
            else:
                right = truth is None  # the answer is "not in view"
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
    """Logistic regression with a mild pull to zero and no weight of an absurd sign.

    What has fewer than 20 samples, or one kind only, stays as before, and the origin says so.

    Parameters
    ----------
    samples : Samples
    before : Calibration
        Whose coefficients stand where there is too little to fit.
    origin : str
        The command, the model and the count, which the result carries.
    """
    fitted, kept = {}, []
    for name in SIGNS:
        weights = _fit_one(getattr(samples, name), SIGNS[name])
        if weights is None:
            kept.append(name)
        fitted[f"{name}_weights"] = weights if weights is not None else getattr(before, f"{name}_weights")
    if kept:
        origin += f"; {', '.join(kept)}: {before.origin.split('; ')[0]}"
    return Calibration(**fitted, origin=origin)


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Mean distance of confidence and share of right answers over equal bins, weighted by their counts."""
    sure, true = np.asarray(confidences, float), np.asarray(right, float)
    places = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs(sure[places == b].mean() - true[places == b].mean()) * (places == b).sum() for b in set(places)]
    return float(sum(gaps) / max(len(sure), 1))


def _fit_one(samples: list[tuple[tuple[float, ...], bool]], signs: Sequence[int]) -> tuple[float, ...] | None:
    from scipy.optimize import minimize

    right = np.array([true for _, true in samples], bool)
    if len(samples) < 20 or right.all() or not right.any():
        return None
    features = np.array([values for values, _ in samples], float).reshape(-1, len(signs))
    side = np.where(right, 1.0, -1.0)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margin = side * (features @ weights)
        slope = -side / (1 + np.exp(np.clip(margin, -500, 500)))
        pull = np.append(0, weights[1:])
        return np.logaddexp(0, -margin).sum() + 0.05 * (pull @ pull), features.T @ slope + 0.1 * pull

    bounds = [(0.0 if sign > 0 else None, 0.0 if sign < 0 else None) for sign in signs]
    found = minimize(loss, np.zeros(len(signs)), jac=True, bounds=bounds, method="L-BFGS-B")
    return tuple(float(np.round(value, 4)) + 0.0 for value in found.x)
