"""Versions and requirements as far as this module needs them: comparing without importing anything."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PART = re.compile(r"(==|>=|<=|!=|~=|<|>)\s*([^\s,()]+)")


@dataclass(frozen=True)
class Requirement:
    """``name`` as written, and its conditions, for example ``(">=", "1.5.1")``."""

    name: str
    conditions: tuple[tuple[str, str], ...]

    def allows(self, version: str) -> bool:
        """Whether a version meets every condition."""
        return all(_meets(version, operator, wanted) for operator, wanted in self.conditions)

    def __str__(self) -> str:
        return self.name + ",".join(operator + wanted for operator, wanted in self.conditions)


def parseRequirement(text: str) -> Requirement:
    """``"torch (>=2.14,<3); python_version > '3'"`` -> name and conditions; extras and markers are left out."""
    bare = text.partition(";")[0]
    name = re.match(r"\s*([A-Za-z0-9._-]+)", bare)
    return Requirement(name[1] if name else "", tuple(_PART.findall(bare)))


def canonical(name: str) -> str:
    """A package's name as the index writes it: ``SimpleITK`` -> ``simpleitk``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``"2.8.0+cu128"`` -> ``(2, 8)`` (trailing zeros say nothing)."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    parts = [int(part) for part in numbers[0].split(".")] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _meets(version: str, operator: str, wanted: str) -> bool:
    have, want = release(version), release(wanted.removesuffix(".*"))
    if operator in ("==", "!="):
        same = have[: len(want)] == want if wanted.endswith(".*") else have == want
        return same == (operator == "==")
    if operator == "~=":
        family = tuple(int(part) for part in re.findall(r"\d+", wanted)[:-1])
        padded = (*have, *([0] * len(family)))[: len(family)]
        return have >= want and padded == family
    return {">=": have >= want, "<=": have <= want, "<": have < want, ">": have > want}[operator]
