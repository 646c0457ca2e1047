"""The worker's client: requests and their events on the main thread, which it never blocks."""

from __future__ import annotations

import atexit
import itertools
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from . import crashes
from .background import Background
from .closing import Closing
from .job import CANCELLED, DONE, FAILED, Job, callAsker
from .session import Ending, WorkerSession
from .signals import Signal
from .ticker import EAGER_MS, FAST_MS, SLOW_MS, Ticker, processEvents

# A cancel is answered within a second, of which the kill takes its part.
_CANCEL_SECONDS = 0.7
_DEATH_SECONDS = 0.2
_CLOSE_SECONDS = 2.0
_MOST_START_FAILURES = 2
# How long one tick may hand out events; what is left waits for the next.
_TICK_SECONDS = 0.04


class WorkerClient:
    """Gives requests to one warm worker process, one at a time, and starts it when it is needed.

    Every method is called on the main thread, where the callbacks run too; a callback may call anything here.
    ``command`` is started instead of the worker (tests). ``state`` is stopped, starting, ready or busy;
    ``stateChanged`` is emitted with each new one. ``workerPid`` is the number of the last process that was ready,
    ``device`` where it computes unless it is told otherwise, with the reason in the library's words.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self.stateChanged = Signal()
        self.state = "stopped"
        self.workerPid: int | None = None
        self.device = ("", "")
        self._session = WorkerSession(command)
        self._stale = self._closed = False
        self._startFailures = 0
        self._startProblem: Exception | None = None
        self._numbers = itertools.count(1)
        self._queue: deque[Job] = deque()
        self._running: Job | None = None
        self._background = Background()
        self._ticker = Ticker(self.pump)
        _clients.add(self)

    def request(
        self,
        verb: str,
        args: dict[str, Any] | None = None,
        *,
        onEvent: Callable[[Job, dict], Any] | None = None,
        onDone: Callable[[Job], Any] | None = None,
    ) -> Job:
        """Ask the worker for something, after what was asked before; returns at once.

        ``verb`` and ``args`` are the command line's (option names with ``_``). ``onEvent(job, event)`` is called for
        each ``started``, ``progress``, ``metric``, ``message`` and ``memory`` event, ``onDone(job)`` once at its end,
        with ``state`` and ``result`` or ``error`` set, and never before this returns.
        """
        job = Job(self, next(self._numbers), verb, args or {}, onEvent, onDone)
        self._queue.append(job)
        self._advance()
        return job

    def warm(self, modelName: str) -> Job:
        """Start the worker and load a model ahead of its first use."""
        return self.request("warm", {"model": modelName})

    def background(self, function: Callable[[], Any], onDone: Callable[[Any, Any], Any]) -> None:
        """Run ``function()`` in a thread, then ``onDone(value, error)`` here; no MRML, VTK or Qt in ``function``."""
        self._background.run(function, onDone)
        self._advance()

    def cancel(self, job: Job) -> None:
        """See ``Job.cancel``."""
        if job is self._running:
            if job.killAt is None:
                job.killAt = time.monotonic() + _CANCEL_SECONDS
                self._session.send({"id": job.id, "verb": "cancel"})
        elif job in self._queue:
            self._queue.remove(job)
            callAsker(job.end(CANCELLED, error=crashes.cancelledError()))
            self._advance()

    def stop(self, job: Job) -> None:
        """See ``Job.stop``."""
        if job is self._running:
            self._session.send({"id": job.id, "verb": "stop"})
        else:
            self.cancel(job)

    def wait(self, job: Job) -> Job:
        """Block until the job is finished, while Slicer goes on drawing and reacting."""
        closing = Closing()
        while not job.finished:
            if closing.begun:
                self.close()
            self.pump()
            processEvents()
            time.sleep(0.005)
        return job

    def restart(self) -> None:
        """Start a fresh worker before the next request (its environment changed)."""
        self._stale = self._session.started
        self._advance()

    def close(self) -> None:
        """End the worker and all it started; jobs fail as ``worker-closed``. Nothing can be asked for afterwards."""
        self._close(tell=True)

    def pump(self) -> None:
        """Hand out what came in; its timer calls it, and whoever waits without an event loop."""
        while (tell := self._background.fetch()) is not None:
            callAsker(tell)
        self._session.poll()
        end = time.monotonic() + _TICK_SECONDS
        while time.monotonic() < end and (event := self._session.nextEvent()) is not None:
            self._take(event)
        if not self._session.events:
            self._checkCancel()
            if (ending := self._session.ended()) is not None:
                self._takeEnding(ending)
        self._failToStart()
        self._advance()

    def _take(self, event: dict[str, Any]) -> None:
        kind, job = event.get("event"), self._running
        if kind == "ready":
            self._session.ready, self._startFailures, self.workerPid = True, 0, event.get("pid")
            self.device = (event.get("device") or "", event.get("device_reason") or "")
            self._advance()
        elif kind == "error" and not self._session.ready:
            self._startProblem = crashes.workerError(event)
        elif job is None or event.get("id") not in (job.id, None):
            return  # of a job that is over
        elif kind == "result":
            self._finish(DONE, result=event.get("value"))
        elif kind == "error":
            error = crashes.workerError(event)
            self._finish(CANCELLED if error.code == "cancelled" else FAILED, error=error)
        else:
            callAsker(job.take(event))

    def _finish(self, state: str, **outcome: Any) -> None:
        job, self._running = self._running, None
        if job is not None:
            tell = job.end(state, **outcome)
            self._advance()  # the worker need not wait for what the asker does with it
            callAsker(tell)

    def _checkCancel(self) -> None:
        job, now = self._running, time.monotonic()
        if job is None or job.killAt is None or now < job.killAt:
            return
        if not job.killed:
            job.killed = True
            self._session.drop()
        # Its asker removes its files next: nobody should be writing to them any more.
        if not self._session.ending or now > job.killAt + _DEATH_SECONDS:
            self._finish(CANCELLED, error=crashes.cancelledError())

    def _takeEnding(self, ending: Ending) -> None:
        """The worker ended by itself: under a job, or before it was ready."""
        job = self._running
        if not ending.wasReady:
            self._startFailures += 1
            if self._startFailures >= _MOST_START_FAILURES or self._startProblem is not None:
                self._startProblem = crashes.startError(ending.exitCode, ending.stderr, self._startProblem)
        elif job is not None and job.killAt is not None:
            self._finish(CANCELLED, error=crashes.cancelledError())
        elif job is not None and job.mayRestart():  # it was sent to a worker that was dead already
            self._running = None
            self._queue.appendleft(job)
        elif job is not None:
            self._finish(FAILED, error=crashes.crashError(ending.exitCode, job.memory, ending.stderr))

    def _failToStart(self) -> None:
        """Tell all that wait that there is no worker; the next request tries again."""
        if self._startProblem is not None and not self._session.started:
            error, self._startProblem, self._startFailures = self._startProblem, None, 0
            waiting, self._queue = list(self._queue), deque()
            for job in waiting:
                callAsker(job.end(FAILED, error=error))

    def _advance(self) -> None:
        """Start the worker if it is wanted, give it the next job, and tick as long as there is something to come."""
        session = self._session
        if self._closed:
            self._startProblem = crashes.closedError()
            self._failToStart()
            return
        if self._stale and self._running is None:
            session.drop()
            self._stale = False
        if self._queue and not session.started and self._startProblem is None:
            try:
                session.start()
            except Exception as error:  # told in the next tick: the asker has no job in its hands yet
                self._startProblem = crashes.startError(None, "", error)
        if self._queue and session.ready and self._running is None:
            job = self._running = self._queue.popleft()
            session.send(job.send())
        starting = session.started and not session.ready
        if self._background.pending:
            self._ticker.keep(FAST_MS)
        elif self._running is not None and self._running.verb == "live":
            self._ticker.keep(EAGER_MS)
        else:
            self._ticker.keep(SLOW_MS if self._queue or self._running or starting or session.ending else None)
        self._show()

    def _close(self, *, tell: bool) -> None:
        if self._closed:
            return
        self._closed = True
        _clients.discard(self)
        self._ticker.close()
        jobs = [job for job in (self._running, *self._queue) if job is not None]
        self._running, self._queue = None, deque()
        self._session.close(_CLOSE_SECONDS)
        self._background.abandon(_CLOSE_SECONDS)
        for job in jobs:
            ended = job.end(FAILED, error=crashes.closedError())
            callAsker(ended if tell else None)
        self._show()

    def _show(self) -> None:
        working = "busy" if self._running is not None else "ready"
        state = "stopped" if not self._session.started else working if self._session.ready else "starting"
        if state != self.state:
            self.state = state
            self.stateChanged.emit(state)


_clients: weakref.WeakSet[WorkerClient] = weakref.WeakSet()


@atexit.register
def _closeAll() -> None:
    """Slicer ends without having closed us: leave no process behind."""
    for client in list(_clients):
        client._close(tell=False)
