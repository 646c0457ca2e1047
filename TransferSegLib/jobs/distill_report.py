"""What a distillation leaves to read: its result, the student's card, and the report as PDF."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..events import Events
from ..networks import count_parameters
from ..packages import Card, learned_digests
from ..training import Run, Teaching
from .finetune_report import means_of, overlay_of
from .predict import Model

if TYPE_CHECKING:
    from .adapt import Adapted, Gathered
    from .distill import DistillJob
    from .finetune_plan import TrainingOptions

OVERLAYS = 2
# A little is what a light model costs; by more than this it is not proposed in its teacher's place.
CLEARLY = 0.05


def distilled_result(
    before: dict | None, after: dict | None, adapted: Adapted, job: DistillJob, gathered: Gathered, teaching: Teaching
) -> dict[str, Any]:
    """What is known of a distillation, in plain JSON types."""
    from ..reporting import verdict

    kind, _ = verdict(before, after)
    card = adapted.model.card
    sizes = _sizes(job)
    names, matched = card.label_names(), job.student.target.matched
    return {
        "teacher": job.package.card.name,
        "student": card.network,
        "before": before,
        "after": after,
        "verdict": kind,
        "message": _message(before, after, sizes, job),
        "sizes": sizes,
        "distillation": job.how.to_json()
        | {
            "pairs": [list(pair) for pair in teaching.pairs],
            "asked": teaching.asked,
            "remembered": teaching.seen - teaching.asked,
        },
        "notes": first_notes(job),
        "steps": adapted.steps,
        "stopped": adapted.stopped,
        "held_out": [case.id for case in job.held_out],
        "trained_on": [case.id for case in job.training],
        "unlabelled": [case.id for case in gathered.unlabelled],
        "matched": {names[value]: label.name for value, label in matched.items() if label is not None},
    }


def distilled_card(card: Card, job: DistillJob, result: dict[str, Any], run_id: str) -> Card:
    """The student's card: who taught it, on what, and what both reach."""
    cases = len(result["trained_on"])
    text = f"a {card.network} taught by {job.package.card.name} on {cases} case{'' if cases == 1 else 's'}"
    if result["unlabelled"]:
        text += f" and {len(result['unlabelled'])} without a truth"
    if job.student.source is not None:
        text += f", from {job.student.source.card.name}"
    if result["stopped"]:
        text += f", stopped after {result['steps']} of {job.plan.steps} steps"
    inputs = {part: sorted(job.request[part].values()) for part in ("training", "held_out")}
    if result["unlabelled"]:
        inputs["unlabelled"] = sorted(job.request["unlabelled"]["cases"][name] for name in result["unlabelled"])
    sources = [job.package, *([job.student.source] if job.student.source is not None else [])]
    before = set().union(*(learned_digests(package.card) or () for package in sources))
    if before:
        inputs["before"] = sorted(before)
    teacher = job.package.card
    origin = {
        "text": text,
        "source": teacher.name,
        "source_sha256": teacher.weights_sha256,
        "distilled_from": teacher.name,
        "distillation": result["distillation"],
        "parameters": result["sizes"],
        "cases": cases,
        "inputs": inputs,
        "plan": job.plan.to_json(),
        "against_teacher": result["verdict"],
        "run": run_id,
    }
    if is_clearly_worse(result["before"], result["after"]):
        origin["verdict"] = "worse"
    measured = ()
    if result["after"] is not None and result["after"]["mean"]["dice"] is not None:
        before, after = means_of(result["before"]), means_of(result["after"])
        # ``dice`` and ``teacher``: whether the light model is proposed in its teacher's place rests on them.
        teacher_dice = None if before is None else before["dice"]
        means = {"dice": after["dice"], "teacher": teacher_dice, "mean_before": before, "mean_after": after}
        measured = ({"text": result["message"], **means},)
    named = card.labels[0].name if len(card.labels) == 1 else "lesions"
    description = f"{named} on {', '.join(card.roles)}: {text}."
    description = description[0].upper() + description[1:]
    return replace(card, description=description, origin=origin, measured_on=measured)


