"""A worker as Slicer starts it: a process with three pipes, and what it answered."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENDS = ("result", "error")


class Worker:
    """``transferseg worker``; ``code`` runs before it in the same process, ``env`` adds variables."""

    def __init__(self, *, code: str = "", env: dict[str, str] | None = None) -> None:
        start = f"{code}\nfrom TransferSegLib.cli.main import main\nraise SystemExit(main(['worker']))"
        self.process = subprocess.Popen(
            [sys.executable, "-c", start] if code else [sys.executable, "-m", "TransferSegLib", "worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
        )
        self.events: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.errors = b""
        self._fresh: queue.Queue = queue.Queue()
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def write(self, line: bytes) -> None:
        """Send a line as it is."""
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def ask(self, verb: str, **args: Any) -> int:
        """Send a request; its id. The argument ``from`` is given as ``from_``."""
        self._number += 1
        given = {name.rstrip("_"): str(value) if isinstance(value, Path) else value for name, value in args.items()}
        self.write(json.dumps({"id": self._number, "verb": verb, "args": given}).encode())
        return self._number

    def control(self, name: int, verb: str) -> None:
        """``cancel`` or ``stop``."""
        self.write(json.dumps({"id": name, "verb": verb}).encode())

    def wait(self, name: int | None, *kinds: str, seconds: float = 300, **fields: Any) -> dict[str, Any]:
        """The next event of this request that is of these kinds (default: its answer) and has these fields."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                event = self._fresh.get(timeout=max(end - time.monotonic(), 0.01))
            except queue.Empty:
                break
            if event is None:
                raise AssertionError(f"the worker ended ({self.process.poll()}): {self.errors.decode()[-2000:]}")
            if event["id"] == name and event["event"] in (kinds or ENDS) and fields.items() <= event.items():
                return event
        raise AssertionError(f"no {kinds or ENDS} of {name} within {seconds} s: {self.events[-5:]}")

    def result(self, name: int, *, seconds: float = 300) -> Any:
        """The value of a request that ends well."""
        event = self.wait(name, seconds=seconds)
        assert event["event"] == "result", event
        return event["value"]

    def do(self, verb: str, **args: Any) -> Any:
        """Ask and wait for the value."""
        return self.result(self.ask(verb, **args))

    def of(self, name: int | None) -> list[dict[str, Any]]:
        """All events of a request so far."""
        return [event for event in self.events if event["id"] == name]

    def close(self) -> float:
        """End stdin; the seconds until the process is gone."""
        start = time.monotonic()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(30)
        return time.monotonic() - start

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(30)

    def _read(self) -> None:
        for line in self.process.stdout:
            self.raw.append(line)
            event = json.loads(line)
            self.events.append(event)
            self._fresh.put(event)
        self._fresh.put(None)

    def _read_errors(self) -> None:
        for line in self.process.stderr:
            self.errors += line
