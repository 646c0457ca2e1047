"""The table of a light version: a row a quantity, a column a model."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from .fitted_table import fitTable
from .light_request import DISTIL, EXPORT, PRUNE
from .light_result import SOURCE, LightColumn, LightResult, scoreTitle
from .models import LEVEL
from .models_table import sizeText
from .size_words import memoryText, secondsText
from .wording import counted

MOST_COLUMNS = 5


def prepareTable(table: Any) -> None:
    """Set the ``QTableWidget`` up, once."""
    fitTable(table, [""] * MOST_COLUMNS, stretched=MOST_COLUMNS, highest=400)


def fillTable(table: Any, result: LightResult) -> None:
    """Write a result into it."""
    columns = result.columns
    table.setHorizontalHeaderLabels(["", *(columnTitle(one) for one in columns), *[""] * (4 - len(columns))])
    for place in range(MOST_COLUMNS):
        table.setColumnHidden(place, place > len(columns))
    rows = rowsOf(result)
    table.setRowCount(len(rows))
    for row, texts in enumerate(rows):
        for place, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text if place == 0 else f"{columns[place - 1].name}: {text}")
            table.setItem(row, place, item)


def rowsOf(result: LightResult) -> list[list[str]]:
    """A title and a text for each column; what was not measured says so."""
    quantities = [
        (_("Parameters"), lambda c: _known(c.parameters, lambda n: f"{n:,}")),
        (_("Operations"), lambda c: _known(c.macs, lambda n: _("{n} GMAC").format(n=f"{n / 1e9:,.2f}"))),
        (_("Time"), lambda c: _known(c.seconds, secondsText)),
        (_("Memory"), lambda c: _known(c.peakMb, memoryText)),
        (_("File"), lambda c: _known(c.bytes, sizeText)),
        (scoreTitle(result.task), lambda c: _scoreText(c, result.task)),
    ]
    return [[title, *(text(column) for column in result.columns)] for title, text in quantities]


def columnTitle(column: LightColumn) -> str:
    """Which one it is, in a word or two."""
    titles = {SOURCE: _("Before"), DISTIL: _("Taught"), PRUNE: _("Pruned"), EXPORT: _("ONNX")}
    return titles[column.kind]


def _known(value: Any, text: Any) -> str:
    return _("not measured") if value is None else text(value)


def _scoreText(column: LightColumn, task: str) -> str:
    if column.score is None:
        return _("not measured")
    number = _("{n} mm").format(n=f"{column.score:.1f}") if task == LEVEL else f"{column.score:.3f}"
    return f"{number}\n" + counted(column.cases, _("1 case"), _("{n} cases"))
