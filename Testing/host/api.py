"""What the real 3D Slicer offers: members and signatures read from it, in ``shared/slicer-api.json``."""

from __future__ import annotations

import functools
import json
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT.parent / "shared" / "slicer-api.json"
KEYWORDS = ("exec_", "raise_", "del_", "print_")
"""PythonQt lets a name that Python keeps for itself be spelled with an underscore."""


def available() -> bool:
    """True where the list lies beside the checkout."""
    return FILE.is_file()


@functools.cache
def content() -> dict:
    """The whole list; empty where the file is absent."""
    if not available():
        return {"members": {}, "signatures": {}}
    return json.loads(FILE.read_text(encoding="utf-8"))


@functools.cache
def members(name: str) -> frozenset[str] | None:
    """All members of ``qt.QLabel``, ``slicer.app``..., inherited ones included; None for a class that is not listed."""
    listed = content()["members"].get(name)
    if listed is None:
        return None
    found: set[str] = set()
    for member in listed:
        if member.startswith("+ "):
            found |= members(member[2:]) or frozenset()
        else:
            found.add(member)
    return frozenset(found)


def offers(name: str, member: str) -> bool:
    """True if the real class has ``member``, or is not listed and so cannot be judged."""
    known = members(name)
    if known is None or member in known or member.startswith("__"):
        return True
    return (member in KEYWORDS and member[:-1] in known) or (member == "name" and "objectName" in known)


def signature(name: str) -> str | None:
    """``(self, text)`` of a Python helper such as ``slicer.util.loadVolume``; None when it is not listed."""
    return content()["signatures"].get(name)
