"""One table of all patients' TMTV reports: CSV that Excel opens, and a workbook where openpyxl is there."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..lesions import RULES
from ..storage import writing
from .tmtv_listing import approach_counts, listing
from .tmtv_words import Words

Cell = str | float | int | None


def tmtv_table(reports: Sequence[Mapping[str, Any]], *, language: str = "en") -> tuple[list[str], list[list[Cell]]]:
    """Headings and a row a patient: the listing's fields, then what the page says besides.

    A heading names a tolerance or a threshold only where it is that of all patients; both have columns of their own.

    Parameters
    ----------
    reports : sequence of mapping
        What ``jobs.tmtv`` returns, a patient each.
    language : {"en", "fr"}
    """
    words = Words(language)
    settings = {"tolerance": "tolerance_mm", "threshold": "errors_threshold"}
    neutral = [gap for gap, key in settings.items() if len({report[key] for report in reports}) > 1]
    headings: list[str] = []
    rows = []
    for report in sorted(reports, key=lambda one: str(one["patient"])):
        cells = _cells(report, words, neutral)
        headings = [name for name, _ in cells]
        rows.append([value for _, value in cells])
    return headings, rows


def write_csv(path: str | Path, headings: Sequence[str], rows: Sequence[Sequence[Cell]], *, language: str) -> Path:
    """Write the table as Excel opens it by a double click.

    UTF-8 with a byte order mark; French Excel expects semicolons and decimal commas, so French tables have them.
    An undefined value is an empty cell. Raises ``StorageError``, and then leaves nothing behind.
    """
    path = Path(path)
    french = language == "fr"
    with writing(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";" if french else ",", lineterminator="\r\n")
        writer.writerow(headings)
        writer.writerows([_text(cell, comma=french) for cell in row] for row in rows)
    return path


def write_workbook(path: str | Path, headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Path | None:
    """Write the table as ``.xlsx``; None where openpyxl is not installed (the extra ``excel``)."""
    if importlib.util.find_spec("openpyxl") is None:
        return None
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    path = Path(path)
    book = Workbook()
    sheet = book.active
    sheet.title = "TMTV"
    sheet.append([_safe(name) for name in headings])
    for row in rows:
        sheet.append([_safe(cell) for cell in row])
    for cell in sheet[1]:
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[cell.column_letter].width = 16
    sheet.freeze_panes = "B2"
    with writing(path) as temporary:
        book.save(temporary)
    return path


def _cells(report: Mapping[str, Any], words: Words, neutral: Sequence[str]) -> list[tuple[str, Cell]]:
    """(heading, value) of a patient; lesion counts of the listing come with their totals and per cent."""
    cells: list[tuple[str, Cell]] = []
    for field in listing(report, words, neutral=neutral):
        if not field.name.startswith("approach"):
            value = 100 * field.value if field.name == "lesionwise" else field.value
            cells.append((field.label + (" %" if field.name == "lesionwise" else ""), _rounded(value)))
            continue
        counts = approach_counts(report, int(field.name[len("approach")])) or {}
        total = counts.get("predictions" if field.name.endswith("false_positive") else "truths")
        label = f"{words.pick('Approach', 'Approche')} {field.name[len('approach')]} - {field.label}"
        cells += [(label, field.value), (f"{label} / total", total)]
        cells.append((f"{label} %", round(100 * field.value / total, 2) if field.value is not None and total else None))
    return cells + _beyond(report, words)


def _beyond(report: Mapping[str, Any], words: Words) -> list[tuple[str, Cell]]:
    """What the table says beyond the listing."""
    errors = report.get("errors") or {}
    counts = errors.get("suvmax_voxel") or {}
    criterion = words("suvmax_voxel")
    cells: list[tuple[str, Cell]] = [
        (f"{criterion} - TP", counts.get("true_positive")),
        (f"{criterion} - FN", counts.get("false_negative")),
        (f"{criterion} - FP", counts.get("false_positive")),
        (words("dice_raw"), errors.get("dice_raw")),
        (words("true_raw"), errors.get("tmtv_true_raw_ml")),
        (words("hd95"), errors.get("hd95_mm")),
        (words("fpv"), errors.get("fpv_ml")),
        (words("fnv"), errors.get("fnv_ml")),
        (words("count"), report["count"]),
        ("TLG", report["tlg"]),
        (f"{words('dmax_centroid')} mm", report["dmax_centroid_mm"]),
        (f"{words('dmax_voxel')} mm", report["dmax_voxel_mm"]),
        (words("physiological_ml"), sum(one["volume_ml"] for one in report["physiological"])),
    ]
    rules = {row["rule"]: row["tmtv_ml"] for row in report["thresholds"]}
    cells += [(f"TMTV ml, {rule}", rules.get(rule)) for rule in RULES]
    cells.append((words("rule"), report["threshold"] or words("no_rule")))
    cells.append((words("errors_rule"), report["errors_threshold"] if report.get("errors") else None))
    cells.append((words("minimum"), report["minimum_ml"]))
    cells.append((words("approach2_by"), report["lesionwise_by"]))
    cells.append((words("segmentation"), report["segmentation"]["name"]))
    cells.append((words("unit_by"), report["suv"]["stated_by"]))
    by_hand = ", ".join(one["name"] for one in report["suv"]["inputs"] if one["by_hand"])
    return [(name, _rounded(value)) for name, value in [*cells, (words("by_hand"), by_hand)]]


def _rounded(value: Cell) -> Cell:
    return round(value, 4) if isinstance(value, float) else value


def _text(cell: Cell, *, comma: bool) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        text = f"{cell:.10g}"
        return text.replace(".", ",") if comma else text
    return str(_safe(cell))


def _safe(cell: Cell) -> Cell:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it; control characters become ?."""
    if isinstance(cell, str):
        cell = "".join("?" if ord(one) < 32 else one for one in cell)
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell
