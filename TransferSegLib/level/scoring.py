"""How good answers are: rows of one scan each, and what they come to."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

WITHIN_MM = 10.0
MISSED_MM = 30.0
"""What a comparison charges where a shown level is given no row, or a row is given to one that is not shown: about
one vertebra."""


def score_row(
    case: str,
    *,
    answer: str,
    mm: float | None,
    index: float | None,
    true_mm: float | None,
    true_index: float | None,
    where: str = "",
    confidence: float | None = None,
    message: str = "",
) -> dict[str, Any]:
    """One scan's answer beside its truth.

    Parameters
    ----------
    answer : str
        ``found``, ``not-in-view``, ``uncertain`` or ``refused``.
    mm, index : float or None
        Height (LPS S, mm) and slice of the answer; an ``uncertain`` one may have its better candidate.
    true_mm, true_index : float or None
        The truth; None where the scan does not show the level.
    where : str
        Empty where the scan shows the level, else ``above``, ``below`` or ``absent``.

    Returns
    -------
    dict
        ``id, answer, slice_index, mm, truth {slice_index, mm, where}, error_slices, error_mm, confidence, message``;
        the errors are None where the level is not shown or no row was given.
    """
    shown = not where and true_mm is not None
    errors = (None, None)
    if shown and mm is not None and index is not None:
        errors = (round(abs(index - true_index), 3), round(abs(mm - true_mm), 3))
    return {
        "id": case,
        "answer": answer,
        "slice_index": None if index is None else round(float(index)),
        "mm": None if mm is None else round(float(mm), 3),
        "truth": {"slice_index": true_index, "mm": true_mm, "where": where},
        "error_slices": errors[0],
        "error_mm": errors[1],
        "confidence": None if confidence is None else round(float(confidence), 4),
        "message": message,
    }


def score_summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the rows come to.

    Returns
    -------
    dict
        ``error_mm, error_mm_sd, error_mm_median, error_slices, error_slices_sd`` over the scans that show the level and
        were answered ``found``; ``within_10_mm`` and ``found``: shares of all scans that show it; ``uncertain``: share
        of all; ``sensitivity`` and ``specificity`` of ``not-in-view`` (share of the scans without the level that were
        said to lack it; share of those with it that were not); ``shown, not_shown``: numbers of scans. None where there
        is nothing to take a mean of.
    """
    shown = [row for row in rows if _shown(row)]
    others = [row for row in rows if not _shown(row)]
    found = [row for row in shown if row["answer"] == "found"]
    millimetres, slices = ([row[key] for row in found] for key in ("error_mm", "error_slices"))
    good = [row for row in found if row["error_mm"] <= WITHIN_MM]
    return {
        "error_mm": _mean(millimetres),
        "error_mm_sd": _spread(millimetres),
        "error_mm_median": round(statistics.median(millimetres), 3) if millimetres else None,
        "error_slices": _mean(slices),
        "error_slices_sd": _spread(slices),
        "within_10_mm": _share(len(good), len(shown)),
        "found": _share(len(found), len(shown)),
        "uncertain": _share(sum(row["answer"] == "uncertain" for row in rows), len(rows)),
        "sensitivity": _share(sum(_denied(row) for row in others), len(others)),
        "specificity": _share(sum(not _denied(row) for row in shown), len(shown)),
        "shown": len(shown),
        "not_shown": len(others),
    }


def cost_mm(row: Mapping[str, Any]) -> float:
    """What an answer costs in a comparison of two models, mm.

    Its error where a row was given; `MISSED_MM` where a shown level was denied, or found where it is not; ``uncertain``
    lies half-way between its candidate's error and that.
    """
    if _shown(row):
        if row["answer"] == "uncertain" and row["error_mm"] is not None:
            return (min(float(row["error_mm"]), MISSED_MM) + MISSED_MM) / 2
        return float(row["error_mm"]) if row["answer"] == "found" else MISSED_MM
    return MISSED_MM if row["answer"] == "found" else 0.0 if _denied(row) else MISSED_MM / 2


def _shown(row: Mapping[str, Any]) -> bool:
    return not row["truth"]["where"]


def _denied(row: Mapping[str, Any]) -> bool:
    """Whether no level was claimed: a refusal of an image without the level is right too."""
    return row["answer"] in ("not-in-view", "refused")


def _mean(values: Sequence[float]) -> float | None:
    return round(statistics.fmean(values), 3) if values else None


def _spread(values: Sequence[float]) -> float | None:
    return round(statistics.stdev(values), 3) if len(values) > 1 else None


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
