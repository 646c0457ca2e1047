"""The table of training cases: train on, hold out, remove; filled from the scene and from folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .fitted_table import breakable, fitTable
from .pet_cases import isKept
from .pet_cases import remove as deleteKept
from .revealing import reveal
from .scene_case import SceneCaseForm
from .signals import Signal
from .training_case import FOLDER
from .wording import counted, roleName

TRAIN, HOLD_OUT = 2, 3
LONGEST_PATIENT = 20


class CasesBox:
    """Shows a ``TrainingCases`` and changes it.

    Parameters
    ----------
    ui : object with the children of the section "Training cases" in AdaptPanel.ui
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.logic = logic
        self.changed = Signal()
        """Emitted without values after every change of the list."""
        self.cases: Any = None
        self._model: Any = None
        self._filling = False
        self.form = SceneCaseForm(ui, logic, self._addFromScene)
        self._prepareTable()
        ui.addSceneButton.connect("toggled(bool)", self._onAddScene)
        ui.addFolderButton.connect("clicked(bool)", self._onAddFolder)
        ui.removeCaseButton.connect("clicked(bool)", self._onRemove)
        ui.casesTable.connect("itemChanged(QTableWidgetItem*)", self._onItem)
        ui.casesTable.connect("itemSelectionChanged()", self._showSelection)
        self.show()

    def setModel(self, info: Any) -> None:
        """The model to start from (``ModelInfo`` or None)."""
        self._model = info
        self.form.setModel(info)

    def setCases(self, cases: Any) -> None:
        """Show these cases, or none (None)."""
        if self.cases is not None:
            self.cases.changed.disconnect(self.show)
        self.cases = cases
        if cases is not None:
            cases.changed.connect(self.show)
        self.show()

    def offer(self, volumes: Mapping[str, Any], segmentationNode: Any) -> None:
        """Open the form with what the Segment panel hands over."""
        self.ui.casesButton.collapsed = False
        self.ui.addSceneButton.blockSignals(True)
        self.ui.addSceneButton.checked = True
        self.ui.addSceneButton.blockSignals(False)
        self.form.open(volumes, segmentationNode)
        reveal(self.ui.sceneFrame)

    def show(self) -> None:
        """Write the list into the table."""
        table, cases = self.ui.casesTable, self._list()
        self._filling = True
        try:
            table.setRowCount(len(cases))
            for row, case in enumerate(cases):
                self._fillRow(row, case)
        finally:
            self._filling = False
        table.setVisible(bool(cases))
        self.ui.casesSummary.text = summary(cases)
        self.form.refresh()
        self._showSelection()
        self.changed.emit()

    def _list(self) -> list[Any]:
        return list(self.cases.list) if self.cases is not None else []

    def _prepareTable(self) -> None:
        table = self.ui.casesTable
        headings = [_("Case"), _("Images and outline"), _("Train"), _("Hold out")]
        fitTable(table, headings, stretched=TRAIN, lowest=40)
        tips = (
            _("The case, its patient, and where it lies."),
            _("What was found of it, and what is wrong with it."),
            _("Learn from this case."),
            _("Keep this case for testing: it is scored before and after, and never learned from."),
        )
        for column, tip in enumerate(tips):
            table.horizontalHeaderItem(column).setToolTip(tip)

    def _fillRow(self, row: int, case: Any) -> None:
        where = _("from the scene") if case.kind == "scene" else _("from a folder")
        below, patient = where, case.patient
        if patient not in ("", case.id):
            # A patient known from DICOM comes as a long sum of the identity, which says nothing whole either.
            short = patient if len(patient) <= LONGEST_PATIENT else patient[:8] + "…"
            below = _("patient {patient}, {where}").format(patient=short, where=where)
        state = case.problem or case.description
        shown = state
        if case.kind == "folder" and not case.problem and case.roles:
            shown = ", ".join(roleName(role) for role in case.roles)  # the whole path is in the tooltip
        self._put(
            row,
            0,
            f"{case.id}\n{below}",
            _("{case}, patient {patient}, {where}").format(case=case.id, patient=patient or case.id, where=where),
        )
        self._put(row, 1, ("⚠ " if case.problem else "") + breakable(shown), state)
        self._check(row, TRAIN, case.included and not case.heldOut)
        self._check(row, HOLD_OUT, case.included and case.heldOut)

    def _put(self, row: int, column: int, text: str, tip: str) -> None:
        item = qt.QTableWidgetItem(text)
        item.setToolTip(tip)
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
        row, ticked = item.row(), item.checkState() == qt.Qt.Checked
        note = self.cases.setHeldOut(row, item.column() == HOLD_OUT) if ticked else None
        self.cases.setIncluded(row, ticked)
        if note:
            self._say(note)

    def _say(self, note: str) -> None:
        """Add a sentence to the summary; it stays until the list changes."""
        self.ui.casesSummary.text = f"{self.ui.casesSummary.text}\n{note}"

    def _showSelection(self) -> None:
        self.ui.removeCaseButton.setEnabled(bool(self._selectedRows()))

    def _selectedRows(self) -> list[int]:
        return sorted(index.row() for index in self.ui.casesTable.selectionModel().selectedRows())

    def _onRemove(self, _checked: bool = False) -> None:
        rows = self._selectedRows()
        kept = [
            case.truth for case in (self._list()[row] for row in rows) if case.kind == FOLDER and isKept(case.truth)
        ]
        question = _("Remove the selected cases? Copies that were kept in the tab PET/CT are deleted.")
        if kept and not slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Remove training cases")):
            return
        for row in reversed(rows):
            self.cases.remove(row)
        with slicer.util.tryWithErrorDisplay(_("The copies could not be deleted.")):
            for truth in kept:
                deleteKept(truth)

    def _onAddScene(self, opened: bool) -> None:
        if opened:
            self.form.open()
            reveal(self.ui.sceneFrame)
        else:
            self.form.close()

    def _addFromScene(self, volumes: dict, segmentationNode: Any, labelMap: dict, id: str) -> None:
        with slicer.util.tryWithErrorDisplay(_("The case could not be added."), waitCursor=True):
            self.cases.addFromScene(volumes, segmentationNode, labelMap, id)
            self.form.close()

    def _onAddFolder(self, _checked: bool = False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(self.ui.casesTable, _("Folder with training cases"), "")
        if folder:
            with slicer.util.tryWithErrorDisplay(_("The folder could not be read."), waitCursor=True):
                added = self.cases.addFolders(folder, modelName=self._model.name if self._model else "")
                if not added:
                    self._say(_("No case was added: those of this folder are in the list already."))


def summary(cases: list[Any]) -> str:
    """How many cases are for what, in a sentence or two."""
    if not cases:
        return _("No cases yet. Add the images that you corrected, or a folder of cases.")
    used = [case for case in cases if case.included]
    heldOut = sum(case.heldOut for case in used)
    training = len(used) - heldOut
    text = counted(training, _("{n} case to train on"), _("{n} cases to train on"))
    text += ", " + (counted(heldOut, _("{n} held out."), _("{n} held out.")) if heldOut else _("none held out."))
    broken = [case.id for case in used if case.problem]
    if broken:
        text += " " + _("Mend {case} (⚠), untick it, or remove it.").format(case=broken[0])
    if used and not heldOut:
        text += " " + _("Hold out at least one case, else it cannot be told whether the new model is better.")
    return text
