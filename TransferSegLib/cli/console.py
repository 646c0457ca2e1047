"""Progress on a terminal: one line that is rewritten, on stderr."""

from __future__ import annotations

import shutil
import sys
import time

from ..events import Events

BAR = 24


class Console:
    """Shows events on stderr; on a terminal as a bar, else as a line every few seconds."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._open = False
        self._last = 0.0
        self._stage = ""

    def events(self) -> Events:
        """The channel to hand to a job."""
        return Events(None if self._quiet else self._show)

    def close(self) -> None:
        """End the line that is being rewritten."""
        if self._open:
            print(file=sys.stderr, flush=True)
        self._open = False

    def _show(self, event: dict) -> None:
        if event["event"] == "progress":
            self._progress(event)
        elif event["event"] == "metric":
            self.close()
            parts = [
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                for key, value in event.items()
                if key != "event" and value is not None
            ]
            print("  " + "  ".join(parts), file=sys.stderr, flush=True)
        else:
            self.close()
            print(f"note: {event.get('text', '')}", file=sys.stderr, flush=True)

    def _progress(self, event: dict) -> None:
        now, ended = time.monotonic(), event["done"] >= event["total"]
        same = event["stage"] == self._stage
        if same and not ended and now - self._last < (0.1 if self._live else 10):
            return
        if not same:
            self.close()
        self._stage, self._last = event["stage"], now
        left = event["seconds_left"]
        remaining = "" if left is None or ended else f", {_duration(left)} left"
        text = f"{event['stage']}: {event['done']}/{event['total']}{remaining}"
        if not self._live:
            print(text, file=sys.stderr, flush=True)
            return
        filled = round(BAR * event["done"] / max(event["total"], 1))
        line = f"[{'#' * filled}{'.' * (BAR - filled)}] {text}"
        width = shutil.get_terminal_size().columns - 1
        print("\r" + line[:width].ljust(width), end="", file=sys.stderr, flush=True)
        self._open = True


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
