"""The sections of a TMTV page that compare with a reference segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .tables import UNDEFINED
from .tmtv_blocks import Block, Grid, Paragraph, Picture, Section
from .tmtv_listing import listing, number, share
from .tmtv_says import threshold_words, truth_basis
from .tmtv_words import Words

_APART = ("patient", "tolerance_mm", "lesionwise", "suv_max")


def error_sections(report: Mapping[str, Any], words: Words, picture: str) -> list[Section]:
    """The measures of the listing, the picture of TP, FN and FP, and the lesions found by each criterion."""
    errors = report.get("errors")
    if errors is None:
        return []
    caption = words("errors_caption", threshold=threshold_words(report["errors_threshold"], words))
    basis = Paragraph(words("figures_at", both=truth_basis(report, words)), strong=True)
    blocks: list[Block] = [Picture(picture, caption), basis, _measures(report, errors, words)]
    if report["minimum_ml"]:
        blocks.append(Paragraph(words("truth_minimum", minimum=f"{report['minimum_ml']:g}")))
    language = None if words.language == "en" else "en"
    for reason in dict.fromkeys(errors["undefined"].values()):
        blocks.append(Paragraph(f"{UNDEFINED}: {reason}.", language=language))
    matching = (_matching(report, errors, words),)
    return [Section(words("errors"), tuple(blocks)), Section(words("matching"), matching)]


def _measures(report: Mapping[str, Any], errors: Mapping[str, Any], words: Words) -> Grid:
    fields = [one for one in listing(report, words) if one.name not in _APART and not one.name.startswith("approach")]
    rows = [(one.label, one.printed) for one in fields]
    place = next(place for place, one in enumerate(fields) if one.name == "hausdorff_mm")
    rows.insert(place + 1, (words("hd95"), number(errors["hd95_mm"], 1)))
    raw = (words("dice_raw"), number(errors["dice_raw"], 3)), (words("true_raw"), number(errors["tmtv_true_raw_ml"], 1))
    rows += [*raw, (words("fpv"), number(errors["fpv_ml"], 2)), (words("fnv"), number(errors["fnv_ml"], 2))]
    return Grid((words("measure"), words("value")), tuple(rows), (False, True))


def _matching(report: Mapping[str, Any], errors: Mapping[str, Any], words: Words) -> Grid:
    least = f"{report['lesionwise']:g}"
    names = {
        "approach1": words("approach1"),
        "approach2": words("approach2", x=least),
        "approach2_dice": words("approach2_dice", x=least),
        "suvmax_voxel": words("suvmax_voxel"),
    }
    chosen = "approach2_dice" if report["lesionwise_by"] == "dice" else "approach2"
    rows, strong = [], []
    for key, name in names.items():
        if key in ("approach1", chosen):
            strong.append(len(rows))
        counts = errors[key]
        totals = (("true_positive", "truths"), ("false_negative", "truths"), ("false_positive", "predictions"))
        rows.append((name, *(share(counts[one], counts[total]) for one, total in totals)))
    columns = (words("criterion"), words("tp"), words("fn"), words("fp"))
    return Grid(columns, tuple(rows), (False, True, True, True), tuple(strong))
