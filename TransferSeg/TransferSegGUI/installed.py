"""What is installed in a Python, read from the names of its metadata folders: quick, and nothing is imported."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .versions import canonical

_METADATA = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-py[\d.]+)?\.(dist|egg)-info")


@dataclass(frozen=True)
class Package:
    """An installed package and its metadata (a folder, or a file as setup.py wrote it)."""

    version: str
    metadata: Path

    def lines(self, key: str) -> list[str]:
        """The values of a metadata field, for example ``Requires-Dist``."""
        names = [self.metadata / "METADATA", self.metadata / "PKG-INFO", self.metadata]
        file = next((name for name in names if name.is_file()), None)
        if file is None:
            return []
        head = file.read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0]
        return [line.partition(":")[2].strip() for line in head.splitlines() if line.startswith(f"{key}:")]


def installedPackages(path: Sequence[str] | None = None) -> dict[str, Package]:
    """Canonical name -> package, for ``path`` or ``sys.path``; what Python would find first counts.

    A metadata folder without its file of metadata, as an interrupted installation leaves it, does not count.
    """
    found: dict[str, Package] = {}
    for folder in dict.fromkeys(sys.path if path is None else path):
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            match = _METADATA.fullmatch(entry) if entry.endswith("-info") else None
            if match is None:
                continue
            metadata, name = Path(folder, entry), canonical(match["name"])
            if name not in found and (metadata.is_file() or (metadata / _fileOf(entry)).is_file()):
                found[name] = Package(match["version"], metadata)
    return found


def moduleFolder(name: str, path: Sequence[str] | None = None) -> Path | None:
    """The folder of a package's code, whole or not."""
    folders = (Path(folder, name) for folder in dict.fromkeys(sys.path if path is None else path))
    return next((folder for folder in folders if folder.is_dir()), None)


def _fileOf(entry: str) -> str:
    return "METADATA" if entry.endswith("dist-info") else "PKG-INFO"
