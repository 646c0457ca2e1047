"""What an adaptation leaves to read: the card's account of itself, and a report as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cases import Case
from ..events import Events
from ..networks import parameter_groups
from ..packages import Card, Package, learned_digests
from ..strategies import Strategy
from ..training import Run, TrainingPlan

if TYPE_CHECKING:
    from .adapt import Adapted, Gathered
    from .predict import Model
    from .target import Target

OVERLAYS = 2


def training_result(
    before: dict | None,
    after: dict | None,
    adapted: Adapted,
    chosen: Strategy,
    target: Target,
    held_out: Sequence[Case],
    training: Sequence[Case],
    gathered: Gathered,
    forgotten: dict | None,
) -> dict[str, Any]:
    """What is known of a training, in plain JSON types."""
    from ..reporting import verdict

    kind, message = verdict(before, after)
    if before is None and after is not None and target.transfer is not None:
        message = message.replace("no source model to compare with", "the source needs images that these data lack")
    names = target.model.card.label_names()
    return {
        "before": before,
        "after": after,
        "verdict": kind,
        "message": message,
        "trainable": adapted.freezing.trainable,
        "total": adapted.freezing.total,
        "frozen": adapted.freezing.frozen,
        "strategy": chosen.name,
        "steps": adapted.steps,
        "curriculum": adapted.curriculum,
        "stopped": adapted.stopped,
        "held_out": [case.id for case in held_out],
        "trained_on": [case.id for case in training],
        "matched": {
            names[value]: None if label is None or target.transfer is None else label.name
            for value, label in target.matched.items()
        },
        "transferred": None if target.transfer is None else target.transfer.as_dict(),
        "forgotten": forgotten,
        "unlabelled": [case.id for case in gathered.unlabelled],
    }


def finish_card(
    card: Card,
    source: Package | None,
    chosen: Strategy,
    plan: TrainingPlan,
    result: dict[str, Any],
    request: dict[str, Any],
    run_id: str,
) -> Card:
    """The adapted model's card: where it came from and what was measured, nothing else."""
    cases = len(result["trained_on"])
    counted = f"{cases} case{'' if cases == 1 else 's'}"
    if source is None or not chosen.starts_from_source:
        text = f"a {card.network} trained from new weights on {counted}"
    else:
        text = f"{source.card.name}, adapted with {chosen.name} on {counted}"
        if source.card.refiner:
            text += ", without its refiner"
    if result["unlabelled"]:
        text += f", with {_unlabelled_words(result)}"
    if result["curriculum"] is not None:
        text += f", curriculum {result['curriculum']['name']}"
    if result["stopped"]:
        text += f", stopped after {result['steps']} of {plan.steps} steps"
    origin = {
        "text": text,
        "source": None if source is None else source.card.name,
        "source_sha256": None if source is None else source.card.weights_sha256,
        "strategy": chosen.name,
        "cases": cases,
        "inputs": _inputs(request, result, source if chosen.starts_from_source else None),
        "plan": plan.to_json(),
        "curriculum": result["curriculum"],
        "verdict": result["verdict"],
        # Whoever made the run can tell its model from another of the same name.
        "run": run_id,
    }
    measured = ()
    if result["after"] is not None and result["after"]["mean"]["dice"] is not None:
        # Case ids may be patients' names: they stay in the run's folder, a package travels.
        text = result["message"]
        measured = ({"text": text, "mean_before": means_of(result["before"]), "mean_after": means_of(result["after"])},)
    description = (
        f"{card.labels[0].name if len(card.labels) == 1 else 'lesions'} on {', '.join(card.roles)}: {origin['text']}."
    )
    return replace(card, description=description[0].upper() + description[1:], origin=origin, measured_on=measured)


def _unlabelled_words(result: dict[str, Any]) -> str:
    count = len(result["unlabelled"])
    return f"{count} unlabelled case{'' if count == 1 else 's'}"


def _inputs(request: dict[str, Any], result: dict[str, Any], source: Package | None) -> dict[str, list[str]]:
    """Digests of the cases that took part, of those held out, and of what the source learned from; no case's name."""
    found = {part: sorted(request[part].values()) for part in ("training", "held_out")}
    if result["unlabelled"]:
        found["unlabelled"] = sorted(request["unlabelled"]["cases"][name] for name in result["unlabelled"])
    before = None if source is None else learned_digests(source.card)
    if before:
        found["before"] = sorted(before)
    return found


def write_training_report(
    run: Run,
    card: Card,
    result: dict[str, Any],
    adapted: Adapted,
    held_out: Sequence[Case],
    options: Any,
    events: Events,
    model: Model | None = None,
) -> Path:
    """The PDF in the run's folder: facts, table before and after, curves, frozen blocks, pictures.

    ``model`` makes the pictures where that is not the network that was trained alone.
    """
    from ..reporting import before_after_table, blocks_figure, curves_figure, format_cell, write_report

    events.progress("writing the report", 0, 1)
    figures = [
        curves_figure(adapted.rows),
        blocks_figure(_blocks(adapted), title=f"{card.network}: {result['strategy']}"),
    ]
    for case in list(held_out)[:OVERLAYS]:
        figures.append(overlay_of(case, card, model or adapted.model, options, events))
    share = 100 * result["trainable"] / max(result["total"], 1)
    facts = [
        ("Model", card.name),
        ("Origin", card.origin["text"]),
        ("Trained on", ", ".join(result["trained_on"])),
        ("Held out", ", ".join(result["held_out"]) or "none"),
        (
            "Strategy",
            f"{result['strategy']}: {result['trainable']:,} of {result['total']:,} parameters learn ({share:.1f} %)",
        ),
    ]
    if result["curriculum"] is not None:
        facts.append(("Curriculum", ", ".join(f"{k} {v}" for k, v in result["curriculum"].items() if v is not None)))
    if result["unlabelled"]:
        facts.append(("Without a truth", ", ".join(result["unlabelled"])))
    if result["forgotten"] is not None:
        f = result["forgotten"]
        figures_text = f"mean Dice {format_cell(f['before'])} before, {format_cell(f['after'])} after"
        facts.append(("Source task", f"{figures_text}, on {f['data']}"))
    tables = [before_after_table(result["before"], result["after"])] if result["after"] else []
    return write_report(
        run.folder / "report.pdf",
        title=f"Adaptation report: {card.name}",
        facts=facts,
        tables=tables,
        figures=figures,
        verdict=result["message"],
    )


def means_of(evaluation: dict[str, Any] | None) -> dict[str, float | None] | None:
    """The means of an evaluation."""
    return None if evaluation is None else evaluation["mean"]


def _blocks(adapted: Adapted) -> list[tuple[str, int, bool]]:
    """(group, parameters, frozen) for the drawing."""
    groups = parameter_groups(adapted.model.card.network, adapted.model.module, adapted.freezing.grouping)
    return [
        (name, sum(p.numel() for _, p in tensors), name in adapted.freezing.frozen_groups)
        for name, tensors in groups.items()
        if tensors
    ]


def overlay_of(
    case: Case, card: Card, model: Model, options: Any, events: Events, *, note: str = " (line: truth)"
) -> Any:
    """The picture of a case as a model segments it, with the truth as a line."""
    from ..reporting import overlay_figure
    from .predict import segment_case
    from .segment_outputs import picture_options

    segmented = segment_case(
        model,
        case,
        options=options.preparation,
        device=options.device,
        precision=options.precision,
        with_truth=True,
        events=events.silent(),
    )
    loaded = segmented.loaded
    how = picture_options(case, card, note=note)
    return overlay_figure(loaded.images[card.reference], segmented.labels, truth=loaded.truth, **how)
