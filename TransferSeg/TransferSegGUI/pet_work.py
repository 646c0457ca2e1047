"""What the PET/CT panel's buttons start: measuring, the report, keeping a case; progress and errors of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from .error_line import ErrorLine
from .library_words import inOwnWords
from .pet_words import keptText
from .progress_box import ProgressBox
from .revealing import reveal
from .signals import Signal


class PetWork:
    """One run at a time.

    Parameters
    ----------
    ui : object with the children of PetPanel.ui
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui, self.logic = ui, logic
        self.measured = Signal()
        """Emitted with a ``TmtvResult``."""
        self.written = Signal()
        """Emitted with the worker's answer when a report was written."""
        self.changed = Signal()
        """Emitted without values when work begins or ends."""
        self.kept = Signal()
        """Emitted with a ``PetCase`` when a training case was kept."""
        self.run: Any = None
        self.adding: Any = None
        """The training case that is being copied, or None."""
        self.progress = ProgressBox(ui, self.cancel)
        self.errors = ErrorLine(ui)

    def measure(self, petNode: Any, ctNode: Any, **options: Any) -> None:
        """Find and measure the lesions; ``options`` are those of ``measureTmtv``."""
        self._launch(
            lambda told: self.logic.measureTmtv(petNode, ctNode, **options, queue=False, **told), self._measured
        )

    def export(self, result: Any, folder: str, language: str) -> None:
        """Write the report of a result."""
        if self.run is None:
            self._launch(
                lambda told: self.logic.exportTmtv(result, folder, language=language, **told), self.written.emit
            )

    def keepCase(self, result: Any) -> None:
        """Keep a result as a training case."""
        self.errors.clear()
        try:
            run = self.logic.addTmtvCase(result, callback=self._onKept)
        except Exception as error:
            self._onKept(None, error)
            return
        self.adding = None if run.finished else run
        self.changed.emit()

    def cancel(self) -> None:
        """End the run that is going on."""
        if self.run is not None:
            self.run.cancel()

    def show(self, error: Any) -> None:
        """Say what went wrong."""
        self.progress.log(self.errors.show(error))

    def _launch(self, launch: Callable[[dict[str, Any]], Any], then: Callable[[Any], None]) -> None:
        self.errors.clear()
        self.progress.start(_("Handing over the images"))
        reveal(self.ui.runBox)

        def told(value: Any, error: Any) -> None:
            self._onDone(value, error, then)

        try:
            run = launch({"callback": told, "onEvent": self.progress.update})
        except Exception as error:  # whatever it is, the panel says it in one line and stays usable
            told(None, error)
            return
        self.run = None if run.finished else run
        self.changed.emit()

    def _onDone(self, value: Any, error: Any, then: Callable[[Any], None]) -> None:
        """A run is over; called on the main thread."""
        self.run = None
        self.progress.finish()
        if error is not None:
            self.show(error)
        else:
            then(value)
        self.changed.emit()

    def _onKept(self, case: Any, error: Any) -> None:
        self.adding = None
        if error is not None:
            self.show(error)
        else:
            self.progress.log(keptText(case))
            self.kept.emit(case)
        self.changed.emit()

    def _measured(self, result: Any) -> None:
        for note in result.notes:
            self.progress.log(inOwnWords(note))
        self.measured.emit(result)
        reveal(self.ui.resultButton)
