"""How the training of a level's model ended: the verdict, and each held-out CT's error in mm before and after."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from .fitted_table import fitTable
from .level_adapting import errorRows
from .models import levelOf, listModels
from .result_view import ResultView


class LevelResultView(ResultView):
    """The section "New model" of L3AdaptPanel.ui; see ``ResultView``."""

    def __init__(self, ui: Any) -> None:
        super().__init__(ui)
        headings = [_("CT"), _("Before (mm)"), _("After (mm)"), _("Change")]
        fitTable(ui.resultTable, headings, stretched=1)

    def show(self, result: Any) -> None:
        """Show an ``AdaptResult``."""
        super().show(result)
        made = next((info for info in listModels() if info.name == result.name), None)
        self.ui.useButton.text = _("Find {level} with the new model").format(level=levelOf(made))
        if result.verdict != "worse":
            self.ui.useButton.setToolTip(_("Choose {model} above.").format(model=result.name))

    def fillTable(self, result: Any) -> int:
        """One row a held-out CT, then the mean; how many rows."""
        rows, table = errorRows(result), self.ui.resultTable
        table.setRowCount(len(rows))
        for place, (case, before, after) in enumerate(rows):
            change = None if before is None or after is None else after - before
            texts = [case or _("mean"), _number(before), _number(after), _number(change, "+")]
            for column, text in enumerate(texts):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(_("No slice was given.") if text == "–" else text)
                if column:
                    item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
                table.setItem(place, column, item)
        return len(rows)


def _number(value: float | None, sign: str = "") -> str:
    """mm with one decimal; a dash where no slice was given."""
    return "–" if value is None else f"{value:{sign}.1f}".replace("-", "−")
