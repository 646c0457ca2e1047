"""What the user chooses for a light version: student, cases, steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from .adaptation_checks import included
from .light_request import whyNotDistil
from .light_students import StudentChooser
from .models import LEVEL

FOLDER, ADAPT = "folder", "adapt"
LINE = 40
"""Characters that fit beside the form's titles."""


class LightForm:
    """The fields of LightBox.ui.

    Parameters
    ----------
    ui : object with the children of LightBox.ui
    logic : the module's logic
    changed : called after every change
    """

    def __init__(self, ui: Any, logic: Any, changed: Callable[[], None]) -> None:
        self.ui, self.logic, self._changed = ui, logic, changed
        self._info: Any = None
        self.students = StudentChooser(ui, logic, self._onChange)
        self._looked: tuple | None = None
        self._cases: Any = None
        self._casesError: Any = None
        self._connect()

    def setModel(self, info: Any, *, canAsk: bool) -> None:
        """The model to begin with; ``canAsk``: the worker can be asked what it can teach."""
        usable = info is not None and info.available
        other = usable and (self._info is None or info.name != self._info.name)
        self._info = info if usable else None
        if not usable:
            return
        self.students.setModel(info, other=other)
        if other:
            self._showKind()
        if canAsk:
            self.students.ask()
        self._fillSources()
        self._look()

    def about(self) -> str:
        """Which model it is about, and why it teaches nothing."""
        if self._info is None:
            return ""
        return whyNotDistil(self._info) or _("Of “{name}”:").format(name=self._info.name)

    def values(self) -> tuple[Any, dict[str, Any]]:
        """The cases, and the other arguments of ``makeLightVersion``."""
        ui = self.ui
        data = self.logic.trainingCases() if self._collected() else ui.lightDataEdit.text.strip() or None
        return data, {
            "student": self.students.name,
            "prune": ui.lightKeepSpin.value / 100 if ui.lightPruneCheck.checked else None,
            "onnx": self._onnx(),
            "int8": self._eightBits(),
            "unlabelled": (ui.lightUnlabelledEdit.text.strip() or None) if self.students.name else None,
            "holdOut": self._heldOut(),
            "measure": ui.lightMeasureCheck.checked,
        }

    def problem(self) -> str | None:
        """What is wrong with the cases, as far as they were looked at."""
        if self._collected() or not self._needsCases() or self._info.card.task == LEVEL:
            return None
        if self._casesError is not None:
            return self._casesError.message
        if self._cases is None:
            return _("The cases are being looked at.")
        if (self.ui.lightPruneCheck.checked or self._eightBits()) and not self._cases.heldOut:
            return _("Pruning and 8 bits need cases that are only scored: name some of {ids} as held out.").format(
                ids=", ".join(self._cases.ids[:12])
            )
        return None

    def _connect(self) -> None:
        ui = self.ui
        ui.lightStudentSelector.connect("currentIndexChanged(int)", self._onChange)
        ui.lightSourceSelector.connect("currentIndexChanged(int)", self._onChange)
        for check in (ui.lightPruneCheck, ui.lightOnnxCheck, ui.lightInt8Check, ui.lightMeasureCheck):
            check.connect("toggled(bool)", self._onChange)
        ui.lightKeepSpin.connect("valueChanged(int)", self._onChange)
        for edit in (ui.lightDataEdit, ui.lightHoldOutEdit, ui.lightUnlabelledEdit, ui.lightOnnxEdit):
            edit.connect("editingFinished()", self._onChange)
        ui.lightDataButton.connect("clicked(bool)", self._chooseData)
        ui.lightUnlabelledButton.connect("clicked(bool)", self._chooseUnlabelled)
        ui.lightOnnxButton.connect("clicked(bool)", self._chooseFile)

    def _onChange(self, *_ignored: Any) -> None:
        if self._info is not None:
            self._showKind()
            self._look()
            self._changed()

    def _showKind(self) -> None:
        """Fields that mean nothing for this model or these steps are not shown."""
        ui, level = self.ui, self._info.card.task == LEVEL
        self.students.show()
        taught = bool(self.students.name)
        shown = {
            ui.lightUnlabelledEdit: taught,
            ui.lightUnlabelledButton: taught,
            ui.lightUnlabelledLabel: taught,
            ui.lightOnnxEdit: ui.lightOnnxCheck.checked,
            ui.lightOnnxButton: ui.lightOnnxCheck.checked,
            ui.lightDataEdit: not self._collected(),
            ui.lightDataButton: not self._collected(),
            ui.lightHoldOutEdit: not self._collected(),
            ui.lightHoldOutLabel: not self._collected(),
        }
        for widget, visible in shown.items():
            widget.setVisible(visible)
        ui.lightInt8Check.setEnabled(ui.lightOnnxCheck.checked and not level)
        ui.lightKeepSpin.setEnabled(ui.lightPruneCheck.checked)
        hint = _("CSV of scans and levels") if level else _("Folder of cases with truths")
        ui.lightDataEdit.setPlaceholderText(hint)
        if level:
            ui.lightInt8Check.checked = False

    def _fillSources(self) -> None:
        """A folder, or the cases of the Adapt tab where there are some."""
        selector, count = self.ui.lightSourceSelector, 0
        if self._mayTeach():
            count = len(included(self.logic.trainingCases()))
        texts = {FOLDER: _("In a file") if self._info.card.task == LEVEL else _("In a folder")}
        if count:
            texts[ADAPT] = _("Those of the Adapt tab ({n})").format(n=count)
        chosen = selector.currentData
        blocked = selector.blockSignals(True)
        selector.clear()
        for kind, text in texts.items():
            selector.addItem(text, kind)
        selector.setCurrentIndex(max(0, selector.findData(chosen)))
        selector.blockSignals(blocked)

    def _look(self) -> None:
        """Look which cases the folder has, in the background."""
        path = self.ui.lightDataEdit.text.strip()
        wanted = None
        if path and not self._collected() and self._mayTeach():
            wanted = (self._info.name, path, tuple(self._heldOut() or ()))
        if wanted == self._looked:
            return
        self._looked, self._cases, self._casesError = wanted, None, None
        self._showCases()
        if wanted is None:
            return

        def told(found: Any, error: Any) -> None:
            if wanted == self._looked:
                from .wording import plainError

                self._cases, self._casesError = found, None if error is None else plainError(error)
                self._showCases()
                self._changed()

        self.logic.lightCases(self._info.name, path, holdOut=self._heldOut(), callback=told)

    def _showCases(self) -> None:
        text = self._cases.text if self._cases is not None else ""
        # A label that wraps takes more lines than a short text needs.
        self.ui.lightCasesText.wordWrap = len(text) > LINE
        self.ui.lightCasesText.text = text
        self.ui.lightCasesText.setVisible(self._cases is not None)

    def _mayTeach(self) -> bool:
        return self._info is not None and whyNotDistil(self._info) is None

    def _collected(self) -> bool:
        return self.ui.lightSourceSelector.currentData == ADAPT

    def _needsCases(self) -> bool:
        return bool(self.students.name) or self.ui.lightPruneCheck.checked or self._eightBits()

    def _eightBits(self) -> bool:
        return self.ui.lightOnnxCheck.checked and self.ui.lightInt8Check.checked

    def _heldOut(self) -> list[str] | None:
        names = [name.strip() for name in self.ui.lightHoldOutEdit.text.split(",") if name.strip()]
        return names or None

    def _onnx(self) -> str | None:
        """The file; a name that cannot be meant where none is chosen yet, so that the refusal says it."""
        if not self.ui.lightOnnxCheck.checked:
            return None
        return self.ui.lightOnnxEdit.text.strip() or "."

    def _chooseData(self, _checked: bool = False) -> None:
        if self._info is not None and self._info.card.task == LEVEL:
            path = qt.QFileDialog.getOpenFileName(
                self.ui.lightDataEdit, _("Scans and levels"), "", _("Tables (*.csv)") + ";;" + _("All files (*)")
            )
        else:
            path = qt.QFileDialog.getExistingDirectory(self.ui.lightDataEdit, _("Folder of cases with truths"), "")
        self._put(self.ui.lightDataEdit, path)

    def _chooseUnlabelled(self, _checked: bool = False) -> None:
        path = qt.QFileDialog.getExistingDirectory(self.ui.lightUnlabelledEdit, _("Folder of cases without truths"), "")
        self._put(self.ui.lightUnlabelledEdit, path)

    def _chooseFile(self, _checked: bool = False) -> None:
        name = f"{self._info.name}-light.onnx" if self._info is not None else ""
        path = qt.QFileDialog.getSaveFileName(self.ui.lightOnnxEdit, _("Export to"), name, _("Networks (*.onnx)"))
        if path:
            self._put(self.ui.lightOnnxEdit, path if path.lower().endswith(".onnx") else path + ".onnx")

    def _put(self, edit: Any, path: str) -> None:
        if path:
            edit.text = path
            self._onChange()
