"""What TransferSeg needs besides Slicer, and whether it is there: quick, without importing any of it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .installed import Package, installedPackages, moduleFolder
from .translating import _
from .versions import Requirement, canonical, parseRequirement

TORCH = parseRequirement("torch>=2.8")
# The paths inside newer wheels are longer than Windows allows below Slicer's folder, and the installation breaks.
TORCH_ON_WINDOWS = parseRequirement("torch>=2.8,<2.13")
TORCHVISION = parseRequirement("torchvision>=0.23")
PROTECTED = ("numpy", "scipy", "simpleitk", "pydicom", "torch", "torchvision")
"""Installed versions of these are never changed: Slicer and other extensions rely on them."""
_FILES = ("__init__.py", "version.py")
_LIBRARIES = ("libtorch_cpu.so", "torch_cpu.dll", "libtorch_cpu.dylib")


@dataclass(frozen=True)
class DependencyState:
    """Whether TransferSeg can work in this Slicer.

    Attributes
    ----------
    ready : bool
    reason : str
        Why it is not ready, in plain words; "" when it is.
    missing : list of str
        Packages that are absent or too old, PyTorch's included.
    torch : {"ok", "missing", "half", "old", "unsupported"}
    """

    ready: bool
    reason: str = ""
    missing: list[str] = field(default_factory=list)
    torch: str = "ok"


def state(path: Sequence[str] | None = None) -> DependencyState:
    """Look at the packages of this Slicer.

    Parameters
    ----------
    path : folders to look in instead of ``sys.path`` (tests)
    """
    if _isIntelMac():
        return DependencyState(False, _intelMacReason(), ["torch"], "unsupported")
    packages = installedPackages(path)
    torch = torchState(path, packages)
    missing = [] if torch == "ok" else ["torch"]
    if not _torchvisionFits(packages):
        missing.append("torchvision")
    missing += [str(needed) for needed in _lacking(packages)]
    return DependencyState(not missing, _reason(torch, missing, packages), missing, torch)


def requirements() -> list[Requirement]:
    """The lines of ``Resources/requirements.txt``: everything but PyTorch, which its own extension installs."""
    lines = requirementsFile().read_text(encoding="utf-8").splitlines()
    return [parseRequirement(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def requirementsFile() -> Path:
    """Where they stand."""
    return Path(__file__).resolve().parent.parent / "Resources" / "requirements.txt"


def missingRequirements() -> list[Requirement]:
    """Those that are absent or too old."""
    return _lacking(installedPackages())


def torchRequirement() -> Requirement:
    """Which PyTorch can be installed here."""
    return TORCH_ON_WINDOWS if sys.platform == "win32" else TORCH


def installedVersion(name: str) -> str | None:
    """Version of an installed package by its metadata, or None."""
    found = installedPackages().get(canonical(name))
    return found.version if found is not None else None


def protectedVersions() -> dict[str, str]:
    """The installed versions that must stay."""
    found = installedPackages()
    return {name: found[name].version for name in PROTECTED if name in found}


def torchState(path: Sequence[str] | None = None, packages: Mapping[str, Package] | None = None) -> str:
    """``ok``, ``missing``, ``half`` (an installation that was interrupted) or ``old``."""
    found = (installedPackages(path) if packages is None else packages).get("torch")
    version, folder = found.version if found else None, moduleFolder("torch", path)
    if version is None and folder is None:
        return "missing"
    # Metadata without files, files without metadata, or not all files: an installation that did not end.
    if version is None or folder is None or not all((folder / name).is_file() for name in _FILES):
        return "half"
    if not any((folder / "lib" / name).is_file() for name in _LIBRARIES):
        return "half"
    return "ok" if TORCH.allows(version) else "old"


def install(askConfirmation: bool = True) -> bool:
    """Install what is missing; see ``installing.install``."""
    from .installing import install as installMissing

    return installMissing(askConfirmation)


def diagnostics() -> str:
    """What a helper wants to know about this computer; see ``diagnostics.collect``."""
    from .diagnostics import collect

    return collect()


def _lacking(packages: Mapping[str, Package]) -> list[Requirement]:
    return [
        needed
        for needed in requirements()
        if (found := packages.get(canonical(needed.name))) is None or not needed.allows(found.version)
    ]


def _torchvisionFits(packages: Mapping[str, Package]) -> bool:
    """Whether torchvision is there and was made for the PyTorch that is there."""
    found, torch = packages.get("torchvision"), packages.get("torch")
    if found is None or not TORCHVISION.allows(found.version):
        return False
    wanted = [parseRequirement(text) for text in found.lines("Requires-Dist")]
    return torch is None or all(need.allows(torch.version) for need in wanted if canonical(need.name) == "torch")


def _isIntelMac() -> bool:
    return sys.platform == "darwin" and platform.machine() == "x86_64"


def _intelMacReason() -> str:
    return _(
        "TransferSeg cannot work in Slicer on this Mac: Slicer for Mac is made for Intel processors, and PyTorch "
        "for those ended with version 2.2 (2.8 is needed). Please use a computer with Windows or Linux."
    )


def _reason(torch: str, missing: Sequence[str], packages: Mapping[str, Package]) -> str:
    if torch == "half":
        return _(
            "PyTorch is only half installed, perhaps because an installation was interrupted. "
            "Press Install: the remains are removed and it is installed again."
        )
    if torch == "old":
        return _(
            "This Slicer has PyTorch {version}, TransferSeg needs 2.8 or newer. It is not replaced here because other "
            "extensions may rely on it: uninstall it in the module PyTorch Utils, restart Slicer, and come back."
        ).format(version=packages["torch"].version)
    if missing == ["torchvision"] and "torchvision" in packages:
        return _(
            "Two packages do not fit together: torchvision was made for another PyTorch. Press Install to mend it."
        )
    if missing:
        return _("TransferSeg is not set up yet: press Install at the top of this panel.")
    return ""
