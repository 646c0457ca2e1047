"""Child processes that end whole: each leads a family of its own, and goes with all of it."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Any

WINDOWS = os.name == "nt"


def familyOptions() -> dict[str, Any]:
    """What ``subprocess.Popen`` needs so that ``killFamily`` finds all that the process starts."""
    if WINDOWS:
        return {"creationflags": _flag("CREATE_NO_WINDOW") | _flag("CREATE_NEW_PROCESS_GROUP")}
    return {"start_new_session": True}


def killFamily(process: subprocess.Popen) -> None:
    """End a process and all that it started; on Windows that takes a moment, which is not waited for.

    The process alone would not do: in Slicer it is the launcher, whose child does the work.
    """
    if WINDOWS:
        command = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            subprocess.Popen(command, creationflags=_flag("CREATE_NO_WINDOW"), **quiet)
        except OSError:
            with suppress(OSError):
                process.kill()
        return
    # The group outlives its leader as long as a child of it lives.
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _flag(name: str) -> int:
    """A flag that ``subprocess`` has on Windows only."""
    return getattr(subprocess, name, 0)
