"""The Models panel: what models there are, bringing them in and out, and where they are kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .fitted_table import breakable
from .model_actions import ModelActions
from .models_table import ModelsTable, sizeText
from .offline_box import OfflineBox
from .signals import Signal
from .work_box import WorkBox


class ModelsPanel:
    """Lists and manages models; everything here works without internet, but making an offline pack.

    Parameters
    ----------
    logic : the module's logic
    resourcePath : callable from a name in Resources to its path
    """

    def __init__(self, logic: Any, resourcePath: Callable[[str], str]) -> None:
        self.logic = logic
        self.modelWanted = Signal()
        """Emitted with a model's name when the user wants to segment with it."""
        self.widget = slicer.util.loadUI(resourcePath("UI/ModelsPanel.ui"))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self.widget.setMRMLScene(slicer.mrmlScene)
        self.ui.storageButton.collapsed = self.ui.offlineButton.collapsed = True
        self._blocked: str | None = None
        self.table = ModelsTable(self.ui)
        self.work = WorkBox(self.ui, self._updateButtons)
        self.actions = ModelActions(self.ui, logic, self.table, self.work)
        self.offline = OfflineBox(self.ui, logic, self.work)
        self._connect()
        self.refresh()

    def setParameterNode(self, _parameterNode: Any) -> None:
        """Models do not depend on the scene."""

    def refresh(self) -> None:
        """Read models and storage again."""
        self.table.show(self.logic.models())
        self._showStorage()
        self._updateButtons()

    def enter(self) -> None:
        """The panel is shown."""
        self.refresh()

    def setBlocked(self, reason: str | None) -> None:
        """Why what needs the worker cannot be done now; None when it can."""
        self._blocked = reason
        self._updateButtons()

    def cleanup(self) -> None:
        """Let go of the logic."""
        self.work.cleanup()
        self.logic.changed.disconnect(self.refresh)
        self.logic.runsChanged.disconnect(self._updateButtons)

    def _connect(self) -> None:
        ui = self.ui
        ui.useModelButton.connect("clicked(bool)", lambda _checked: self.modelWanted.emit(self.table.model.name))
        ui.openFolderButton.connect("clicked(bool)", lambda _checked: self._openFolder(self.table.model.folder))
        ui.openStorageButton.connect("clicked(bool)", lambda _checked: self._openFolder(self.logic.storageFolder()))
        ui.changeStorageButton.connect("clicked(bool)", self._changeStorage)
        ui.defaultStorageButton.connect("clicked(bool)", lambda _checked: self._setStorage(None))
        self.table.changed.connect(self._updateButtons)
        self.logic.changed.connect(self.refresh)
        self.logic.runsChanged.connect(self._updateButtons)

    def _updateButtons(self) -> None:
        """Enable what can be done; a disabled button's tooltip says why."""
        self.actions.update(self._reason())
        self.offline.update(_("Wait until the work that is going on is done.") if self._running() else None)
        info = self.table.model
        self.ui.useModelButton.setEnabled(info is not None and info.available)
        self.ui.openFolderButton.setEnabled(info is not None)
        for button in (self.ui.changeStorageButton, self.ui.defaultStorageButton):
            button.setEnabled(not self._running())

    def _running(self) -> bool:
        return self.work.busy or self.logic.running is not None

    def _reason(self) -> str | None:
        if self._running():
            return _("Wait until the work that is going on is done.")
        return self._blocked

    def _openFolder(self, folder: str | Path) -> None:
        path = Path(folder)
        # The storage folder is made with the first model; until then the nearest one that is there is shown.
        while not path.is_dir() and path != path.parent:
            path = path.parent
        if not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path))):
            slicer.util.infoDisplay(_("The folder is {folder}").format(folder=folder))

    def _showStorage(self) -> None:
        folder = Path(self.logic.storageFolder())
        place = folder
        while not place.exists() and place != place.parent:
            place = place.parent
        free = sizeText(shutil.disk_usage(place).free)
        self.ui.storageLabel.text = _("Models and trainings are kept in {folder} ({free} free).").format(
            folder=breakable(str(folder)), free=free
        )

    def _changeStorage(self, _checked: bool = False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            self.widget, _("Folder for models and trainings"), str(self.logic.storageFolder())
        )
        if folder:
            self._setStorage(folder)

    def _setStorage(self, folder: str | None) -> None:
        with slicer.util.tryWithErrorDisplay(_("The folder could not be changed.")):
            self.logic.setStorageFolder(folder)
            self.refresh()
            self.work.say(
                _("New models go to {folder} from now on. Models in the old folder stay there.").format(
                    folder=self.logic.storageFolder()
                )
            )
