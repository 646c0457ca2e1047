"""The table of a training's held-out cases: each case and label before and after."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from .fitted_table import fitTable


def rowsOf(before: dict | None, after: dict | None) -> list[tuple[str, str, float | None, float | None]]:
    """(case, label, Dice before, Dice after) of each case and label, then the mean over cases.

    ``before`` and ``after`` are evaluate's dicts; None where that was not measured.
    """
    values: dict[tuple[str, str], list[float | None]] = {}
    for column, evaluation in enumerate((before, after)):
        for case in (evaluation or {}).get("cases", ()):
            for label, dice in case["dice"].items():
                values.setdefault((str(case["id"]), label), [None, None])[column] = dice
    rows = [(case, label, old, new) for (case, label), (old, new) in values.items()]
    if rows:
        means = [None if evaluation is None else evaluation["mean"].get("dice") for evaluation in (before, after)]
        rows.append((_("mean"), "", *means))
    return rows


def number(value: float | None, *, signed: bool = False) -> str:
    """A Dice with two decimals; a dash where it is not defined."""
    if value is None:
        return "–"
    text = f"{value:+.2f}" if signed else f"{value:.2f}"
    return text.replace("-", "−") if signed else text


def prepareTable(table: Any) -> None:
    """Set the ``QTableWidget`` up, once."""
    fitTable(table, [_("Case"), _("Label"), _("Before"), _("After"), _("Change")], stretched=2)


def fillTable(table: Any, before: dict | None, after: dict | None) -> int:
    """Write the rows into a ``QTableWidget``; how many there are."""
    rows = rowsOf(before, after)
    table.setRowCount(len(rows))
    for place, (case, label, old, new) in enumerate(rows):
        change = None if old is None or new is None else new - old
        texts = [case, label, number(old), number(new), number(change, signed=True)]
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            if column >= 2:
                item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            item.setToolTip(_tip(text, column, case, label))
            _embolden(item, place == len(rows) - 1)
            table.setItem(place, column, item)
    return len(rows)


def _tip(text: str, column: int, case: str, label: str) -> str:
    if column < 2:
        return text
    if text == "–":
        return _("Not defined: the label is not in this case's outline, or the model did not know it before.")
    return _("Dice of {label} in {case}: 0 is no overlap with your outline, 1 is exact.").format(
        label=label or _("all labels"), case=case
    )


def _embolden(item: Any, bold: bool) -> None:
    if bold:
        font = item.font()
        font.setBold(True)
        item.setFont(font)
