"""A list of cases: a table of files (CSV), or a plain list of case folders."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import InputError
from .case import ROLES, Case
from .guessing import guess_role
from .patients import dicom_ids, patient_of

_TRUTH_COLUMNS = {"truth", "seg", "label", "mask", "gt", "segmentation", "gold_standard"}


def read_list(
    path: Path, *, roles: Sequence[str] | None, need_truth: bool, open_folder: Callable[..., Case]
) -> tuple[list[Case], list[str]]:
    """The cases of a list file, and what of it was ignored.

    A table has columns ``id``, ``patient``, one per role, ``truth`` (or ``folder`` instead of files).
    Relative paths start at the list's own folder. ``open_folder(folder, id=...)`` opens a case folder.

    Raises
    ------
    InputError
        Names the line: a missing file, role or truth, two cases of one id.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable text list; save it as UTF-8 CSV") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise InputError(f"{path}: an empty list; give one case a line")
    first = lines[0]
    delimiter = max("\t;,", key=first.count)
    columns = [_column(cell) for cell in next(csv.reader([first], delimiter=delimiter))]
    if not set(columns) & {"id", "folder", *ROLES}:
        return [open_folder(path.parent / line.strip()) for line in lines], []
    ignored = [f"column {name!r}" for name in columns if name not in {"id", "patient", "truth", "folder", *ROLES}]
    cases = []
    for number, cells in enumerate(csv.reader(lines[1:], delimiter=delimiter), start=2):
        row = {name: cell.strip() for name, cell in zip(columns, cells) if cell.strip()}
        cases.append(_row(row, path, number, roles, need_truth, open_folder))
    return cases, ignored


def _column(cell: str) -> str:
    """The standard name of a column: a role, ``truth``, or the word itself."""
    name = cell.strip().lower()
    if name in _TRUTH_COLUMNS:
        return "truth"
    if name in ROLES:
        return name
    guess = guess_role(name)
    return guess.role if guess is not None and not guess.doubtful else name


def _row(
    row: dict[str, str],
    path: Path,
    number: int,
    roles: Sequence[str] | None,
    need_truth: bool,
    open_folder: Callable[..., Case],
) -> Case:
    where = f"{path} line {number}"
    if "folder" in row:
        return open_folder(path.parent / row["folder"], id=row.get("id"))
    images = {role: _file(row[role], path, where) for role in ROLES if role in row}
    for role in roles or ():
        if role not in images:
            raise InputError(f"{where}: no image for role {role}; fill the column {role}")
    if not images:
        raise InputError(f"{where}: no image; fill at least one role column")
    if need_truth and "truth" not in row:
        raise InputError(f"{where}: no truth; fill the column truth")
    wanted = {role: images[role] for role in roles or images}
    name = row.get("id") or next(iter(wanted.values())).parent.name
    return Case(
        id=name,
        patient=row.get("patient") or patient_of(name, dicom_ids(wanted.values())),
        images=wanted,
        truth=_file(row["truth"], path, where) if "truth" in row else None,
    )


def _file(cell: str, path: Path, where: str) -> Path:
    found = path.parent / cell
    if not found.exists():
        raise InputError(f"{where}: {found} does not exist; correct the path (it starts at the list's folder)")
    return found
