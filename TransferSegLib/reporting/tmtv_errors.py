"""The sections of a TMTV page that compare with a reference segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .tmtv_blocks import Block, Grid, Paragraph, Picture, Section
from .tmtv_listing import listing, number, plain_rule, share
from .tmtv_words import Words

_APART = ("patient", "tolerance_mm", "lesionwise", "suv_max")


def error_sections(report: Mapping[str, Any], words: Words, picture: str) -> list[Section]:
    """The measures of the listing, the picture of TP, FN and FP, and the lesions found by three criteria."""
    errors = report.get("errors")
    if errors is None:
        return []
    caption = words("errors_caption", threshold=plain_rule(errors["threshold"]))
    blocks: list[Block] = [Picture(picture, caption), _measures(report, errors, words)]
    language = None if words.language == "en" else "en"
    reasons = dict.fromkeys(errors["undefined"].values())
    blocks += [Paragraph(reason, language=language) for reason in reasons]
    matching = (_matching(report, errors, words),)
    return [Section(words("errors"), tuple(blocks)), Section(words("matching"), matching)]


def _measures(report: Mapping[str, Any], errors: Mapping[str, Any], words: Words) -> Grid:
    fields = [one for one in listing(report, words) if one.name not in _APART and not one.name.startswith("approach")]
    rows = [(one.label, one.printed) for one in fields]
    place = next(place for place, one in enumerate(fields) if one.name == "hausdorff_mm")
    rows.insert(place + 1, (words("hd95"), number(errors["hd95_mm"], 1)))
    rows += [(words("fpv"), number(errors["fpv_ml"], 2)), (words("fnv"), number(errors["fnv_ml"], 2))]
    return Grid((words("measure"), words("value")), tuple(rows), (False, True))


def _matching(report: Mapping[str, Any], errors: Mapping[str, Any], words: Words) -> Grid:
    threshold = f"{report['lesionwise']:g}"
    names = {
        "approach1": words("approach1"),
        "approach2": words(f"approach2_{errors['lesionwise_kind']}", x=threshold),
        "approach3": words("approach3"),
    }
    rows = []
    for key, name in names.items():
        counts = errors[key]
        totals = (("tp", "true"), ("fn", "true"), ("fp", "predicted"))
        rows.append((name, *(share(counts[one], counts[total]) for one, total in totals)))
    columns = (words("criterion"), words("tp"), words("fn"), words("fp"))
    return Grid(columns, tuple(rows), (False, True, True, True))
