"""Readers against a reference, against each other and against themselves: errors in slices and in mm."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ..errors import UsageError
from .readers import Reading

TRUTH = "truth"


@dataclass(frozen=True)
class Difference:
    """One answer minus another: in slices (of rising index) and in mm (towards the head); None where unknown."""

    slices: float | None
    mm: float | None


def difference(one: Reading, other: Reading) -> Difference:
    """``one`` minus ``other``; the unit that is missing follows from the slice distance, where that is known.

    Without heights the sign in mm is that of the slice index.
    """
    slices = None if one.slice is None or other.slice is None else one.slice - other.slice
    mm = None if one.mm is None or other.mm is None else one.mm - other.mm
    thickness = one.thickness_mm or other.thickness_mm
    if thickness and mm is None and slices is not None:
        mm = slices * thickness
    if thickness and slices is None and mm is not None:
        slices = mm / thickness
    return Difference(slices, mm)


def study(readings: Sequence[Reading], reference: str | None = None, *, models: Iterable[str] = ()) -> dict[str, Any]:
    """Compare readings.

    Parameters
    ----------
    readings : sequence of Reading
        Of one level.
    reference : str, optional
        ``truth`` (the truth columns, or a reader of that name), or a reader: an answer of review r is then held
        against the reference's review r, or its first where it has no r. By default ``truth``.
    models : names
        Readers that are models: they read once and are held against every review of the reference.

    Returns
    -------
    dict
        ``reference``; ``readers``: by reader and review ``n``, mean and SD of the absolute error in ``error_slices``
        and ``error_mm``, mean signed error ``bias_slices``, ``bias_mm``; ``inter`` and ``intra``: mean and SD of the
        absolute difference between two readers, and between two reviews of one. SD is that of the sample (n - 1).

    Raises
    ------
    UsageError
        No truth and no such reader, or several levels at once.
    """
    levels = sorted({r.level for r in readings})
    if len(levels) > 1:
        raise UsageError(f"readings of {', '.join(levels)}: name one by --level")
    models = {name.casefold() for name in models}
    truth = _reference(readings, reference)
    groups = _groups(readings)
    rows = []
    for (reader, review), answers in groups.items():
        model = reader.casefold() in models
        for against in truth.reviews if model else (review,):
            if truth.reader == reader.casefold() and truth.of_review(review) == review:
                continue
            found = [difference(a, truth.of(a, against)) for a in answers.values() if truth.of(a, against)]
            rows.append({"reader": reader, "review": against, "model": model, **_errors(found)})
    return {
        "reference": reference or TRUTH,
        "level": levels[0],
        "cases": len({r.case for r in readings}),
        "readers": rows,
        "inter": _inter(groups, models),
        "intra": _intra(groups),
    }


@dataclass(frozen=True)
class _Truth:
    """What answers are held against. ``answers``: (case, review) to a reading; ``reader`` empty for truth columns."""

    reader: str
    reviews: tuple[int, ...]
    answers: dict[tuple[str, int], Reading]

    def of_review(self, review: int) -> int:
        return review if review in self.reviews else self.reviews[0]

    def of(self, answer: Reading, review: int) -> Reading | None:
        """The reference for an answer, or None where the case has none."""
        return self.answers.get((answer.case, self.of_review(review)))


def _reference(readings: Sequence[Reading], name: str | None) -> _Truth:
    wanted = (name or TRUTH).casefold()
    rows = [r for r in readings if r.reader.casefold() == wanted]
    if rows:
        return _Truth(wanted, tuple(sorted({r.review for r in rows})), {(r.case, r.review): r for r in rows})
    told = [r for r in readings if r.truth_slice is not None or r.truth_mm is not None] if wanted == TRUTH else []
    if not told:
        names = ", ".join(dict.fromkeys(r.reader for r in readings))
        missing = "no truth column" if wanted == TRUTH else f"no reader {name!r}"
        raise UsageError(f"readings: {missing}; name the reference by --reference: {names}")
    reviews = tuple(sorted({r.review for r in readings}))
    answers: dict[tuple[str, int], Reading] = {}
    for reading in told:
        place = Reading(
            reading.case, TRUTH, 1, reading.level, reading.truth_slice, reading.truth_mm,
            thickness_mm=reading.thickness_mm, ct=reading.ct,
        )  # fmt: skip
        before = answers.get((reading.case, reviews[0]))
        if before is not None and _apart(place, before):
            raise UsageError(f"readings: case {reading.case} has two different truths; correct the truth column")
        if before is None:
            answers |= {(reading.case, review): place for review in reviews}
    return _Truth("", reviews, answers)


def _apart(one: Reading, other: Reading) -> bool:
    found = difference(one, other)
    return abs(found.slices or 0) > 1e-6 or abs(found.mm or 0) > 1e-3


def _groups(readings: Iterable[Reading]) -> dict[tuple[str, int], dict[str, Reading]]:
    """(reader, review) to case to reading, in order of appearance; spellings in other letter case are one reader."""
    names: dict[str, str] = {}
    groups: dict[tuple[str, int], dict[str, Reading]] = {}
    for reading in readings:
        name = names.setdefault(reading.reader.casefold(), reading.reader)
        groups.setdefault((name, reading.review), {})[reading.case] = reading
    order = list(names.values())
    return dict(sorted(groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1])))


def _inter(groups: dict, models: set[str]) -> list[dict[str, Any]]:
    rows = []
    for (one, first), (other, second) in combinations(groups, 2):
        if one == other or first != second or {one.casefold(), other.casefold()} & models:
            continue
        found = _paired(groups[one, first], groups[other, second])
        if found:
            rows.append({"readers": [one, other], "review": first, **_differences(found)})
    return rows


def _intra(groups: dict) -> list[dict[str, Any]]:
    rows = []
    for (one, first), (other, second) in combinations(groups, 2):
        found = _paired(groups[other, second], groups[one, first]) if one == other else []
        if found:
            rows.append({"reader": one, "reviews": [first, second], **_differences(found)})
    return rows


def _paired(one: dict[str, Reading], other: dict[str, Reading]) -> list[Difference]:
    return [difference(reading, other[case]) for case, reading in one.items() if case in other]


def _errors(found: Sequence[Difference]) -> dict[str, Any]:
    summary = {"n": len(found)}
    for unit in ("slices", "mm"):
        values = [v for v in (getattr(d, unit) for d in found) if v is not None]
        summary[f"error_{unit}"] = _mean_sd(np.abs(values))
        summary[f"bias_{unit}"] = float(np.mean(values)) if values else None
    return summary


def _differences(found: Sequence[Difference]) -> dict[str, Any]:
    summary = _errors(found)
    return {name.replace("error", "difference"): value for name, value in summary.items()}


def _mean_sd(values: Sequence[float]) -> dict[str, float | int | None]:
    """Mean, sample SD and number; None where there are too few."""
    n = len(values)
    mean = float(np.mean(values)) if n else None
    sd = float(np.std(values, ddof=1)) if n > 1 else None
    return {"mean": mean, "sd": None if sd is None or math.isnan(sd) else sd, "n": n}
