"""Whether adapting a model helped, said in one word and one sentence."""

from __future__ import annotations

import math
import statistics

from ..measuring import case_mean, mean_dice

SMALLEST_CHANGE = 0.005
"""A change of mean Dice smaller than this is no difference."""


def verdict(before: dict | None, after: dict | None) -> tuple[str, str]:
    """Judge a training by its held-out cases.

    Each case counts with its mean Dice over the labels that are defined for both models, and its change from before to
    after. It is no difference when the mean change is below 0.005, or when the cases disagree so much that the mean
    change is smaller than its own standard error (the sample standard deviation of the changes over the root of their
    number). Otherwise the sign decides. One case has no spread: its sign decides, and the message says that one case
    proves little.

    Parameters
    ----------
    before, after : dict or None
        ``evaluate`` results of the source model and of the adapted one on the held-out cases; None where there was no
        source model or no held-out case.

    Returns
    -------
    kind : str
        ``better``, ``worse``, ``no-difference`` or ``not-measured``.
    message : str
        One sentence for the user.
    """
    if not (after or {}).get("cases"):
        return "not-measured", "not measured: no case was held out"
    if not (before or {}).get("cases"):
        figure = mean_dice([case["dice"] for case in after["cases"]])
        if figure is None:
            return "not-measured", "not measured: the held-out cases have none of the labels"
        count = held_out_words(sum(case_mean(case["dice"]) is not None for case in after["cases"]))
        return "not-measured", f"not measured: no source model to compare with; mean Dice {figure:.2f} on {count}"
    pairs = _pairs(before, after)
    if not pairs:
        return "not-measured", "not measured: no held-out case has a label that both models know"
    return _judge(pairs)


def _pairs(before: dict, after: dict) -> list[tuple[float, float]]:
    """Mean Dice before and after of each case, over the labels defined in both."""
    earlier = {case["id"]: case["dice"] for case in before["cases"]}
    pairs = []
    for case in after["cases"]:
        old = earlier.get(case["id"], {})
        common = [label for label, value in case["dice"].items() if value is not None and old.get(label) is not None]
        first, second = (case_mean({label: dice[label] for label in common}) for dice in (old, case["dice"]))
        if first is not None and second is not None:
            pairs.append((first, second))
    return pairs


def _judge(pairs: list[tuple[float, float]]) -> tuple[str, str]:
    changes = [after - before for before, after in pairs]
    mean, count = statistics.fmean(changes), len(changes)
    figures = _figures(statistics.fmean(before for before, _ in pairs), statistics.fmean(after for _, after in pairs))
    better_on = f"better on {sum(change > 0 for change in changes)} of {held_out_words(count)}"
    little = "; one case proves little" if count == 1 else ""
    if abs(mean) < SMALLEST_CHANGE:
        return "no-difference", f"no difference: mean Dice {figures} on {held_out_words(count)}{little}"
    if count > 1 and abs(mean) < statistics.stdev(changes) / math.sqrt(count):
        return "no-difference", f"no difference: {better_on}, mean Dice {figures}, within noise"
    if mean < 0:
        offered = "the old model stays the one that is offered"
        return "worse", f"worse: mean Dice {figures} on {held_out_words(count)}; {offered}{little}"
    return "better", f"{better_on}: mean Dice {figures}{little}"


def _figures(before: float, after: float) -> str:
    """Both means, with a third decimal where two would hide or exaggerate the change."""
    digits = 2 if abs(after - before) >= 0.02 else 3
    return f"{before:.{digits}f} → {after:.{digits}f}"


def held_out_words(count: int) -> str:
    """``3 held-out cases``."""
    return f"{count} held-out case{'' if count == 1 else 's'}"
