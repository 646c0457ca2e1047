"""From the votes of a projection's windows to an answer: found, not in view, or uncertain, each with a confidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .confidence import Calibration, row_features, shipped_calibration
from .consensus import Candidate, candidates_of, chance, shares_outside
from .correlation import best_line, correlation_at, refine
from .located import RIVAL, UNSURE, Located, nowhere, somewhere
from .map_reading import locate_map
from .second_looks import STEADY, doubtful, steadiness

if TYPE_CHECKING:
    from ..inference.votes import Votes

__all__ = ["Located", "locate", "locate_map"]

EDGE_MM = 5.0
"""A row this little beyond the scan's edge may as well lie on it."""
LEAST = 0.5
"""Share of the windows that must agree on a level that is found: half of them, or they rather contradict it."""
ONE_SIDE = 0.7
"""Share of the windows that must point out of the scan to say on which side the level lies."""


def locate(
    votes: Votes,
    *,
    height: int | None = None,
    row_mm: float = 1.0,
    level: str = "L3",
    calibration: Calibration | None = None,
    others: Sequence[float | None] = (),
) -> Located:
    """Judge the votes of the windows of one projection.

    A level is where windows agree: those above it say that it lies below them, those below it that it lies above, and
    those that hold it vote for one row. The best row is refined by the median of its votes.

    Parameters
    ----------
    votes : Votes
        Offsets in rows, NaN allowed.
    height : int, optional
        Rows of the projection without padding; told from the windows' tops where it is not given.
    row_mm : float
        Height of a row.
    level : str
        The level's name, for the message.
    calibration : Calibration, optional
        How features become a confidence; the shipped one by default.
    others : sequence of float or None
        Rows that second looks found (``level.second_looks``).
    """
    calibration = calibration or shipped_calibration()
    if not np.isfinite(np.asarray(votes.offsets, float)).any():
        return nowhere("uncertain", 0.0, f"the model gave no usable numbers for {level}")
    height = _height(votes) if height is None else height
    found = candidates_of(votes, height, row_mm=row_mm)
    if not found or found[0].agreement < chance(votes, found[0].complete, row_mm):
        return _absent(votes, found, height, level, calibration)
    row, spread = refine(votes, found[0].row)
    correlation, steady = correlation_at(votes, found[0].row), steadiness(row, others, row_mm)
    sure = calibration.row(row_features(votes, found[0], found[1:2], correlation, steady))
    edge = EDGE_MM / row_mm
    if not -edge <= row <= height - 1 + edge:
        outside = [other is None or (other < 0 if row < 0 else other > height - 1) for other in others]
        firm = np.mean(outside) >= STEADY if outside else True
        return _outside(row, height, row_mm, level, max(sure, UNSURE) if firm else 0.0, found[0])
    places, doubt = _places(votes, row, sure, found, height, level)
    if steady < STEADY:
        doubt = f"the height changes when the picture is changed a little, so {level} is not recognised firmly"
        places = doubtful(places, others, height, row_mm)
    return somewhere(
        places,
        doubt=doubt,
        correlation=correlation,
        spread=spread,
        agreement=found[0].agreement,
        message=f"{_share(found[0])} of the windows that see {level} agree within {found[0].tolerance * row_mm:.0f} mm",
    )


def _places(
    votes: Votes, row: float, sure: float, found: list[Candidate], height: int, level: str
) -> tuple[list[tuple[float, float]], str | None]:
    """The row, moved onto the scan, and its rival where there is one; and why that is uncertain (None: it is not)."""
    first, on_edge = found[0], not 0 <= row <= height - 1
    places = [(min(max(row, 0.0), height - 1.0), sure)]
    for other in found[1:2]:
        if other.agreement >= RIVAL * first.agreement and 0 <= other.row <= height - 1:
            places.append((other.row, sure * other.agreement / (2 * first.agreement)))
    if on_edge:
        return places, f"{level} lies at the very edge of the scan, or just outside"
    if height < votes.rows:
        return places, f"the scan is less tall than the part of a body that the model looks at to recognise {level}"
    return places, _doubt(votes, row, first, level, len(places) > 1, sure)


def _outside(row: float, height: int, row_mm: float, level: str, sure: float, first: Candidate) -> Located:
    """The windows agree on a row beyond the scan's edge."""
    side, far = ("above", -row) if row < 0 else ("below", row - height + 1)
    place = f"about {far * row_mm:.0f} mm {side} the scan"
    if sure < UNSURE:
        return nowhere("uncertain", sure, f"{level} may lie {place}", agreement=first.agreement)
    message = f"{level} is not in the field of view; it lies {place}"
    return nowhere("not-in-view", sure, message, side=side, agreement=first.agreement)


def _doubt(votes: Votes, row: float, first: Candidate, level: str, rival: bool, sure: float) -> str | None:
    """Why a row is uncertain; None where it is not."""
    if rival:
        return f"two heights fit {level}"
    if abs(best_line(votes).row - row) > 2 * first.tolerance:
        return f"the height on which most windows agree is not where their offsets fall evenly towards {level}"
    if sure < UNSURE or first.agreement < LEAST:
        return f"only {_share(first)} of the windows that should see {level} agree on its height"
    return None


def _share(candidate: Candidate) -> str:
    return f"{100 * candidate.agreement:.0f} %"


def _absent(votes: Votes, found: list[Candidate], height: int, level: str, calibration: Calibration) -> Located:
    """No row on which the windows agree: the level lies on one side, or the windows contradict each other."""
    above, below, crossing = shares_outside(votes)
    sure = calibration.absent(found, max(above, below))
    side = "below" if below >= max(ONE_SIDE, above) else "above" if above >= ONE_SIDE else None
    best = found[0].agreement if found else 0.0
    if side is None and crossing is not None and 0 <= crossing <= height - 1 and above + below >= ONE_SIDE:
        return somewhere(
            [(crossing, min(1 - sure, UNSURE))],
            doubt=f"the windows place {level} between them but do not agree on its height",
            correlation=correlation_at(votes, crossing),
            spread=0.0,
            agreement=best,
            message="",
        )
    if sure < UNSURE:
        message = f"{level} was not recognised, and whether it is in the field of view cannot be told"
        return nowhere("uncertain", sure, message, agreement=best)
    where = f"; it lies {side} the scan" if side else ""
    return nowhere("not-in-view", sure, f"{level} is not in the field of view{where}", side=side, agreement=best)


def _height(votes: Votes) -> int:
    """Rows of the projection, from windows that reach as far over its end as over its beginning."""
    padding = max(-float(votes.tops[0]), 0.0)
    return max(round(float(votes.tops[-1]) + votes.rows - padding), 1)
