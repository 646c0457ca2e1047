"""models measure: parameters, operations, time and peak memory of a model on this machine, kept in its card."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from .. import errors
from ..errors import OutOfMemory, TransferSegError, UsageError
from ..events import Events, quiet
from ..packages import Package, SizeRecord, find_package, store_size
from ..processes import kill_tree
from ..storage import scratch_folder

REPEATS = 3
_ROOT = Path(__file__).resolve().parents[2]


def models_measure(
    name: str | Path, *, device: str = "auto", repeats: int = REPEATS, events: Events | None = None
) -> dict[str, Any]:
    """Measure a model on its standard case (`exporting.sizes_case`) in a process of its own, and keep what was found.

    From the prepared case in memory to labels, by the functions that `segment` (or `l3`) uses, in the precision that
    they choose, once to warm up and then ``repeats`` times.

    Returns
    -------
    dict
        ``name, path`` (the file that holds it now) and ``size`` (`SizeRecord` as JSON).

    Raises
    ------
    UsageError
        No such model, no standard case for its roles, fewer than one repeat.
    DeviceError
        No such device.
    OutOfMemory, TransferSegError
        The process ended without an answer.
    """
    if repeats < 1:
        raise UsageError(f"--repeats {repeats}: give 1 or more")
    package = find_package(name, "NAME")
    record = SizeRecord(**_measured(package, device, repeats, quiet(events)))
    return {"name": package.card.name, "path": str(store_size(package, record)), "size": asdict(record)}


def _measured(package: Package, device: str, repeats: int, events: Events) -> dict[str, Any]:
    """The record that a process of its own found."""
    with scratch_folder("measuring") as folder:
        out, said = folder / "answer.json", folder / "stderr.txt"
        module = "TransferSegLib.jobs.models_measuring"
        command = [sys.executable, "-m", module, str(package.folder.resolve()), device, str(repeats), str(out)]
        with said.open("wb") as stderr:
            code = _run(command, stderr, events)
        answer = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
        last = said.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
    if "record" in answer:
        return answer["record"]
    if "error" in answer:
        kind = getattr(errors, answer["error"]["kind"], TransferSegError)
        raise kind(answer["error"]["message"])
    if code in (-9, 137):
        raise OutOfMemory(f"{package.card.name}: measuring was ended by the system, memory ran out; close programs")
    raise TransferSegError(f"{package.card.name}: measuring ended with code {code} ({last}); try again")


def _run(command: list[str], stderr: IO[bytes], events: Events) -> int:
    """Run to the end and tell its progress; a cancel ends the process and all that it started."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    told: list[list[int]] = []
    reader = threading.Thread(target=_listen, args=(process.stdout, told), daemon=True)
    reader.start()
    try:
        while process.poll() is None:
            events.check()
            while told:
                events.progress("measuring", *told.pop(0))
            threading.Event().wait(0.05)
    finally:
        if process.poll() is None:
            kill_tree(process.pid)
        process.wait()
        reader.join()
        process.stdout.close()
    return process.returncode


def _listen(stdout: IO[str], told: list[list[int]]) -> None:
    """Note the lines ``[done, total]``."""
    for line in stdout:
        try:
            told.append([int(n) for n in json.loads(line)])
        except (ValueError, TypeError):  # somebody else's words on stdout
            continue
