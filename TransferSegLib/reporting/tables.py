"""Tables of what was measured: as text for a terminal, as Markdown, and as a long CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..measuring import MEASURES
from ..storage import writing

UNDEFINED = "–"
"""What stands in a table where a value is undefined."""


@dataclass(frozen=True)
class Table:
    """A titled table of cells; numbers stay numbers until the table is written out."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple, ...]

    def text(self) -> str:
        """The table for a terminal, under its title."""
        return f"{self.title}\n{text_table(self.rows, self.columns)}"

    def markdown(self) -> str:
        """The table in Markdown, under its title in bold."""
        return f"**{self.title}**\n\n{markdown_table(self.rows, self.columns)}"

    def cells(self) -> list[list[str]]:
        """The rows as they are printed."""
        return [[format_cell(cell) for cell in row] for row in self.rows]


def format_cell(cell: object) -> str:
    """A cell as text: a float with three decimals, a dash for None and for what is not a number."""
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return UNDEFINED
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


def text_table(rows: Iterable[Sequence], columns: Sequence[str]) -> str:
    """A table in plain text: columns two spaces apart, those that hold numbers flush right."""
    rows = [list(row) for row in rows]
    cells = [[str(column) for column in columns], *([format_cell(cell) for cell in row] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    right = numeric_columns(rows, len(columns))
    lines = [
        "  ".join(cell.rjust(width) if flush else cell.ljust(width) for cell, width, flush in zip(line, widths, right))
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def markdown_table(rows: Iterable[Sequence], columns: Sequence[str]) -> str:
    """The same table in Markdown."""
    rows = [list(row) for row in rows]
    rule = ["---:" if flush else "---" for flush in numeric_columns(rows, len(columns))]
    lines = [[str(column) for column in columns], rule, *([format_cell(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def numeric_columns(rows: Sequence[Sequence], count: int) -> list[bool]:
    """Which of ``count`` columns hold nothing but numbers (and undefined ones)."""
    kinds = [[row[place] for row in rows if row[place] is not None] for place in range(count)]
    return [all(_is_number(cell) for cell in column) for column in kinds]


def evaluations_table(evaluations: Mapping[str, dict | None], *, measure: str = "dice", title: str = "") -> Table:
    """One measure of several evaluations of the same cases side by side, then the mean over cases.

    Parameters
    ----------
    evaluations : dict
        Column heading to an ``evaluate`` result, or None where there was none to make.
    measure : str
        Which of the measures.
    """
    found = {heading: _values(evaluation, measure) for heading, evaluation in evaluations.items()}
    places = list(dict.fromkeys(place for values in found.values() for place in values))
    rows = [(*place, *(values.get(place) for values in found.values())) for place in places]
    rows.append(("mean", "", *(_mean(evaluation, measure) for evaluation in evaluations.values())))
    return Table(title or _heading(measure), ("case", "label", *evaluations), tuple(rows))


def before_after_table(before: dict | None, after: dict | None, *, measure: str = "dice", title: str = "") -> Table:
    """The same measure before and after training, case by case and label by label, with the change.

    Parameters
    ----------
    before, after : dict or None
        ``evaluate`` results: ``{"cases": [{"id", measure: {label: value or None}}], "mean": {...}}``.
    """
    table = evaluations_table({"before": before, "after": after}, measure=measure, title=title)
    rows = tuple((*row, _change(row[2], row[3])) for row in table.rows)
    return Table(table.title, (*table.columns, "change"), rows)


def teacher_student_table(teacher: dict | None, student: dict, *, measure: str = "dice", title: str = "") -> Table:
    """`before_after_table` of a distillation: the teacher's and the student's values of the same cases."""
    table = evaluations_table({"teacher": teacher, "student": student}, measure=measure, title=title)
    rows = tuple((*row, _change(row[2], row[3])) for row in table.rows)
    return Table(table.title, (*table.columns, "difference"), rows)


def write_measures_csv(path: str | Path, cases: Iterable[dict]) -> Path:
    """Write every measure of every case and label as one line each: case, label, measure, value, undefined.

    ``cases`` are those of an ``evaluate`` result. An undefined value is an empty field, with the reason beside it.
    Raises ``StorageError`` when the file cannot be written, and leaves no half of it behind.
    """
    path = Path(path)
    with writing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("case", "label", "measure", "value", "undefined"))
        for case in cases:
            for measure in (name for name in MEASURES if name in case):
                for label, value in case[measure].items():
                    reason = case.get("undefined", {}).get(label, {}).get(measure, "")
                    cells = ("", reason or "undefined") if value is None else (repr(float(value)), "")
                    writer.writerow((case["id"], label, measure, *cells))
    return path


def _is_number(cell: object) -> bool:
    """Whether a cell is a number, or a change written with its sign."""
    if isinstance(cell, str):
        return cell[:1] in ("+", "-") and cell[1:].replace(".", "", 1).isdigit()
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def _values(evaluation: dict | None, measure: str) -> dict[tuple[str, str], float | None]:
    """``{(case id, label): value}``."""
    cases = (evaluation or {}).get("cases", [])
    return {(case["id"], label): value for case in cases for label, value in case.get(measure, {}).items()}


def _mean(evaluation: dict | None, measure: str) -> float | None:
    return None if evaluation is None else evaluation.get("mean", {}).get(measure)


def _change(before: float | None, after: float | None) -> str | None:
    return None if before is None or after is None else f"{after - before:+.3f}"


def _heading(measure: str) -> str:
    words = {"dice": "Dice", "hd": "Hausdorff distance (mm)", "hd95": "HD95 (mm)", "msd": "Mean surface distance (mm)"}
    return words.get(measure, measure.replace("_", " "))
