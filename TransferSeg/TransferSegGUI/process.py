"""The worker process: started with pipes, read and written by threads, ended with all its children."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from .executable import pythonExecutable, workerCommand, workerEnvironment
from .killing import familyOptions, killFamily

__all__ = ["WorkerProcess", "pythonExecutable"]

_STDERR_CHARACTERS = 20000
_BLOCK = 1 << 16
_NICENESS = 5


class WorkerProcess:
    """A child process that takes and gives JSON lines.

    Nothing here blocks the caller: pipes are read and written by threads, which only need the main thread to run
    some Python now and then (Slicer's own event loop does not let Python threads run).

    Parameters
    ----------
    command : sequence of str, optional
        What to start instead of the worker (tests).
    environment : mapping, optional
        Instead of this process's own.
    """

    def __init__(self, command: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._command = list(command) if command is not None else None
        self._environment = environment
        self._process: subprocess.Popen | None = None
        self._threads: list[threading.Thread] = []
        self._inbox: deque[dict[str, Any]] = deque()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stderr = ""
        self._outputEnded = threading.Event()

    def start(self) -> None:
        """Start it; ``OSError`` or ``DependencyError`` when there is no program to start."""
        options = familyOptions()
        if os.name == "nt":
            options["creationflags"] |= subprocess.BELOW_NORMAL_PRIORITY_CLASS
        self._process = subprocess.Popen(
            self._command or workerCommand(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=workerEnvironment(self._environment),
            **options,
        )
        self._giveWay()
        for work, pipe in (
            (self._readEvents, self._process.stdout),
            (self._readErrors, self._process.stderr),
            (self._writeRequests, self._process.stdin),
        ):
            thread = threading.Thread(target=work, args=(pipe,), name=f"TransferSeg {work.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; lost without a word when the process is gone, which ``alive`` tells."""
        self._outbox.put((json.dumps(message, allow_nan=False) + "\n").encode("ascii"))

    def poll(self) -> list[dict[str, Any]]:
        """The messages that came in since the last call."""
        messages = []
        while self._inbox:
            messages.append(self._inbox.popleft())
        return messages

    @property
    def pid(self) -> int | None:
        """The process's number: in Slicer the launcher's, whose child does the work."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def silent(self) -> bool:
        """Whether no more messages can come: the process closed its output, and all of it was read."""
        return self._outputEnded.is_set() and not self._inbox

    @property
    def exitCode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll() if self._process else None

    def closeInput(self) -> None:
        """End its input: it cancels what it does and ends by itself soon."""
        self._outbox.put(None)

    def killTree(self) -> None:
        """End it and all that it started, at once."""
        if self._process is None:
            return
        self._outbox.put(None)
        killFamily(self._process)

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended and its pipes are read; whether that happened in time."""
        end = time.monotonic() + seconds
        while self.alive or any(thread.is_alive() for thread in self._threads):
            if time.monotonic() >= end:
                return False
            time.sleep(0.005)
        return True

    def stderrTail(self) -> str:
        """The last of what it wrote to stderr."""
        return self._stderr

    def _giveWay(self) -> None:
        """Slicer's own drawing comes first; where nothing else wants the processor this costs nothing."""
        if hasattr(os, "setpriority"):
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)

    def _readEvents(self, pipe: IO[bytes]) -> None:
        with suppress(OSError, ValueError), pipe:
            for line in pipe:
                try:
                    message = json.loads(line)
                except ValueError:
                    message = None
                if isinstance(message, dict):
                    self._inbox.append(message)
                else:
                    self._noteError(line)
        self._outputEnded.set()

    def _readErrors(self, pipe: IO[bytes]) -> None:
        with suppress(OSError, ValueError), pipe:
            while block := pipe.read1(_BLOCK):
                self._noteError(block)

    def _noteError(self, data: bytes) -> None:
        self._stderr = (self._stderr + data.decode("utf-8", "replace"))[-_STDERR_CHARACTERS:]

    def _writeRequests(self, pipe: IO[bytes]) -> None:
        with suppress(OSError, ValueError), pipe:
            while (line := self._outbox.get()) is not None:
                pipe.write(line)
                pipe.flush()
