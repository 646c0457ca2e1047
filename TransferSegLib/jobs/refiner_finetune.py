"""finetune of a refiner: the second stage of a PET/CT model, trained on what its first stage says of each case."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..cases import Case, DataSet, open_data_set
from ..errors import UsageError
from ..events import Events
from ..inference import choose_device
from ..networks import REFINERS
from ..packages import Card, Package, learned_digests
from ..storage import check_folder_is_free
from ..strategies import Strategy, strategy
from ..training import Run, TrainingPlan
from .adapt import Gathered, adapt, freeze, gather
from .evaluate import say_left_out
from .finetune_curriculum import Lessons, make_lessons
from .finetune_plan import TrainingOptions, make_plan, make_request, split_cases
from .finetune_report import finish_card, training_result, write_training_report
from .finetune_scores import score_adapted, score_source
from .finetune_unlabelled import open_unlabelled
from .finishing import begun_run, finished_run
from .labels import label_names_of
from .refiner_target import Chain, RefinerArrays, chain_of, first_stage, with_refiner, with_window

STRATEGY = "scratch"


@dataclass(frozen=True)
class RefinerJob:
    """What a refiner is trained from: the chain it belongs to, the cases, and all that decides the result."""

    chain: Chain
    data_set: DataSet
    training: tuple[Case, ...]
    held_out: tuple[Case, ...]
    unlabelled: tuple[Case, ...]
    plan: TrainingPlan
    lessons: Lessons | None
    request: dict[str, Any]


def is_refiner(options: TrainingOptions, chosen: Strategy) -> bool:
    """Whether a training is a refiner's.

    Raises ``UsageError`` for one with another strategy or without its first stage, or for a first stage without one.
    """
    wanted = options.network in REFINERS
    if wanted and chosen.name != STRATEGY:
        raise UsageError(f"--strategy {chosen.name}: a refiner is trained with --strategy {STRATEGY}; say that")
    if wanted and options.stage1 is None:
        raise UsageError(
            f"--network {options.network}: refines what a first stage finds; name that with --stage1 MODEL"
        )
    if options.stage1 is not None and not wanted:
        raise UsageError(f"--stage1: is for a refiner only; say --network {' or '.join(REFINERS)}, or leave it out")
    return wanted


def finetune_refiner(
    *,
    data: str | Path,
    out: Path,
    source: Package | None,
    hold_out_ids: Sequence[str] | None,
    cases: int | None,
    label_map: Mapping[str, str] | None,
    truth_name: str | None,
    others: Mapping[str, Any],
    run_folder: str | Path | None,
    listed: bool,
    options: TrainingOptions,
    events: Events,
) -> dict[str, Any]:
    """Train a refiner and write the chain of both stages; the held-out cases are scored without it and with it.

    Its inputs are the five channels at the PET's own spacing and the first stage's probability on that very case. On
    cases that the first stage learned from that probability is better than on new ones: what its record says of that
    is told and stands in the card.

    Returns
    -------
    dict
        As `finetune`'s, and ``stage1 {name, shared, shared_held_out, notes}``: ids of the training and of the held-out
        cases that the first stage learned from, null where it keeps no record.
    """
    started = time.monotonic()
    wrong = [name for name, value in others.items() if value]
    if source is not None or wrong:
        raise UsageError(f"{wrong[0] if wrong else '--from'}: has no meaning for a refiner; leave it out")
    check_folder_is_free(out)
    job = _job(data, out, hold_out_ids, cases, label_map, truth_name, options, events)
    folder = run_folder or f"{out}.run"
    Run.refuse_another(folder, job.request)
    chosen, target = strategy(STRATEGY), job.chain.target
    freezing = freeze(target, chosen, options.grouping)
    gathered = _gather(job, options, events)
    for note in _notes(job):
        events.say(note)
    scoring = time.monotonic()
    before = score_source(job.chain.first, target, job.held_out, options, events)
    scoring = time.monotonic() - scoring
    run = begun_run(folder, job.request, events)
    lessons = job.lessons
    if lessons is not None:
        lessons = lessons.measured(run, target, gathered, job.training, options, events)
    how = {"options": options, "run": run, "events": events, "afterwards": 2 * scoring, "lessons": lessons}
    adapted = adapt(target, gathered, freezing, job.plan, **how)
    model, state = with_refiner(job.chain, adapted.model.module)
    after = score_adapted(model, job.held_out, options, "scoring the held-out cases after", events)
    result = training_result(before, after, adapted, chosen, target, job.held_out, job.training, gathered, None)
    result["stage1"] = _shared(job) | {"notes": _notes(job)}
    result["refiner_left_out"] = False
    card = _card(job, model.card, result, run.id)
    shown = {"options": options, "events": events, "model": model}
    result["report"] = str(write_training_report(run, card, result, adapted, job.held_out, **shown))
    return finished_run(run, out, card, state, result, started=started, listed=listed)


def _job(
    data: str | Path,
    out: Path,
    hold_out_ids: Sequence[str] | None,
    cases: int | None,
    label_map: Mapping[str, str] | None,
    truth_name: str | None,
    options: TrainingOptions,
    events: Events,
) -> RefinerJob:
    """Read and check everything; nothing is written."""
    import torch

    device, first = choose_device(options.device, precision=options.precision), first_stage(options.stage1)
    card = first.card
    data_set = open_data_set(data, roles=card.roles, truth_name=truth_name, reference_role=card.reference)
    say_left_out(data_set, events)
    training, held_out = split_cases(data_set, hold_out_ids, cases, options.seed)
    torch.manual_seed(options.seed)
    chain = chain_of(out.name, first, options.network, label_names_of(data_set, events), label_map, events)
    plan = make_plan(chain.target, options, on_gpu=device.is_gpu, training=training)
    chain = with_window(chain, plan.patch)
    lessons = make_lessons(options, data_set, training, chain.target, events)
    apart = {"data_set": data_set, "held_out": held_out, "training": training, "truth_name": truth_name}
    unlabelled = open_unlabelled(options.unlabelled, card, **apart, events=events)
    request = make_request(
        None, data_set, training, held_out, strategy(STRATEGY), plan, options, chain.target, events, lessons, unlabelled
    )
    request["stage1"] = {"name": card.name, "sha256": card.weights_sha256}
    return RefinerJob(chain, data_set, training, held_out, unlabelled, plan, lessons, request)


def _gather(job: RefinerJob, options: TrainingOptions, events: Events) -> Gathered:
    """The cases with the first stage's probability on each."""
    return gather(
        job.chain.target,
        job.training,
        [case for case in job.data_set.cases if case not in job.training],
        job.plan,
        digests=job.request["training"],
        options=options.preparation,
        events=events,
        unlabelled=job.unlabelled,
        unlabelled_digests=job.request["unlabelled"]["cases"] if job.unlabelled else None,
        arrays_of=RefinerArrays(job.chain, options.device, options.precision),
    )


