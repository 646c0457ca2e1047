"""readers: how far readers and models lie from a reference, and from each other."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, UsageError
from ..events import Events, quiet
from ..level.reader_study import study
from ..level.readers import Reading, read_readings
from ..packages import Package, find_package
from ..storage import check_writable, writing

if TYPE_CHECKING:
    from .predict import Model

MEASURES = ("mean_slices", "sd_slices", "bias_slices", "mean_mm", "sd_mm", "bias_mm")
FIELDS = ("kind", "reader", "review", "against", "n", *MEASURES)


def compare_readers(
    *,
    readings: str | Path,
    reference: str | None = None,
    models: Iterable[str] = (),
    level: str | None = None,
    out: str | Path | None = None,
    device: str = "auto",
    events: Events | None = None,
) -> dict[str, Any]:
    """Compare the readers of a CSV with a reference, with each other, and with models run on the same scans.

    Parameters
    ----------
    readings : path
        CSV as ``level.readers.read_readings`` takes it.
    reference : str, optional
        A reader, or ``truth`` (the default).
    models : names, folders or zips
        Each is run on the ``ct`` of every case.
    level : str, optional
        Which level, where the CSV holds several.
    out : path, optional
        The tables as CSV.

    Returns
    -------
    dict
        As ``level.reader_study.study``, with ``unanswered``: model to a sentence for each case that it gave no slice
        for, and ``out``.
    """
    events = quiet(events)
    if out is not None:
        check_writable(out)
    found = [r for r in read_readings(readings) if level is None or r.level == level.strip().upper()]
    if not found:
        raise InputError(f"{readings}: no reading of {level}; name a level that it holds")
    levels = sorted({r.level for r in found})
    if len(levels) > 1:
        raise UsageError(f"{readings}: readings of {', '.join(levels)}; name one by --level")
    packages = [find_package(model) for model in models]
    answers = _in_both_units(found, bool(packages))
    study(answers, reference)  # a wrong --reference is told before the models run
    missing: dict[str, dict[str, str]] = {}
    for package in packages:
        more, missing[package.card.name] = _read_by_model(package, answers, levels[0], device, events)
        answers += more
    value = study(answers, reference, models=[package.card.name for package in packages])
    value |= {"unanswered": missing, "out": None if out is None else str(out)}
    if out is not None:
        _write(out, value)
    return value


def _in_both_units(readings: Sequence[Reading], scans_needed: bool) -> list[Reading]:
    """The readings with slice, mm and slice distance, as far as the scans or the CSV tell them."""
    done = []
    for case in dict.fromkeys(r.case for r in readings):
        rows = [r for r in readings if r.case == case]
        thickness = next((r.thickness_mm for r in rows if r.thickness_mm), None)
        scan = next((r.ct for r in rows if r.ct is not None), None)
        mixed = len({(r.slice is None, r.mm is None) for r in rows}) > 1
        if scan is not None and (thickness is None or mixed or scans_needed):
            done += _placed(rows, scan)
            continue
        if mixed and not (all(r.slice is not None for r in rows) or all(r.mm is not None for r in rows)):
            raise InputError(f"case {case}: some readings in slices, some in mm; add the column ct, or use one unit")
        done += [replace(r, thickness_mm=thickness) for r in rows]
    order = {(r.case, r.reader, r.review): n for n, r in enumerate(readings)}
    return sorted(done, key=lambda r: order[r.case, r.reader, r.review])


def _placed(rows: Sequence[Reading], ct: Path) -> list[Reading]:
    """Readings of one case with both units, from the heights of its scan's slices."""
    from ..imaging.scan import read_scan

    heights = np.asarray(read_scan(ct).heights, float)
    index = np.arange(len(heights))
    order = np.argsort(heights)
    thickness = float(np.median(np.abs(np.diff(heights)))) if len(heights) > 1 else None

    def both(place: float | None, mm: float | None, reading: Reading) -> tuple[float | None, float | None]:
        if place is not None and not -0.5 <= place <= len(heights) - 0.5:
            raise InputError(
                f"case {reading.case}: slice {place:g} of {reading.reader}, but {ct.name} has the slices 0 to "
                f"{len(heights) - 1}; correct it"
            )
        if place is not None and mm is None:
            mm = float(np.interp(place, index, heights))
        if mm is not None and place is None:
            place = float(np.interp(mm, heights[order], index[order]))
        return place, mm

    placed = []
    for reading in rows:
        place, mm = both(reading.slice, reading.mm, reading)
        truth_slice, truth_mm = both(reading.truth_slice, reading.truth_mm, reading)
        placed.append(
            replace(
                reading, slice=place, mm=mm, truth_slice=truth_slice, truth_mm=truth_mm, thickness_mm=thickness, ct=ct
            )
        )
    return placed


