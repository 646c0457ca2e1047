"""Frames a second and latency of live mode, over the last seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from statistics import median

SECONDS = 3.0


class LiveRate:
    """Counts frames that were shown; ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown: deque[tuple[float, float]] = deque()
        self.frames = 0

    def add(self, asked: float) -> None:
        """A frame is on the screen that was asked for at ``asked`` (of the clock)."""
        now = self._clock()
        self.frames += 1
        self._shown.append((now, now - asked))
        self._forget(now)

    @property
    def perSecond(self) -> float:
        """Frames a second: of those of the last seconds, from the first of them to the last."""
        self._forget(self._clock())
        if len(self._shown) < 2:
            return float(len(self._shown))
        return (len(self._shown) - 1) / max(self._shown[-1][0] - self._shown[0][0], 1e-3)

    @property
    def latencyMs(self) -> float:
        """Median milliseconds from asking to showing; 0 where nothing was shown lately."""
        return 1000 * median(late for _at, late in self._shown) if self._shown else 0.0

    def _forget(self, now: float) -> None:
        while len(self._shown) > 1 and now - self._shown[0][0] > SECONDS:
            self._shown.popleft()
