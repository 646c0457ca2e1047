"""The tables of the PET/CT panel: all uptake, and the totals under the usual thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from .fitted_table import fitTable
from .pet_segments import colourOf
from .pet_words import number, organName, ruleText

MOST_ROWS = 300
"""Noise at a low threshold has thousands; the rest is told in words."""
SWATCH = 10


def prepareUptakeTable(table: Any) -> None:
    """Headings and widths."""
    headings = ["", _("ml"), _("max"), _("mean"), _("peak"), _("TLG"), _("Kind")]
    fitTable(table, headings, stretched=0, lowest=60, highest=230)
    table.horizontalHeader().setSectionResizeMode(len(headings) - 1, qt.QHeaderView.Stretch)
    for column, text in enumerate(
        (
            _("Number, in the colour of its segment"),
            _("Volume, ml"),
            _("SUVmax"),
            _("SUVmean"),
            _("SUVpeak: the highest mean in a sphere of 1 ml"),
            _("Total lesion glycolysis, g"),
            _("What it is"),
        )
    ):
        table.horizontalHeaderItem(column).setToolTip(text)


def fillUptakeTable(table: Any, lesions: Sequence[Mapping[str, Any]]) -> None:
    """One row an uptake, in the order of their numbers."""
    shown = list(lesions)[:MOST_ROWS]
    table.setRowCount(len(shown))
    for row, one in enumerate(shown):
        kind = organName(one["physiological"]) + (" *" if one["moved"] else "")
        texts = [str(one["number"]), number(one["volume_ml"], 1 if one["volume_ml"] >= 10 else 2)]
        texts += [number(one[key]) for key in ("suv_max", "suv_mean", "suv_peak", "tlg")] + [kind]
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            if 0 < column < len(texts) - 1:
                item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            item.setToolTip(_("Moved by you.") if one["moved"] and column == len(texts) - 1 else "")
            table.setItem(row, column, item)
        pixmap = qt.QPixmap(SWATCH, SWATCH)
        pixmap.fill(qt.QColor(colourOf(one["number"], one["physiological"])))
        table.item(row, 0).setIcon(qt.QIcon(pixmap))


def prepareThresholdsTable(table: Any) -> None:
    """Headings and widths."""
    fitTable(table, [_("Threshold"), _("TMTV (ml)"), _("TLG (g)"), _("Lesions")], stretched=1)


def fillThresholdsTable(table: Any, rows: Sequence[Mapping[str, Any]], *, alone: bool = False) -> None:
    """One row a threshold; ``alone`` as ``ruleText`` has it."""
    table.setRowCount(len(rows))
    for row, one in enumerate(rows):
        texts = [ruleText(one["rule"], alone=alone), number(one["tmtv_ml"]), number(one["tlg"]), str(one["count"])]
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            if column:
                item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            table.setItem(row, column, item)
