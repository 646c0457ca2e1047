"""Where models and trainings are kept: shown, changed, and moved when the user wants that."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .fitted_table import breakable
from .models_table import sizeText
from .wording import counted


class StorageBox:
    """The section "Storage" of the Models panel.

    Parameters
    ----------
    ui : object with the children ``storageLabel changeStorageButton defaultStorageButton``
    logic : the module's logic
    work : ``WorkBox``
    """

    def __init__(self, ui: Any, logic: Any, work: Any) -> None:
        self.ui = ui
        self.logic = logic
        self.work = work
        self._canMove = True
        self._buttons = (ui.changeStorageButton, ui.defaultStorageButton)
        self._tips = [button.toolTip for button in self._buttons]
        ui.changeStorageButton.connect("clicked(bool)", self._choose)
        ui.defaultStorageButton.connect("clicked(bool)", lambda _checked: self.change(None))

    def show(self) -> None:
        """Say where models are kept and how much room is left there."""
        folder = place = Path(self.logic.storageFolder())
        while not place.exists() and place != place.parent:
            place = place.parent
        text = _("Models and trainings are kept in {folder} ({free} free).")
        self.ui.storageLabel.text = text.format(
            folder=breakable(str(folder)), free=sizeText(shutil.disk_usage(place).free)
        )

    def update(self, reason: str | None, *, canMove: bool) -> None:
        """Enable the buttons, or say why not; ``canMove``: the worker, which moves, can be started."""
        from TransferSegLib.places import VARIABLE, home_is_fixed

        self._canMove = canMove
        if home_is_fixed():
            reason = _("The folder is set by the environment variable {name}; change it there.").format(name=VARIABLE)
        for button, tip in zip(self._buttons, self._tips):
            button.setEnabled(reason is None)
            button.setToolTip(reason or tip)

    def change(self, folder: str | None) -> None:
        """Use another folder (None: the default); asks whether to take along what is in the old one."""
        own = [info for info in self.logic.models() if info.source == "user"]
        trainings = self.logic.interruptedAdaptations()
        if not own and not trainings:
            self._leave(folder)
            return
        answer = self._ask(len(own), len(trainings))
        if answer == qt.QMessageBox.Yes:
            self.work.start(
                _("Moving models and trainings"),
                lambda callback: self.logic.moveStorage(folder, callback=callback),
                lambda moved: _("Moved to {folder}: {names}.").format(
                    folder=self.logic.storageFolder(), names=", ".join(moved)
                ),
            )
        elif answer == qt.QMessageBox.No:
            self._leave(folder)

    def _choose(self, _checked: bool = False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            self.ui.storageLabel, _("Folder for models and trainings"), str(self.logic.storageFolder())
        )
        if folder:
            self.change(folder)

    def _ask(self, models: int, trainings: int) -> int:
        """Yes: move, No: leave them there, Cancel."""
        there = [counted(models, _("{n} model of yours"), _("{n} models of yours"))] * bool(models)
        there += [counted(trainings, _("{n} interrupted training"), _("{n} interrupted trainings"))] * bool(trainings)
        first = _("The present folder holds {things}.").format(things=_(" and ").join(there))
        if self._canMove:
            question = _("Move them to the new folder? Each copy is compared before anything old is removed.")
            buttons = qt.QMessageBox.Yes | qt.QMessageBox.No | qt.QMessageBox.Cancel
        else:
            question = _("They can be moved once TransferSeg is set up. Leave them there and change the folder?")
            buttons = qt.QMessageBox.Ok | qt.QMessageBox.Cancel
        last = _("What stays is not in the list of models until the present folder is chosen again.")
        if trainings:
            last += " " + _("Interrupted trainings that stay cannot be resumed or discarded until then.")
        answer = slicer.util.messageBox(
            f"{first}\n\n{question}\n\n{last}",
            windowTitle=_("Change the folder"),
            icon=qt.QMessageBox.Question,
            standardButtons=buttons,
        )
        return qt.QMessageBox.No if answer == qt.QMessageBox.Ok else answer

    def _leave(self, folder: str | None) -> None:
        with slicer.util.tryWithErrorDisplay(_("The folder could not be changed.")):
            self.logic.setStorageFolder(folder)
            self.show()
            self.work.say(
                _("New models go to {folder} from now on. Models in the old folder stay there.").format(
                    folder=self.logic.storageFolder()
                )
            )
