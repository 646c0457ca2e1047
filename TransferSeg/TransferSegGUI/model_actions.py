"""Import, export, verify, measure and delete of models: asks the user, hands the work on, says how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .wording import counted


class ModelActions:
    """The buttons of the Models panel that change or read models.

    Parameters
    ----------
    ui : object with the buttons of ModelsPanel.ui
    table : ``ModelsTable``
    work : ``WorkBox``
    """

    def __init__(self, ui: Any, logic: Any, table: Any, work: Any) -> None:
        self.ui = ui
        self.logic = logic
        self.table = table
        self.work = work
        self._tips = {name: getattr(ui, name).toolTip for name in self._buttons()}
        ui.importFileButton.connect("clicked(bool)", self._importFile)
        ui.importFolderButton.connect("clicked(bool)", self._importFolder)
        ui.exportButton.connect("clicked(bool)", self._export)
        ui.verifyButton.connect("clicked(bool)", lambda _checked: self._verify(self.table.model.name))
        ui.verifyAllButton.connect("clicked(bool)", lambda _checked: self._verify(None))
        ui.measureButton.connect("clicked(bool)", self._measure)
        ui.deleteButton.connect("clicked(bool)", self._delete)

    def update(self, reason: str | None) -> None:
        """Enable the buttons, or disable them with ``reason`` as their tooltip."""
        for name in self._buttons():
            why = reason or self._why(name)
            button = getattr(self.ui, name)
            button.setEnabled(why is None)
            button.setToolTip(why or self._tips[name])

    def importFrom(self, path: str, name: str | None = None) -> None:
        """Bring a model in; called by the buttons."""

        def done(made: str) -> str:
            self.table.select(made)
            return _("“{name}” was imported and can be used.").format(name=made)

        def otherwise(error: Any) -> bool:
            """Offer another name where the model's own is taken."""
            if name is not None or getattr(error, "code", "") != "name-taken":
                return False
            taken = {info.name for info in (*self.logic.models(), *self.logic.interruptedAdaptations())}
            own = error.message.partition(":")[0]
            free = next(f"{own}-{n}" for n in range(2, 1000) if f"{own}-{n}" not in taken)
            question = _("A model named “{name}” is here already. Import this one as “{free}”?")
            if slicer.util.confirmOkCancelDisplay(
                question.format(name=own, free=free), windowTitle=_("Import a model")
            ):
                self.importFrom(path, free)
            else:
                self.work.say(_("Nothing was imported."))
            return True

        self.work.start(
            _("Importing {file}").format(file=Path(path).name),
            lambda callback: self.logic.importModel(path, name=name, callback=callback),
            done,
            otherwise,
        )

    def _buttons(self) -> tuple[str, ...]:
        return (
            "importFileButton",
            "importFolderButton",
            "exportButton",
            "verifyButton",
            "verifyAllButton",
            "measureButton",
            "deleteButton",
        )

    def _why(self, name: str) -> str | None:
        """Why a button means nothing for the selected model."""
        info = self.table.model
        if name.startswith("import") or name == "verifyAllButton":
            return None
        if info is None:
            return _("Select a model in the list.")
        if name == "deleteButton":
            if info.source == "shipped":
                return _("This model came with TransferSeg and cannot be deleted.")
            return None
        return None if info.available else _("This model cannot be read: {problem}").format(problem=info.problem)

    def _importFile(self, _checked: bool = False) -> None:
        path = qt.QFileDialog.getOpenFileName(
            self.ui.modelsTable, _("A model's file"), "", _("Models (*.zip)") + ";;" + _("All files (*)")
        )
        if path:
            self.importFrom(path)

    def _importFolder(self, _checked: bool = False) -> None:
        path = qt.QFileDialog.getExistingDirectory(self.ui.modelsTable, _("A model's folder"), "")
        if path:
            self.importFrom(path)

    def _export(self, _checked: bool = False) -> None:
        name = self.table.model.name
        path = qt.QFileDialog.getSaveFileName(
            self.ui.modelsTable, _("Export {name}").format(name=name), f"{name}.zip", _("Models (*.zip)")
        )
        if not path:
            return
        path = path if path.lower().endswith(".zip") else path + ".zip"
        self.work.start(
            _("Exporting {name}").format(name=name),
            lambda callback: self.logic.exportModel(name, path, callback=callback),
            lambda made: _("“{name}” was written to {file}").format(name=name, file=made),
        )

    def _verify(self, name: str | None) -> None:
        def done(rows: list[dict[str, Any]]) -> str:
            self.table.setChecked(rows)
            broken = [row for row in rows if not row["ok"]]
            if broken:
                return "⚠ " + _("“{name}” is damaged: {problem}").format(
                    name=broken[0]["name"], problem=broken[0]["problem"]
                )
            return counted(len(rows), _("The model is whole."), _("All {n} models are whole."))

        self.work.start(
            _("Verifying {name}").format(name=name) if name else _("Verifying all models"),
            lambda callback: self.logic.verifyModel(name, callback=callback),
            done,
        )

    def _measure(self, _checked: bool = False) -> None:
        name = self.table.model.name
        self.work.start(
            _("Measuring {name}").format(name=name),
            lambda callback: self.logic.measureModel(name, callback=callback),
            lambda size: _("“{name}”: {size}").format(name=name, size=size),
        )

    def _delete(self, _checked: bool = False) -> None:
        name = self.table.model.name
        question = _("Delete the model “{name}” from this computer? This cannot be undone.").format(name=name)
        if slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Delete a model")):
            self.work.start(
                _("Deleting {name}").format(name=name),
                lambda callback: self.logic.deleteModel(name, callback=callback),
                lambda _made: _("“{name}” was deleted.").format(name=name),
            )
