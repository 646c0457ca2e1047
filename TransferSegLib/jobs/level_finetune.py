"""finetune for level models: adapt one to a few scans, and say truthfully whether that helped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cases import split_by_patient
from ..errors import InputError
from ..events import Events
from ..inference import choose_device
from ..level.data_set import LevelCase, LevelSet, open_levels
from ..level.projected import level_case_hash, project_all
from ..level.scan_mark import all_marks
from ..level.scoring import cost_mm
from ..networks import state_to_save
from ..packages import Package
from ..preparing.projection import ProjectionSpec
from ..reporting.level_verdict import level_verdict
from ..storage import check_folder_is_free
from ..strategies import Freezing, Strategy, apply_strategy
from ..training import LevelExample, LevelPlan, Progress, Run
from .finetune_plan import TrainingOptions
from .finishing import begun_run, finished_run
from .level_evaluate import evaluate_level_cases
from .level_plans import Adaptation, adaptation, level_plan, split_levels
from .level_report import finish_level_card, write_level_report
from .level_target import LevelOptions, LevelTarget, check_level_options, level_target
from .level_training import train_level
from .predict import Model

INNER_SHARE = 0.2


@dataclass(frozen=True)
class LevelJob:
    """All that is decided before anything is trained."""

    package: Package | None
    chosen: Strategy
    target: LevelTarget
    freezing: Freezing
    levels: LevelSet
    training: tuple[LevelCase, ...]
    held_out: tuple[LevelCase, ...]
    plan: LevelPlan
    how: Adaptation
    request: dict[str, Any]


def finetune_level(
    *,
    package: Package | None,
    chosen: Strategy,
    data: str | Path,
    out: Path,
    hold_out_ids: Sequence[str] | None = None,
    cases: int | None = None,
    run_folder: str | Path | None = None,
    listed: bool = True,
    options: TrainingOptions,
    level_options: LevelOptions | None = None,
    events: Events,
) -> dict[str, Any]:
    """Adapt a level model (or train a new one) and score the held-out scans before and after.

    Called by ``jobs.finetune.finetune``, whose rules and result it shares; ``before`` and ``after`` are as
    `evaluate_level` gives them.
    """
    started, level_options = time.monotonic(), level_options or LevelOptions()
    job = _plan_job(package, chosen, data, out, hold_out_ids, cases, options, level_options, events)
    folder = run_folder or f"{out}.run"
    Run.refuse_another(folder, job.request)
    examples, inner, marks = _gather(job, events)
    rehearsal = job.how.rehearsal_examples(job.target.model.card, events)
    scoring = time.monotonic()
    before = None if package is None else _score(Model.open(package), job, options, "before", events)
    scoring = time.monotonic() - scoring
    run = begun_run(folder, job.request, events)
    progress = _train(job, options, run, events, (examples, inner, rehearsal), scoring)
    after = _score(job.target.model, job, options, "after", events, marks)
    result = _result(job, before, after, progress, events)
    card = finish_level_card(job, result, run.id, marks)
    result["report"] = str(write_level_report(run, card, job, result, progress))
    state = state_to_save(card.network, job.target.model.module)
    return finished_run(run, out, card, state, result, started=started, listed=listed)


def _train(
    job: LevelJob,
    options: TrainingOptions,
    run: Run,
    events: Events,
    examples: tuple[list[LevelExample], list[LevelExample], list[LevelExample]],
    afterwards: float,
) -> Progress:
    """Train on examples to learn from, to stop by, and to rehearse."""
    learned, inner, rehearsal = examples
    return train_level(
        job.target.model.module,
        job.target.model.card,
        learned,
        job.plan,
        freezing=job.freezing,
        inner=inner,
        rehearsal=rehearsal,
        anchor=job.how.anchor,
        device=options.device,
        precision=options.precision,
        run=run,
        events=events,
        afterwards=afterwards,
    )


def _plan_job(
    package: Package | None,
    chosen: Strategy,
    data: str | Path,
    out: Path,
    hold_out_ids: Sequence[str] | None,
    count: int | None,
    options: TrainingOptions,
    level_options: LevelOptions,
    events: Events,
) -> LevelJob:
    check_level_options(level_options, options.network, package)
    check_folder_is_free(out)
    device = choose_device(options.device, precision=options.precision)
    level = level_options.level or (package.card.level if package is not None else None)
    levels = open_levels(data, level)
    training, held_out = split_levels(levels, hold_out_ids, count, options.seed)
    target = level_target(
        out.name, package, levels.level, chosen, options.network, level_options, seed=options.seed, events=events
    )
    new = frozenset() if target.transfer is None else target.transfer.new_tensors
    card, module = target.model.card, target.model.module
    freezing = apply_strategy(chosen, card.network, module, grouping=options.grouping, new_tensors=new)
    from_source = package if target.transfer is not None else None
    plan = level_plan(card, module, training, options, from_source=from_source, on_gpu=device.is_gpu)
    how = adaptation(from_source)
    request = _request(package, chosen, plan, how, card, levels, training, held_out, options, events)
    return LevelJob(package, chosen, target, freezing, levels, training, held_out, plan, how, request)


def _request(
    package: Package | None,
    chosen: Strategy,
    plan: LevelPlan,
    how: Adaptation,
    card: Any,
    levels: LevelSet,
    training: Sequence[LevelCase],
    held_out: Sequence[LevelCase],
    options: TrainingOptions,
    events: Events,
) -> dict[str, Any]:
    """All that decides the result, for run.json and for knowing a run again."""
    digests = {}
    for number, case in enumerate([*training, *held_out]):
        events.progress("looking at the scans", number, len(training) + len(held_out))
        digests[case.id] = level_case_hash(case)
    return {
        "verb": "finetune",
        "task": "level",
        "source": None if package is None else {"name": package.card.name, "sha256": package.card.weights_sha256},
        "training": {case.id: digests[case.id] for case in training},
        "held_out": {case.id: digests[case.id] for case in held_out},
        "level": levels.level,
        "strategy": chosen.name,
        "grouping": options.grouping,
        "plan": plan.to_json(),
        "adaptation": how.to_json(),
        "network": card.network,
        "projection": card.projection,
        "window": list(card.window),
        "spacing": list(card.spacing),
        "device": options.device,
        "precision": options.precision,
    }


def _gather(job: LevelJob, events: Events) -> tuple[list[LevelExample], list[LevelExample], list[str]]:
    """The examples to learn from, those of the inner split where there is one, and the marks of all learned scans."""
    spec = ProjectionSpec.of_card(job.target.model.card)
    training, inner = job.training, ()
    if job.plan.early_stopping:
        training, inner = map(tuple, split_by_patient(job.training, fraction=INNER_SHARE, seed=job.plan.seed))
    total = len(training) + len(inner)
    digests = job.request["training"]
    found = project_all(
        (*training, *inner), spec, digests=digests, say=lambda n: events.progress("projecting the scans", n, total)
    )
    examples = [part.example for part in found]
    learned = examples[: len(training)]
    if job.plan.evaluation == "windows" and not any(e.row is not None for e in learned):
        raise InputError(
            f"{job.levels.path}: no scan to train on shows {job.levels.level}; add one, or use --evaluation dense"
        )
    if not any(e.row is not None for e in learned):
        events.say(f"no scan to train on shows {job.levels.level}: only where it is not can be learned from them")
    start = None if job.package is None or job.target.transfer is None else job.package.card
    return learned, examples[len(training) :], all_marks(start, (part.mark for part in found))


def _score(
    model: Model, job: LevelJob, options: TrainingOptions, when: str, events: Events, marks: list[str] | None = None
) -> dict[str, Any] | None:
    """Score the held-out scans; ``marks`` are those of the scans that a model without a finished card learned from."""
    if not job.held_out:
        return None
    if model.card.level != job.levels.level:
        events.say(f"the source model finds {model.card.level}: it cannot be scored on {job.levels.level}")
        return None
    stage = f"scoring the held-out scans {when}"
    return evaluate_level_cases(model, job.held_out, device=options.device, stage=stage, marks=marks, events=events)


def _result(
    job: LevelJob, before: dict | None, after: dict | None, progress: Progress, events: Events
) -> dict[str, Any]:
    kind, message = level_verdict(before, after, cost_mm)
    notes = next((scores["notes"] for scores in (after, before) if scores and scores["notes"]), [])
    name, transfer = job.levels.level, job.target.transfer
    kept = job.package is not None and transfer is not None and job.package.card.level == name
    matched: Mapping[str, str | None] = {name: name if kept else None}
    return {
        "before": before,
        "after": after,
        "verdict": kind,
        "message": " ".join([f"{message}.", *notes]) if notes else message,
        "trainable": job.freezing.trainable,
        "total": job.freezing.total,
        "frozen": job.freezing.frozen,
        "strategy": job.chosen.name,
        "steps": progress.step,
        "stopped": events.stopping and progress.step < job.plan.steps,
        "held_out": [case.id for case in job.held_out],
        "trained_on": [case.id for case in job.training],
        "matched": dict(matched),
        "transferred": None if transfer is None else transfer.as_dict(),
        "forgotten": None,
        "task": "level",
        "level": name,
    }
