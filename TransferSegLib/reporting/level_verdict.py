"""Whether adapting a level model helped, said in one word and one sentence."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from typing import Any

from .verdict import held_out_words

SMALLEST_CHANGE_MM = 0.5
"""A change of the mean smaller than this is no difference: it is below half a slice of 1 mm."""


def level_verdict(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, cost: Callable[[Mapping[str, Any]], float]
) -> tuple[str, str]:
    """Judge a training by its held-out scans, pair by pair.

    Each scan counts with what its answer costs in mm (``cost``: the error of the row, or a fixed price for a wrong kind
    of answer, so that a scan that is falsely declared not to show the level counts). It is no difference when the mean
    change is below 0.5 mm, or smaller than its own standard error. One scan has no spread: its sign decides, and the
    message says that one case proves little.

    Returns
    -------
    kind : str
        ``better``, ``worse``, ``no-difference`` or ``not-measured``.
    message : str
    """
    if not (after or {}).get("cases"):
        return "not-measured", "not measured: no case was held out"
    count = len(after["cases"])
    if not (before or {}).get("cases"):
        figure = _figures(after)
        return "not-measured", f"not measured: no source model to compare with; {figure} on {held_out_words(count)}"
    earlier = {case["id"]: case for case in before["cases"]}
    pairs = [(cost(earlier[case["id"]]), cost(case)) for case in after["cases"] if case["id"] in earlier]
    changes = [new - old for old, new in pairs]
    mean = statistics.fmean(changes)
    figures = f"{_figures(before)} before, {_figures(after)} after"
    little = "; one case proves little" if count == 1 else ""
    better_on = f"better on {sum(change < 0 for change in changes)} of {held_out_words(count)}"
    if abs(mean) < SMALLEST_CHANGE_MM:
        return "no-difference", f"no difference: {figures}, on {held_out_words(count)}{little}"
    if count > 1 and abs(mean) < statistics.stdev(changes) / math.sqrt(count):
        return "no-difference", f"no difference: {better_on}, {figures}, within noise"
    if mean > 0:
        offered = "the old model stays the one that is offered"
        return "worse", f"worse: {figures}, on {held_out_words(count)}; {offered}{little}"
    return "better", f"{better_on}: {figures}{little}"


def _figures(evaluation: Mapping[str, Any]) -> str:
    """``mean error 3.1 mm, 1 of 4 not found``."""
    mean, cases = evaluation["mean"], evaluation["cases"]
    shown = [case for case in cases if not case["truth"]["where"]]
    missed = sum(case["answer"] != "found" for case in shown)
    wrong = sum(case["answer"] == "found" for case in cases if case["truth"]["where"])
    words = "no row" if mean["error_mm"] is None else f"mean error {mean['error_mm']:.1f} mm"
    if missed:
        words += f", {missed} of {len(shown)} not found"
    return words + (f", {wrong} of {len(cases) - len(shown)} found where it is not" if wrong else "")
