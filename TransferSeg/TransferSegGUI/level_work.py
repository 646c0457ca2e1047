"""What the L3 panel's buttons start: finding, measuring, keeping a correction; progress and errors of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from .error_line import ErrorLine
from .progress_box import ProgressBox
from .revealing import reveal
from .signals import Signal


class LevelWork:
    """One run at a time.

    Parameters
    ----------
    ui : object with the children of L3Panel.ui
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.logic = logic
        self.made = Signal()
        """Emitted with an ``L3Result``."""
        self.changed = Signal()
        """Emitted without values when work begins or ends."""
        self.run: Any = None
        self.adding: Any = None
        """The correction that is being copied, or None."""
        self.progress = ProgressBox(ui, self.cancel)
        self.errors = ErrorLine(ui)

    def find(self, volumeNode: Any, **options: Any) -> None:
        """Start looking for the level; ``options`` are those of ``findL3``."""
        self._launch(lambda told: self.logic.findL3(volumeNode, **options, **told))

    def measure(self, result: Any, height: float | None) -> None:
        """Outline and measure the slice to which the plane was moved."""
        self._launch(lambda told: self.logic.measureL3(result, height=height, **told))

    def cancel(self) -> None:
        """End the run that is going on."""
        if self.run is not None:
            self.run.cancel()

    def mark(self, volumeNode: Any, level: str) -> None:
        """Put the plane of a level where the views are."""
        with slicer.util.tryWithErrorDisplay(_("The plane could not be placed.")):
            self.made.emit(self.logic.markL3(volumeNode, level=level))

    def addCase(self, result: Any) -> None:
        """Keep a correction for training."""
        self.errors.clear()
        try:
            run = self.logic.addL3Case(result, callback=self._onAdded)
        except Exception as error:
            self._onAdded(None, error)
            return
        self.adding = None if run.finished else run
        self.changed.emit()

    def _launch(self, launch: Callable[[dict[str, Any]], Any]) -> None:
        self.errors.clear()
        self.progress.start(_("Handing over the images"))
        reveal(self.ui.runBox)
        told = {"queue": False, "callback": self._onDone, "onEvent": self.progress.update}
        try:
            run = launch(told)
        except Exception as error:  # whatever it is, the panel says it in one line and stays usable
            self._onDone(None, error)
            return
        self.run = None if run.finished else run
        self.changed.emit()

    def _onDone(self, result: Any, error: Any) -> None:
        """A run is over; called on the main thread."""
        self.run = None
        self.progress.finish()
        if error is not None:
            self.progress.log(self.errors.show(error))
        else:
            self.made.emit(result)
            self.progress.log(result.message)
            reveal(self.ui.resultButton)
        self.changed.emit()

    def _onAdded(self, _case: Any, error: Any) -> None:
        self.adding = None
        if error is not None:
            self.progress.log(self.errors.show(error))
        else:
            self.ui.casesButton.collapsed = False
        self.changed.emit()
