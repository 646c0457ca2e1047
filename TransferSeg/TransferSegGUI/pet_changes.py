"""Changes to a result one after another: while one is measured the newest threshold waits, and no move is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .signals import Signal


class Changes:
    """A queue of measurements; ``launch(callback)`` starts one and returns its run."""

    def __init__(self) -> None:
        self.done = Signal()
        """Emitted without values when a change is in the scene."""
        self.failed = Signal()
        """Emitted with an error."""
        self._waiting: list[tuple[str, Callable[[Any], Any]]] = []
        self._run: Any = None
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether something is being measured, or waits for that."""
        return self._busy or bool(self._waiting)

    def ask(self, kind: str, launch: Callable[[Any], Any]) -> None:
        """Make a change soon; one of the same ``kind`` (not empty) that still waits is dropped for it."""
        self._waiting = [entry for entry in self._waiting if not kind or entry[0] != kind]
        self._waiting.append((kind, launch))
        self._next()

    def clear(self) -> None:
        """Forget what waits, and end what goes on."""
        self._waiting.clear()
        run, self._run = self._run, None
        if run is not None and not run.finished:
            run.cancel()

    def _next(self) -> None:
        if self._busy or not self._waiting:
            return
        self._busy = True
        _kind, launch = self._waiting.pop(0)
        try:
            run = launch(self._onDone)
        except Exception as error:  # whatever it is, the panel says it in one line and stays usable
            self._onDone(None, error)
            return
        self._run = run if self._busy else None

    def _onDone(self, _result: Any, error: Any) -> None:
        self._busy, self._run = False, None
        if error is None:
            self.done.emit()
        elif getattr(error, "code", "") != "cancelled":
            self.failed.emit(error)
        self._next()
