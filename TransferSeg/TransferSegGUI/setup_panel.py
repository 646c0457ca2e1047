"""The banner above the tabs while something is missing: what, how big, Install, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from . import dependencies, diagnostics
from .dependencies import DependencyState
from .installing import inShort, install
from .signals import Signal


class SetupPanel:
    """Sets TransferSeg up on first use; hidden when nothing is missing.

    Parameters
    ----------
    logic : the module's logic
    resourcePath : callable from a name in Resources to its path
    """

    def __init__(self, logic: Any, resourcePath: Callable[[str], str]) -> None:
        self.logic = logic
        self.changed = Signal()
        """Emitted with the ``DependencyState`` whenever it was looked at."""
        self.state = DependencyState(True)
        self.widget = slicer.util.loadUI(resourcePath("UI/SetupPanel.ui"))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self.ui.installButton.connect("clicked(bool)", self.install)
        self.ui.folderButton.connect("clicked(bool)", self.installFromFolder)
        self.ui.diagnosticsButton.connect("clicked(bool)", self.copyDiagnostics)
        self._working = False
        self.widget.setVisible(False)

    def setParameterNode(self, parameterNode: Any) -> None:
        """This panel has no parameters."""

    def refresh(self) -> None:
        """Look again whether something is missing; the banner is shown or hidden."""
        if self._working:
            return
        self.state = dependencies.state()
        self.widget.setVisible(not self.state.ready)
        if not self.state.ready:
            self._show()
        self.changed.emit(self.state)

    def cleanup(self) -> None:
        """Nothing to let go of."""

    def install(self, _checked: bool = False) -> None:
        """Install what is missing, after a question that says how much."""
        self._work(lambda: install(True, say=self._say))
        self.logic.client.restart()  # a worker that is there does not know the new packages

    def installFromFolder(self, _checked: bool = False) -> None:
        """Install from an offline pack."""
        folder = qt.QFileDialog.getExistingDirectory(self.widget, _("Choose the folder of the offline pack"))
        if folder:
            from .offline import installPack

            self._work(lambda: self._details("\n".join(installPack(folder, self.logic, say=self._say))))
            self.logic.client.restart()

    def copyDiagnostics(self, _checked: bool = False) -> None:
        """Copy what a helper wants to know to the clipboard, and show it."""
        self._work(lambda: self._details(diagnostics.copyToClipboard()))
        self._say(_("The diagnostics are on the clipboard: paste them into your message."))

    def _show(self) -> None:
        canInstall = self.state.torch not in ("unsupported", "old")
        self.ui.reasonLabel.text = self.state.reason
        self.ui.sizesLabel.text = inShort(self.state) if canInstall else ""
        self.ui.sizesLabel.setVisible(canInstall)
        self.ui.installButton.setEnabled(canInstall)
        self.ui.installButton.toolTip = self.state.reason if not canInstall else _("Shows what is installed, and asks.")
        self.ui.folderButton.setEnabled(self.state.torch != "unsupported")

    def _work(self, task: Callable[[], Any]) -> None:
        """Do something that takes long with the buttons off; an error becomes one line and its details."""
        if self._working:
            return
        self._working = True
        self._setBusy(True)
        self._say("")
        try:
            task()
        except Exception as error:
            self._say(getattr(error, "message", "") or str(error))
            self._details(getattr(error, "details", "") or str(error))
        finally:
            self._working = False
            self._setBusy(False)
        self.refresh()

    def _setBusy(self, busy: bool) -> None:
        for button in (self.ui.installButton, self.ui.folderButton, self.ui.diagnosticsButton):
            button.setEnabled(not busy)
        self.ui.setupProgress.setVisible(busy)

    def _say(self, text: str) -> None:
        self.ui.statusLabel.text = text
        self.ui.statusLabel.setVisible(bool(text))
        slicer.app.processEvents()

    def _details(self, text: str) -> None:
        self.ui.setupDetailsText.setPlainText(text)
