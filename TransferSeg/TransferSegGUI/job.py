"""One request to the worker, from asking to its end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import WorkerClient

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"


class Job:
    """A request; everything of it is read and called on the main thread.

    Attributes
    ----------
    id : int
    verb : str
    state : {"queued", "running", "done", "failed", "cancelled"}
    result : object
        The worker's value once it is done.
    error : TransferSegError or None
        Why it failed or was cancelled; has ``code``, ``message``, ``hint`` and ``details``.
    progress : dict
        The last ``{stage, done, total, seconds_left}``.
    memory : dict
        The last ``{used_gb, total_gb}``.
    messages : list of str
        What the worker said.
    """

    def __init__(
        self,
        client: WorkerClient,
        number: int,
        verb: str,
        args: dict[str, Any],
        onEvent: Callable[[Job, dict], None] | None = None,
        onDone: Callable[[Job], None] | None = None,
    ) -> None:
        self.id, self.verb, self.args = number, verb, args
        self.state = QUEUED
        self.result: Any = None
        self.error: Any = None
        self.progress: dict[str, Any] = {}
        self.memory: dict[str, float] = {}
        self.messages: list[str] = []
        self.killAt: float | None = None
        self.killed = False
        self._begun = False
        self._timesSent = 0
        self._client, self._onEvent, self._onDone = client, onEvent, onDone

    @property
    def finished(self) -> bool:
        """Whether it ended, well or not."""
        return self.state not in (QUEUED, RUNNING)

    def cancel(self) -> None:
        """End it without a result, within a second; nothing happens when it is finished."""
        self._client.cancel(self)

    def stop(self) -> None:
        """End a training early and keep the best so far; one that has not begun is cancelled."""
        self._client.stop(self)

    def send(self) -> dict[str, Any]:
        """Let it run; returns the line that asks the worker for it."""
        self.state = RUNNING
        self._timesSent += 1
        return {"id": self.id, "verb": self.verb, "args": self.args}

    def mayRestart(self) -> bool:
        """Back to waiting, once, when the worker died before it had begun; whether that is so."""
        if self._begun or self._timesSent > 1:
            return False
        self.state = QUEUED
        return True

    def take(self, event: dict[str, Any]) -> Callable[[], None] | None:
        """Note an event that does not end it; returns the call that tells the asker, if any."""
        kind = event.get("event")
        self._begun = True
        if kind == "progress":
            self.progress = {key: event.get(key) for key in ("stage", "done", "total", "seconds_left")}
        elif kind == "memory":
            self.memory = {key: event.get(key) for key in ("used_gb", "total_gb")}
        elif kind == "message":
            self.messages.append(str(event.get("text", "")))
        asker = self._onEvent
        return None if asker is None else lambda: asker(self, event)

    def end(self, state: str, *, result: Any = None, error: Any = None) -> Callable[[], None] | None:
        """Finish it; returns the call that tells the asker, if any. Only the first end counts."""
        if self.finished:
            return None
        self.state, self.result, self.error = state, result, error
        asker = self._onDone
        self._onEvent = self._onDone = None
        return None if asker is None else lambda: asker(self)


def callAsker(callback: Callable[[], Any] | None) -> None:
    """Call an asker; what goes wrong there is its own affair."""
    try:
        if callback is not None:
            callback()
    except Exception:
        logging.exception("TransferSeg: an error in a callback")
