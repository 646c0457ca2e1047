"""A data set of levels: a CSV file of scans and where the level is in each."""

from __future__ import annotations

import csv
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ..cases.patients import fold_session
from ..errors import InputError, UsageError
from ..imaging import image_stem
from .truth import WHERE
from .vertebra_labels import check_level

DEFAULT_LEVEL = "L3"
TRUTHS = ("slice", "mm", "mask", "where")


@dataclass(frozen=True)
class LevelCase:
    """One scan of a level data set: exactly one of ``slice``, ``mm``, ``mask`` and ``where`` is given.

    ``slice`` is 0-based along the scan's axis, ``mm`` the height (LPS S), ``mask`` a file with ``label`` (or one that
    is found by the order of the vertebrae), ``where`` says that the scan does not show the level.
    """

    id: str
    patient: str
    ct: Path
    level: str
    slice: float | None = None
    mm: float | None = None
    mask: Path | None = None
    label: int | None = None
    where: str = ""


@dataclass(frozen=True)
class LevelSet:
    """The cases of a CSV for one level."""

    cases: tuple[LevelCase, ...]
    level: str
    path: Path


def is_level_csv(path: str | Path) -> bool:
    """Whether a file looks like a level data set: a CSV with a column ``ct`` and one that says where the level is."""
    path = Path(path)
    if path.suffix.lower() not in (".csv", ".tsv") or not path.is_file():
        return False
    try:
        names, _ = _table(path)
    except InputError:
        return False
    return "ct" in names and bool({*TRUTHS} & set(names))


def open_levels(path: str | Path, level: str | None = None) -> LevelSet:
    """Read a level data set; files are only looked for, not read.

    The columns are ``ct`` (relative to the CSV), optionally ``id``, ``patient``, ``level`` (L3 where it is left
    out), and one of ``slice``, ``mm``, ``mask`` (with ``label`` where it needs one) or ``where`` (``above``: the level
    lies above what the scan shows; ``below``; ``absent``). Others are ignored. Comma, semicolon or tab.

    Parameters
    ----------
    level : str, optional
        Only rows of this level; without it the file must have one level only.

    Raises
    ------
    InputError
        No such file, a missing column or file, a row without or with two truths, an id that is there twice or cannot
        name a file.
    UsageError
        Several levels and none chosen, or a level that no row has.
    """
    path = Path(path)
    names, rows = _table(path)
    if "ct" not in names:
        raise InputError(f"{path}: has no column ct; name the scans' files in one (README.md, L3)")
    if not {*TRUTHS} & set(names):
        raise InputError(f"{path}: has none of the columns {', '.join(TRUTHS)}; say in one where the level is")
    cases = [_case(dict(zip(names, row)), path, line) for line, row in rows]
    wanted = _level(path, cases, level)
    cases = [case for case in cases if case.level == wanted]
    twice = [name for name, count in Counter(case.id for case in cases).items() if count > 1]
    if twice and "reader" not in names:
        raise InputError(f"{path}: {twice[0]} is there twice; give each row its own id")
    return LevelSet(tuple(cases), wanted, path)


def _table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The columns, and the number of its line and the cells of each row that is not empty."""
    lines = _text(path).splitlines(keepends=True)
    head = next((line for line in lines if line.strip()), "")
    reader = csv.reader(lines, delimiter=max(",;\t", key=head.count))
    try:
        rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: is no CSV ({error}); save it as CSV again") from error
    names = [name.strip().lower() for name in rows[0][1]] if rows else []
    return names, rows[1:]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a CSV with the columns ct and slice, mm or mask") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text in UTF-8; save it as CSV again") from error


def _case(row: dict[str, str], path: Path, number: int) -> LevelCase:
    row = {name: text.strip() for name, text in row.items() if text.strip()}
    where = f"{path}, line {number}"
    if "ct" not in row:
        raise InputError(f"{where}: names no ct; fill the column or take the line out")
    given = [name for name in TRUTHS if name in row]
    if len(given) != 1:
        found = " and ".join(given) or "nothing"
        raise InputError(f"{where}: says {found} of {', '.join(TRUTHS)}; give exactly one")
    if "where" in row and row["where"].lower() not in WHERE:
        raise InputError(f"{where}: where is {row['where']!r}; write {', '.join(WHERE)}")
    ct = _file(row["ct"], path, where)
    name = row.get("id") or (ct.name if ct.is_dir() else image_stem(ct))
    if {"/", "\\"} & set(name) or name in (".", ".."):
        raise InputError(f"{where}: id {name!r} cannot name a picture's file; write it without / and \\")
    label = _number(row, "label", where)
    if label is not None and label != round(label):
        raise InputError(f"{where}: label is {row['label']!r}; write a whole number")
    return LevelCase(
        id=name,
        patient=row.get("patient") or fold_session(name),
        ct=ct,
        level=_named_level(row.get("level", DEFAULT_LEVEL), where),
        slice=_number(row, "slice", where),
        mm=_number(row, "mm", where),
        mask=_file(row["mask"], path, where) if "mask" in row else None,
        label=None if label is None else int(label),
        where=row.get("where", "").lower(),
    )


def _file(text: str, path: Path, where: str) -> Path:
    file = path.parent / Path(text)
    if not file.exists():
        raise InputError(f"{where}: {text}: no such file or folder beside {path.name}; correct the path")
    return file


def _number(row: dict[str, str], name: str, where: str) -> float | None:
    if name not in row:
        return None
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {name} is {row[name]!r}; write a number with a decimal point")
    return value


def _named_level(text: str, where: str) -> str:
    try:
        return check_level(text)
    except UsageError as error:
        raise InputError(f"{where}: {error.message}") from None


def _level(path: Path, cases: list[LevelCase], level: str | None) -> str:
    there = list(dict.fromkeys(case.level for case in cases))
    if not there:
        raise InputError(f"{path}: has no rows; add scans")
    if level is None:
        if len(there) > 1:
            raise UsageError(f"{path}: has the levels {', '.join(there)}; name one with --level")
        return there[0]
    wanted = check_level(level)
    if wanted not in there:
        raise UsageError(f"--level {level}: {path} has {', '.join(there)} only")
    return wanted
