"""The table of corrected CTs: train on, hold out, remove."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .cases_box import summary
from .fitted_table import breakable, fitTable
from .signals import Signal

TRAIN, HOLD_OUT = 2, 3


class LevelCasesBox:
    """Shows the ``LevelCases`` of the logic and changes them.

    Parameters
    ----------
    ui : object with the children of the section "Training cases" in L3Panel.ui
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.logic = logic
        self.changed = Signal()
        """Emitted without values after every change of the list."""
        self.cases = logic.l3Cases()
        self._filling = False
        headings = [_("Case"), _("CT and slice"), _("Train"), _("Hold out")]
        fitTable(ui.casesTable, headings, stretched=TRAIN, lowest=40)
        ui.removeCaseButton.connect("clicked(bool)", self._onRemove)
        ui.casesTable.connect("itemChanged(QTableWidgetItem*)", self._onItem)
        ui.casesTable.connect("itemSelectionChanged()", self._showSelection)
        self.cases.changed.connect(self.show)
        self.show()

    def show(self) -> None:
        """Read the list and write it into the table."""
        from TransferSegLib.errors import TransferSegError

        table = self.ui.casesTable
        try:
            cases, problem = self.cases.list, ""
        except TransferSegError as error:
            cases, problem = [], error.message
        self._filling = True
        try:
            table.setRowCount(len(cases))
            for row, case in enumerate(cases):
                self._put(row, 0, case.id, case.patient if case.patient != case.id else "")
                self._put(row, 1, breakable(("⚠ " + case.problem) if case.problem else case.description), "")
                self._check(row, TRAIN, case.included and not case.heldOut)
                self._check(row, HOLD_OUT, case.included and case.heldOut)
        finally:
            self._filling = False
        table.setVisible(bool(cases))
        text = summary(cases) if cases else _("No corrected CT yet. Drag the plane to the right slice, then add it.")
        self.ui.casesSummary.text = problem or text
        self._showSelection()
        self.changed.emit()

    def cleanup(self) -> None:
        """Let go of the list."""
        self.cases.changed.disconnect(self.show)

    def _put(self, row: int, column: int, text: str, tip: str) -> None:
        item = qt.QTableWidgetItem(text)
        item.setToolTip(_("{text}, patient {patient}").format(text=text, patient=tip) if tip else text)
        item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
        self.ui.casesTable.setItem(row, column, item)

    def _check(self, row: int, column: int, on: bool) -> None:
        item = qt.QTableWidgetItem()
        item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable | qt.Qt.ItemIsUserCheckable)
        item.setCheckState(qt.Qt.Checked if on else qt.Qt.Unchecked)
        self.ui.casesTable.setItem(row, column, item)

    def _onItem(self, item: Any) -> None:
        """A box was ticked: training and holding out exclude each other, and neither leaves the case out."""
        if self._filling or item.column() not in (TRAIN, HOLD_OUT):
            return
        row, column, ticked = item.row(), item.column(), item.checkState() == qt.Qt.Checked
        with slicer.util.tryWithErrorDisplay(_("The list could not be changed.")):
            note = self.cases.setHeldOut(row, column == HOLD_OUT) if ticked else None
            self.cases.setIncluded(row, ticked)
            if note:
                self.ui.casesSummary.text = f"{self.ui.casesSummary.text}\n{note}"

    def _showSelection(self) -> None:
        self.ui.removeCaseButton.setEnabled(bool(self._rows()))

    def _rows(self) -> list[int]:
        return sorted(index.row() for index in self.ui.casesTable.selectionModel().selectedRows())

    def _onRemove(self, _checked: bool = False) -> None:
        question = _("Remove the selected cases? Their copies of the CT are deleted; CTs in the scene stay.")
        if slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Remove training cases")):
            with slicer.util.tryWithErrorDisplay(_("The cases could not be removed.")):
                for row in reversed(self._rows()):
                    self.cases.remove(row)
