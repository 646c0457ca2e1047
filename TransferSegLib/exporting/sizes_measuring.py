"""Time and peak memory of a piece of work in this process, once it is warm."""

from __future__ import annotations

import ctypes
import gc
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MB = 1e6
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Needed:
    """What a piece of work needed: median ``seconds``, and ``peak_mb`` (10^6 bytes; None where nothing tells it)."""

    seconds: float
    peak_mb: float | None


def needed(
    run: Callable[[], object],
    *,
    repeats: int,
    floor: Held | None,
    gpu: str = "",
    say: Callable[[int, int], None] = lambda done, total: None,
) -> Needed:
    """Run once to warm up, then ``repeats`` times; the median of these, and the peak over all of them.

    Parameters
    ----------
    floor : Held or None
        What the process held before (`held_at_rest`): the peak counts from there.
    gpu : str
        A device of torch (``cuda:0``), whose memory is looked at instead of the process's.
    say : callable
        Told how many runs are done, of how many.
    """
    peak = _Gpu(gpu) if gpu else _Resident(floor)
    seconds = []
    with peak:
        for turn in range(repeats + 1):
            say(turn, repeats + 1)
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
    say(repeats + 1, repeats + 1)
    return Needed(statistics.median(seconds[1:]), None if peak.bytes is None else peak.bytes / MB)


@dataclass(frozen=True)
class Held:
    """Bytes that a process holds: ``resident``, and of these ``anonymous`` ones (None but on Linux)."""

    resident: int
    anonymous: int | None = None

    def above(self, floor: Held) -> int:
        """Bytes above ``floor``.

        The system may take file pages (of libraries) back at any time, which lowers what is resident and hides as much
        of what was added; the anonymous ones tell that.
        """
        more = [self.resident - floor.resident]
        if self.anonymous is not None and floor.anonymous is not None:
            more.append(self.anonymous - floor.anonymous)
        return max(*more, 0)


def held() -> Held | None:
    """What this process holds now; None where nothing tells it."""
    found = _status("VmRSS", "RssAnon")
    if found["VmRSS"]:
        return Held(found["VmRSS"], found["RssAnon"])
    try:
        import psutil
    except ImportError:
        return None
    return Held(psutil.Process().memory_info().rss)


def held_at_rest() -> Held | None:
    """`held` once garbage is collected and, with glibc, freed memory is handed back: what runs next would reuse it."""
    gc.collect()
    with suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
    return held()


class _Resident:
    """The most that this process holds in a block: sampled every 5 ms, on Linux also as the kernel keeps it."""

    def __init__(self, floor: Held | None) -> None:
        self._floor = floor

    def __enter__(self) -> _Resident:
        self._peak, self._end, self._thread = held(), threading.Event(), None
        self._kept = _forget_peak()
        if self._peak is not None:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        if self._kept:
            self._take(Held(_status("VmHWM")["VmHWM"] or 0, self._peak.anonymous))

    @property
    def bytes(self) -> int | None:
        """Bytes above the floor."""
        return None if self._peak is None or self._floor is None else self._peak.above(self._floor)

    def _watch(self) -> None:
        while not self._end.wait(0.005):
            self._take(held())

    def _take(self, now: Held) -> None:
        anonymous = None if now.anonymous is None else max(now.anonymous, self._peak.anonymous or 0)
        self._peak = Held(max(now.resident, self._peak.resident), anonymous)


class _Gpu:
    """The largest memory that torch took of a GPU in a block, above what it had."""

    def __init__(self, device: str) -> None:
        self._device = device

    def __enter__(self) -> _Gpu:
        import torch

        self._floor, self.bytes = torch.cuda.memory_allocated(self._device), None
        torch.cuda.reset_peak_memory_stats(self._device)
        return self

    def __exit__(self, *_: object) -> None:
        import torch

        self.bytes = torch.cuda.max_memory_allocated(self._device) - self._floor


def _forget_peak() -> bool:
    """Let Linux begin its largest resident size anew; False where it cannot."""
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return False
    return _status("VmHWM")["VmHWM"] is not None


def _status(*names: str) -> dict[str, int | None]:
    """Bytes of lines of /proc/self/status."""
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    told = {line.partition(":")[0]: line.split() for line in lines}
    return {name: int(told[name][1]) * 1024 if name in told else None for name in names}
