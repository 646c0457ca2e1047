"""Scores of an adaptation: the source before, the adapted model after, and what was forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..cases import Case
from ..events import Events
from ..packages import Card, Package
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
    found = [label for label in target.matched.values() if label is not None]
    # A source's label that two of the target continue cannot be told apart before.
    known = {v: label for v, label in target.matched.items() if label is not None and found.count(label) == 1}
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


@dataclass(frozen=True)
class SourceTask:
    """The source's own task on a data set: its Dice before, to be held against the adapted network's."""

    data: Path
    source: Card
    before: float | None
    label_map: Mapping[str, str] | None
    truth_name: str | None

    @staticmethod
    def open(
        package: Package | None,
        target: Target,
        data: str | Path | None,
        label_map: Mapping[str, str] | None,
        truth_name: str | None,
        options: TrainingOptions,
        events: Events,
    ) -> SourceTask | None:
        """Score the source; None, and why it is said, where its outputs or inputs are not the adapted network's."""
        if data is None or package is None:
            return None
        old = package.card
        if old.output != "softmax" or old.roles != target.model.card.roles:
            events.say("what was forgotten cannot be measured: the adapted network has other inputs or outputs")
            return None
        task = SourceTask(Path(data), old, None, label_map, truth_name)
        return replace(task, before=task._mean_dice(Model.open(package), options, events.part("source task")))

    def forgotten(self, adapted: Model, options: TrainingOptions, events: Events) -> dict[str, Any]:
        """``{data, before, after}``: mean Dice of the source's labels, whose output channels are still there."""
        card = replace(self.source, out_channels=adapted.card.out_channels, members=1, combination="mean", refiner={})
        # What there is to say was said before.
        after = self._mean_dice(Model(card, adapted.module), options, events.silent())
        return {"data": str(self.data), "before": self.before, "after": after}

    def _mean_dice(self, model: Model, options: TrainingOptions, events: Events) -> float | None:
        result = evaluate(
            model=model,
            data=self.data,
            label_map=self.label_map,
            truth_name=self.truth_name,
            options=options.preparation,
            device=options.device,
            precision=options.precision,
            events=events,
        )
        return result["mean"]["dice"]
