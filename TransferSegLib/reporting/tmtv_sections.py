"""What a TMTV page says and in which order: the same for HTML, PDF and text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .tables import UNDEFINED
from .tmtv_blocks import Block, Grid, Paragraph, Picture, Section, Tiles
from .tmtv_errors import error_sections
from .tmtv_listing import number
from .tmtv_says import rule_label, suspected_move, suspected_part, threshold_words, tiny_hint, within_seeds
from .tmtv_words import Words

MIP, ERRORS = "mip", "errors"
"""Names of the pictures."""
GREY_TOP = 7.0
"""SUV drawn black."""


def sections(report: Mapping[str, Any], words: Words) -> list[Section]:
    """The sections of a patient's page.

    Parameters
    ----------
    report : mapping
        What ``jobs.tmtv`` returns for a patient.
    words : Words
        The language.
    """
    found = [Section("", _head(report, words))]
    found += _notes(report, words)
    apart = words("picture_apart") if report["physiological"] else ""
    caption = words("picture_caption", top=f"{GREY_TOP:g}", apart=apart)
    found.append(Section(words("pictures"), (Picture(MIP, caption),)))
    found.append(Section(words("lesions"), _lesions(report, words)))
    found.append(Section(words("thresholds"), _thresholds(report, words)))
    found.append(Section(words("physiological"), _physiological(report, words)))
    found += error_sections(report, words, ERRORS)
    found.append(Section(words("suv"), _suv(report, words)))
    found.append(Section(words("method"), _method(report, words)))
    found.append(Section(words("rule_of_organs"), _rule(report, words)))
    return found


def _head(report: Mapping[str, Any], words: Words) -> tuple[Block, ...]:
    """The totals, and what of them is in doubt."""
    part = suspected_part(report, words)
    doubt = words("suspected_page", all=number(report["tmtv_ml"], 1), part=part)
    return (_tiles(report, words), *([Paragraph(doubt, strong=True)] if part else []))


def _tiles(report: Mapping[str, Any], words: Words) -> Tiles:
    return Tiles(
        (
            (words("tmtv"), number(report["tmtv_ml"], 1), "ml"),
            (words("tlg"), number(report["tlg"], 1), "SUV·ml"),
            (words("suv_max"), number(report["suv_max"], 2), ""),
            (words("count"), str(report["count"]), ""),
            (words("dmax_centroid"), number(report["dmax_centroid_mm"], 1), "mm"),
            (words("dmax_voxel"), number(report["dmax_voxel_mm"], 1), "mm"),
        )
    )


def _notes(report: Mapping[str, Any], words: Words) -> list[Section]:
    """What the reader must know; notes are English, and marked so on a French page."""
    language = None if words.language == "en" else "en"
    notes = [Paragraph(note, strong=True, language=language) for note in report["notes"]]
    notes += [Paragraph(hint) for hint in (suspected_move(report, words), tiny_hint(report, words)) if hint]
    return [Section(words("notes"), tuple(notes))] if notes else []


def _lesions(report: Mapping[str, Any], words: Words) -> tuple[Block, ...]:
    lesions, below = report["lesions"], report["below_minimum"]
    blocks: list[Block] = []
    if lesions:
        rows = [(f"{one['number']}{'*' if one['touches_border'] else ''}", *_measured(one)) for one in lesions]
        rows.append(_totals(report, words))
        blocks.append(
            Grid(_columns(words), tuple(rows), RIGHT, (len(rows) - 1,), tuple(f"{one['number']}" for one in lesions))
        )
        if any(one["touches_border"] for one in lesions):
            blocks.append(Paragraph(words("border")))
        blocks.append(Paragraph(words("peak")))
    else:
        blocks.append(Paragraph(words("no_lesions")))
    if below["count"]:
        gaps = {"count": below["count"], "minimum": f"{report['minimum_ml']:g}", "ml": number(below["ml"], 2)}
        blocks.append(Paragraph(words("below", **gaps)))
    return tuple(blocks)


RIGHT = (True,) * 7


def _columns(words: Words) -> tuple[str, ...]:
    names = (words(name) for name in ("number", "volume", "suv_max", "suv_mean"))
    return (*names, "SUVpeak", "TLG", words("centroid"))


def _measured(one: Mapping[str, Any]) -> tuple[str, ...]:
    centre = " ".join(f"{value:.0f}" for value in one["centroid_mm"])
    return (
        number(one["volume_ml"], 2),
        number(one["suv_max"], 2),
        number(one["suv_mean"], 2),
        number(one["suv_peak"], 2),
        number(one["tlg"], 1),
        centre.replace("-0 ", "0 "),
    )


def _totals(report: Mapping[str, Any], words: Words) -> tuple[str, ...]:
    volume, tlg = report["tmtv_ml"], report["tlg"]
    mean = None if not volume else tlg / volume
    peaks = [one["suv_peak"] for one in report["lesions"] if one["suv_peak"] is not None]
    greatest = (number(report["suv_max"], 2), number(mean, 2), number(max(peaks, default=None), 2))
    return (words("total"), number(volume, 2), *greatest, number(tlg, 1), "")


def _thresholds(report: Mapping[str, Any], words: Words) -> tuple[Block, ...]:
    columns = (words("rule"), "TMTV ml", "TLG", words("suv_max"), words("count"), words("physiological_ml"))
    rows, strong = [], []
    for row in report["thresholds"]:
        rule = row["rule"]
        name = words("no_rule") if rule is None else rule_label(rule, report, words)
        if rule == report["threshold"]:
            strong.append(len(rows))
            name += " " + words("headline")
        values = (number(row["tmtv_ml"], 1), number(row["tlg"], 1), number(row["suv_max"], 2), str(row["count"]))
        rows.append((name, *values, number(row["physiological_ml"], 1)))
    grid = Grid(columns, tuple(rows), (False,) + (True,) * 5, tuple(strong))
    shares = any(within_seeds(row["rule"], report) for row in report["thresholds"])
    return (grid, Paragraph(words("share_note"))) if shares else (grid,)


def _physiological(report: Mapping[str, Any], words: Words) -> tuple[Block, ...]:
    blocks: list[Block] = []
    apart = report["physiological"]
    if apart:
        rows = tuple(
            (
                str(one["number"]),
                words.organ(one["physiological"]),
                words("by_user" if one["moved"] else "by_rule"),
                *_measured(one),
            )
            for one in apart
        )
        first, *others = _columns(words)
        columns = (first, words("organ"), words("by"), *others)
        blocks.append(Grid(columns, rows, (True, False, False) + (True,) * 6, ids=tuple(row[0] for row in rows)))
    else:
        blocks.append(Paragraph(words("no_physiological")))
    blocks.append(Paragraph(words("rule_at_end" if report["physiological_rule"] else "no_rule_of_organs")))
    if report["moved"]:
        moves = ", ".join(f"{words('number')} {one['number']} > {_kind(one['to'], words)}" for one in report["moved"])
        blocks.append(Paragraph(words("moved", moves=moves)))
    return tuple(blocks)


def _rule(report: Mapping[str, Any], words: Words) -> tuple[Block, ...]:
    """By which rule organs were told: long, and the same in every report, so it comes last."""
    return tuple(map(Paragraph, report["physiological_rule"]))


def _kind(to: str, words: Words) -> str:
    return words.pick("lesion", "lésion") if to == "lesion" else words.organ(to)


def _suv(report: Mapping[str, Any], words: Words) -> tuple[Block, ...]:
    """Where the SUV comes from; what the user said or entered stands out."""
    suv = report["suv"]
    by_user = suv["stated_by"] == "user"
    gaps = {"by": words("by_user_unit" if by_user else f"by_{suv['stated_by']}")}
    if suv["suv_factor"] is not None:
        gaps["factor"] = f"{suv['suv_factor']:.6g}"
    blocks: list[Block] = [Paragraph(words(f"unit_{suv['unit']}", **gaps), strong=by_user)]
    if suv["inputs"]:
        rows, strong = [], []
        for one in suv["inputs"]:
            if one["by_hand"]:
                strong.append(len(rows))
            value = f"{one['value']:g}" if isinstance(one["value"], float) else str(one["value"])
            source = words("by_hand") if one["by_hand"] else one["source"]
            rows.append((one["name"].replace("_", " "), f"{value} {one['unit']}".strip(), source))
        columns = (words("quantity"), words("value"), words("source"))
        blocks.append(Grid(columns, tuple(rows), (False, False, False), tuple(strong)))
    if suv["uptake_s"] is not None:
        blocks.append(Paragraph(words("uptake", minutes=f"{suv['uptake_s'] / 60:.0f}")))
    for name in ("lean", "bsa"):
        if suv[f"{name}_factor"] is not None:
            blocks.append(Paragraph(words(name, factor=f"{suv[f'{name}_factor']:.4g}", formula=suv[f"{name}_formula"])))
    return tuple(blocks)


def _method(report: Mapping[str, Any], words: Words) -> tuple[Block, ...]:
    kind, name, rule = report["segmentation"]["kind"], report["segmentation"]["name"], report["threshold"]
    if kind == "threshold":
        if rule == "reading":
            how = words("by_reading", rule=words("reading_rule"))
        else:
            how = words("by_percent", rule=rule[:-1]) if rule.endswith("%") else words("by_threshold", rule=rule)
    else:
        how = words(f"by_{kind}", name=name, threshold=threshold_words(rule, words))
    names = {key: _file(report[key]) or words("none_given") for key in ("pet", "ct", "truth")}
    blocks = [Paragraph(how), Paragraph(words("method_lesions")), Paragraph(words("files", **names))]
    if report.get("errors") is None:
        blocks.append(Paragraph(words("no_truth")))
    return tuple(blocks)


def _file(path: str | None) -> str:
    """The end of a path: its folder and name; a page that is handed on need not tell the whole way."""
    if not path:
        return ""
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    return "/".join(parts[-2:]) or UNDEFINED
