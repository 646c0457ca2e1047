"""What all parts of the logic share: the worker's client, the queue of runs, telling and ending."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from .run_queue import Queue
from .runs import AskRun, Run
from .signals import Signal

if TYPE_CHECKING:
    from .client import WorkerClient

Callback = Callable[[Any, Any], None]
OnEvent = Callable[[Run, dict], None]
READY_FOR_S = 2.0
"""How long the packages that were found are taken to be there."""


class LogicBase:
    """The worker and the runs; nothing is started before it is needed."""

    changed: Signal
    """Emitted without values when the list of models changed."""
    resultMade: Signal
    """Emitted with the ``SegmentResult`` when a segmentation was put into the scene."""
    runsChanged: Signal
    """Emitted without values when a run starts or ends (``missing()`` may now say something else)."""

    deviceKnown: Signal
    """Emitted without values when the worker is up and has told where it computes."""

    def setupLogic(self) -> None:
        """Called once by ``TransferSegLogic.__init__``: starts nothing."""
        self.changed = Signal()
        self.resultMade = Signal()
        self.runsChanged = Signal()
        self.deviceKnown = Signal()
        self._client: WorkerClient | None = None
        self._runs = Queue(self.runsChanged.emit)
        self._cases: Any = None
        self._pictures: list[Any] = []
        self._timed: set[str] = set()
        self._readyUntil = 0.0

    @property
    def client(self) -> WorkerClient:
        """The worker's client, made on first use; the worker itself starts with the first request."""
        if self._client is None:
            from .client import WorkerClient
            from .exchange import removeAbandoned

            removeAbandoned()
            self._client = WorkerClient()
            self._client.stateChanged.connect(lambda state: self.deviceKnown.emit() if state == "ready" else None)
        return self._client

    @property
    def running(self) -> Any:
        """The run that is going on (``SegmentRun``, ``AdaptRun`` ...), or None."""
        return self._runs.running

    def shutdown(self) -> None:
        """End all processes with their children and remove temporary files; called when Slicer closes.

        A training that is cut off by this can be resumed.

        Example
        -------
        >>> logic.shutdown()
        """
        client, self._client = self._client, None
        self._runs.mute()
        if client is not None:
            client.close()
        self._runs.clear()
        for folder in self._pictures:
            folder.remove()
        self._pictures.clear()
        from .console import endAll
        from .removing import finishRemoving

        endAll()
        finishRemoving()
        if client is not None:  # what a worker that had to be killed was writing
            from TransferSegLib.storage import remove_leftovers

            remove_leftovers(tempfile.gettempdir())

    def _start(self, run: Any, callback: Any) -> Any:
        """Begin a run or queue it; its result where there is no callback, else the run."""
        run.whenClosing = self.shutdown
        if self.running is not None and self.running.givesWay:
            self.running.cancel(_("Live mode was switched off for other work."))
        self._runs.add(run)
        return run if callback is not None else run.wait()

    def _whyNotNow(self) -> str | None:
        """What keeps any computation from starting."""
        from .dependencies import state

        # Asked for at every letter that is typed, and 20 ms each: what was there is not looked for again at once.
        if time.monotonic() > self._readyUntil:
            found = state()
            if not found.ready:
                return found.reason
            self._readyUntil = time.monotonic() + READY_FOR_S
        if self.running is None:
            return None
        if self.running.givesWay:
            return _("Live mode is on: switch it off first.")
        return _("Another run is going on; wait for it or cancel it.")

    def _tellingOfModel(self, callback: Any) -> Callable[[Any, Any], None]:
        """A callback that also tells those who list models."""

        def told(result: Any, error: Any) -> None:
            if result is not None:
                self.changed.emit()
            if callback is not None:
                callback(result, error)

        return told

    def _ask(
        self,
        verb: str,
        args: dict[str, Any],
        take: Callable[[Any], Any],
        callback: Callback | None,
        onEvent: OnEvent | None = None,
        *,
        changes: bool = False,
    ) -> Any:
        """Ask the worker, apart from the queue of runs; ``changes``: the list of models is another afterwards."""

        def told(value: Any, error: Any) -> None:
            if changes and error is None:
                self.changed.emit()
            if callback is not None:
                callback(value, error)

        run = AskRun(self.client, verb, args, take, callback=told, onEvent=onEvent)
        run.whenClosing = self.shutdown
        run.begin()
        return run if callback is not None else run.wait()
