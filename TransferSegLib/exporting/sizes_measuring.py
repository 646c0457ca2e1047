"""Time and peak memory of a piece of work in this process, once it is warm."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
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
    floor: int | None,
    gpu: str = "",
    say: Callable[[int, int], None] = lambda done, total: None,
) -> Needed:
    """Run once to warm up, then ``repeats`` times; the median of these, and the peak over all of them.

    Parameters
    ----------
    floor : int or None
        Bytes that the process held before (`resident`): the peak counts from there.
    gpu : str
        A device of torch (``cuda:0``), whose memory is looked at instead of the process's.
    say : callable
        Told how many runs are done, of how many.
    """
    peak = _Gpu(gpu) if gpu else _Resident()
    seconds = []
    with peak:
        for turn in range(repeats + 1):
            say(turn, repeats + 1)
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
    say(repeats + 1, repeats + 1)
    floor = peak.floor if gpu else floor
    highest = None if peak.highest is None or floor is None else max(peak.highest - floor, 0) / MB
    return Needed(statistics.median(seconds[1:]), highest)


def resident() -> int | None:
    """Bytes of memory that this process holds; None where nothing tells it."""
    held = _status("VmRSS")
    if held is not None:
        return held
    try:
        import psutil
    except ImportError:
        return None
    return psutil.Process().memory_info().rss


class _Resident:
    """The largest resident memory of this process in a block: Linux keeps it, elsewhere it is sampled every 5 ms."""

    def __enter__(self) -> _Resident:
        self.highest, self._end, self._thread = None, threading.Event(), None
        self._kept = _forget_peak()
        if not self._kept and resident() is not None:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        if self._kept:
            self.highest = _status("VmHWM")

    def _watch(self) -> None:
        while True:
            self.highest = max(self.highest or 0, resident() or 0)
            if self._end.wait(0.005):
                return


class _Gpu:
    """The largest memory that torch took of a GPU in a block, above what it had."""

    def __init__(self, device: str) -> None:
        self._device = device

    def __enter__(self) -> _Gpu:
        import torch

        self.floor, self.highest = torch.cuda.memory_allocated(self._device), None
        torch.cuda.reset_peak_memory_stats(self._device)
        return self

    def __exit__(self, *_: object) -> None:
        import torch

        self.highest = torch.cuda.max_memory_allocated(self._device)


def _forget_peak() -> bool:
    """Let Linux begin its largest resident size anew; False where it cannot."""
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return False
    return _status("VmHWM") is not None


def _status(name: str) -> int | None:
    """Bytes of a line of /proc/self/status."""
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith(f"{name}:")), None)
    return None if found is None else int(found.split()[1]) * 1024
