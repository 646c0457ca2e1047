"""A program that runs beside Slicer (pip, doctor, making phantoms): Slicer goes on reacting while it works."""

from __future__ import annotations

import atexit
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .closing import Closing
from .executable import workerEnvironment
from .killing import familyOptions, killFamily
from .removing import removeWhole
from .ticker import processEvents

_TICK_MS = 50
_END_SECONDS = 2.0


class ConsoleRun:
    """A program with its output in a file: no pipe that could fill, no thread that Slicer would hold up.

    Parameters
    ----------
    command : sequence of str
    onLine : callable, optional
        Called on the main thread with each line of output (stdout and stderr together).
    environment : dict, optional
        Variables to add.
    """

    def __init__(
        self,
        command: Sequence[str],
        onLine: Callable[[str], None] | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        handle, name = tempfile.mkstemp(prefix="transferseg-", suffix=".log")
        self._file = Path(name)
        self._onLine, self._rest, self._done = onLine, "", False
        self._timer = None
        self.cancelled = False
        self.lines: list[str] = []
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                env=workerEnvironment() | (environment or {}),
                **familyOptions(),
            )
        except OSError:
            self._file.unlink()
            raise
        finally:
            os.close(handle)
        self._reader = self._file.open(encoding="utf-8", errors="replace", newline=None)
        _running.add(self)

    @property
    def text(self) -> str:
        """All output so far."""
        return "\n".join(self.lines)

    @property
    def code(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.poll()

    @property
    def finished(self) -> bool:
        """Whether it ended and its output was read."""
        return self._done

    def poll(self) -> bool:
        """Read what is new; whether it has ended."""
        if self._done:
            return True
        ended = self._process.poll() is not None
        self._rest += self._reader.read()
        *whole, self._rest = self._rest.split("\n")
        if ended and self._rest:
            whole, self._rest = [*whole, self._rest], ""
        for line in whole:
            self.lines.append(line)
            if self._onLine is not None:
                self._onLine(line)
        if ended:
            self._close()
        return ended

    def wait(self) -> int:
        """Wait for its end while Slicer goes on reacting; the exit code. It is ended when Slicer is closed."""
        closing = Closing()
        while not self.poll():
            if closing.begun:
                self.end()
            processEvents()
            time.sleep(0.02)
        return 1 if self.code is None else self.code

    def follow(self, onDone: Callable[[ConsoleRun], None]) -> None:
        """Return at once; ``onDone(self)`` is called on the main thread when it has ended."""
        import qt

        def tick() -> None:
            if self._timer is not None and self.poll():
                self._stopFollowing()
                onDone(self)

        self._timer = qt.QTimer()
        self._timer.setInterval(_TICK_MS)
        self._timer.connect("timeout()", tick)
        self._timer.start()

    def cancel(self) -> None:
        """End it and what it started."""
        if self._process.poll() is None:
            self.cancelled = True
            killFamily(self._process)

    def end(self) -> None:
        """End it for good: whoever follows it is not told any more, and its output is gone."""
        if not self._done:
            self.cancel()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
            self._stopFollowing()
            self._close()

    def _stopFollowing(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _close(self) -> None:
        self._done = True
        _running.discard(self)
        self._reader.close()
        removeWhole(self._file)


def runConsole(
    command: Sequence[str], onLine: Callable[[str], None] | None = None, environment: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run a program to its end while Slicer goes on reacting: exit code and output."""
    run = ConsoleRun(command, onLine, environment)
    return run.wait(), run.text


def endAll() -> None:
    """End all programs: Slicer closes."""
    for run in list(_running):
        run.end()


_running: set[ConsoleRun] = set()
atexit.register(endAll)
