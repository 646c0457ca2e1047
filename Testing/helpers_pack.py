"""Wheels without contents, and a package index in memory."""

from __future__ import annotations

import zipfile
from pathlib import Path

from TransferSegLib.jobs import pack_pip


def write_wheel(folder: Path, name: str, version: str, *requires: str) -> Path:
    """A wheel with nothing but metadata."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {text}" for text in requires]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines) + "\n\nRequires-Dist: not-a-header\n")
        archive.writestr(f"{name}/__init__.py", "")
    return path


class Index:
    """A package index in memory in the place of pip: what was asked, and wheels by name and version."""

    def __init__(self, wheels: dict[tuple[str, str], tuple[str, ...]]) -> None:
        self.wheels, self.asked = wheels, []

    def download(self, requirements, folder, target, *, index=None, events):
        from packaging.requirements import Requirement
        from packaging.version import Version

        self.asked += requirements
        for text in requirements:
            wanted = Requirement(text)
            versions = [v for n, v in self.wheels if n == wanted.name]
            fitting = sorted((v for v in versions if wanted.specifier.contains(v)), key=Version)
            if not fitting:
                error = pack_pip.NoSuchWheel(f"pack: no wheel of {text}")
                error.package, error.versions = wanted.name, tuple(versions)
                raise error
            write_wheel(folder, wanted.name, fitting[-1], *self.wheels[wanted.name, fitting[-1]])
