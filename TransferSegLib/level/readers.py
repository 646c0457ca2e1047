"""Readings: who said on which slice a level lies; read from a CSV, and appended to it one by one."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..storage import write_text

COLUMNS = ("id", "ct", "level", "slice", "mm", "reader", "review", "thickness_mm")
# What other programs call our columns.
ALIASES = {
    "case": "id",
    "thickness": "thickness_mm",
    "slice_thickness": "thickness_mm",
    "slice_thickness_mm": "thickness_mm",
}
NUMBERS = ("slice", "mm", "thickness_mm", "truth", "truth_slice", "truth_mm")


@dataclass(frozen=True)
class Reading:
    """One reader's answer for one case.

    Attributes
    ----------
    case, reader, level : str
        Names.
    review : int
        Which time this reader saw the case, from 1.
    slice, mm : float or None
        The answer: slice index along the scan's axis (0-based), height (LPS S) in mm; at least one.
    truth_slice, truth_mm : float or None
        Where the level truly is, if the row says so.
    thickness_mm : float or None
        Distance between slices.
    ct : Path or None
        The scan.
    """

    case: str
    reader: str
    review: int
    level: str
    slice: float | None
    mm: float | None
    truth_slice: float | None = None
    truth_mm: float | None = None
    thickness_mm: float | None = None
    ct: Path | None = None


def read_readings(path: str | Path) -> list[Reading]:
    """The readings of a CSV (comma, semicolon or tab, UTF-8).

    Columns: ``id`` (or ``case``), ``reader``, ``slice`` and/or ``mm``; optional ``review`` (1), ``level`` (L3), ``ct``
    (path, relative to the CSV), ``thickness_mm`` (mm between slices), ``truth_slice``, ``truth_mm`` or ``truth`` (in
    slices where the row has a slice, else in mm). A row without ``id`` is named by its ``ct``.

    Raises
    ------
    InputError
        A missing file or column, a row without an answer, a value that is no number, a reader with two answers for
        one case, level and review; the message names the line.
    """
    path = Path(path)
    rows, columns = _rows(path)
    if "reader" not in columns:
        raise InputError(f"{path}: no column 'reader'; it needs id, reader, review and slice or mm")
    if not {"id", "ct"} & set(columns) or not {"slice", "mm"} & set(columns):
        raise InputError(f"{path}: its columns are {', '.join(columns)}; it needs id, reader, review and slice or mm")
    readings: dict[tuple, Reading] = {}
    for line, row in rows:
        reading = _reading(row, path, line)
        key = _key(reading)
        if key in readings:
            raise InputError(
                f"{path}, line {line}: {reading.reader} has an answer for {reading.case} in review {reading.review} "
                "already; number the reviews or remove one"
            )
        readings[key] = reading
    if not readings:
        raise InputError(f"{path}: no reading in it; add a row a reading")
    return list(readings.values())


def append_reading(
    path: str | Path,
    *,
    reader: str,
    id: str,
    slice: float | None = None,
    mm: float | None = None,
    review: int | None = None,
    ct: str | Path | None = None,
    level: str = "L3",
    thickness_mm: float | None = None,
    replace: bool = False,
) -> int:
    """Add one reading to a CSV (made where absent); the file is written whole or not at all.

    Parameters
    ----------
    reader, id : str
        Who read which case.
    slice, mm : float, optional
        The answer: slice index along the scan's axis, LPS S in mm; at least one.
    review : int, optional
        From 1; None takes the reader's next one for this case.
    ct : path, optional
        The scan; kept relative to the CSV where it lies beside or below it.
    thickness_mm : float, optional
        Distance between slices, so that errors can be told in both units without the scan.
    replace : bool
        Put this answer in the place of the one this reader gave in the same review.

    Returns
    -------
    int
        The review that the reading was saved as.

    Raises
    ------
    InputError
        A reader without a name, no answer, an answer there already, or a file that is not a readings CSV.
    """
    path = Path(path)
    if not str(reader).strip() or not str(id).strip():
        raise InputError("reading: the reader or the case has no name; give both")
    old, columns = _rows(path) if path.is_file() and path.stat().st_size else ([], [])
    known = read_readings(path) if old else []
    level = level.strip().upper()
    same = [r for r in known if (r.case, r.reader.casefold(), r.level) == (str(id), str(reader).casefold(), level)]
    values = {
        "id": str(id),
        "ct": "" if ct is None else _relative(Path(ct), path.parent),
        "level": level,
        "slice": "" if slice is None else f"{float(slice):g}",
        "mm": "" if mm is None else f"{float(mm):.2f}",
        "reader": str(reader).strip(),
        "review": str(max((r.review for r in same), default=0) + 1 if review is None else review),
        "thickness_mm": "" if thickness_mm is None else f"{float(thickness_mm):g}",
    }
    new = _reading(values, path, len(old) + 2)
    if any(r.review == new.review for r in same) and not replace:
        raise InputError(
            f"{path}: {reader} has an answer for {id} in review {new.review} already; choose another review, or "
            "replace it"
        )
    kept = [row for line, row in old if _key(_reading(row, path, line)) != _key(new)]
    write_text(path, _as_csv([*kept, values], list(dict.fromkeys([*columns, *COLUMNS]))))
    return new.review


def _as_csv(rows: list[dict[str, str]], columns: list[str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _key(reading: Reading) -> tuple:
    return reading.case, reading.level, reading.reader.casefold(), reading.review


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Line number and cells of each row that is not empty, and the columns by our names."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text; save it as CSV (UTF-8)") from error
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    lines = csv.reader(io.StringIO(text), delimiter=delimiter)
    names = [name.strip().lower() for name in next(lines, [])]
    columns = [ALIASES.get(name, name) for name in names]
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice:
        raise InputError(f"{path}: two columns are {twice!r}; keep one")
    rows = []
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(columns):
            raise InputError(f"{path}, line {lines.line_num}: {len(cells)} cells under {len(columns)} columns; mend it")
        row = {name: cell.strip() for name, cell in zip(columns, cells)}
        if delimiter != ",":
            row |= {name: row[name].replace(",", ".") for name in NUMBERS if name in row}
        rows.append((lines.line_num, row))
    return rows, [name for name in columns if name]


def _reading(row: Mapping[str, str], path: Path, line: int) -> Reading:
    where = f"{path}, line {line}"
    values = {name: _number(row.get(name, ""), name, where) for name in NUMBERS}
    case, reader = row.get("id") or row.get("ct", ""), row.get("reader", "")
    if not case or not reader:
        raise InputError(f"{where}: no {'case' if not case else 'reader'}; fill it in")
    if values["slice"] is None and values["mm"] is None:
        raise InputError(f"{where}: neither slice nor mm; give one, or remove the row")
    if values["thickness_mm"] is not None and values["thickness_mm"] <= 0:
        raise InputError(f"{where}: thickness_mm {values['thickness_mm']:g} is not positive; correct it")
    review = _number(row.get("review") or "1", "review", where)
    if review is None or review < 1 or review != round(review):
        raise InputError(f"{where}: review {row['review']!r}; give 1 for the first, 2 for the second")
    truth, in_slices = values.pop("truth"), values["slice"] is not None
    ct = Path(row["ct"]) if row.get("ct") else None
    return Reading(
        case=case,
        reader=reader,
        review=int(review),
        level=(row.get("level") or "L3").upper(),
        slice=values["slice"],
        mm=values["mm"],
        truth_slice=values["truth_slice"] if truth is None or not in_slices else truth,
        truth_mm=values["truth_mm"] if truth is None or in_slices else truth,
        thickness_mm=values["thickness_mm"],
        ct=None if ct is None else (ct if ct.is_absolute() else path.parent / ct),
    )


def _number(text: str, name: str, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {name} {text!r} is not a number; correct it")
    return value


def _relative(ct: Path, folder: Path) -> str:
    try:
        return ct.resolve().relative_to(folder.resolve()).as_posix()
    except (OSError, ValueError):
        return str(ct)
