"""What a level training leaves to read: the card's account of itself, and a report as PDF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..level.scan_mark import SCANS
from ..networks import parameter_groups
from ..packages import Card
from ..training import Progress, Run

if TYPE_CHECKING:
    from ..reporting import Table
    from .level_finetune import LevelJob

DRAWN = 4


def finish_level_card(job: LevelJob, result: Mapping[str, Any], run_id: str, marks: list[str]) -> Card:
    """The new model's card: where it came from, the marks of what it learned from, and what was measured."""
    card, source = job.target.model.card, job.package
    cases = len(job.training)
    counted = f"{cases} scan{'' if cases == 1 else 's'}"
    kept = job.target.transfer is not None
    text = f"{source.card.name}, adapted with {job.chosen.name} on {counted}" if kept else ""
    text = text or f"a {card.network} trained on {counted}"
    if job.how.rehearsed:
        text += f", {job.how.rehearsed} phantoms mixed in"
    if result["stopped"]:
        text += f", stopped after {result['steps']} of {job.plan.steps} steps"
    origin = {
        "text": text,
        "source": None if source is None else source.card.name,
        "source_sha256": None if source is None else source.card.weights_sha256,
        "strategy": job.chosen.name,
        "cases": cases,
        "inputs": {part: sorted(job.request[part].values()) for part in ("training", "held_out")},
        SCANS: marks,
        "plan": job.plan.to_json(),
        "adaptation": job.how.to_json(),
        "phantoms": bool(kept and source.card.origin.get("phantoms")),
        "verdict": result["verdict"],
        # Whoever made the run can tell its model from another of the same name.
        "run": run_id,
    }
    measured = ()
    if result["after"] is not None:
        # Case ids may be patients' names: they stay in the run's folder, a package travels.
        before = None if result["before"] is None else result["before"]["mean"]
        measured = ({"text": result["message"], "mean_before": before, "mean_after": result["after"]["mean"]},)
    description = f"{card.level} in CT: {text}."
    return replace(card, description=description, origin=origin, measured_on=measured)


def write_level_report(run: Run, card: Card, job: LevelJob, result: Mapping[str, Any], progress: Progress) -> Path:
    """The PDF in the run's folder: facts, table before and after, curves, frozen blocks, projections with lines."""
    from ..reporting import blocks_figure, curves_figure, write_report

    share = 100 * result["trainable"] / max(result["total"], 1)
    facts = [
        ("Model", card.name),
        ("Level", card.level),
        ("Origin", card.origin["text"]),
        ("Trained on", ", ".join(result["trained_on"])),
        ("Held out", ", ".join(result["held_out"]) or "none"),
        (
            "Strategy",
            f"{result['strategy']}: {result['trainable']:,} of {result['total']:,} parameters learn ({share:.1f} %)",
        ),
    ]
    figures = [curves_figure(progress.rows), blocks_figure(_blocks(job), title=f"{card.network}: {result['strategy']}")]
    return write_report(
        run.folder / "report.pdf",
        title=f"Adaptation report: {card.name}",
        facts=facts,
        tables=[level_table(result["before"], result["after"])] if result["after"] else [],
        figures=figures + _pictures(job, result),
        verdict=result["message"],
    )


def level_table(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Table:
    """Answer and error of each held-out scan before and after, then the means."""
    from ..reporting import Table

    earlier = {case["id"]: case for case in (before or {"cases": []})["cases"]}
    rows = []
    for case in (after or {"cases": []})["cases"]:
        old = earlier.get(case["id"])
        rows.append((case["id"], *_cells(old), *_cells(case)))
    means = [(evaluation or {"mean": {"error_mm": None}})["mean"]["error_mm"] for evaluation in (before, after)]
    rows.append(("mean", "", means[0], "", means[1]))
    columns = ("scan", "answer before", "error mm", "answer after", "error mm ")
    return Table("The level before and after", columns, tuple(rows))


def _cells(case: Mapping[str, Any] | None) -> tuple[str | None, float | None]:
    return (None, None) if case is None else (case["answer"], case["error_mm"])


def _blocks(job: LevelJob) -> list[tuple[str, int, bool]]:
    """(group, parameters, frozen) for the drawing."""
    card = job.target.model.card
    groups = parameter_groups(card.network, job.target.model.module, job.freezing.grouping)
    return [
        (name, sum(p.numel() for _, p in tensors), name in job.freezing.frozen_groups)
        for name, tensors in groups.items()
        if tensors
    ]


def _pictures(job: LevelJob, result: Mapping[str, Any]) -> list[Any]:
    """The first held-out scans' projections with the true, the old and the new height."""
    from ..level.projected import projected
    from ..preparing.projection import ProjectionSpec
    from ..reporting.level_lines import lines_figure

    spec, figures = ProjectionSpec.of_card(job.target.model.card), []
    answers = {
        when: {case["id"]: case for case in (result[when] or {"cases": []})["cases"]} for when in ("before", "after")
    }
    for case in job.held_out[:DRAWN]:
        example = projected(case, spec, digest=job.request["held_out"][case.id]).example
        rows = {"truth": example.row}
        for when, cases in answers.items():
            said = cases.get(case.id)
            away = None if said is None or said["mm"] is None or said["truth"]["mm"] is None else said["mm"]
            if away is not None and example.row is not None:
                rows[when] = example.row + (said["truth"]["mm"] - away) / spec.row_mm
        figures.append(lines_figure(example.pixels[0], rows, title=case.id))
    return figures
