"""The Models panel: what models there are, bringing them in and out, and where they are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .light_box import LightBox
from .model_actions import ModelActions
from .models import LEVEL, isFor, levelOf
from .models_table import ModelsTable
from .offline_box import OfflineBox
from .signals import Signal
from .storage_box import StorageBox
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
        self.storage = StorageBox(self.ui, logic, self.work)
        self.offline = OfflineBox(self.ui, logic, self.work)
        self.light = LightBox(self.ui, logic, resourcePath, self.table, self.work, self.modelWanted.emit)
        self._connect()
        self.refresh()

    def setParameterNode(self, _parameterNode: Any) -> None:
        """Models do not depend on the scene."""

    def refresh(self) -> None:
        """Read models and storage again."""
        self.table.show(self.logic.models())
        self.storage.show()
        self._updateButtons()
        self.light.refresh()

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
        ui.diagnosticsButton.connect("clicked(bool)", self._copyDiagnostics)
        self.table.changed.connect(self._updateButtons)
        self.logic.changed.connect(self.refresh)
        self.logic.runsChanged.connect(self._updateButtons)

    def _copyDiagnostics(self, _checked: bool = False) -> None:
        from .diagnostics import copyToClipboard

        self.ui.diagnosticsButton.setEnabled(False)  # doctor takes some seconds, and Slicer goes on reacting
        try:
            with slicer.util.tryWithErrorDisplay(_("The diagnostics could not be made.")):
                copyToClipboard()
        finally:
            self.ui.diagnosticsButton.setEnabled(True)

    def _updateButtons(self) -> None:
        """Enable what can be done; a disabled button's tooltip says why."""
        busy = _("Wait until the work that is going on is done.") if self._running() else None
        self.actions.update(busy or self._blocked)
        self.offline.update(busy)
        self.light.update(busy or self._blocked)
        info = self.table.model
        self.ui.useModelButton.setEnabled(info is not None and info.available)
        findsLevel = info is not None and isFor(info, LEVEL)
        self.ui.useModelButton.text = (
            _("Find {level} with it").format(level=levelOf(info)) if findsLevel else _("Segment with it")
        )
        tip = _("Choose this model in the L3 tab.") if findsLevel else _("Choose this model in the Segment tab.")
        self.ui.useModelButton.toolTip = tip
        self.ui.openFolderButton.setEnabled(info is not None)
        self.storage.update(busy, canMove=self._blocked is None)

    def _running(self) -> bool:
        return self.work.busy or self.logic.running is not None

    def _openFolder(self, folder: str | Path) -> None:
        path = Path(folder)
        # The storage folder is made with the first model; until then the nearest one that is there is shown.
        while not path.is_dir() and path != path.parent:
            path = path.parent
        if not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path))):
            slicer.util.infoDisplay(_("The folder is {folder}").format(folder=folder))