def _shared(job: RefinerJob) -> dict[str, Any]:
    """Which cases the first stage learned from, by its record; None where it keeps none."""
    known = learned_digests(job.chain.first.card)
    parts = {"shared": job.request["training"], "shared_held_out": job.request["held_out"]}
    own = {
        name: None if known is None else [case for case, digest in part.items() if digest in known]
        for name, part in parts.items()
    }
    return {"name": job.chain.first.card.name, **own}


def _notes(job: RefinerJob) -> list[str]:
    """What the reader must know of the first stage's probability on these cases, a sentence each; no case's name."""
    shared, name = _shared(job), job.chain.first.card.name
    if shared["shared"] is None:
        return [f"{name} keeps no record of the cases it learned from: whether they are among these is not known"]
    if not shared["shared"]:
        notes = [f"by its record {name} learned from none of the training cases"]
    else:
        notes = [
            f"{name} learned from {len(shared['shared'])} of the {len(job.training)} training cases: its probability "
            "on them is better than on new ones, and the refiner learns to trust it too much"
        ]
    if shared["shared_held_out"]:
        notes.append(
            f"{name} learned from {len(shared['shared_held_out'])} of the {len(job.held_out)} held-out cases: neither "
            "score is one of new cases"
        )
    return notes


def _card(job: RefinerJob, both: Card, result: dict[str, Any], run_id: str) -> Card:
    """The card of both stages: the refiner's training, the first stage and what is known of the cases they share."""
    stage, first = both.refiner["network"], job.chain.first.card
    made = finish_card(replace(both, network=stage), None, strategy(STRATEGY), job.plan, result, job.request, run_id)
    shared = {key: None if ids is None else len(ids) for key, ids in _shared(job).items() if key != "name"}
    text = f"{first.name}, then {made.origin['text']}; {'; '.join(_notes(job))}"
    about = {"name": first.name, "sha256": first.weights_sha256, "origin": first.origin, **shared}
    inputs = dict(made.origin["inputs"])
    before = learned_digests(first)
    if before:
        inputs["before"] = sorted(before)
    origin = made.origin | {"text": text, "stage1": about, "inputs": inputs}
    label = both.labels[0].name
    description = f"{label[0].upper()}{label[1:]} on {', '.join(both.roles)}: {text}."
    licence = {"licence": first.licence, "citation": first.citation}
    return replace(made, network=both.network, description=description, origin=origin, **licence)
