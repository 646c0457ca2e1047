"""A table as high as its rows: a table in a scrolled panel shall not scroll for three lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt


def fitTable(table: Any, headings: Sequence[str], *, stretched: int, lowest: int = 30, highest: int = 260) -> None:
    """Set a ``QTableWidget`` up: headings, row heights that follow the text, and the table's own height.

    Parameters
    ----------
    stretched : how many of the first columns share the width; the others are as wide as their text
    lowest, highest : limits in pixels of the height of all rows
    """
    table.setColumnCount(len(headings))
    table.setHorizontalHeaderLabels(list(headings))
    # A table wants to grow, and makes all that lies around it grow, even where its own height is fixed.
    table.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    header, rows = table.horizontalHeader(), table.verticalHeader()
    for column in range(len(headings)):
        mode = qt.QHeaderView.Stretch if column < stretched else qt.QHeaderView.ResizeToContents
        header.setSectionResizeMode(column, mode)
    header.setHighlightSections(False)
    rows.setVisible(False)
    rows.setSectionResizeMode(qt.QHeaderView.ResizeToContents)

    def fit() -> None:
        height = min(max(rows.length(), lowest), highest)
        table.setFixedHeight(height + header.sizeHint.height() + 2 * table.frameWidth)
        layOutAgain(table)

    # A child of the table: it goes when the table goes. Rows get their heights one by one; fit once they all have.
    later = qt.QTimer(table)
    later.setSingleShot(True)
    later.timeout.connect(fit)
    for signal in ("sectionResized(int,int,int)", "sectionCountChanged(int,int)", "geometriesChanged()"):
        rows.connect(signal, lambda *_ignored: later.start(0))
    fit()


def layOutAgain(widget: Any) -> None:
    """Let all boxes around a widget take its new height: in Slicer the outer ones do not always notice."""
    around = widget.parentWidget()
    while around is not None and not around.inherits("QScrollArea"):
        if around.layout() is not None:
            around.layout().invalidate()
            around.layout().activate()
        around.updateGeometry()
        around = around.parentWidget()


def breakable(text: str) -> str:
    """Text whose long paths may break after a separator: else they would be cut off, or widen the panel."""
    return text.replace("/", "/\u200b").replace("\\", "\\\u200b")
