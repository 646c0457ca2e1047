"""finetune: adapt a model to a few cases, and say truthfully whether that helped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..cases import Case, DataSet, hold_out, open_data_set, split_by_patient
from ..errors import InputError, UsageError
from ..events import Events, quiet
from ..inference import choose_device
from ..networks import network_divisor
from ..packages import Package, find_package, register, write_package
from ..preparing import PreparationOptions
from ..storage import check_folder_is_free
from ..strategies import Strategy, strategy
from ..training import Run, TrainingPlan, case_hash, default_plan, loss_by_name
from .adapt import Adapted, adapt, freeze, gather
from .evaluate import evaluate_cases
from .finetune_report import finish_card, write_training_report
from .labels import label_names_of
from .predict import Model
from .target import Target, target_from_nothing, target_from_source

HOLD_OUT_FROM = 5
HOLD_OUT_SHARE = 0.2
INNER_FROM = 6
INNER_SHARE = 0.2


@dataclass(frozen=True)
class TrainingOptions:
    """What a user may set; None means the default for the network and device."""

    network: str | None = None
    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    patch: int | None = None
    batch: int | None = None
    rate: float | None = None
    loss: str = "dice-ce"
    curriculum: str | None = None
    feature_bank: int = 0
    early_stopping: bool | None = None
    grouping: str = "anatomical"
    device: str = "auto"
    precision: str = "auto"
    preparation: PreparationOptions = field(default_factory=PreparationOptions)


def finetune(
    *,
    source: str | Path | Package | None,
    data: str | Path,
    strategy_name: str,
    out: str | Path,
    hold_out_ids: Sequence[str] | None = None,
    cases: int | None = None,
    roles: Sequence[str] | None = None,
    label_map: Mapping[str, str] | None = None,
    truth_name: str | None = None,
    source_data: str | Path | None = None,
    run_folder: str | Path | None = None,
    options: TrainingOptions | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Adapt a model (or train a new one) and score the held-out cases before and after.

    Parameters
    ----------
    source : name, folder, zip, Package or None
        The model to start from; None trains a new network (strategy ``scratch`` only).
    data : path
        Data set with truths.
    strategy_name : str
        ``scratch half-lr freeze-encoder freeze-decoder freeze-both from-level:K``.
    out : path
        Folder of the adapted package; must not exist yet.
    hold_out_ids : sequence of str, optional
        Cases that are scored before and after and used for nothing else. Without it 20 % by patient and
        seed when there are at least 5 cases, none below.
    cases : int, optional
        Train on that many of the remaining cases only, drawn by patient and seed.
    source_data : path, optional
        A data set of the source's task: how much of it was forgotten is measured there.

    Returns
    -------
    dict
        ``package, before, after, verdict, message, trainable, total, frozen, strategy, run, report, seconds,
        held_out, trained_on, transferred, forgotten``.
    """
    events, options, started = quiet(events), options or TrainingOptions(), time.monotonic()
    chosen = strategy(strategy_name)
    _check_curriculum(options.curriculum)
    loss_by_name(options.loss)
    check_folder_is_free(out)
    device = choose_device(options.device)
    package = None if source is None else source if isinstance(source, Package) else find_package(source)
    if package is None and chosen.starts_from_source:
        raise UsageError(
            f"--strategy {strategy_name} needs a model to start from; name one with --from, or use scratch"
        )
    data_set = open_data_set(data, roles=roles or (package.card.roles if package else None), truth_name=truth_name)
    training, held_out = _split(data_set, hold_out_ids, cases, options.seed)
    target = _target(Path(out).name, package, data_set, training, roles, label_map, chosen, options)
    freezing = freeze(target, chosen, options.grouping)
    plan = _plan(target, options, on_gpu=device.is_gpu, count=len(training))
    request = _request(package, data_set, training, held_out, chosen, plan, options, target)
    others = [case for case in data_set.cases if case not in training]
    gathered = gather(target, training, others, plan, options=options.preparation, events=events)
    before = _score_source(package, target, held_out, options, events)
    # Only now, with all input checked, is anything written.
    run = Run(run_folder or f"{out}.run", request)
    if run.resumed:
        events.say(f"going on with the interrupted run in {run.folder}")
    adapted = adapt(target, gathered, freezing, plan, options=options, run=run, events=events)
    after = _score(adapted.model, held_out, options, "scoring the held-out cases after", events)
    forgotten = _forgotten(package, target, adapted.model, source_data, options, events)
    result = _result(before, after, adapted, chosen, target, held_out, training, forgotten)
    card = finish_card(adapted.model.card, package, chosen, plan, result, request)
    from ..networks import state_to_save

    made = write_package(out, card, state_to_save(card.network, adapted.model.module))
    result["report"] = str(write_training_report(run, card, result, adapted, held_out, options, events))
    result = {
        "package": str(made.folder),
        **result,
        "run": str(run.folder),
        "seconds": round(time.monotonic() - started, 1),
    }
    run.finish(result=result)
    register(made)
    return result


