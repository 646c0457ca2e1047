"""Processes of this machine: whether one lives, what a family of them holds, ending it whole; the machine itself."""

from __future__ import annotations

import os
import platform
import subprocess
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

GB = 1e9


def mark() -> str:
    """Names this process on this machine (``HOST-PID``), for what it leaves on a disk that others share."""
    return f"{_host()}-{os.getpid()}"


def is_abandoned(text: str) -> bool:
    """Whether ``text`` is the ``mark`` of a process of this machine that is gone; others are left alone."""
    host, _, pid = text.partition("-")
    return host == _host() and pid.isdigit() and not is_alive(int(pid))


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        import psutil

        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except ImportError:
        pass
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
    if os.name == "nt":  # os.kill(pid, 0) would end it there
        found = subprocess.run(["tasklist", "/FI", f"PID eq {pid}", "/NH"], capture_output=True, text=True)
        return str(pid) in found.stdout
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def kill_tree(pid: int, *, itself: bool = True) -> None:
    """End a process and all that it started, at once; without psutil, only the process itself."""
    try:
        import psutil
    except ImportError:
        if itself:
            _kill(pid)
        return
    for process in _family(pid):
        if itself or process.pid != pid:
            try:
                process.kill()
            except psutil.Error:
                continue


def memory_gb(pid: int) -> tuple[float, float] | None:
    """(held by the process and all that it started, of the machine) in GB; None where psutil is missing."""
    try:
        import psutil
    except ImportError:
        return None
    used = 0
    for process in _family(pid):
        try:
            used += process.memory_info().rss
        except psutil.Error:
            continue
    return used / GB, psutil.virtual_memory().total / GB


@lru_cache(maxsize=1)
def machine_name() -> str:
    """Processor and number of cores, by which a measurement is known again; no host name.

    Example
    -------
    >>> machine_name()
    'AMD EPYC 9R14, 2 cores'
    """
    cores = os.cpu_count() or 1
    return f"{_processor() or platform.machine() or 'unknown processor'}, {cores} core{'s' * (cores != 1)}"


def _processor() -> str:
    """The processor's own name, where the system tells it."""
    name = ""
    try:
        if os.name == "nt":
            import winreg

            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
                name = str(winreg.QueryValueEx(key, "ProcessorNameString")[0])
        elif platform.system() == "Darwin":
            asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
            name = subprocess.run(asked, capture_output=True, text=True, timeout=10).stdout
        else:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
            name = next((line.partition(":")[2] for line in lines if line.startswith("model name")), "")
    except (OSError, subprocess.SubprocessError):
        name = ""
    return " ".join((name or platform.processor()).split())


def _family(pid: int) -> Iterator:
    """The process and its descendants."""
    import psutil

    try:
        first = psutil.Process(pid)
        yield from [*first.children(recursive=True), first]
    except psutil.Error:
        return


def _kill(pid: int) -> None:
    import signal

    try:
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    except OSError:
        return


def _host() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"
