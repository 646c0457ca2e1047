"""The worker's two pipes: JSON lines that nobody else in the process can read or write."""

from __future__ import annotations

import json
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

# No request is longer: what is, is not ours.
LONGEST_LINE = 8 << 20


class Channel:
    """Requests in, events out.

    Parameters
    ----------
    source, target : int
        File descriptors to read and write.
    """

    def __init__(self, source: int, target: int) -> None:
        self._source = os.fdopen(source, "rb")
        self._target = target
        self._lock = threading.Lock()
        self._held: list[bytes] | None = []
        self.broken = threading.Event()

    @staticmethod
    def take_standard() -> Channel:
        """Take stdin and stdout away from the rest of the process.

        What native libraries and prints write to descriptor 1 goes to stderr then, and a child process inherits
        neither pipe: it could swallow requests, or keep the parent waiting for the end of the events.
        """
        sys.stdout.flush()
        source, target = os.dup(0), os.dup(1)
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        try:
            os.dup2(2, 1)
        except OSError:  # started without a stderr
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
        os.close(nowhere)
        return Channel(source, target)

    def lines(self) -> Iterator[bytes]:
        """Lines until the end of the input; of one that is too long, its head."""
        while line := self._source.readline(LONGEST_LINE):
            if line.endswith(b"\n") or len(line) < LONGEST_LINE:
                yield line
                continue
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = self._source.readline(LONGEST_LINE)
            yield line[:40]

    def open(self, event: Mapping[str, Any]) -> None:
        """Write the first event; all others wait for it."""
        with self._lock:
            held, self._held = self._held or [], None
            for line in (_line(event), *held):
                self._write(line)

    def send(self, event: Mapping[str, Any], *, unless: Callable[[], bool] = lambda: False) -> None:
        """Write one event whole, from any thread; not when ``unless`` says so once it is our turn."""
        line = _line(event)
        with self._lock:
            if unless():
                return
            if self._held is not None:
                self._held.append(line)
            else:
                self._write(line)

    def _write(self, line: bytes) -> None:
        data = memoryview(line)
        try:
            while data and not self.broken.is_set():
                data = data[os.write(self._target, data) :]
        except OSError:  # the parent is gone
            self.broken.set()


def _line(event: Mapping[str, Any]) -> bytes:
    return (json.dumps(plain(event), allow_nan=False, separators=(",", ":")) + "\n").encode("ascii")


def plain(value: Any) -> Any:
    """The value in JSON's own types; numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return plain(value.tolist())
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return str(value)
