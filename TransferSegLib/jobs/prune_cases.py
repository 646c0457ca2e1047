"""Pruning of a segmentation model: its training cases score the maps and fine-tune it, held-out cases give Dice."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..cases import Case, DataSet, open_data_set
from ..errors import InputError, UsageError
from ..events import Events
from ..inference import choose_device
from ..packages import Card, Label, Package, learned_digests
from ..preparing import PreparationOptions
from ..strategies import Freezing, strategy
from ..training import DeepSupervised, Run, TrainingPlan, case_hash, judge, loss_by_name
from ..training.pruning import check_network, groups_that_stay
from ..training.pruning_scores import Scores, taylor_scores
from ..training.pruning_time import Work, window_work
from .adapt import Gathered, adapt, forward_of, freeze, gather, windows_of
from .evaluate import evaluate_cases, say_left_out
from .finetune_plan import TrainingOptions, make_plan, split_cases
from .labels import label_names_of, matched_labels
from .predict import Model
from .prune_keeping import prune_request
from .prune_options import PruneOptions
from .prune_steps import Pruned, PruneJob
from .target import Target

# Everything learns, at half the rate of a training from new weights.
FINE_TUNING = "half-lr"


@dataclass(frozen=True)
class CaseTask:
    """The cases that are learned from, and those that judge.

    ``labels`` are those of the model that the truths have: only they are trained and scored. ``matched`` is by truth
    value.
    """

    gathered: Gathered
    judged: tuple[Case, ...]
    labels: tuple[Label, ...]
    matched: dict[int, Label]
    options: TrainingOptions
    window: tuple[int, ...]

    def target(self, pruned: Pruned) -> Target:
        """The network as a training takes it."""
        return _target(pruned, self.labels, self.matched)

    def taylor(self, pruned: Pruned, plan: TrainingPlan, batches: int, device: str, events: Events) -> Scores:
        """Scores of the maps on windows of the training cases."""
        module, target = pruned.module, self.target(pruned)
        where = choose_device(device, network=module).name
        source = windows_of(self.gathered, plan, target.model.card)
        forward, loss = forward_of(target.model, _all_learn(target)), DeepSupervised(loss_by_name(plan.loss))
        module.to(where)

        def drawn():
            for number in range(batches):
                events.progress("scoring the maps", number, batches)
                inputs, truth = source.batch(number)
                yield inputs.to(where), (inputs.to(where), truth.to(where))

        def value(logits: Any, given: tuple) -> Any:
            inputs, truth = given
            return judge(loss, logits.float(), truth, inputs)

        try:
            return taylor_scores(module, drawn(), forward=forward, loss=value)
        finally:
            module.to("cpu")

    def train(self, pruned: Pruned, plan: TrainingPlan, *, run: Run, device: str, events: Events) -> None:
        """Fine-tune on the training cases, through the one loop."""
        target = self.target(pruned)
        adapt(target, self.gathered, _all_learn(target), plan, options=self.options, run=run, events=events)

    def measure(self, pruned: Pruned, events: Events) -> dict[str, Any]:
        """Dice of the held-out cases on their own grids, as ``evaluate`` gives it: mean and SD over cases."""
        found = evaluate_cases(
            Model(pruned.card, pruned.module),
            self.judged,
            value_of={value: label.value for value, label in self.matched.items()},
            names={label.value: label.name for label in self.labels},
            options=self.options.preparation,
            device=self.options.device,
            precision=self.options.precision,
            stage="scoring the held-out cases",
            events=events,
        )
        dices = [[x for x in case["dice"].values() if x is not None] for case in found["cases"]]
        dices = [statistics.fmean(values) for values in dices if values]
        if not dices:
            raise InputError(
                "prune: no held-out case shows a label, so that there is no Dice; name others (--hold-out)"
            )
        return {
            "dice": round(statistics.fmean(dices), 4),
            "dice_sd": round(statistics.stdev(dices), 4) if len(dices) > 1 else None,
            "cases": len(dices),
        }

    def timed(self, card: Card) -> Work:
        """One window of a training on a CPU."""
        return window_work(card.in_channels, self.window[-card.dims :])


def plan_case_job(
    package: Package,
    data: str | Path,
    out: Path,
    folder: Path,
    hold_out: Sequence[str] | None,
    options: PruneOptions,
    events: Events,
    *,
    label_map: Mapping[str, str] | None,
    truth_name: str | None,
    preparation: PreparationOptions,
) -> PruneJob:
    """Everything about the pruning of a segmentation model, checked before anything is written."""
    card = package.card
    _check_card(card)
    start = Pruned(card, package.network())
    groups = check_network(start.module, card.network, card.arguments)
    data_set = open_data_set(data, roles=card.roles, truth_name=truth_name, reference_role=card.reference)
    say_left_out(data_set, events)
    training, held_out = split_cases(data_set, hold_out, None, options.seed)
    if not held_out:
        raise UsageError(f"{data}: no case is held out, so that no Dice can be measured; name some with --hold-out")
    matched = _matched(data_set, card, label_map, events)
    labels = tuple(label for label in card.labels if label in matched.values())
    how = _training_options(options, preparation)
    target = _target(start, labels, matched)
    plan = make_plan(target, how, on_gpu=False, training=training)
    digests = [{case.id: case_hash(case) for case in cases} for cases in (training, held_out)]
    words = {str(value): label.name for value, label in matched.items()}
    request = prune_request(package, options, plan, *digests) | {"matched": words, "preparation": vars(preparation)}
    Run.refuse_another(folder, request)
    others = [case for case in data_set.cases if case not in training]
    gathered = gather(target, training, others, plan, digests=digests[0], options=preparation, events=events)
    task = CaseTask(gathered, held_out, labels, matched, how, plan.patch)
    before = learned_digests(card)
    inputs = {"training": sorted(digests[0].values()), "held_out": sorted(digests[1].values())}
    origin = {"inputs": inputs | ({"before": sorted(before)} if before else {})}
    alone = groups_that_stay(start.module, card.network, card.arguments, groups)
    return PruneJob(package, start, task, origin, plan, out, folder, request, alone)


def _check_card(card: Card) -> None:
    """Refuse what one training of one network cannot fine-tune (``UsageError``)."""
    if card.task != "segmentation":
        raise UsageError(
            f"prune: {card.name} is a model for {card.task}; only segmentation and level models are pruned"
        )
    if card.composed:
        raise UsageError(
            f"prune: {card.name} holds several networks (members or a refiner); only a single network can be pruned, "
            "as `finetune` makes it of the first"
        )
    if card.output == "sigmoid" and card.out_channels > 1:
        raise UsageError(
            f"prune: {card.name} gives overlapping regions, which no training here keeps; adapt it first (`finetune`)"
        )


def _matched(data_set: DataSet, card: Card, label_map: Mapping[str, str] | None, events: Events) -> dict[int, Label]:
    """The model's label of each truth value; a label that no truth has is said."""
    names = label_names_of(data_set, events)
    if not names:
        raise InputError(f"{data_set.folder}: the truths are all background; nothing to prune by")
    matched = matched_labels(names, card.labels, label_map, events)
    foreign = next((names[value] for value, label in matched.items() if label is None), None)
    if foreign is not None:
        ours = ", ".join(label.name for label in card.labels)
        raise InputError(
            f"{data_set.folder}: the truth has the label {foreign}, the model has {ours}; "
            f"match it with --map {foreign}=NAME"
        )
    missing = [label.name for label in card.labels if label not in matched.values()]
    if missing:
        events.say(f"no truth has the label {', '.join(missing)}: it is neither fine-tuned nor scored")
    return matched


def _target(pruned: Pruned, labels: tuple[Label, ...], matched: Mapping[int, Label]) -> Target:
    place = {label.value: number for number, label in enumerate(labels, start=1)}
    class_of = {value: place[label.value] for value, label in matched.items()}
    return Target(Model(replace(pruned.card, labels=labels), pruned.module), class_of, dict(matched), None)


def _all_learn(target: Target) -> Freezing:
    return freeze(target, strategy(FINE_TUNING), "anatomical")


def _training_options(options: PruneOptions, preparation: PreparationOptions) -> TrainingOptions:
    return TrainingOptions(
        seed=options.seed,
        batch=options.batch,
        rate=options.rate,
        patch=options.patch,
        early_stopping=False,
        device=options.device,
        preparation=preparation,
    )
