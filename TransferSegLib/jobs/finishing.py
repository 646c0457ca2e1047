"""Where every training that writes a package begins and ends: its run, the package, the result, the catalogue."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..events import Events
from ..packages import Card, register, write_package
from ..training import Run


def begun_run(folder: str | Path, request: dict[str, Any], events: Events) -> Run:
    """The run of a request; that it goes on with one that was interrupted is said."""
    run = Run(folder, request)
    if run.resumed:
        events.say(f"going on with the interrupted run in {run.folder}")
    return run


def finished_run(
    run: Run,
    out: Path,
    card: Card,
    state: Mapping[str, Any],
    result: dict[str, Any],
    *,
    started: float,
    listed: bool,
) -> dict[str, Any]:
    """Write the package, end the run, list the model.

    ``started`` is the monotonic time at which the verb began; the result comes back with ``package, run, seconds``.
    """
    made = write_package(out, card, state)
    seconds = round(time.monotonic() - started, 1)
    result = {"package": str(made.folder), **result, "run": str(run.folder), "seconds": seconds}
    run.finish(result=result)
    if listed:
        register(made)
    return result
