"""The worker that is in use now, and the ones that are ending: start, ready, ended, gone."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .process import WorkerProcess

# How long a worker that is ending may take until its last words are read.
_END_SECONDS = 1.0


@dataclass(frozen=True)
class Ending:
    """How a worker ended by itself: its exit code (None: it hung), whether it was ready before, and its stderr."""

    exitCode: int | None
    wasReady: bool
    stderr: str


class WorkerSession:
    """One worker at a time; never waits for it, except in ``close``.

    Attributes
    ----------
    events : deque of dict
        What the present worker said and nobody took yet.
    ready : bool
        Whether it takes requests; set by who reads the events.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self.events: deque[dict[str, Any]] = deque()
        self.ready = False
        self._command = command
        self._process: WorkerProcess | None = None
        self._dying: list[WorkerProcess] = []
        self._endingSince: float | None = None

    @property
    def started(self) -> bool:
        """Whether there is a worker, ready or not."""
        return self._process is not None

    @property
    def ending(self) -> bool:
        """Whether workers that were dropped are still to be waited for."""
        return bool(self._dying)

    def start(self) -> None:
        """Start a worker; ``OSError`` or ``DependencyError`` when that is impossible."""
        process = WorkerProcess(self._command)
        process.start()
        self._process, self.ready, self._endingSince = process, False, None

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a request to the worker."""
        if self._process is not None:
            self._process.send(message)

    def poll(self) -> None:
        """Fetch what the worker said, and let go of those that ended."""
        if self._process is not None:
            self.events.extend(self._process.poll())
        self._dying = [process for process in self._dying if not process.wait(0)]

    def nextEvent(self) -> dict[str, Any] | None:
        """The next event; of progress that came in at once only the last."""
        event = self.events.popleft() if self.events else None
        while self.events and event.get("event") == self.events[0].get("event") == "progress":
            event = self.events.popleft()
        return event

    def drop(self) -> None:
        """End the worker and its children at once; what it said and nobody took is lost."""
        if self._process is not None:
            self._process.killTree()
            self._dying.append(self._process)
        self._process, self.ready = None, False
        self.events.clear()

    def ended(self) -> Ending | None:
        """How the worker ended by itself, once all that it said was taken; it is dropped then."""
        process = self._process
        if process is None or self.events:
            return None
        if process.alive and not process.silent:
            return None
        if self._endingSince is None:
            self._endingSince = time.monotonic()
            process.closeInput()
            if not process.alive:
                process.killTree()  # a child of it could hold its pipes open
        if not process.wait(0) and time.monotonic() - self._endingSince < _END_SECONDS:
            return None
        ending = Ending(process.exitCode, self.ready, process.stderrTail())
        self.drop()
        return ending

    def close(self, seconds: float) -> None:
        """Let the worker end by itself for some seconds, then end it; nothing of any worker is left afterwards."""
        if self._process is not None:
            self._process.closeInput()
            self._process.wait(seconds)
            self.drop()
        for process in self._dying:
            process.wait(_END_SECONDS)
        self._dying.clear()
