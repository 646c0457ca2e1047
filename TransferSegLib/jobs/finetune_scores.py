"""Scores of an adaptation: the source before, the adapted model after, and what was forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..cases import Case
from ..events import Events
from ..packages import Package
from .evaluate import evaluate, evaluate_cases
from .finetune_plan import TrainingOptions
from .predict import Model
from .target import Target


def score_source(
    package: Package | None, target: Target, held_out: Sequence[Case], options: TrainingOptions, events: Events
) -> dict[str, Any] | None:
    """The unadapted source on the held-out cases, under the target's label names."""
    if package is None or not held_out:
        return None
    card = target.model.card
    if set(package.card.roles) - set(card.roles):
        events.say("the source model needs roles that the data set has not: it cannot be scored before")
        return None
    known = {value: label for value, label in target.matched.items() if label is not None}
    names = card.label_names()
    return evaluate_cases(
        Model.open(package),
        held_out,
        value_of={value: label.value for value, label in known.items()} | dict.fromkeys(set(names) - set(known), 0),
        names={label.value: names[value] for value, label in known.items()},
        unknown=[names[value] for value in names if value not in known],
        options=options.preparation,
        device=options.device,
        precision=options.precision,
        stage="scoring the held-out cases before",
        events=events,
    )


def score_adapted(
    model: Model, held_out: Sequence[Case], options: TrainingOptions, stage: str, events: Events
) -> dict[str, Any] | None:
    """The adapted model on the held-out cases; None where none was held out."""
    if not held_out:
        return None
    values = model.card.label_names()
    return evaluate_cases(
        model,
        held_out,
        value_of={value: value for value in values},
        names=values,
        options=options.preparation,
        device=options.device,
        precision=options.precision,
        stage=stage,
        events=events,
    )


def score_forgotten(
    package: Package | None,
    target: Target,
    adapted: Model,
    source_data: str | Path | None,
    options: TrainingOptions,
    events: Events,
) -> dict[str, Any] | None:
    """Dice on the source's task before and after, where its output channels are still there."""
    if source_data is None or package is None:
        return None
    old = package.card
    if old.output != "softmax" or old.roles != adapted.card.roles:
        events.say("what was forgotten cannot be measured: the adapted network has other inputs or outputs")
        return None
    scores = []
    for module in (package.network(), adapted.module):
        card = replace(old, out_channels=adapted.card.out_channels) if module is adapted.module else old
        result = evaluate(
            model=Model(card, module),
            data=source_data,
            options=options.preparation,
            device=options.device,
            precision=options.precision,
            events=events,
        )
        scores.append(result["mean"]["dice"])
    return {"data": str(source_data), "before": scores[0], "after": scores[1]}
