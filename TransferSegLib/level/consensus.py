"""On which rows the windows agree: how many of those that should see a level there vote for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .correlation import run_length, vote_rows

if TYPE_CHECKING:
    from ..inference.votes import Votes

TOLERANCE_MM = 10.0
"""Votes agree with a row within this distance."""
APART_MM = 25.0
"""Candidates lie at least this far apart: less than a vertebra with its disc."""
SIGMAS = 3.5
"""By how many standard deviations an agreement must exceed what random votes reach."""


@dataclass(frozen=True)
class Candidate:
    """A row on which windows agree.

    Attributes
    ----------
    row : float
        In the projection; negative or beyond its last row when the windows at its edge place the level outside.
    agreement : float
        Votes within ``tolerance`` of the row, over the windows that hold the row, 0 to 1.
    complete : float
        Share of the windows of a whole run that are there.
    tolerance : float
        In rows.
    """

    row: float
    agreement: float
    complete: float
    tolerance: float


def candidates_of(votes: Votes, height: int, *, row_mm: float = 1.0, most: int = 2) -> list[Candidate]:
    """The rows with most agreement, best first, at least 25 mm apart; fewer where there are no more."""
    tolerance = tolerance_rows(votes, row_mm)
    ballots = np.sort(vote_rows(votes))
    ballots = ballots[np.isfinite(ballots)]
    if not len(ballots):
        return []
    rows = np.arange(np.floor(min(ballots[0], 0)), np.ceil(max(ballots[-1], height)) + 1)
    agreement, complete = _agreement(votes, ballots, rows, tolerance)
    found: list[Candidate] = []
    for _ in range(most):
        best = agreement.max()
        if best <= 0:
            break
        place = _middle_of_top(agreement, rows)
        near = ballots[np.abs(ballots - rows[place]) <= tolerance]
        row = float(np.median(near)) if len(near) else float(rows[place])
        found.append(Candidate(row, float(min(best, 1.0)), float(complete[place]), tolerance))
        agreement = np.where(np.abs(rows - row) * row_mm < APART_MM, 0, agreement)
    return found


def agreement_of(votes: Votes, height: int, *, row_mm: float = 1.0) -> np.ndarray:
    """Share of the windows that agree on each row of a projection, (height,), 0 to 1."""
    ballots = np.sort(vote_rows(votes))
    ballots = ballots[np.isfinite(ballots)]
    return _agreement(votes, ballots, np.arange(height, dtype=float), tolerance_rows(votes, row_mm))[0]


def tolerance_rows(votes: Votes, row_mm: float) -> float:
    """10 mm in rows, but no more than a fifth of a window."""
    return min(TOLERANCE_MM / row_mm, votes.rows / 5)


def chance(votes: Votes, complete: float = 1.0, row_mm: float = 1.0) -> float:
    """Agreement that random votes do not reach: their mean and 3.5 standard deviations, at most 0.8.

    ``complete`` is the share of a whole run's windows that are there: near an edge fewer windows agree by chance more.
    """
    complete = min(max(complete, 0.5), 1.0)
    expected = min(2 * tolerance_rows(votes, row_mm) / (votes.rows * complete), 1.0)
    return min(expected + SIGMAS * (expected * (1 - expected) / (run_length(votes) * complete)) ** 0.5, 0.8)


def shares_outside(votes: Votes) -> tuple[float, float, float | None]:
    """Shares of the windows that place the level above and below themselves, and the row where that changes.

    Returns
    -------
    above, below : float
        Of the windows with a number.
    crossing : float or None
        Middle of the gap between the last windows that look down and the first that look up; None where all agree.
    """
    offsets = np.asarray(votes.offsets, np.float64)
    there = np.isfinite(offsets)
    offsets, tops = offsets[there], np.asarray(votes.tops, np.float64)[there]
    reach = 0.1 * votes.rows
    up, down = offsets <= reach, offsets >= votes.rows - reach
    if not up.any() or not down.any():
        return float(up.mean()), float(down.mean()), None
    # The split that the fewest windows contradict.
    wrong = np.cumsum(up) + (down.sum() - np.cumsum(down))
    place = int(np.argmin(wrong))
    return float(up.mean()), float(down.mean()), float(tops[place] + votes.rows / 2)


def _agreement(votes: Votes, ballots: np.ndarray, rows: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Agreement and completeness at each of ``rows``."""
    tops = np.asarray(votes.tops, np.float64)
    whole = run_length(votes)
    holding = np.searchsorted(tops, rows, "right") - np.searchsorted(tops, rows - votes.rows, "left")
    agree = np.searchsorted(ballots, rows + tolerance, "right") - np.searchsorted(ballots, rows - tolerance, "left")
    return np.minimum(agree / np.maximum(holding, max(whole / 2, 1)), 1.0), np.minimum(holding / whole, 1.0)


def _middle_of_top(values: np.ndarray, rows: np.ndarray) -> int:
    """Index in the middle of the first plateau of the highest values."""
    best = int(np.argmax(values))
    end = best
    while end + 1 < len(values) and values[end + 1] >= values[best]:
        end += 1
    return (best + end) // 2
