"""The training inside an adaptation: prepare, freeze, train, keep the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..cases import Case, split_by_patient, truth_values
from ..errors import InputError
from ..events import Events
from ..imaging import read_image
from ..inference import choose_device
from ..measuring import mean_dice
from ..networks import network_spec
from ..packages import CT, PETCT, PICTURE, Card
from ..preparing import PreparationOptions
from ..strategies import Freezing, Strategy, apply_strategy
from ..training import (
    Augmentation,
    DeepSupervised,
    FeatureBank,
    Flips,
    PetCtAugmentation,
    Run,
    SliceAugmentation,
    Teaching,
    TrainingCase,
    TrainingPlan,
    Windows,
    active_logits,
    as_planes,
    as_volume,
    class_counts,
    loss_by_name,
    prepared_arrays,
    region_logits,
    stacked,
    train,
    training_case,
    unlabelled_case,
)
from .difficulty import prepared_dice
from .finetune_curriculum import Lessons
from .finetune_unlabelled import without_inner
from .predict import Model
from .target import Target

INNER_SHARE = 0.2
# Image, truth and mask of a prepared case, as `prepared_arrays` gives them.
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Adapted:
    """An adapted model and what its training was; ``stopped`` when the user ended it after ``steps`` steps."""

    model: Model
    freezing: Freezing
    rows: list[dict[str, Any]]
    steps: int = 0
    stopped: bool = False
    curriculum: dict[str, Any] | None = None


@dataclass(frozen=True)
class Gathered:
    """Prepared cases: those that are trained on, the arrays of the inner split, and by id those that are trained on.

    ``unlabelled`` take part without a truth.
    """

    training: list[TrainingCase]
    inner: list[Arrays]
    arrays: dict[str, Arrays]
    unlabelled: tuple[TrainingCase, ...] = ()


def freeze(target: Target, chosen: Strategy, grouping: str) -> Freezing:
    """Apply a strategy to the target's network; what is new in the target learns in any case."""
    new = frozenset() if target.transfer is None else target.transfer.new_tensors
    return apply_strategy(chosen, target.model.card.network, target.model.module, grouping=grouping, new_tensors=new)


def gather(
    target: Target,
    cases: Sequence[Case],
    others: Sequence[Case],
    plan: TrainingPlan,
    *,
    digests: Mapping[str, str],
    options: PreparationOptions,
    events: Events,
    unlabelled: Sequence[Case] = (),
    unlabelled_digests: Mapping[str, str] | None = None,
    arrays_of: Callable[..., Arrays] = prepared_arrays,
) -> Gathered:
    """Prepare the training cases (from the cache where they lie there) and check their labels.

    ``digests`` are the cases' content hashes by id, ``unlabelled_digests`` those of the cases without a truth. With
    early stopping a fifth of the patients forms the inner split. ``others`` are the data set's cases that are not
    trained on: a label that only they have is said, one that no case has is refused. ``arrays_of`` prepares a case.
    """
    card, how = target.model.card, {"options": options, "events": events, "arrays_of": arrays_of}
    training, inner = cases, []
    if plan.early_stopping:
        training, inner = split_by_patient(cases, fraction=INNER_SHARE, seed=plan.seed)
    unlabelled = without_inner(unlabelled, inner, card.roles, events)
    arrays = _prepared(cases, card, digests, "preparing the cases", **how)
    bare = _prepared(unlabelled, card, unlabelled_digests or {}, "preparing the unlabelled cases", **how)
    ready = [training_case(case, arrays[case.id], target.class_of, axes=card.axes) for case in training]
    _check_labels(ready, target, [*inner, *others], events)
    learned = {case.id: arrays[case.id] for case in training}
    without = tuple(unlabelled_case(case, bare[case.id], axes=card.axes) for case in unlabelled)
    return Gathered(ready, [arrays[case.id] for case in inner], learned, without)


def _prepared(
    cases: Sequence[Case],
    card: Card,
    digests: Mapping[str, str],
    stage: str,
    *,
    options: PreparationOptions,
    events: Events,
    arrays_of: Callable[..., Arrays],
) -> dict[str, Arrays]:
    """Image, truth and mask of each case by id."""
    arrays = {}
    for number, case in enumerate(cases):
        events.progress(stage, number, len(cases))
        how = {"options": options, "digest": digests[case.id], "events": events.part(case.id)}
        arrays[case.id] = arrays_of(case, card, **how)
    if cases:
        events.progress(stage, len(cases), len(cases))
    return arrays