def write_distillation_report(
    run: Run,
    card: Card,
    result: dict[str, Any],
    adapted: Adapted,
    job: DistillJob,
    options: TrainingOptions,
    events: Events,
) -> Path:
    """The PDF in the run's folder: facts, teacher and student case by case, curves, pictures of both."""
    from ..reporting import curves_figure, teacher_student_table, write_report

    events.progress("writing the report", 0, 1)
    sizes, how = result["sizes"], result["distillation"]
    facts = [
        ("Student", f"{card.name}: {card.network}, {sizes['student']:,} parameters, {size_words(sizes)}"),
        ("Teacher", f"{result['teacher']}: {sizes['teacher']:,} parameters"),
        ("Trained on", ", ".join(result["trained_on"])),
        ("Held out", ", ".join(result["held_out"]) or "none"),
        ("Prediction maps", f"weight {how['prediction']:g}, temperature {how['temperature']:g}"),
        ("Importance maps", f"weight {how['importance']:g}, exponent {how['exponent']}, {len(how['pairs'])} pairs"),
    ]
    if result["unlabelled"]:
        facts.append(("Without a truth", ", ".join(result["unlabelled"])))
    facts.append(("Labels", label_words(result["matched"])))
    facts += [("Note", note) for note in result["notes"]]
    tables = [teacher_student_table(result["before"], result["after"])] if result["after"] else []
    figures = [curves_figure(adapted.rows)]
    for case in job.held_out[:OVERLAYS]:
        for who, of, model in (
            ("teacher", job.package.card, Model.open(job.package)),
            ("student", card, adapted.model),
        ):
            figures.append(overlay_of(case, of, model, options, events, note=f" ({who}; line: truth)"))
    return write_report(
        run.folder / "report.pdf",
        title=f"Distillation report: {card.name}",
        facts=facts,
        tables=tables,
        figures=figures,
        verdict=result["message"],
    )


def _sizes(job: DistillJob) -> dict[str, Any]:
    """Parameters of both, and the student's share in percent."""
    ours = count_parameters(job.student.target.model.module)[0]
    theirs = count_parameters(job.student.teacher.module)[0]
    return {"student": ours, "teacher": theirs, "percent": round(100 * ours / theirs, 2)}


def _message(before: dict | None, after: dict | None, sizes: dict[str, Any], job: DistillJob) -> str:
    share = f"{sizes['student']:,} parameters, {size_words(sizes)}"
    dice = [None if scores is None else scores["mean"]["dice"] for scores in (before, after)]
    if dice[1] is None:
        return f"a student of {share}; not measured: no case with its labels was held out"
    count = f"{len(job.held_out)} held-out case{'' if len(job.held_out) == 1 else 's'}"
    if dice[0] is None:
        return f"a student of {share}: mean Dice {dice[1]:.3f} on {count}"
    text = f"a student of {share}: mean Dice {dice[1]:.3f} on {count}, the teacher's {dice[0]:.3f}"
    return f"{text}: worse by {dice[0] - dice[1]:.3f}, not proposed" if is_clearly_worse(before, after) else text


def label_words(matched: dict[str, str]) -> str:
    """Each label, and what it is of the teacher's where that has another name."""
    return ", ".join(ours if ours == theirs else f"{ours} (the teacher's {theirs})" for ours, theirs in matched.items())


def size_words(sizes: dict[str, Any]) -> str:
    """``24 % of its teacher's``, or how many times as many."""
    if sizes["percent"] <= 100:
        return f"{sizes['percent']:g} % of its teacher's"
    return f"{sizes['percent'] / 100:.3g} times its teacher's"


def is_clearly_worse(before: dict | None, after: dict | None) -> bool:
    """Whether a student's mean Dice lies more than `CLEARLY` below its teacher's on the same cases."""
    dice = [None if scores is None else scores["mean"]["dice"] for scores in (before, after)]
    return None not in dice and dice[1] < dice[0] - CLEARLY


def first_notes(job: DistillJob) -> list[str]:
    """What is known before anything is learned and the reader must know, a sentence each; no case's name."""
    notes, name, sizes = [], job.package.card.name, _sizes(job)
    if sizes["student"] >= sizes["teacher"]:
        notes.append(f"the student is not smaller than its teacher ({sizes['student']:,} and {sizes['teacher']:,})")
    known = learned_digests(job.package.card)
    if known is None:
        if job.held_out:
            notes.append(f"{name} keeps no record of its cases: whether it learned from held-out ones is not known")
        return notes
    shared = sum(digest in known for digest in job.request["held_out"].values())
    if shared:
        notes.append(
            f"{name} learned from {shared} of the {len(job.held_out)} held-out cases: neither score is one of new cases"
        )
    return notes