def _split(
    data_set: DataSet, ids: Sequence[str] | None, count: int | None, seed: int
) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """(training cases, held-out cases)."""
    if ids:
        training, held_out = hold_out(data_set.cases, ids)
    elif len(data_set.cases) >= HOLD_OUT_FROM:
        training, held_out = split_by_patient(data_set.cases, fraction=HOLD_OUT_SHARE, seed=seed)
    else:
        training, held_out = data_set.cases, ()
    if count is not None:
        if not 1 <= count <= len(training):
            raise UsageError(f"--cases {count}: there are {len(training)} cases to train on; name 1 to {len(training)}")
        training = _some(training, count, seed)
    return tuple(training), tuple(held_out)


def _some(cases: Sequence[Case], count: int, seed: int) -> tuple[Case, ...]:
    """``count`` cases, drawn by seed, one patient after the other."""
    import numpy as np

    rng = np.random.default_rng(seed)
    patients = sorted({case.patient for case in cases})
    order = {patients[int(p)]: n for n, p in enumerate(rng.permutation(len(patients)))}
    return tuple(sorted(cases, key=lambda case: (order[case.patient], case.id))[:count])


def _target(
    name: str,
    package: Package | None,
    data_set: DataSet,
    training: Sequence[Case],
    roles: Sequence[str] | None,
    label_map: Mapping[str, str] | None,
    chosen: Strategy,
    options: TrainingOptions,
) -> Target:
    import torch

    names = label_names_of(data_set, training)
    if not names:
        raise InputError(f"{data_set.folder}: the truths of the training cases are all background; nothing to learn")
    torch.manual_seed(options.seed)
    if package is None:
        found = roles or sorted(training[0].images, key=_role_order)
        return target_from_nothing(name, found, names, options.network)
    if options.network not in (None, package.card.network):
        raise UsageError(f"--network {options.network}: {package.card.name} is a {package.card.network}; leave it out")
    return target_from_source(
        name,
        package,
        roles=roles or package.card.roles,
        truth_names=names,
        label_map=label_map,
        with_weights=chosen.starts_from_source,
    )


def _role_order(role: str) -> int:
    order = ("flair", "t1", "t1gd", "t2", "pet", "ct", "rgb", "grey")
    return order.index(role) if role in order else len(order)


def _plan(target: Target, options: TrainingOptions, *, on_gpu: bool, count: int) -> TrainingPlan:
    card = target.model.card
    divisor = network_divisor(card.network, card.arguments)
    early = count >= INNER_FROM if options.early_stopping is None else options.early_stopping
    plan = default_plan(card.network, on_gpu=on_gpu, early_stopping=early, divisor=divisor)
    if options.patch is not None and (options.patch < divisor or options.patch % divisor):
        raise UsageError(f"--patch {options.patch}: must be a multiple of {divisor} for {card.network}")
    given = {
        "epochs": options.epochs,
        "steps_per_epoch": options.steps,
        "patch": None if options.patch is None else (options.patch,) * 3,
        "batch": options.batch,
        "rate": options.rate,
    }
    for option, value in given.items():
        if value is not None and option != "patch" and value <= 0:
            raise UsageError(f"--{option} {value}: must be above 0")
    changes = {key: value for key, value in given.items() if value is not None}
    return replace(plan, seed=options.seed, loss=options.loss, feature_bank=options.feature_bank, **changes)


def _request(
    package: Package | None,
    data_set: DataSet,
    training: Sequence[Case],
    held_out: Sequence[Case],
    chosen: Strategy,
    plan: TrainingPlan,
    options: TrainingOptions,
    target: Target,
) -> dict[str, Any]:
    """All that decides the result, for run.json and for knowing a run again."""
    return {
        "verb": "finetune",
        "source": None if package is None else {"name": package.card.name, "sha256": package.card.weights_sha256},
        "training": {case.id: case_hash(case) for case in training},
        "held_out": {case.id: case_hash(case) for case in held_out},
        "layout": data_set.layout,
        "strategy": chosen.name,
        "grouping": options.grouping,
        "plan": plan.to_json(),
        "device": options.device,
        "precision": options.precision,
        "preparation": asdict(options.preparation),
        "roles": list(target.model.card.roles),
        "labels": {str(label.value): [label.name, label.channel] for label in target.model.card.labels},
    }


def _score_source(
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


def _score(
    model: Model, held_out: Sequence[Case], options: TrainingOptions, stage: str, events: Events
) -> dict[str, Any] | None:
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


def _forgotten(
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
    from .evaluate import evaluate

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


def _result(
    before: dict | None,
    after: dict | None,
    adapted: Adapted,
    chosen: Strategy,
    target: Target,
    held_out: Sequence[Case],
    training: Sequence[Case],
    forgotten: dict | None,
) -> dict[str, Any]:
    from ..reporting import verdict

    kind, message = verdict(before, after)
    return {
        "before": before,
        "after": after,
        "verdict": kind,
        "message": message,
        "trainable": adapted.trainable,
        "total": adapted.total,
        "frozen": adapted.frozen,
        "strategy": chosen.name,
        "held_out": [case.id for case in held_out],
        "trained_on": [case.id for case in training],
        "transferred": None if target.transfer is None else target.transfer.as_dict(),
        "forgotten": forgotten,
    }


def _check_curriculum(name: str | None) -> None:
    if name not in (None, "none"):
        raise UsageError(f"--curriculum {name}: there is none of that name; leave it out or say none")
