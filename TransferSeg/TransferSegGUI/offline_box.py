"""The section "Offline installation": make a pack on a connected computer, install from it on another."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .fitted_table import breakable


class OfflineBox:
    """Two buttons over ``offline.py``.

    Parameters
    ----------
    ui : object with the children ``packModelsCheck makePackButton installPackButton``
    work : ``WorkBox``
    """

    def __init__(self, ui: Any, logic: Any, work: Any) -> None:
        self.ui = ui
        self.logic = logic
        self.work = work
        self._tips = [(button, button.toolTip) for button in (ui.makePackButton, ui.installPackButton)]
        ui.makePackButton.connect("clicked(bool)", self._make)
        ui.installPackButton.connect("clicked(bool)", self._install)

    def update(self, reason: str | None) -> None:
        """Enable the buttons, or disable them with ``reason`` as their tooltip."""
        for button, tip in self._tips:
            button.setEnabled(reason is None)
            button.setToolTip(reason or tip)

    def _make(self, _checked: bool = False) -> None:
        from .offline import makePack

        folder = qt.QFileDialog.getExistingDirectory(self.ui.makePackButton, _("Folder for the pack"), "")
        if not folder:
            return
        question = _(
            "Download everything that TransferSeg needs for a computer like this one into {folder}? "
            "It is some gigabytes and takes a while; check sums are kept beside the files."
        ).format(folder=folder)
        if not slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Make a pack")):
            return
        models = [info.name for info in self.logic.models() if info.available and info.source != "shipped"]
        chosen = models if self.ui.packModelsCheck.checked else ()
        self.work.start(
            _("Making the pack"),
            lambda callback: makePack(folder, chosen, callback=callback, onLine=self.work.stage),
            lambda pack: madeText(folder, pack),
        )

    def _install(self, _checked: bool = False) -> None:
        from .offline import installPack

        folder = qt.QFileDialog.getExistingDirectory(self.ui.installPackButton, _("Folder of the pack"), "")
        if folder:
            self.work.perform(
                _("Installing from the pack"),
                lambda: " ".join(installPack(folder, self.logic, say=self.work.stage)) or _("Nothing was installed."),
            )


def madeText(folder: str, pack: dict[str, Any]) -> str:
    """What to do with a pack that was made."""
    text = _("The pack is ready in {folder}. Carry the whole folder over.").format(folder=breakable(folder))
    if pack.get("fingerprint"):
        text += " " + _("Its fingerprint is {fingerprint}; note it, it is shown again before installing.").format(
            fingerprint=pack["fingerprint"]
        )
    return text
