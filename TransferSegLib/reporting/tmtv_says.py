"""Sentences of a TMTV report that the terminal says too: what a figure stands on, and what to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .tmtv_listing import number
from .tmtv_words import Words

TINY_ML, TINY_SHARE, TINY_COUNT = 0.5, 1 / 3, 3
"""Lesions below this volume are hinted at where they are more than this share of all, and at least so many."""


def threshold_words(rule: str | None, words: Words) -> str:
    """A threshold as a sentence part."""
    if rule is None:
        return words("then_none")
    if rule == "reading":
        return words("reading_rule")
    return words("percent_rule", rule=rule[:-1]) if rule.endswith("%") else words("then_fixed", rule=rule)


def truth_basis(report: Mapping[str, Any], words: Words) -> str:
    """What was compared with the reference: both masks at the threshold, and how much of the reference that is."""
    errors = report["errors"]
    return words(
        "both_at",
        threshold=threshold_words(report["errors_threshold"], words),
        whole=number(errors["tmtv_true_raw_ml"], 1),
        counted=number(errors["tmtv_true_ml"], 1),
    )


def rule_label(rule: str, report: Mapping[str, Any], words: Words) -> str:
    """A threshold in the table side by side; a share of SUVmax without a mask stays within SUV 4.0, and says so."""
    if within_seeds(rule, report):
        return words("percent_within", rule=rule[:-1])
    return threshold_words(rule, words)


def within_seeds(rule: str | None, report: Mapping[str, Any]) -> bool:
    """Whether a share of SUVmax is taken of lesions that SUV 4.0 delineates, as neither model nor mask does."""
    return rule is not None and rule.endswith("%") and report["segmentation"]["kind"] == "threshold"


def suspected_part(report: Mapping[str, Any], words: Words) -> str:
    """How much of the TMTV may be physiological, and what it is without; empty where a note says it of none."""
    found = report["suspected"]
    if not found:
        return ""
    count = sum(one["count"] for one in found)
    noun = words.pick("lesion", "lésion") + ("s" if count > 1 else "")
    organs = ", ".join(words.organ(one["organ"]) for one in found)
    gaps = {"count": f"{count} {noun}", "organs": organs, "rest": number(report["tmtv_without_suspected_ml"], 1)}
    return words("suspected", ml=number(sum(one["ml"] for one in found), 1), **gaps)


def suspected_move(report: Mapping[str, Any], words: Words) -> str:
    """The options that put all of them apart, ready to be copied; empty where there are none."""
    options = " ".join(f"--move {one['move']}" for one in report["suspected"])
    return words("suspected_move", options=options) if options else ""


def tiny_hint(report: Mapping[str, Any], words: Words) -> str:
    """The option that leaves tiny lesions out, where they are many; empty where not, or where one is left out."""
    volumes = [one["volume_ml"] for one in report["lesions"]]
    tiny = [volume for volume in volumes if volume < TINY_ML]
    if report["minimum_ml"] >= TINY_ML or len(tiny) < TINY_COUNT or len(tiny) <= TINY_SHARE * len(volumes):
        return ""
    return words("tiny", tiny=len(tiny), count=len(volumes), ml=f"{TINY_ML:g}", sum=number(sum(tiny), 2))
