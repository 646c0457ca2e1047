"""The reference to compare with and the report of a PET/CT result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from . import pet_results
from .choice_selectors import ChoiceSelectors
from .pet_changes import Changes
from .pet_words import errorsText


class PetReportBox:
    """The sections "Compare with a reference" and "Report" of PetPanel.ui.

    Parameters
    ----------
    ui : object with their children
    logic : the module's logic
    changes : what measures changes one after another
    export : called with (folder, language) when the user wants the report
    """

    def __init__(self, ui: Any, logic: Any, changes: Changes, export: Callable[[str, str], None]) -> None:
        self.ui, self.logic, self.changes, self._export = ui, logic, changes, export
        self._page = ""
        self.filling = False
        self.choices = ChoiceSelectors(
            {"petctLanguage": (ui.languageSelector, [("en", "English"), ("fr", "Français")])}
        )
        ui.truthSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._onTruth)
        ui.exportButton.connect("clicked(bool)", lambda _checked: self.choose())
        ui.openButton.connect("clicked(bool)", lambda _checked: self.open())
        self.show(None)

    def show(self, node: Any) -> None:
        """Show the errors of a result, and whether it can be exported."""
        kept = pet_results.record(node) if node is not None else {}
        self.ui.errorsLabel.text = errorsText(kept.get("errors"))
        self.ui.errorsLabel.setVisible(bool(self.ui.errorsLabel.text))
        self.ui.exportButton.setEnabled(bool(kept))
        self.ui.openButton.setEnabled(bool(self._page))
        self.ui.reportLabel.setVisible(bool(self.ui.reportLabel.text))

    def choose(self) -> None:
        """Ask for a folder and write the report there."""
        folder = qt.QFileDialog.getExistingDirectory(self.ui.exportButton, _("Folder for the report"))
        if folder:
            self._export(folder, self.choices.value("petctLanguage"))

    def written(self, value: dict[str, Any]) -> None:
        """A report was written."""
        self._page = value["report"]
        text = _("Written: {file}").format(file=Path(self._page).name)
        if value["beside"]:
            said = _("A report {name} of another PET was there already; it stays.")
            text += "\n" + said.format(name=value["beside"])
        self.ui.reportLabel.text = text
        self.ui.reportLabel.toolTip = self._page
        self.ui.openButton.setEnabled(True)
        self.ui.reportLabel.setVisible(True)

    def open(self) -> None:
        """Open the page of the last report."""
        if not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(self._page)):
            slicer.util.infoDisplay(_("The report lies at {file}").format(file=self._page))

    def forget(self) -> None:
        """Another scene: the last report is not of it."""
        self._page = self.ui.reportLabel.text = ""

    def _onTruth(self, truth: Any = None) -> None:
        node = pet_results.newest()
        if self.filling or node is None or truth is node.GetNodeReference(pet_results.TRUTH) or truth is node:
            return
        self.changes.ask("truth", lambda told: self.logic.compareTmtv(node, truth, callback=told))
