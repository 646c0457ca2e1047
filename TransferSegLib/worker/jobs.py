"""One request on its way: its events, its wish to end, and its one final answer."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import Cancelled, UsageError, explain
from ..events import Events
from .channel import Channel

DROPPED = {"dropped": True}


@dataclass(frozen=True)
class Newest:
    """Work of which only the newest request counts: one that still waits when the next of its ``key`` comes is dropped.

    Its result is then ``{"dropped": true}``.
    """

    key: str
    work: Callable[[Events], Any]

    def __call__(self, events: Events) -> Any:
        """Do it."""
        return self.work(events)


class Job:
    """A request that was understood.

    Parameters
    ----------
    id : int or str
        As the parent named it.
    work : callable
        From an ``Events`` to the value of the ``result`` event.
    """

    def __init__(self, id: int | str, verb: str, work: Callable[[Events], Any], channel: Channel) -> None:
        self.id, self.verb = id, verb
        self._work, self._channel = work, channel
        self.key = work.key if isinstance(work, Newest) else None
        self._answered = False
        self.events = Events(self.send)

    def send(self, event: dict[str, Any]) -> None:
        """An event of this request; dropped after its answer."""
        self._channel.send({"id": self.id, **event}, unless=lambda: self._answered)
        if self._channel.broken.is_set():  # nobody is there to take the result
            self.events.cancel()

    def run(self) -> None:
        """Do the work and answer, whatever happens."""
        try:
            self.events.check()
            self.send({"event": "started", "verb": self.verb})
            self.answer({"event": "result", "value": self._work(self.events)})
        except BaseException as error:
            self.answer(error_event(error))

    def cancelled(self) -> None:
        """Answer a request that never started."""
        self.answer(error_event(Cancelled()))

    def dropped(self) -> None:
        """Answer a request that a newer one took the place of."""
        self.answer({"event": "result", "value": DROPPED})

    def answer(self, event: dict[str, Any]) -> None:
        """Send the final event; only the first counts."""

        def too_late() -> bool:
            late, self._answered = self._answered, True
            return late

        self._channel.send({"id": self.id, **event}, unless=too_late)


def error_event(error: BaseException) -> dict[str, Any]:
    """The ``error`` event of an exception; ``details`` is for those who want the traceback."""
    told = explain(error)
    details = "" if isinstance(error, (Cancelled, UsageError)) else "".join(traceback.format_exception(error))
    return {"event": "error", "code": told.code, "message": told.message, "hint": told.hint, "details": details}
