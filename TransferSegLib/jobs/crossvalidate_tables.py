"""The three tables of a cross-validation, from the cells that are finished."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..level.scoring import WITHIN_MM
from ..reporting.tables import Table
from ..storage import write_text
from . import crossvalidate_published as published
from .crossvalidate_cells import Cells, cell_name
from .crossvalidate_plan import CONSTANT, Variant
from .crossvalidate_scores import mean_sd, share, summary

if TYPE_CHECKING:
    from .crossvalidate_work import Work

TRAINED_AS = {"dense": "whole projections", "windows": "windows, as published", "map": "confidence map"}
READ_AS = {"windows": "plain windows", "dense": "dense"}
PUBLISHED = "published (642 CTs, ImageNet)"


@dataclass(frozen=True)
class Outcome:
    """The three tables, what must be said with them, and the files that hold them."""

    folds: Table
    backbones: Table
    strides: Table
    notes: list[str]
    files: list[str]

    def to_json(self) -> dict[str, Any]:
        """Columns and rows of each table."""
        tables = {"folds": self.folds, "backbones": self.backbones, "strides": self.strides}
        return {name: {"columns": list(t.columns), "rows": [list(row) for row in t.rows]} for name, t in tables.items()}


def write_tables(work: Work, cells: Cells, total: int) -> Outcome:
    """Make the tables from what is finished and write them as text, Markdown and CSV beside the cells."""
    tables = (folds_table(work, cells), backbones_table(work, cells), strides_table(work, cells))
    notes = notes_of(work, cells, total)
    names = ("folds", "backbones", "strides")
    write_text(work.out / "tables.txt", "\n\n".join([*(t.text() for t in tables), *notes]) + "\n")
    write_text(work.out / "tables.md", "\n\n".join([*(t.markdown() for t in tables), *notes]) + "\n")
    for name, table in zip(names, tables):
        write_text(work.out / f"{name}.csv", _csv([table.columns, *table.rows]))
    write_text(work.out / "scans.csv", _csv(_scan_rows(work, cells)))
    files = ["tables.txt", "tables.md", *(f"{name}.csv" for name in names), "scans.csv"]
    return Outcome(*tables, notes, [str(work.out / file) for file in files])


def folds_table(work: Work, cells: Cells) -> Table:
    """Folds and average by model: error in slices and mm, share within 10 mm, scans told to lack the level."""
    count = len(work.splits)
    columns = ("model", "trained as", *(f"fold {fold}" for fold in range(1, count + 1)), "slices", "mm", "median mm")
    columns += ("within 10 mm", "no row", "not in view: sensitive", "specific", "scans", f"slices, {PUBLISHED}")
    rows = [_fold_row(CONSTANT, "no picture looked at", None, work, cells)]
    for variant in work.chosen:
        trained = TRAINED_AS.get(variant.evaluation, "windows, local binary patterns")
        rows.append(_fold_row(variant.name, trained, variant, work, cells))
    return Table("Error in slices by fold, and average", columns, tuple(rows))


def _fold_row(name: str, trained: str, variant: Variant | None, work: Work, cells: Cells) -> tuple:
    by_fold, every = [], []
    for fold in range(1, len(work.splits) + 1):
        scans = [row for result in _results(name, fold, work, cells) for row in result["scans"]]
        every += scans
        found = summary(scans)["slices"]
        by_fold.append(None if found is None else round(found[0], 2))
    total = summary(every)
    numbers = (_pair(total["slices"]), _pair(total["mm"]), total["median"], percent(total["within"]), total["no_row"])
    told = (percent(total["sensitive"]), percent(total["specific"]), len(every))
    source = None if variant is None else published.SLICES.get(variant.backbone)
    return (name, trained, *by_fold, *numbers, *told, source)


def backbones_table(work: Work, cells: Cells) -> Table:
    """Parameters and seconds per CT by backbone."""
    strides = [s for s in (1, 6) if s in work.strides]
    columns = ("backbone", "parameters", "before the head", "published before the head", "s per CT: dense, stride 1")
    columns += (*(f"plain windows, stride {s}" for s in strides), "s per CT, published (K40, stride 1)")
    rows = []
    for variant in work.backbones:
        found = cells.result(f"time-{variant.backbone}") or {}
        seconds = found.get("seconds", {})
        dense = seconds.get("dense", {}).get("1", seconds.get("map"))
        plain = [seconds.get("windows", {}).get(str(s)) for s in strides]
        source = (published.FEATURE_PARAMETERS.get(variant.backbone), published.SECONDS.get(variant.backbone))
        rows.append(
            (variant.backbone, found.get("parameters"), found.get("features"), source[0], dense, *plain, source[1])
        )
    for variant in (v for v in work.chosen if v.evaluation == "forest"):
        results = [r for fold in range(1, len(work.splits) + 1) for r in _results(variant.name, fold, work, cells)]
        nodes = {f"{round(statistics.mean(r['facts']['nodes'] for r in results))} nodes" for _ in results[:1]}
        taken = [row["seconds"] for r in results for row in r["scans"]]
        plain = [round(statistics.mean(taken), 4) if taken and s == 1 else None for s in strides]
        rows.append((variant.name, next(iter(nodes), None), None, None, None, *plain, None))
    return Table("Parameters and seconds per CT by backbone", columns, tuple(rows))


def strides_table(work: Work, cells: Cells) -> Table:
    """Error and time against stride, plain windows and dense, for every network."""
    columns = ("model", "trained as", "read as", "stride", "scans", "slices", "mm", "within 10 mm", "s per CT")
    columns += ("slices, published", "s per CT, published")
    rows = []
    for variant in (v for v in work.chosen if v.evaluation in READ_AS):
        found = [
            row
            for fold in range(1, len(work.splits) + 1)
            for result in _results(variant.name, fold, work, cells)
            for row in result["strides"]
        ]
        seconds = (cells.result(f"time-{variant.backbone}") or {}).get("seconds", {})
        for evaluation, words in READ_AS.items():
            for stride in work.strides:
                some = [r for r in found if (r["evaluation"], r["stride"]) == (evaluation, stride)]
                given = [r for r in some if r["mm"] is not None]
                source = published.STRIDES.get((variant.backbone, stride), (None, None))
                source = source if evaluation == "windows" else (None, None)
                numbers = (len(some), *(_pair(mean_sd([r[key] for r in given])) for key in ("slices", "mm")))
                within = percent(share([r["mm"] is not None and r["mm"] <= WITHIN_MM for r in some]))
                taken = seconds.get(evaluation, {}).get(str(stride))
                trained = TRAINED_AS[variant.evaluation]
                rows.append((variant.name, trained, words, stride, *numbers, within, taken, *source))
    return Table("Error and time against stride", columns, tuple(rows))


def notes_of(work: Work, cells: Cells, total: int) -> list[str]:
    """What must be said with the tables: plan, what was cut, what was looked at, where weights started."""
    protocol, count = work.protocol, len(work.splits)
    cut = {v.name: protocol.folds_to_run(v, count) for v in work.chosen}
    cut = [f"{name} in {folds} of {count} folds" for name, folds in cut.items() if folds < count]
    finished = [r for r in (cells.result(name) for name in _names(work)) if r is not None]
    starts = {r["facts"]["start"] for r in finished if "plan" in r.get("facts", {})}
    steps = {f"{v.name} {s}" for v in work.chosen for s in _steps(v, work, cells)}
    times = [r for r in (cells.result(f"time-{v.backbone}") for v in work.backbones) if r is not None]
    refused, times = [r["refused"] for r in times if "refused" in r], [r for r in times if "refused" not in r]
    notes = [
        f"Plan: {protocol.name}; pixels of {protocol.row_mm:g} mm, windows of {protocol.rows} x {protocol.width}, "
        f"views {' and '.join(work.views)}; optimiser steps: {', '.join(sorted(steps)) or 'none'}"
        + (f"; cut: {', '.join(cut)}." if cut else "; every model in every fold."),
        f"Looked at: {len(work.chosen)} models on these scans in this folder, all of them shown; {count} folds split "
        f"by patient, {work.seeds} seeds, pooled; {len(_finished(work, cells))} of {total} cells finished.",
        f"Errors are means ± SD over the scans that show the level; {'; '.join(sorted(starts)) or 'no network yet'}.",
    ]
    notes += [f"Not timed: {reason}." for reason in refused]
    if times:
        heights = ", ".join(map(str, sorted({r["rows"] for r in times})))
        notes.append(
            f"{times[0]['clock']}: network and post-processing of a projection of {heights} rows on "
            f"{times[0]['device']} with {times[0]['threads']} threads; reading and projecting are not in them."
        )
    return notes


def percent(value: float | None) -> str | None:
    """A share as text."""
    return None if value is None else f"{100 * value:.1f} %"


def _pair(value: tuple[float, float] | None) -> str | None:
    return None if value is None else f"{value[0]:.2f} ± {value[1]:.2f}"


def _results(name: str, fold: int, work: Work, cells: Cells) -> list[dict[str, Any]]:
    """The finished cells of a model on a fold, one a seed."""
    seeds = range(1 if name == CONSTANT else work.seeds)
    return [r for r in (cells.result(cell_name(name, fold, seed)) for seed in seeds) if r is not None]


def _names(work: Work) -> list[str]:
    folds = range(1, len(work.splits) + 1)
    return [cell_name(v.name, fold, seed) for v in work.chosen for fold in folds for seed in range(work.seeds)]


def _finished(work: Work, cells: Cells) -> list[str]:
    constant = [cell_name(CONSTANT, fold, 0) for fold in range(1, len(work.splits) + 1)]
    names = [*constant, *_names(work), *(f"time-{v.backbone}" for v in work.backbones)]
    return [name for name in names if cells.result(name) is not None]


def _steps(variant: Variant, work: Work, cells: Cells) -> set[int]:
    folds = range(1, len(work.splits) + 1)
    facts = [r["facts"] for fold in folds for r in _results(variant.name, fold, work, cells)]
    return {f["steps"] for f in facts if "steps" in f}


def _scan_rows(work: Work, cells: Cells) -> list[Sequence[Any]]:
    """Every reading of every held-out scan."""
    columns = ("id", "in_view", "true_row", "row", "answer", "slices", "mm", "seconds")
    rows: list[Sequence[Any]] = [("model", "fold", "seed", *columns)]
    for name in (CONSTANT, *(v.name for v in work.chosen)):
        for fold in range(1, len(work.splits) + 1):
            for seed, result in enumerate(_results(name, fold, work, cells)):
                rows += [(name, fold, seed, *(scan.get(c) for c in columns)) for scan in result["scans"]]
    return rows


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["" if cell is None else cell for cell in row] for row in rows])
    return text.getvalue()
