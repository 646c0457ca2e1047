"""A training that is going on: progress, live curves, Stop and Discard."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from .curves import Curves
from .progress_box import ProgressBox

INNER_FROM = 6
"""With fewer training cases the library sets none aside for a validation curve."""


class TrainingBox:
    """Shows one ``AdaptRun`` at a time.

    Parameters
    ----------
    ui : object with the children of the frame ``runBox`` in AdaptPanel.ui
    """

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.run: Any = None
        self.progress = ProgressBox(ui, self._cancel)
        self.curves = Curves(ui.curvesWidget)
        self._training = 0
        self._rows = 0
        self._stopping = False
        ui.stopButton.connect("clicked(bool)", self._stop)
        ui.showPlotButton.connect("clicked(bool)", lambda _checked: self.curves.showInLayout())

    def start(self, name: str, training: int) -> None:
        """A training of the model ``name`` begins; ``training`` is the number of cases, 0 when it is not known."""
        self._training, self._rows = training, 0
        self.curves.start(name)
        self.progress.start(_("Starting the training of {model}").format(model=name))
        self.ui.cancelButton.setEnabled(True)
        self._stopping = False
        self.ui.stopButton.text = _("Stop, keep the best")
        self._allowStop(False)
        self.ui.showPlotButton.setVisible(False)
        self._showNote()

    def update(self, run: Any, event: dict | None = None) -> None:
        """Show where the run is; called at each of its events."""
        self.run = run
        self.progress.update(run, event)
        kind = (event or {}).get("event")
        if kind == "progress":
            self._allowStop(event.get("stage") == "training")
        elif kind == "metric":
            for row in run.metrics[self._rows :]:
                if run.total and row.get("step") and row.get("epoch"):
                    self.curves.expect(round(run.total * row["epoch"] / row["step"]))
                self.curves.add(row)
            self._rows = len(run.metrics)
            self.ui.showPlotButton.setVisible(True)
            self._showNote()

    def _allowStop(self, training: bool) -> None:
        """There is something to keep after the first epoch, and nothing to stop while cases are scored."""
        if self._stopping:
            return
        self.ui.stopButton.setEnabled(training and self._rows > 0)
        tip = _("End the training now and keep the best model so far.")
        if not training:
            tip = _("Possible while it trains.")
        elif not self._rows:
            tip = _("Possible as soon as the first epoch is done.")
        self.ui.stopButton.setToolTip(tip)

    def finish(self) -> None:
        """The run is over."""
        self.run = None
        self.progress.finish()

    def cleanup(self) -> None:
        """The panel goes."""
        self.curves.cleanup()

    def _stop(self, _checked: bool = False) -> None:
        if self.run is None or not slicer.util.confirmOkCancelDisplay(
            _("End the training now? The best model so far is kept and scored on the held-out cases."),
            windowTitle=_("Stop the training"),
        ):
            return
        if self.run is not None and not self.run.finished:  # it may have ended while the question was open
            self._stopping = True
            self.ui.stopButton.setEnabled(False)
            self.ui.stopButton.text = _("Stopping…")
            self.run.stop()

    def _cancel(self) -> bool:
        """Ask, then discard; False when the user wants to go on."""
        question = _("Discard this training? Nothing of it is kept. Your images and outlines stay as they are.")
        if not slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Discard the training")):
            return False
        if self.run is not None and not self.run.finished:
            self.run.cancel()
        return True

    def _showNote(self) -> None:
        note = curvesNote(self._training, self._rows, self.curves.hasValidation)
        self.ui.curvesNote.text = note
        self.ui.curvesNote.setVisible(bool(note))


def curvesNote(training: int, rows: int, hasValidation: bool) -> str:
    """What the curves say, or why there is none for validation.

    ``training`` is the number of cases that are learned from (0: not known), ``rows`` the epochs so far.
    """
    if hasValidation:
        return _(
            "The loss should fall. Validation Dice is measured on training cases that were set aside; "
            "the held-out cases are scored before and after only."
        )
    if 0 < training < INNER_FROM:
        return _(
            "No validation curve: with fewer than {n} training cases none can be set aside for it. "
            "The training runs its full length."
        ).format(n=INNER_FROM)
    if rows:
        return _("No validation curve: the training cases are too few, or all of one patient, to set one aside.")
    return _("The curves start after the first epoch.")
