"""From one offset a window to one row: where the offsets fall as a window's rows do (Belharbi et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..inference.votes import Votes

REACH = 0.05
"""Share of a window's height by which an offset may lie outside its window and still count."""
FAR = 4.0
"""Offsets are cut at this many window heights: what a network says of a level far away is no distance."""


@dataclass(frozen=True)
class Line:
    """The run of windows whose offsets fall as the windows move down.

    Attributes
    ----------
    row : float
        Row of the level: the median of the run's votes (top of a window plus its offset).
    correlation : float
        Pearson correlation of the run's offsets with the falling line, -1 to 1; 0 where it is undefined.
    start : int
        Index of the run's first window; negative where the run begins before the first one.
    spread : float
        Robust standard deviation of the run's votes in rows (1.4826 times their median absolute deviation).
    published : float
        Row by the published rule: top plus offset of the window in the middle of the run.
    """

    row: float
    correlation: float
    start: int
    spread: float
    published: float


def run_length(votes: Votes) -> int:
    """How many windows hold a level that is wholly in view: the window's rows over the step, at least 2."""
    return max(int(votes.rows) // int(votes.step), 2)


def correlations(votes: Votes, *, inside: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pearson correlation and fit of every run of offsets with the falling line.

    Runs may begin before the first window or end after the last, as long as half of their windows are there (and
    three): near the edge of a scan no more exist. Offsets that are no numbers do not take part; with ``inside`` neither
    do those that point out of their window.

    Returns
    -------
    starts : (m,) int
        Index of each run's first window.
    correlation : (m,)
        -1 to 1; 0 where a run is flat or has too few windows.
    fit : (m,)
        Share of the line's own variance that is explained with the slope held at one row a row, at most 1; this,
        unlike the correlation, knows a line that falls too slowly.
    share : (m,)
        Windows that took part, over those of a whole run.
    """
    n, step, rows = run_length(votes), float(votes.step), float(votes.rows)
    offsets = np.asarray(votes.offsets, np.float64)
    there = np.isfinite(vote_rows(votes)) if inside else np.isfinite(offsets)
    x = np.where(there, np.clip(np.nan_to_num(offsets), (1 - FAR) * rows, FAR * rows) - rows / 2, 0.0)
    y = (n - 1) * step / 2 - np.arange(n) * step
    half = n // 2
    starts = np.arange(-half, len(x) - n + half + 1)
    if not len(starts):
        return np.zeros(0, int), np.zeros(0), np.zeros(0), np.zeros(0)
    m, x = np.pad(there.astype(float), half), np.pad(x, half)
    one = np.ones(n)
    count, sy, syy = (np.correlate(m, part, "valid") for part in (one, y, y * y))
    sx, sxx, sxy = (np.correlate(part, kernel, "valid") for part, kernel in ((x, one), (x * x, one), (x, y)))
    safe = np.maximum(count, 1)
    var_x, var_y = np.maximum(sxx - sx * sx / safe, 0), np.maximum(syy - sy * sy / safe, 0)
    cov = sxy - sx * sy / safe
    usable = (count >= max(n / 2, min(n, 3))) & (var_x > 1e-9 * rows * rows) & (var_y > 0)
    correlation = np.divide(cov, np.sqrt(var_x * var_y), out=np.zeros_like(cov), where=usable)
    fit = np.divide(2 * cov - var_x, var_y, out=np.full_like(cov, -1.0), where=usable)
    return starts, np.clip(correlation, -1, 1), np.clip(fit, -1, 1), count / n


def best_line(votes: Votes) -> Line:
    """The run that follows the falling line best, refined by the median of its votes.

    As published, the run is chosen by its correlation, and the row is the vote of its middle window. The correlation
    alone takes a line of any slope for a good one, and with the few windows of a large step finds one by chance:
    so the fit with the true slope counts as much, and so does the share of windows that point into themselves.

    Where no run has a correlation (all offsets the same, or hardly any), the row is the median of all votes with
    correlation 0; NaN where there is no number at all.
    """
    starts, correlation, fit, share = correlations(votes, inside=True)
    if not len(starts) or not (correlation != 0).any():
        rows = np.asarray(votes.tops, float) + np.asarray(votes.offsets, float)
        row = float(np.median(rows[np.isfinite(rows)])) if np.isfinite(rows).any() else float("nan")
        return Line(row, 0.0, 0, 0.0, row)
    best = int(np.argmax(np.where(correlation != 0, correlation + fit + share, -3)))
    start = int(starts[best])
    middle = _middle_vote(votes, start)
    row, spread = refine(votes, middle)
    return Line(row, float(correlation[best]), start, spread, middle)


def correlation_at(votes: Votes, row: float) -> float:
    """Correlation of the windows that would hold a level at ``row`` with the falling line; 0 where undefined."""
    starts, correlation, _, _ = correlations(votes)
    if not len(starts):
        return 0.0
    wanted = (row - votes.rows - float(votes.tops[0])) / votes.step
    near = np.abs(starts - wanted) <= max(0.1 * run_length(votes), 1)
    return float(correlation[near].max()) if near.any() else 0.0


def refine(votes: Votes, row: float) -> tuple[float, float]:
    """Median of the votes of the windows that hold ``row``, and their spread, in rows; the row itself where none do."""
    tops, all_votes = np.asarray(votes.tops, float), vote_rows(votes)
    spread = 0.0
    for _ in range(3):
        held = all_votes[(tops >= row - votes.rows) & (tops <= row) & np.isfinite(all_votes)]
        if not len(held):
            break
        found = float(np.median(held))
        spread = float(1.4826 * np.median(np.abs(held - found)))
        if abs(found - row) < 1e-6:
            break
        row = found
    return float(row), spread


def vote_rows(votes: Votes) -> np.ndarray:
    """Row that each window votes for, (n,); NaN where its offset is no number or points outside its window."""
    offsets = np.asarray(votes.offsets, np.float64)
    reach = REACH * votes.rows
    with np.errstate(invalid="ignore"):
        valid = np.isfinite(offsets) & (offsets >= -reach) & (offsets <= votes.rows + reach)
    return np.where(valid, np.asarray(votes.tops, np.float64) + np.where(valid, offsets, 0), np.nan)


def _middle_vote(votes: Votes, start: int) -> float:
    """The vote of a run's middle window, or of the nearest one that has a number."""
    offsets = np.asarray(votes.offsets, np.float64)
    numbers = np.flatnonzero(np.isfinite(offsets))
    middle = int(numbers[np.argmin(np.abs(numbers - (start + run_length(votes) // 2)))])
    return float(votes.tops[middle] + offsets[middle])
