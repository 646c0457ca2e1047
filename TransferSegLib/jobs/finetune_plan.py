"""What an adaptation is made of before it starts: cases, target, plan, and the request that names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..cases import ROLES, Case, DataSet, check_role, hold_out, patients, split_by_patient
from ..errors import InputError, UsageError
from ..events import Events
from ..networks import network_divisor
from ..packages import Package
from ..preparing import PreparationOptions
from ..strategies import Strategy
from ..training import TrainingPlan, case_hash, default_plan, loss_by_name, needs_image, with_statistics
from .finetune_curriculum import Lessons, check_curriculum
from .finetune_unlabelled import check_unlabelled, unlabelled_request
from .labels import label_names_of
from .new_model import NewModel
from .predict import Model
from .target import Target, target_from_nothing, target_from_source

HOLD_OUT_FROM = 5
HOLD_OUT_SHARE = 0.2
HOLD_OUT_NONE = "none"
INNER_FROM = 6
AUGMENTATIONS = ("full", "flips", "none")


@dataclass(frozen=True)
class TrainingOptions:
    """What a user may set; None means the default for the network and device.

    ``unlabelled`` is a data set of cases without a truth, with the same roles: a window of theirs is in each step
    beside the labelled batch, and only the Mumford-Shah term of ``mumford-shah-dice-ce`` counts for it. ``stage1`` is
    the model whose probability a refiner (``network``) takes.
    """

    network: str | None = None
    stage1: str | Path | Package | None = None
    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    patch: int | None = None
    batch: int | None = None
    rate: float | None = None
    foreground: float | None = None
    loss: str = "dice-ce"
    augmentation: str = "full"
    curriculum: str | None = None
    difficulty: str | Path | None = None
    unlabelled: str | Path | None = None
    feature_bank: int = 0
    early_stopping: bool | None = None
    grouping: str = "anatomical"
    device: str = "auto"
    precision: str = "auto"
    preparation: PreparationOptions = field(default_factory=PreparationOptions)
    new_model: NewModel = field(default_factory=NewModel)


def split_cases(
    data_set: DataSet, ids: Sequence[str] | None, count: int | None, seed: int
) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """(training cases, held-out cases); without ``ids`` a share is held out, none where they are empty or ``none``."""
    if ids is not None:
        training, held_out = hold_out(data_set.cases, named_cases(ids, data_set.cases))
    elif len(data_set.cases) >= HOLD_OUT_FROM:
        training, held_out = split_by_patient(data_set.cases, fraction=HOLD_OUT_SHARE, seed=seed)
    else:
        training, held_out = data_set.cases, ()
    if count is not None:
        if not 1 <= count <= len(training):
            raise UsageError(f"--cases {count}: there are {len(training)} cases to train on; name 1 to {len(training)}")
        training = some_cases(training, count, seed)
    return tuple(training), tuple(held_out)


def named_cases(ids: Sequence[str], cases: Sequence[Case]) -> Sequence[str]:
    """The cases that ``--hold-out`` names; the word ``none`` names no case."""
    if list(ids) != [HOLD_OUT_NONE]:
        return ids
    if any(case.id == HOLD_OUT_NONE for case in cases):
        raise UsageError("--hold-out none: means no case, but a case has this name; rename that case")
    return ()


def some_cases(cases: Sequence[Case], count: int, seed: int) -> tuple[Case, ...]:
    """``count`` cases, drawn by seed, one patient after the other."""
    rng = np.random.default_rng(seed)
    patients = sorted({case.patient for case in cases})
    order = {patients[int(p)]: n for n, p in enumerate(rng.permutation(len(patients)))}
    return tuple(sorted(cases, key=lambda case: (order[case.patient], case.id))[:count])


def make_target(
    name: str,
    package: Package | None,
    data_set: DataSet,
    training: Sequence[Case],
    roles: Sequence[str] | None,
    label_map: Mapping[str, str] | None,
    chosen: Strategy,
    options: TrainingOptions,
    events: Events,
) -> Target:
    """The card and network to start from; ``InputError`` when the truths hold nothing to learn."""
    import torch

    names = label_names_of(data_set, events)
    if not names:
        raise InputError(f"{data_set.folder}: the truths of the training cases are all background; nothing to learn")
    torch.manual_seed(options.seed)
    if package is None:
        found = roles or [role for role in ROLES if role in training[0].images]
        target = target_from_nothing(name, found, names, options.network, options.new_model)
        card = with_statistics(training, target.model.card, options=options.preparation, events=events)
        return replace(target, model=Model(card, target.model.module))
    if options.new_model.given():
        option = options.new_model.given()[0]
        raise UsageError(f"{option}: stands in the card of {package.card.name}; leave it out, or use --from none")
    if options.network not in (None, package.card.network):
        raise UsageError(f"--network {options.network}: {package.card.name} is a {package.card.network}; leave it out")
    return target_from_source(
        name,
        package,
        roles=roles or package.card.roles,
        truth_names=names,
        label_map=label_map,
        with_weights=chosen.starts_from_source,
        events=events,
    )


def make_plan(target: Target, options: TrainingOptions, *, on_gpu: bool, training: Sequence[Case]) -> TrainingPlan:
    """The default plan for network and device, with what the user changed."""
    card = target.model.card
    divisor = network_divisor(card.network, card.arguments)
    early = options.early_stopping
    if early is None:
        early = len(training) >= INNER_FROM and len(patients(training)) > 1
    plan = default_plan(card.network, on_gpu=on_gpu, early_stopping=early, divisor=divisor, dims=card.dims)
    if options.patch is not None and (options.patch < divisor or options.patch % divisor):
        raise UsageError(f"--patch {options.patch}: must be a multiple of {divisor} for {card.network}")
    given = {
        "epochs": options.epochs,
        "steps_per_epoch": options.steps,
        "patch": None if options.patch is None else (1,) * (3 - card.dims) + (options.patch,) * card.dims,
        "batch": options.batch,
        "rate": options.rate,
        "foreground": options.foreground,
    }
    for option, value in given.items():
        if value is not None and option != "patch" and value <= 0:
            raise UsageError(f"--{option} {value}: must be above 0")
    changes = {key: value for key, value in given.items() if value is not None}
    if options.augmentation != AUGMENTATIONS[0]:
        changes |= {"augment": options.augmentation == "flips", "flips_only": options.augmentation == "flips"}
    return replace(plan, seed=options.seed, loss=options.loss, feature_bank=options.feature_bank, **changes)


def make_request(
    package: Package | None,
    data_set: DataSet,
    training: Sequence[Case],
    held_out: Sequence[Case],
    chosen: Strategy,
    plan: TrainingPlan,
    options: TrainingOptions,
    target: Target,
    events: Events,
    lessons: Lessons | None = None,
    unlabelled: Sequence[Case] = (),
) -> dict[str, Any]:
    """All that decides the result, for run.json and for knowing a run again."""

    digests = {}
    for number, case in enumerate([*training, *held_out]):
        events.progress("looking at the cases", number, len(training) + len(held_out))
        digests[case.id] = case_hash(case)
    order = {} if lessons is None else {"curriculum": lessons.request()}
    if unlabelled:
        order["unlabelled"] = unlabelled_request(unlabelled, events)
    card = target.model.card
    if card.dims == 2 or card.intensities:
        order["input"] = {
            "spacing": list(card.spacing),
            "orientation": card.orientation,
            "normalisation": card.normalisation,
            "intensities": card.intensities,
        }
    return order | {
        "verb": "finetune",
        "source": None if package is None else {"name": package.card.name, "sha256": package.card.weights_sha256},
        "training": {case.id: digests[case.id] for case in training},
        "held_out": {case.id: digests[case.id] for case in held_out},
        "layout": data_set.layout,
        "strategy": chosen.name,
        "grouping": options.grouping,
        "plan": plan.to_json(),
        "device": options.device,
        "precision": options.precision,
        "preparation": asdict(options.preparation),
        "roles": list(target.model.card.roles),
        "labels": {str(label.value): [label.name, label.channel] for label in target.model.card.labels},
        "matched": {str(value): None if label is None else label.name for value, label in target.matched.items()},
    }


def check_options(options: TrainingOptions, roles: Sequence[str] | None) -> None:
    """Refuse what cannot be, before any work."""
    check_curriculum(options)
    if options.augmentation not in AUGMENTATIONS:
        raise UsageError(f"--augmentation {options.augmentation}: unknown; choose one of {', '.join(AUGMENTATIONS)}")
    check_unlabelled(options.unlabelled, options.loss)
    for option, value in (("--seed", options.seed), ("--feature-bank", options.feature_bank)):
        if value < 0:
            raise UsageError(f"{option} {value}: must not be below 0")
    if needs_image(loss_by_name(options.loss)) and options.feature_bank:
        raise UsageError(
            f"--loss {options.loss}: looks at the images, a feature bank keeps none; leave out one of them"
        )
    for role in roles or ():
        check_role(role)
        if list(roles or ()).count(role) > 1:
            raise UsageError(f"--roles: {role} is named twice; name each role once")
