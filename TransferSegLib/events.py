"""Progress, metrics and cancelling: the one channel between long work and whoever watches it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .errors import Cancelled


class Events:
    """Carries events out of a job and the wish to cancel or stop into it.

    Parameters
    ----------
    listener : callable, optional
        Called with one dict an event: ``{"event": "progress", "stage", "done", "total",
        "seconds_left"}``, ``{"event": "metric", ...}`` or ``{"event": "message", "text"}``.
        It runs in the thread that does the work. Without it events go nowhere.
    """

    def __init__(self, listener: Callable[[dict], object] | None = None) -> None:
        self._listener = listener
        self._cancel = threading.Event()
        self._stop = threading.Event()
        self._stage = ""
        self._stage_start = 0.0

    def progress(self, stage: str, done: int, total: int, seconds_left: float | None = None) -> None:
        """Report ``done`` of ``total`` units of ``stage``; raises ``Cancelled`` when asked to.

        ``seconds_left`` is estimated from the stage's own pace when it is not given.
        """
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._stage_start = stage, now
        if seconds_left is None and done > 0:
            seconds_left = (now - self._stage_start) / done * max(total - done, 0)
        left = None if seconds_left is None else round(float(seconds_left), 1)
        self._send({"event": "progress", "stage": stage, "done": int(done), "total": int(total), "seconds_left": left})
        self.check()

    def part(self, name: str) -> Events:
        """A channel for one of many items: its messages are prefixed with ``name``, its progress is dropped."""
        return self._sharing(lambda e: e["event"] == "message" and self.say(f"{name}: {e['text']}"))

    def silent(self) -> Events:
        """A channel that says nothing, for work whose progress and notes were given already; it can be cancelled."""
        return self._sharing(None)

    def noting(self, notes: list[str]) -> Events:
        """This channel, with what is said also collected in ``notes``."""

        def listen(event: dict) -> None:
            if event["event"] == "message":
                notes.append(event["text"])
            self._send(event)

        return self._sharing(listen)

    def metric(self, **values: float | int | str | None) -> None:
        """Report named values, for example ``metric(epoch=3, loss=0.4, validation_dice=0.6)``."""
        self._send({"event": "metric", **values})

    def say(self, text: str) -> None:
        """Report one sentence for the user (a fallback taken, a file ignored)."""
        self._send({"event": "message", "text": text})

    def cancel(self) -> None:
        """Ask the job to end without a result; safe from any thread."""
        self._cancel.set()

    def stop(self) -> None:
        """Ask a training to end early and keep the best so far; safe from any thread."""
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        """Whether cancelling was asked for."""
        return self._cancel.is_set()

    @property
    def stopping(self) -> bool:
        """Whether an early end was asked for."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raise ``Cancelled`` when cancelling was asked for."""
        if self._cancel.is_set():
            raise Cancelled()

    def _sharing(self, listener: Callable[[dict], object] | None) -> Events:
        """Another channel with the same wish to cancel or stop."""
        other = Events(listener)
        other._cancel, other._stop = self._cancel, self._stop
        return other

    def _send(self, event: dict) -> None:
        if self._listener is not None:
            self._listener(event)


def quiet(events: Events | None) -> Events:
    """The events given, or a silent channel."""
    return events if events is not None else Events()
