"""The listing of a TMTV report: its fields, in its order and words, English or French (methods.md, section 1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .tables import UNDEFINED
from .tmtv_words import Words


@dataclass(frozen=True)
class Field:
    """A line of the listing: a short name, its label, and its value as a number and as printed.

    ``value`` is None where it is undefined, and ``needs_truth`` says that without a reference it cannot exist.
    """

    name: str
    label: str
    value: float | str | None
    printed: str
    needs_truth: bool = False


# Short name, English, French, decimals, whether it needs a reference segmentation.
_FIELDS = (
    ("suv_max", "Max SUV", "Max SUV", 2, False),
    ("mean_distance_mm", "Mean surface distance (mm)", "Distance moyenne (mm)", 3, True),
    ("hausdorff_mm", "Hausdorff distance (mm)", "Distance de Hausdorff (mm)", 1, True),
    ("dice", "Dice", "Dice", 3, True),
    ("nsd", "NSD at {tolerance}mm", "NSD à {tolerance}mm", 3, True),
    ("bji", "BJI at {tolerance}mm", "BJI à {tolerance}mm", 3, True),
    (
        "tmtv_predicted_raw_ml",
        "TMTV predicted (not thresholded) ml",
        "TMTV calculé par TMTV-NET (non seuillé)",
        1,
        False,
    ),
    ("tmtv_predicted_ml", "TMTV predicted (thresholded) ml", "TMTV calculé par TMTV-NET (seuillé)", 1, False),
    ("tmtv_true_ml", "Real TMTV (thresholded at {threshold}) ml", "TMTV réel (seuillé à {threshold}) ml", 1, True),
    ("fp_raw_ml", "TMTV FP not thresholded ml", "TMTV FP non seuillé ml", 2, True),
    ("fp_ml", "TMTV FP thresholded ml", "TMTV FP seuillé ml", 2, True),
    ("fn_ml", "TMTV FN ml", "TMTV FN ml", 2, True),
    ("tp_ml", "TMTV TP ml", "TMTV TP ml", 2, True),
    ("precision", "Precision %", "Précision %", 2, True),
    ("recall", "Recall %", "Recall %", 2, True),
)
_COUNTS = (
    ("true_positive", "truths", "Number of lesions TP", "Nombre de lésions TP"),
    ("false_negative", "truths", "Number of lesions FN", "Nombre de lésions FN"),
    ("false_positive", "predictions", "Number of predictions FP", "Nombre de prédictions FP"),
)
_PER_CENT = ("precision", "recall")


def listing(report: Mapping[str, Any], words: Words, *, neutral: Sequence[str] = ()) -> list[Field]:
    """The fields of a report in the listing's order.

    Parameters
    ----------
    report : mapping
        What ``jobs.tmtv`` returns for a patient.
    words : Words
        The language.
    neutral : sequence of {"tolerance", "threshold"}
        Settings that no label is to name, because one label stands for patients of several.

    Returns
    -------
    list of Field
        All of them; those that need a reference have the value None without one.
    """
    errors = report.get("errors") or {}
    values = {
        "suv_max": report["suv_max"],
        "tmtv_predicted_raw_ml": report["tmtv_raw_ml"],
        "tmtv_predicted_ml": report["tmtv_thresholded_ml"],
    } | {name: errors[name] for name, *_ in _FIELDS if name in errors}
    gaps = {"tolerance": f"{report['tolerance_mm']:g}", "threshold": plain_rule(report["errors_threshold"], words)}
    fields = [
        Field("patient", words("patient"), report["patient"], report["patient"]),
        Field("tolerance_mm", "Tolerance", report["tolerance_mm"], f"{report['tolerance_mm']:g}"),
        Field("lesionwise", "Lesionwise threshold", report["lesionwise"], f"{100 * report['lesionwise']:.1f}%"),
    ]
    for name, english, french, decimals, needs_truth in _FIELDS:
        value = values.get(name)
        if value is not None and name in _PER_CENT:
            value = 100 * value
        label = words.pick(english, french)
        for gap in neutral:
            label = re.sub(rf" (at|à) \{{{gap}\}}(mm)?", "", label)
        label = label.format(**gaps)
        fields.append(Field(name, label, value, number(value, decimals), needs_truth))
    for approach in (1, 2):
        fields += _counts(approach_counts(report, approach), approach, words)
    return fields


def listing_lines(report: Mapping[str, Any], words: Words) -> list[str]:
    """The listing as lines of text; without a reference, the fields that need one are left out."""
    lines, truth = [], report.get("errors") is not None
    for field in listing(report, words):
        if field.needs_truth and not truth:
            continue
        if field.name.startswith("approach") and field.name.endswith("true_positive"):
            lines.append(f"{words.pick('Approach', 'Approche')} {field.name[len('approach')]}")
        lines.append(f"{field.label}{words.colon}{field.printed}")
    return lines


def number(value: float | None, decimals: int) -> str:
    """A number with fixed decimals; a dash where it is undefined."""
    return UNDEFINED if value is None else f"{value:.{decimals}f}"


def share(count: int, total: int) -> str:
    """``n / total (p%)``."""
    return f"{count} / {total} ({100 * count / total:.1f}%)" if total else f"{count} / {total} ({UNDEFINED})"


def approach_counts(report: Mapping[str, Any], approach: int) -> Mapping[str, Any] | None:
    """The lesions found by approach 1 or 2 (by what the report chose), None without a reference."""
    errors = report.get("errors")
    if errors is None:
        return None
    return errors["approach2_dice" if approach == 2 and report["lesionwise_by"] == "dice" else f"approach{approach}"]


def plain_rule(rule: str, words: Words) -> str:
    """A threshold as the listing writes it: 4 for 4.0, 41% as it is, SUV and least volume for the reading rule."""
    if rule == "reading":
        return words("reading_short")
    return rule if rule.endswith("%") else f"{float(rule):g}"


def _counts(approach: Mapping[str, int] | None, which: int, words: Words) -> list[Field]:
    fields = []
    for name, total, english, french in _COUNTS:
        label = words.pick(english, french)
        key = f"approach{which}_{name}"
        if approach is None:
            fields.append(Field(key, label, None, UNDEFINED, needs_truth=True))
        else:
            printed = share(approach[name], approach[total])
            fields.append(Field(key, label, approach[name], printed, needs_truth=True))
    return fields
