"""One piece of long work of the Models panel: what is being done, a bar, Cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

LOOK_MS = 200

Callback = Callable[[Any, Any], None]


class WorkBox:
    """Shows a run (with ``finished cancel()``, perhaps ``stage done total``) and looks at it now and then.

    Parameters
    ----------
    ui : object with the children ``workFrame workLabel workProgress workCancelButton modelsMessage``
    onChange : called when work begins or ends
    """

    def __init__(self, ui: Any, onChange: Callable[[], None]) -> None:
        self.ui = ui
        self._onChange = onChange
        self._busy = False
        self._run: Any = None
        self._title = ""
        self._timer = qt.QTimer()
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        ui.workCancelButton.connect("clicked(bool)", self._cancel)
        ui.workFrame.setVisible(False)
        self.say("")

    @property
    def busy(self) -> bool:
        """Whether something is going on."""
        return self._busy

    def start(
        self,
        title: str,
        launch: Callable[[Callback], Any],
        then: Callable[[Any], str],
        otherwise: Callable[[Any], bool] | None = None,
    ) -> None:
        """Begin a run that tells its end through a callback.

        Parameters
        ----------
        title : what is done, for the user
        launch : called with the callback(value, error) to hand on; returns the run
        then : called with the value when it went well; returns the sentence to show
        otherwise : called with an error (a cancel too); true when it dealt with it
        """

        def onDone(value: Any, error: Any) -> None:
            self._end()
            if error is None:
                self.say(then(value))
            elif otherwise is not None and otherwise(error):
                pass
            elif getattr(error, "code", "") == "cancelled":
                self.say(_("Cancelled. Nothing was changed."))
            else:
                self.fail(error)

        self._begin(title, cancellable=True)
        run = self._launched(launch, onDone)
        if run is not None and not run.finished:
            self._run = run
            self._timer.start()

    def perform(self, title: str, work: Callable[[], str]) -> None:
        """Do something that keeps Slicer alive by itself until it is done; it returns the sentence to show."""
        from TransferSegLib.errors import TransferSegError

        self._begin(title, cancellable=False)
        text, failure = "", None
        with slicer.util.tryWithErrorDisplay(title):
            try:
                text = work()
            except TransferSegError as error:
                failure = error
        self._end()
        self.say(text) if failure is None else self.fail(failure)

    def stage(self, text: str) -> None:
        """Say what is being done now."""
        if self._busy and text.strip():
            self.ui.workLabel.text = _("{title}: {stage}").format(title=self._title, stage=text.strip())

    def say(self, text: str) -> None:
        """Show a sentence below the buttons."""
        self.ui.modelsMessage.text = text
        self.ui.modelsMessage.setVisible(bool(text))

    def fail(self, error: Any) -> None:
        """Show what went wrong."""
        self.say("⚠ " + getattr(error, "message", str(error)))

    def cleanup(self) -> None:
        """Stop looking."""
        self._timer.stop()

    def _launched(self, launch: Callable[[Callback], Any], onDone: Callback) -> Any:
        from TransferSegLib.errors import TransferSegError

        try:
            return launch(onDone)
        except TransferSegError as error:
            onDone(None, error)
        except OSError as error:
            onDone(None, TransferSegError(_("It could not be started: {reason}.").format(reason=error)))
        return None

    def _begin(self, title: str, *, cancellable: bool) -> None:
        self._title, self._busy = title, True
        self.say("")
        self.ui.workLabel.text = title
        self.ui.workProgress.setRange(0, 0)
        self.ui.workCancelButton.setVisible(cancellable)
        self.ui.workCancelButton.setEnabled(True)
        self.ui.workFrame.setVisible(True)
        self._onChange()

    def _look(self) -> None:
        run = self._run
        if run is None or not self.ui.workCancelButton.enabled:
            return
        total = int(getattr(run, "total", 0) or 0)
        self.ui.workProgress.setRange(0, total)
        if total:
            self.ui.workProgress.value = int(run.done)
        self.stage(str(getattr(run, "stage", "") or ""))

    def _cancel(self, _checked: bool = False) -> None:
        if self._run is not None:
            self.ui.workCancelButton.setEnabled(False)
            self.ui.workLabel.text = _("Cancelling…")
            self.ui.workProgress.setRange(0, 0)
            self._run.cancel()

    def _end(self) -> None:
        self._run, self._busy = None, False
        self._timer.stop()
        self.ui.workFrame.setVisible(False)
        self._onChange()
