"""The banner about trainings that a crash or Slicer's end interrupted: resume or discard."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from .models import SEGMENTATION
from .signals import Signal


class InterruptedBox:
    """Shows the first interrupted training; the next one comes when it is dealt with.

    Parameters
    ----------
    ui : object with the children ``interruptedFrame interruptedLabel resumeButton discardButton``
    logic : the module's logic
    task : only trainings of models for this task are shown
    """

    def __init__(self, ui: Any, logic: Any, task: str = SEGMENTATION) -> None:
        self.ui = ui
        self._task = task
        self.logic = logic
        self.resumeWanted = Signal()
        """Emitted with the ``Interrupted`` that the user wants to go on with."""
        self._first: Any = None
        ui.resumeButton.connect("clicked(bool)", lambda _checked: self.resumeWanted.emit(self._first))
        ui.discardButton.connect("clicked(bool)", self._discard)
        ui.interruptedFrame.setVisible(False)

    def refresh(self, reason: str | None = None) -> None:
        """Look for interrupted trainings; ``reason`` says why none can be resumed now."""
        found = [one for one in self.logic.interruptedAdaptations() if one.task == self._task]
        self._first = found[0] if found else None
        self.ui.interruptedFrame.setVisible(bool(found))
        if not found:
            return
        self.ui.interruptedLabel.text = describe(found[0], len(found) - 1)
        self.ui.resumeButton.setEnabled(reason is None)
        self.ui.resumeButton.setToolTip(reason or _("Go on with this training from where it was saved last."))

    def _discard(self, _checked: bool = False) -> None:
        name = self._first.name
        question = _(
            "Discard the interrupted training of “{name}”? What it learned so far is lost. "
            "Your images and outlines stay as they are."
        ).format(name=name)
        if slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Discard the training")):
            with slicer.util.tryWithErrorDisplay(_("The training could not be discarded.")):
                self.logic.discardAdaptation(name)
            self.refresh()


def describe(interrupted: Any, others: int) -> str:
    """What was interrupted, in a sentence or two."""
    text = _("The training of “{name}” from {model}, started {time}, was interrupted").format(
        name=interrupted.name, model=interrupted.model, time=interrupted.started
    )
    if interrupted.epochs:
        text += " " + _("after epoch {done} of {total}.").format(done=interrupted.epochsDone, total=interrupted.epochs)
    elif interrupted.epochsDone:
        text += " " + _("after epoch {done}.").format(done=interrupted.epochsDone)
    else:
        text += "."
    text += " " + _("Nothing is lost: it can go on from there.")
    if others:
        text += " " + _("There are {n} more.").format(n=others)
    return text