def _read_by_model(
    package: Package, readings: Sequence[Reading], level: str, device: str, events: Events
) -> tuple[list[Reading], dict[str, str]]:
    """A model's answers on the scans of all cases, and a sentence for each case without one."""
    from .predict import Model

    name = package.card.name
    cases = dict.fromkeys(r.case for r in readings)
    scans = {r.case: r for r in readings if r.ct is not None}
    if not scans:
        raise UsageError("--model: the CSV has no column ct, so there is nothing to run it on; add the scans' paths")
    if package.card.level != level:
        raise UsageError(
            f"--model {name}: it finds {package.card.level or 'no level'}, not {level}; name another model"
        )
    if any(r.reader.casefold() == name.casefold() for r in readings):
        raise UsageError(f"--model {name}: the CSV has a reader of that name already; leave one out")
    model, answers = Model.open(package), []
    missing = dict.fromkeys((case for case in cases if case not in scans), "no scan in the CSV")
    for number, (case, known) in enumerate(scans.items()):
        events.progress(name, number, len(scans))
        answer = _answer(model, known, device, events.part(case))
        if isinstance(answer, str):
            missing[case] = answer
        else:
            answers.append(answer)
    events.progress(name, len(scans), len(scans))
    return answers, missing


def _answer(model: Model, known: Reading, device: str, events: Events) -> Reading | str:
    """The model's reading of a case's scan, or why it has none."""
    from .l3 import find_l3

    try:
        found = find_l3(ct=known.ct, model=model, device=device, events=events)
    except InputError as error:
        return error.message
    if found["answer"] != "found" or found.get("slice_index") is None:
        return f"{found['answer']}: {found.get('message') or 'no slice'}"
    place, height = float(found["slice_index"]), float(found["position_mm"][2])
    name = model.card.name
    return replace(known, reader=name, review=1, slice=place, mm=height, truth_slice=None, truth_mm=None)


def _write(path: str | Path, value: dict[str, Any]) -> None:
    """The three tables, one line a comparison."""
    lines = [
        _line("model" if r["model"] else "reader", r["reader"], r["review"], value["reference"], r, "error")
        for r in value["readers"]
    ]
    lines += [_line("inter", r["readers"][0], r["review"], r["readers"][1], r, "difference") for r in value["inter"]]
    lines += [_line("intra", r["reader"], r["reviews"][1], r["reviews"][0], r, "difference") for r in value["intra"]]
    with writing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def _line(kind: str, reader: str, review: int, against: Any, row: dict[str, Any], what: str) -> dict[str, Any]:
    cells = {"kind": kind, "reader": reader, "review": review, "against": against, "n": row["n"]}
    for unit in ("slices", "mm"):
        cells |= {f"mean_{unit}": row[f"{what}_{unit}"]["mean"], f"sd_{unit}": row[f"{what}_{unit}"]["sd"]}
        cells[f"bias_{unit}"] = row[f"bias_{unit}"]
    return {name: "" if value is None else value for name, value in cells.items()}
