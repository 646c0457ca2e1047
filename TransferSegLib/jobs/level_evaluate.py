"""evaluate for level models: answers held against the truth of a level data set."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, UsageError
from ..events import Events, quiet
from ..level.answer import Answer, answer_of, fatal_finding, refused
from ..level.data_set import LevelCase, open_levels
from ..level.finding import check_level_model, find_level
from ..level.plausibility import examine
from ..level.scan_mark import learned_from, learned_summary
from ..level.scoring import score_row, score_summary
from ..level.truth import TrueLevel, true_level
from ..packages import Package
from ..storage import check_writable, writing
from .l3_reading import read_or_refuse
from .opening import find_runnable
from .predict import Model

COLUMNS = ("id", "answer", "slice_index", "mm", "true_slice", "true_mm", "where", "error_slices", "error_mm")
COLUMNS = (*COLUMNS, "confidence", "training_case")


def evaluate_level(
    *,
    model: str | Path | Package | Model,
    data: str | Path,
    out: str | Path | None = None,
    cases: Sequence[str] | None = None,
    evaluation: str | None = None,
    step: int | None = None,
    device: str = "auto",
    pictures: str | Path | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Find the level in every scan of a CSV, as ``transferseg l3`` does, and compare with its truth.

    Parameters
    ----------
    data : path
        A CSV as `open_levels` reads it, for the model's level.
    out : path, optional
        CSV, one line a scan.
    cases : sequence of str, optional
        Only the scans with these ids.
    evaluation, step
        As `find_level` takes them.
    pictures : path, optional
        Folder for a picture a scan: projection, answer and truth.

    Returns
    -------
    dict
        ``{"cases": [...], "mean": {...}, "notes": [...], "level"}``: the rows as `score_row` makes them and
        ``training_case`` (whether the model learned from that scan; None where its card does not say), the mean as
        `score_summary` does.
    """
    events = quiet(events)
    if out is not None:
        check_writable(out)
    opened = model if isinstance(model, Model) else Model.open(find_runnable(model))
    check_level_model(opened.card)
    levels = open_levels(data, opened.card.level)
    chosen = _chosen(levels.cases, cases, data)
    how = {"evaluation": evaluation, "step": step, "device": device, "pictures": pictures}
    result = evaluate_level_cases(opened, chosen, events=events, **how)
    if out is not None:
        write_level_csv(out, result["cases"])
    return result | {"level": levels.level}


def evaluate_level_cases(
    model: Model,
    cases: Sequence[LevelCase],
    *,
    evaluation: str | None = None,
    step: int | None = None,
    device: str = "auto",
    pictures: str | Path | None = None,
    stage: str = "evaluating",
    marks: Sequence[str] | None = None,
    events: Events,
) -> dict[str, Any]:
    """Score scans one by one: ``{"cases", "mean", "notes"}``; ``marks`` as `learned_from` takes them."""
    rows = []
    how = {"evaluation": evaluation, "step": step, "device": device}
    for number, case in enumerate(cases):
        events.progress(stage, number, len(cases))
        rows.append(_score(model, case, how, pictures, marks, events.silent()))
    events.progress(stage, len(cases), len(cases))
    return {"cases": rows, "mean": score_summary(rows), "notes": learned_summary(model.card.name, rows)}


def _score(
    model: Model,
    case: LevelCase,
    how: Mapping[str, Any],
    pictures: str | Path | None,
    marks: Sequence[str] | None,
    events: Events,
) -> dict[str, Any]:
    """One scan through the whole of what a user gets."""
    level = model.card.level
    scan, why_not = read_or_refuse(case.ct)
    if scan is None:
        if not case.where:
            raise InputError(f"{case.ct}: {why_not} Take it out of the list or mend it.")
        return _row(case, refused(level, why_not), TrueLevel(where=case.where)) | {"training_case": None}
    truth, findings, found = true_level(case, scan), tuple(examine(scan)), None
    fatal = fatal_finding(findings)
    if fatal is not None:
        answer = refused(level, fatal.sentence)
    else:
        found = find_level(model, scan, events=events, **how)
        answer = answer_of(found, scan, level, findings)
    if pictures is not None and found is not None:
        _draw(Path(pictures) / f"{case.id}.png", found.projection, answer, truth, case.id)
    return _row(case, answer, truth) | {"training_case": learned_from(model.card, scan, marks)}


def _row(case: LevelCase, answer: Answer, truth: TrueLevel) -> dict[str, Any]:
    place = answer.place
    return score_row(
        case.id,
        answer=answer.answer,
        mm=None if place is None else place.position_mm[2],
        index=None if place is None else place.slice_index,
        true_mm=truth.mm,
        true_index=truth.slice,
        where=truth.where,
        confidence=answer.confidence,
        message=answer.message,
    )


def write_level_csv(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a scan; what is undefined is empty."""
    with writing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            truth = row["truth"]
            told = row | {"true_slice": truth["slice_index"], "true_mm": truth["mm"], "where": truth["where"]}
            writer.writerow(["" if told[name] is None else told[name] for name in COLUMNS])


def _chosen(cases: Sequence[LevelCase], ids: Sequence[str] | None, data: str | Path) -> Sequence[LevelCase]:
    if ids is None:
        return cases
    known = {case.id: case for case in cases}
    missing = [name for name in ids if name not in known]
    if missing:
        some = ", ".join(list(known)[:12])
        raise UsageError(f"--case {missing[0]}: no such scan in {data}; there are {some}")
    return [known[name] for name in ids]


def _draw(path: Path, projection: Any, answer: Answer, truth: TrueLevel, title: str) -> None:
    """The projection's first view with the answered row and the true one."""
    from ..level.projected import true_row
    from ..reporting import save_figure
    from ..reporting.level_lines import lines_figure

    place = answer.place
    rows = {"found": None if place is None else place.row, "truth": true_row(projection, truth)}
    words = f"{title}: {answer.answer}"
    save_figure(lines_figure(np.asarray(projection.pixels[0]), rows, title=words), path)