def adapt(
    target: Target,
    gathered: Gathered,
    freezing: Freezing,
    plan: TrainingPlan,
    *,
    options: Any,
    run: Run,
    events: Events,
    afterwards: float = 0.0,
    lessons: Lessons | None = None,
    teaching: Callable[..., Teaching] | None = None,
) -> Adapted:
    """Train the target's network in place; ``afterwards`` are the seconds that follow, for the time that is left.

    With an inner split its mean Dice decides when to stop and which epoch is kept; without one the budget is
    fixed and the last weights are taken. ``lessons``, measured, decide which cases come first. ``teaching`` makes,
    from ``device`` and ``precision``, what adds a teacher's part to the loss.
    """
    card, module = target.model.card, target.model.module
    device = choose_device(options.device, precision=options.precision, network=module)
    module.to(device.name)
    windows = windows_of(gathered, plan, card)
    source, encoded = windows if lessons is None else lessons.source(windows, plan, target), False
    if plan.feature_bank and freezing.frozen_encoder:
        spec = network_spec(card.network)
        encode = lambda x: spec.encode(module, as_planes(x, spec.dims))  # noqa: E731
        source = FeatureBank(windows, plan, encode=encode, device=device.name, events=events)
        encoded = True
    elif plan.feature_bank:
        events.say("no feature bank: this strategy does not freeze the whole encoder")
    forward = forward_of(target.model, freezing, encoded)
    loss = DeepSupervised(loss_by_name(plan.loss))
    if teaching is not None:
        taught = teaching(device=device.name, precision=device.precision)
        forward, loss = taught.forward(module, forward), taught.loss(loss)
    progress = train(
        module,
        forward=forward,
        source=source,
        plan=plan,
        loss=loss,
        rate=plan.rate * freezing.strategy.rate,
        device=device.name,
        precision=device.precision,
        run=run,
        events=events,
        validate=_validation(target, gathered, device.name, options.precision, events) if gathered.inner else None,
        afterwards=afterwards,
    )
    module.to("cpu")
    stopped, order = events.stopping and progress.step < plan.steps, lessons and lessons.facts(source)
    return Adapted(target.model, freezing, progress.rows, progress.step, stopped, order)


def windows_of(gathered: Gathered, plan: TrainingPlan, card: Card) -> Windows:
    """The source of a training's batches: windows of the gathered cases, changed as this kind of input may be."""
    return Windows(
        gathered.training,
        plan,
        flip_axis=flip_axis(card),
        augmentation=_augmentation(card, plan),
        unlabelled=gathered.unlabelled,
    )


def flip_axis(card: Card) -> int:
    """The spatial axis of a window that runs from left to right."""
    place = next(place for place, letter in enumerate(card.orientation.upper()) if letter in "LR")
    return 2 - place if card.axes == "kji" else place


def _augmentation(card: Card, plan: TrainingPlan) -> Any:
    """What changes a window, by what is in it."""
    if plan.flips_only:
        return partial(Flips, both=card.dims == 2 and card.normalisation in (CT, PICTURE))
    if card.normalisation == PETCT:
        return PetCtAugmentation
    return SliceAugmentation if card.dims == 2 and card.normalisation in (CT, PICTURE) else Augmentation


def forward_of(model: Model, freezing: Freezing, encoded: bool = False) -> Any:
    """Inputs (or frozen features) to logits over background and the active labels, of every head that it has."""
    spec, rule, module = network_spec(model.card.network), model.rule, model.module

    def judged(logits: Any, count: int) -> Any:
        logits = as_volume(logits, count, spec.dims)
        if rule.kind == "sigmoid":
            return region_logits(logits, rule.channels[0])
        return active_logits(logits, rule.channels)

    def forward(inputs: Any) -> Any:
        if encoded:
            logits = spec.decode(module, inputs)
            return judged(logits, len(logits))
        return judged(freezing.forward(module, as_planes(inputs, spec.dims)), len(inputs))

    def supervised(inputs: Any) -> Any:
        planes = None if encoded else as_planes(inputs, spec.dims)
        features = inputs if encoded else spec.encode(module, planes, frozen_stages=freezing.frozen_stages)
        outputs = spec.supervise(module, list(features))
        return stacked([judged(logits, len(logits) if encoded else len(inputs)) for logits in outputs])

    return forward if spec.supervise is None else supervised


def _validation(target: Target, gathered: Gathered, device: str, precision: str, events: Events) -> Any:
    """Mean Dice over the inner split's cases and labels, on the prepared arrays."""

    def validate(module: Any) -> float | None:
        module.eval()
        how = {"device": device, "precision": precision, "events": events}
        return mean_dice(
            [prepared_dice(target.model, arrays, list(target.class_of), **how) for arrays in gathered.inner]
        )

    return validate


def _check_labels(ready: Sequence[TrainingCase], target: Target, others: Sequence[Case], events: Events) -> None:
    """Say which label no training case shows; refuse one that no case of the data set shows."""
    counts = class_counts(list(ready))
    missing = [value for value, index in target.class_of.items() if index not in counts]
    if not missing:
        return
    elsewhere: set[int] = set()
    for case in others:
        events.check()
        elsewhere |= set(truth_values(read_image(case.truth, what="truth"))) if case.truth else set()
    for value in missing:
        name = target.model.card.label_names()[value]
        if value not in elsewhere:
            raise InputError(f"label {name} (value {value}): no case of the data set has it; add one or drop the label")
        events.say(f"none of the training cases has the label {name}: it cannot be learned from them")
