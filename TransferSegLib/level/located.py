"""What a projection's votes or map said: an answer, its row, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

RIVAL = 0.6
"""A second candidate with this share of the first one's strength makes the answer uncertain."""
UNSURE = 0.5
"""Confidence below which an answer with a row is uncertain."""


@dataclass(frozen=True)
class Located:
    """Where the level is in a projection, and how sure that is.

    Attributes
    ----------
    answer : str
        ``found``, ``not-in-view`` or ``uncertain``.
    row : float or None
        Row in the projection; None when not found. For ``uncertain`` the better candidate, None without any.
    confidence : float
        0 to 1: of the row being right within 10 mm, or of the level not being in view.
    candidates : tuple of (row, confidence)
        Best first; one for ``found``, at most two.
    correlation : float
        Of the run of windows around the row with the falling line (of a map: its height there).
    spread_rows : float
        Robust standard deviation of the votes in rows (of a map: the width of its peak).
    agreement : float
        Share of the windows that should see the level whose votes agree on it, 0 to 1 (of a map: its height there).
    side : str or None
        ``above`` or ``below`` the scan, for ``not-in-view`` where it is known.
    message : str
        One clause in plain words.
    """

    answer: str
    row: float | None
    confidence: float
    candidates: tuple[tuple[float, float], ...]
    correlation: float
    spread_rows: float
    agreement: float
    side: str | None
    message: str


def nowhere(answer: str, confidence: float, message: str, *, side: str | None = None, agreement: float = 0) -> Located:
    """An answer without a row."""
    return Located(answer, None, confidence, (), 0.0, 0.0, agreement, side, message)


def uncertain(located: Located, why: str) -> Located:
    """The same, made uncertain for a reason from outside the votes."""
    places = tuple((row, min(sure, UNSURE)) for row, sure in located.candidates)
    sure = min(located.confidence, UNSURE)
    return replace(located, answer="uncertain", confidence=sure, candidates=places, side=None, message=why)


def somewhere(
    places: Sequence[tuple[float, float]],
    *,
    doubt: str | None,
    correlation: float,
    spread: float,
    agreement: float,
    message: str,
) -> Located:
    """An answer with the row of the first place; ``doubt`` says why it is uncertain, whatever its confidence.

    Parameters
    ----------
    places : sequence of (row, confidence)
        Best first.
    """
    row, sure = places[0]
    answer = "found" if doubt is None and sure >= UNSURE else "uncertain"
    if answer == "uncertain":
        sure = min(sure, UNSURE)
        places = [(place, min(value, sure)) for place, value in places]
    places = tuple((float(place), float(value)) for place, value in places)
    return Located(answer, float(row), float(sure), places, correlation, spread, agreement, None, doubt or message)
