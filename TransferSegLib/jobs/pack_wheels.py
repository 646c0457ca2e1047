"""Collecting all wheels that some requirements need on another computer, round by round.

pip resolves dependencies with the markers of the machine it runs on, so a pack for Windows made on Linux would ask for
Linux packages. Here pip only downloads; which dependencies count is read from the wheels with the target's markers.
"""

from __future__ import annotations

import email.parser
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TransferSegError
from ..events import Events
from .pack_pip import NoSuchWheel, download
from .pack_target import SLICER_BRINGS, Target

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    # Package -> what is asked of it, each with the wheel that asks ("" is the user).
    Wanted = dict[str, list[tuple[Requirement, str]]]

_LIMIT = 60
# Taken last: it is the large one, and torchvision may want an older one than the newest.
_LAST = "torch"


@dataclass(frozen=True)
class Wheel:
    """A downloaded wheel and what its metadata asks for."""

    path: Path
    name: str
    version: str
    requires: tuple[str, ...]


def collect_wheels(
    requirements: Sequence[str], folder: Path, target: Target, *, index: str | None = None, events: Events
) -> list[Wheel]:
    """Bring ``folder`` to hold exactly the wheels that ``requirements`` need on ``target``; returns them by name.

    Wheels that lie there whole from an interrupted run are kept. What Slicer brings is left out.
    """
    unfit: dict[str, set[str]] = defaultdict(set)
    for _ in range(_LIMIT):
        here = _wheels(folder)
        wanted, chosen = _closure(requirements, here, target)
        absent = {name: specs for name, specs in wanted.items() if name not in chosen}
        if not absent:
            _remove_others(here, chosen)
            events.progress("collecting packages", len(chosen), len(chosen))
            return [chosen[name] for name in sorted(chosen)]
        now = {name: specs for name, specs in absent.items() if name != _LAST or len(absent) == 1}
        _make_room(now, here)
        # No bar: how many there will be, and how large, is known at the end only.
        events.say(f"{len(chosen)} packages are here, downloading {_names(now)}")
        texts = [_text(name, specs, unfit[name]) for name, specs in now.items()]
        try:
            download(texts, folder, target, index=index, events=events)
        except NoSuchWheel as error:
            asker = _too_demanding(canonical(error.package), error.versions, wanted, chosen)
            if asker is None:
                raise
            unfit[asker.name].add(asker.version)
            asker.path.unlink()
    raise TransferSegError(
        "pack: the packages contradict each other; report this with the output of transferseg doctor"
    )


def canonical(name: str) -> str:
    """A package's name as the index writes it."""
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(name))


def _closure(
    requirements: Sequence[str], here: dict[str, list[Wheel]], target: Target
) -> tuple[Wanted, dict[str, Wheel]]:
    """What is wanted (name -> requirements, each with the wheel that asks) and which present wheels serve it."""
    from packaging.requirements import Requirement

    wanted: Wanted = defaultdict(list)
    todo = [(Requirement(text), "") for text in requirements]
    done: set[tuple[str, str]] = set()
    while todo:
        requirement, asker = todo.pop()
        name = canonical(requirement.name)
        if name in SLICER_BRINGS or (str(requirement), asker) in done:
            continue
        done.add((str(requirement), asker))
        wanted[name].append((requirement, asker))
        wheel = _best(here.get(name, []), wanted[name])
        if wheel is not None:
            todo += [(part, wheel.name) for part in _applicable(wheel, requirement.extras, target)]
    chosen = {name: wheel for name, specs in wanted.items() if (wheel := _best(here.get(name, []), specs))}
    return dict(wanted), chosen


def _applicable(wheel: Wheel, extras: set[str], target: Target) -> list[Requirement]:
    from packaging.requirements import Requirement

    found = []
    for text in wheel.requires:
        part = Requirement(text)
        environments = [target.environment | {"extra": extra} for extra in ("", *sorted(extras))]
        if part.marker is None or any(part.marker.evaluate(environment) for environment in environments):
            part.marker = None
            found.append(part)
    return found


def _too_demanding(name: str, versions: Sequence[str], wanted: Wanted, chosen: dict[str, Wheel]) -> Wheel | None:
    """The wheel that asks for a version of ``name`` which the rest does not allow: an older one of it may fit."""
    specs = wanted.get(name, [])
    fixed = [requirement for requirement, asker in specs if not asker]
    allowed = [v for v in versions if all(r.specifier.contains(v, prereleases=True) for r in fixed)]
    for requirement, asker in specs:
        if asker in chosen and requirement.specifier and not list(requirement.specifier.filter(allowed)):
            return chosen[asker]
    return None


def _best(wheels: list[Wheel], specs: list[tuple[Requirement, str]]) -> Wheel | None:
    from packaging.version import Version

    fitting = [w for w in wheels if all(r.specifier.contains(w.version, prereleases=True) for r, _ in specs)]
    return max(fitting, key=lambda wheel: Version(wheel.version), default=None)


def _text(name: str, specs: list[tuple[Requirement, str]], unfit: set[str]) -> str:
    parts = {str(spec) for requirement, _ in specs for spec in requirement.specifier}
    return name + ",".join(sorted(parts | {f"!={version}" for version in unfit}))


def _names(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _wheels(folder: Path) -> dict[str, list[Wheel]]:
    """The whole wheels in ``folder`` by name; a torn one is removed."""
    found: dict[str, list[Wheel]] = defaultdict(list)
    for path in sorted(folder.glob("*.whl")):
        try:
            wheel = _read(path, path.stat().st_size)
        except (zipfile.BadZipFile, OSError, StopIteration, KeyError):
            path.unlink()
            continue
        found[wheel.name].append(wheel)
    return found


@lru_cache(maxsize=256)
def _read(path: Path, size: int) -> Wheel:
    with zipfile.ZipFile(path) as archive:
        metadata = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1)
        # headersonly: the description that follows may be anything
        text = archive.read(metadata).decode("utf-8", errors="replace")
    message = email.parser.Parser().parsestr(text, headersonly=True)
    return Wheel(path, canonical(message["Name"]), message["Version"], tuple(message.get_all("Requires-Dist") or ()))


def _make_room(names: dict[str, list], here: dict[str, list[Wheel]]) -> None:
    """Remove wheels of a version that does not fit, so that the folder never holds two of one package."""
    for name in names:
        for wheel in here.get(name, []):
            wheel.path.unlink(missing_ok=True)


def _remove_others(here: dict[str, list[Wheel]], chosen: dict[str, Wheel]) -> None:
    kept = {wheel.path for wheel in chosen.values()}
    for wheels in here.values():
        for wheel in wheels:
            if wheel.path not in kept:
                wheel.path.unlink()
