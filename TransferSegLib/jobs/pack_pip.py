"""Downloading wheels with pip for another computer: one call, its errors in one line, cancelled at once."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from ..errors import DependencyError, StorageError, TransferSegError
from ..events import Events
from ..packages.pip_words import last_error, pip_problem
from ..processes import kill_tree
from .pack_target import Target

_KEPT = "what was downloaded is kept"


class NoSuchWheel(TransferSegError):
    """The package index has no wheel that fits: which package, and the versions it does have."""

    code = "no-such-wheel"
    package = ""
    versions: tuple[str, ...] = ()


def download(
    requirements: Sequence[str], folder: Path, target: Target, *, index: str | None = None, events: Events
) -> None:
    """``pip download`` of exactly these (no dependencies) into ``folder``.

    Raises
    ------
    NoSuchWheel
        Nothing that fits is in the index.
    TransferSegError, StorageError, DependencyError
        No connection, no room on the disk, no pip.
    Cancelled
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--no-input", "--retries", "2", "--timeout", "30"]
    command += ["--python-version", target.python, "--implementation", "cp", "--dest", str(folder)]
    for tag in target.tags:
        command += ["--platform", tag]
    if index:
        command += ["--extra-index-url", index]
    code, text = _run([*command, *requirements], events)
    if code:
        raise _error(text, requirements, target)


def _run(command: list[str], events: Events) -> tuple[int, str]:
    """Exit code and output; the process is ended when the job is cancelled."""
    lines: list[str] = []
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    try:
        while process.poll() is None:
            events.check()
            time.sleep(0.05)
        reader.join()
        return process.returncode, "".join(lines)
    finally:
        if process.poll() is None:
            kill_tree(process.pid)
            process.wait()


def _error(text: str, requirements: Sequence[str], target: Target) -> TransferSegError:
    problem = pip_problem(text)
    if problem == "no-pip":
        return DependencyError(f"pack: {sys.executable} has no pip; install it with `python -m ensurepip`")
    if problem == "disk-full":
        return StorageError(f"pack: the disk is full; free some space and give the command again, {_KEPT}")
    if problem == "offline":
        return TransferSegError(
            "pack: the package index cannot be reached; connect this computer to the internet "
            f"(or name a mirror with --index) and give the command again, {_KEPT}"
        )
    if problem == "no-wheel":
        return _no_wheel(text, target)
    return TransferSegError(f"pack: pip could not download {' '.join(requirements)}: {last_error(text)}")


def _no_wheel(text: str, target: Target) -> NoSuchWheel:
    missing = re.search(r"No matching distribution found for ([\w.-]+)(\S*)", text, re.IGNORECASE)
    error = NoSuchWheel(
        f"pack: the package index has no wheel of {missing[1]}{missing[2]} for {target.system}, "
        f"Python {target.python}; choose another --python or --platform"
    )
    listed = re.search(r"\(from versions: ([^)]*)\)", text)
    error.package = missing[1]
    error.versions = tuple(part.strip() for part in listed[1].split(",")) if listed else ()
    return error
