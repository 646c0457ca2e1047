"""Corrected CTs that L3 models learn from: copies in the storage folder, private, with one list for all scenes."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from . import wording
from .folder_cases import freeId
from .private_folder import makePrivate
from .removing import removeWhole
from .signals import Signal

LIST, CT = "levels.csv", "ct.nrrd"
COLUMNS = ("id", "patient", "ct", "level", "slice", "mm", "included", "held_out", "name", "added")


@dataclass
class LevelCase:
    """One corrected CT: ``slice`` is 0-based along the CT's head-foot axis, ``mm`` its height (S) in the world."""

    id: str
    patient: str
    ct: str
    level: str
    slice: int
    mm: float
    included: bool = True
    heldOut: bool = False
    name: str = ""
    added: str = ""
    problem: str = ""
    kind: str = "level"

    @property
    def description(self) -> str:
        """What it is, in a few words."""
        return _("{volume}, {level} on slice {slice}").format(volume=self.name, level=self.level, slice=self.slice)


class LevelCases:
    """The list of corrected CTs; ``changed`` (a Signal) is emitted after every change.

    Example
    -------
    >>> cases = logic.l3Cases()
    >>> [(case.id, case.slice) for case in cases]
    [('CT_abdomen', 141)]
    """

    def __init__(self) -> None:
        self.changed = Signal()

    def __len__(self) -> int:
        return len(self.list)

    def __iter__(self) -> Iterator[LevelCase]:
        return iter(self.list)

    def __getitem__(self, index: int) -> LevelCase:
        return self.list[index]

    @property
    def list(self) -> list[LevelCase]:
        """All cases in order, their problems looked at now."""
        return _read()

    def add(
        self, image: Any, *, slice: int, mm: float, level: str, id: str, patient: str, replace: bool = True
    ) -> LevelCase:
        """Keep a CT (an exchange ``Snapshot``) with its slice; any thread, but tell ``changed`` on the main one.

        The same id of the same patient again replaces its case.
        """
        from .exchange import writeImage

        cases = _read()
        wanted = freeId(id.strip() or image.name, [])
        old = next((case for case in cases if replace and case.id == wanted and case.patient == patient), None)
        name = wanted if old is not None else freeId(wanted, [case.id for case in cases])
        folder = casesFolder() / "cases" / f"{_safe(name)}-{os.urandom(3).hex()}"
        makePrivate(casesFolder(), folder)
        try:
            writeImage(image, folder / CT)
            case = LevelCase(
                id=name,
                patient=patient or name,
                ct=f"cases/{folder.name}/{CT}",
                level=level,
                slice=int(slice),
                mm=float(mm),
                heldOut=old.heldOut if old is not None else _isHeldOut(cases, patient),
                name=image.name,
                added=datetime.now().astimezone().isoformat(timespec="seconds"),
            )
            # Read again: another Slicer may have added one meanwhile.
            cases = _read()
            place = next((n for n, one in enumerate(cases) if old is not None and one.id == name), len(cases))
            _write([*cases[:place], case, *cases[place + 1 :]])
        except BaseException:
            removeWhole(folder)
            raise
        if old is not None:
            removeWhole((casesFolder() / old.ct).parent)
        return case

    def setIncluded(self, index: int, included: bool) -> None:
        """Use the case or leave it out."""
        cases = _read()
        cases[index].included = bool(included)
        self._keep(cases)

    def setHeldOut(self, index: int, heldOut: bool) -> str | None:
        """Keep the case for scoring only, with all of its patient; a sentence where others went along."""
        cases = _read()
        mates = [case for case in cases if case.patient == cases[index].patient and case is not cases[index]]
        moved = [case.id for case in mates if case.heldOut != bool(heldOut)]
        for case in (cases[index], *mates):
            case.heldOut = bool(heldOut)
        self._keep(cases)
        if not moved:
            return None
        text = _("The same patient, so held out too: {cases}.") if heldOut else _("The same patient, so also: {cases}.")
        return text.format(cases=", ".join(moved))

    def remove(self, index: int) -> None:
        """Take the case off the list, and remove its copy of the CT."""
        cases = _read()
        gone = cases.pop(index)
        self._keep(cases)
        removeWhole((casesFolder() / gone.ct).parent)

    def _keep(self, cases: list[LevelCase]) -> None:
        _write(cases)
        self.changed.emit()


def casesFolder() -> Path:
    """Where corrected CTs and readings lie."""
    from TransferSegLib.places import home

    return home() / "levels" / "corrected"


def writeList(folder: Path, cases: Sequence[LevelCase]) -> Path:
    """Write the list that a training reads into its folder; paths are relative, the storage folder may be moved."""
    from TransferSegLib.storage import write_text

    places = [Path(os.path.relpath(casesFolder() / case.ct, folder)).as_posix() for case in cases]
    rows = [dict(_row(case), ct=place) for case, place in zip(cases, places)]
    write_text(folder / LIST, _text(rows, ("id", "patient", "ct", "level", "slice")))
    return folder / LIST


def whyNot(cases: Sequence[LevelCase]) -> str | None:
    """Why these cases cannot adapt a model, in plain words; None when they can."""
    if not cases:
        return _("Add at least one training case.")
    for case in cases:
        if case.problem:
            return _("Case {case}: {problem}").format(case=case.id, problem=case.problem)
    if all(case.heldOut for case in cases):
        return _("All cases are held out: leave at least one to learn from.")
    levels = sorted({case.level for case in cases})
    if len(levels) > 1:
        return _("The cases are of different levels ({levels}): use those of one.").format(levels=", ".join(levels))
    return None


def _isHeldOut(cases: Sequence[LevelCase], patient: str) -> bool:
    return any(case.heldOut for case in cases if case.patient == patient)


def _read() -> list[LevelCase]:
    try:
        with open(casesFolder() / LIST, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [_case(row) for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, KeyError, TypeError, ValueError) as error:
        text = _("{file}: the list of corrected CTs cannot be read ({reason}); mend it or move it away.")
        raise wording.problem(text.format(file=casesFolder() / LIST, reason=error)) from error


def _case(row: dict[str, str]) -> LevelCase:
    case = LevelCase(
        id=row["id"],
        patient=row["patient"],
        ct=row["ct"],
        level=row["level"],
        slice=int(row["slice"]),
        mm=float(row["mm"]),
        included=row["included"] != "no",
        heldOut=row["held_out"] == "yes",
        name=row["name"],
        added=row["added"],
    )
    if not (casesFolder() / case.ct).is_file():
        case.problem = _("Its copy of the CT is no longer there; remove the case and add it again.")
    return case


def _row(case: LevelCase) -> dict[str, Any]:
    flags = {"included": "yes" if case.included else "no", "held_out": "yes" if case.heldOut else "no"}
    return {**{key: getattr(case, key, "") for key in COLUMNS}, "mm": f"{case.mm:.3f}", **flags}


def _write(cases: Sequence[LevelCase]) -> None:
    from TransferSegLib.storage import write_text

    makePrivate(casesFolder())
    write_text(casesFolder() / LIST, _text([_row(case) for case in cases], COLUMNS))


def _text(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _safe(name: str) -> str:
    """A name as a folder's."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)[:40].strip(".") or "ct"
