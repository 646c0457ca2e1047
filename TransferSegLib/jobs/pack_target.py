"""The computer that an offline pack is made for: its wheels' tags and what requirement markers mean there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UsageError
from ..packages.offline_pack import this_machine, this_system

# What Slicer 5.13 brings and pip must not touch; a pack leaves these out.
SLICER_BRINGS = {"numpy": "2.4.6", "scipy": "1.17.1", "simpleitk": "2.5.5", "pydicom": "3.0.2"}
# Slicer for Linux runs from glibc 2.28 on; pip takes the names one by one.
_MANYLINUX = (*(f"_2_{minor}" for minor in range(28, 4, -1)), "2014", "2010", "1")
_INTEL_MAC = (
    "macOS on Intel: PyTorch's last version there is 2.2, TransferSeg needs 2.8; "
    "make the pack for windows or linux, or for macosx_11_0_arm64"
)


@dataclass(frozen=True)
class Target:
    """Where the pack goes: ``system`` as in ``Pack``, tags that pip understands, Python as ``"3.12"``."""

    system: str
    machine: str
    python: str
    tags: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Values of the requirement markers there (pip takes this machine's own, which would be wrong)."""
        sys_platform, system, os_name = {
            "windows": ("win32", "Windows", "nt"),
            "linux": ("linux", "Linux", "posix"),
            "macos": ("darwin", "Darwin", "posix"),
        }[self.system]
        return {
            "sys_platform": sys_platform,
            "platform_system": system,
            "os_name": os_name,
            "platform_machine": "AMD64" if self.system == "windows" else self.machine,
            "platform_release": "",
            "platform_version": "",
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
        }


def choose_target(platform: str | None, python: str | None) -> Target:
    """The target of ``--platform`` (``windows``, ``linux``, ``macos`` or a wheel tag) and ``--python``.

    Without them: this computer's system, and Python 3.12, which Slicer has from 5.10 on.

    Raises
    ------
    UsageError
        An unknown platform or Python version, or a Mac with an Intel processor.
    """
    python = python or "3.12"
    if not re.fullmatch(r"3\.1[1-9]", python):
        raise UsageError(f"--python {python}: write it as 3.12 (3.11 or newer)")
    name = (platform or _own_platform()).lower()
    if name in ("windows", "win_amd64"):
        return Target("windows", "x86_64", python, ("win_amd64",))
    if name == "linux" or re.fullmatch(r"(many)?linux\w*_x86_64|manylinux", name):
        return Target("linux", "x86_64", python, (*(f"manylinux{n}_x86_64" for n in _MANYLINUX), "linux_x86_64"))
    if re.fullmatch(r"macosx_\d+_\d+_(arm64|universal2)", name):
        return Target("macos", "arm64", python, ("macosx_14_0_arm64",))
    if name == "macos" or name.startswith("macosx"):
        raise UsageError(f"--platform {platform or name}: {_INTEL_MAC}")
    raise UsageError(f"--platform {platform}: is not known; use windows, linux or macosx_11_0_arm64")


def _own_platform() -> str:
    system = this_system()
    return "macosx_11_0_arm64" if system == "macos" and this_machine() == "arm64" else system
