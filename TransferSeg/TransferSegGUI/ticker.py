"""A Qt timer that runs only while there is something to wait for, and lets Python's threads run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SLOW_MS, EAGER_MS, FAST_MS = 20, 8, 5
# Slicer's event loop keeps Python's lock, so threads stand still until Python code of the main thread lets go of it.
_YIELD_SECONDS = {SLOW_MS: 0.001, EAGER_MS: 0.001, FAST_MS: 0.004}


class Ticker:
    """Calls ``tick`` on the main thread; without Qt (plain Python) it does nothing, and the owner calls it itself."""

    def __init__(self, tick: Callable[[], Any]) -> None:
        self._tick = tick
        self._timer: Any = None
        self._interval: int | None = None

    def keep(self, interval: int | None) -> None:
        """Tick each ``SLOW_MS``, ``EAGER_MS`` (a view waits) or ``FAST_MS`` (threads have work); None: not at all."""
        if interval == self._interval:
            return
        if self._timer is None:
            try:
                import qt
            except ImportError:
                return
            self._timer = qt.QTimer()
            self._timer.timeout.connect(self._onTimeout)
        self._interval = interval
        if interval is None:
            self._timer.stop()
        else:
            self._timer.setInterval(interval)
            self._timer.start()

    def close(self) -> None:
        """Stop for good; the connection would keep the owner alive."""
        self.keep(None)
        if self._timer is not None:
            self._timer.timeout.disconnect(self._onTimeout)
            self._timer = None

    def _onTimeout(self) -> None:
        time.sleep(_YIELD_SECONDS.get(self._interval, 0))
        self._tick()


def processEvents() -> None:
    """Let Slicer draw and react once; nothing in plain Python."""
    try:
        from slicer import app

        app.processEvents()
    except (ImportError, AttributeError):
        return
