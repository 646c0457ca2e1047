"""The runs that wait for one another."""

from __future__ import annotations

from collections.abc import Callable

from .runs import Run


class Queue:
    """One run at a time; others wait in the order in which they came."""

    def __init__(self, onChange: Callable[[], None]) -> None:
        self._onChange = onChange
        self._waiting: list[Run] = []
        self.running: Run | None = None

    def add(self, run: Run) -> None:
        """Start the run now, or after those that are there."""
        run.ended, run.after = self._ended, self._next
        self._waiting.append(run)
        self._next()

    def mute(self) -> None:
        """Tell nobody any more: those who would listen are going away."""
        for run in self._all():
            run.mute()

    def clear(self) -> None:
        """End all runs at once: nothing would answer them any more."""
        for run in self._all():
            run.endNow()

    def _all(self) -> list[Run]:
        """Those that wait first: none of them shall begin when the running one ends."""
        return [*self._waiting, *([self.running] if self.running else [])]

    def _next(self) -> None:
        if self.running is None and self._waiting:
            self.running = self._waiting.pop(0)
            self._onChange()
            self.running.begin()

    def _ended(self, run: Run) -> None:
        if run in self._waiting:
            self._waiting.remove(run)
        if self.running is run:
            self.running = None
        self._onChange()
