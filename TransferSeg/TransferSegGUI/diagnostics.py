"""What a helper wants to know about this computer, as text; no patient data."""

from __future__ import annotations

import platform
import shutil
import sys

import slicer

from .console import runConsole
from .dependencies import PROTECTED, installedVersion, requirements, state
from .executable import pythonExecutable
from .installed import installedPackages
from .translating import _


def collect() -> str:
    """Slicer's version, what is missing, and the output of ``transferseg doctor`` in Slicer's own Python.

    Where doctor cannot run because PyTorch is not there, the packages are listed without it. Slicer goes on
    reacting meanwhile.
    """
    now = state()
    lines = [_slicer(), f"torch: {now.torch}; missing: {', '.join(now.missing) or 'nothing'}"]
    try:
        code, text = runConsole([pythonExecutable(), "-m", "TransferSegLib", "doctor"])
    except Exception as error:  # diagnostics must come out whatever is wrong
        code, text = -1, f"doctor did not start: {error}"
    if code in (0, 1) and "\npackages: " in text:  # else it ended before it could look
        return "\n".join([*lines, text]).strip() + "\n"
    return "\n".join([*lines, *_withoutDoctor(), "doctor:", *text.splitlines()[-15:]]).strip() + "\n"


def copyToClipboard() -> str:
    """Copy ``collect()`` to the clipboard; returns what was copied."""
    text = collect()
    slicer.app.clipboard().setText(text)
    slicer.util.showStatusMessage(_("The diagnostics are on the clipboard."), 3000)
    return text


def _slicer() -> str:
    version, revision = (getattr(slicer.app, name, "?") for name in ("applicationVersion", "revision"))
    return f"Slicer {version} (revision {revision})"


def _withoutDoctor() -> list[str]:
    names = list(dict.fromkeys([*PROTECTED, *(needed.name for needed in requirements()), "pip"]))
    versions = ", ".join(f"{name} {installedVersion(name) or 'MISSING'}" for name in names)
    packages = ", ".join(f"{name} {package.version}" for name, package in sorted(installedPackages().items()))
    free = shutil.disk_usage(sys.prefix).free / 1e9
    return [
        f"Python {platform.python_version()} ({sys.executable})",
        f"{platform.platform()}, {free:.1f} GB free",
        f"packages: {versions}",
        f"all packages: {packages}",
    ]
