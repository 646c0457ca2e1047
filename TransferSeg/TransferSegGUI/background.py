"""Work in threads, its results on the main thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any


class Background:
    """Runs functions in threads of their own; what they gave is fetched by the main thread.

    The functions may use files and numpy, and nothing of MRML, VTK or Qt.
    """

    def __init__(self) -> None:
        self._threads: set[threading.Thread] = set()
        self._results: deque[tuple[threading.Thread, Callable[[], Any]]] = deque()

    @property
    def pending(self) -> bool:
        """Whether a result is still to be fetched."""
        return bool(self._threads)

    def run(self, function: Callable[[], Any], onDone: Callable[[Any, Any], Any]) -> None:
        """Start ``function``; ``fetch`` gives ``onDone`` with its value or its error."""

        def work() -> None:
            value = failure = None
            try:
                value = function()
            except BaseException as error:
                failure = error
            self._results.append((thread, lambda: onDone(value, failure)))

        thread = threading.Thread(target=work, name="TransferSeg background", daemon=True)
        self._threads.add(thread)
        thread.start()

    def fetch(self) -> Callable[[], Any] | None:
        """What tells the next asker its result, or None."""
        if not self._results:
            return None
        thread, tell = self._results.popleft()
        self._threads.discard(thread)
        return tell

    def abandon(self, seconds: float) -> None:
        """Wait that long for what still runs (it may hold files open), and forget all results."""
        end = time.monotonic() + seconds
        while any(thread.is_alive() for thread in self._threads) and time.monotonic() < end:
            time.sleep(0.005)
        self._threads.clear()
        self._results.clear()
