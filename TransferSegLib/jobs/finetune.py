"""finetune: adapt a model to a few cases, and say truthfully whether that helped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..cases import DataSet, open_data_set
from ..errors import UsageError
from ..events import Events, quiet
from ..inference import choose_device
from ..networks import state_to_save
from ..packages import Package, find_package
from ..storage import check_folder_is_free
from ..strategies import Strategy, strategy
from ..training import Run
from .adapt import adapt, freeze, gather
from .evaluate import say_left_out
from .finetune_curriculum import make_lessons
from .finetune_plan import TrainingOptions, check_options, make_plan, make_request, make_target, split_cases
from .finetune_report import finish_card, training_result, write_training_report
from .finetune_scores import SourceTask, score_adapted, score_source
from .finetune_unlabelled import open_unlabelled
from .finishing import begun_run, finished_run
from .level_dispatch import is_level_job, refuse_level_options, refuse_others
from .level_finetune import finetune_level
from .level_target import LevelOptions
from .refiner_finetune import finetune_refiner, is_refiner

# What a training can do with such cases, beside others.
WITHOUT_TRUTH = "cases without may take part beside them: --unlabelled FOLDER"

__all__ = ["TrainingOptions", "finetune"]


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
    source_map: Mapping[str, str] | None = None,
    source_truth_name: str | None = None,
    run_folder: str | Path | None = None,
    listed: bool = True,
    options: TrainingOptions | None = None,
    level_options: LevelOptions | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Adapt a model (or train a new one) and score the held-out cases before and after.

    A level model, or ``--network l3-...``, or a CSV of levels goes to `finetune_level`; ``--network petct-refiner``
    with its first stage (`TrainingOptions.stage1`) to `finetune_refiner`.

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
        Cases that are scored before and after and used for nothing else; an empty one, or ``["none"]``, holds
        out none. Without it 20 % by patient and seed when there are at least 5 cases, none below.
    cases : int, optional
        Train on that many of the remaining cases only, drawn by patient and seed.
    source_data : path, optional
        A data set of the source's task: how much of it was forgotten is measured there; ``source_map`` and
        ``source_truth_name`` are its ``label_map`` and ``truth_name``.

    listed : bool
        Whether choosers list the new model.
    level_options : LevelOptions, optional
        For a level model only.

    Returns
    -------
    dict
        ``package, before, after, verdict, message, trainable, total, frozen, strategy, run, report, seconds,
        held_out, trained_on, matched {label: the source's label or null}, transferred, forgotten, steps,
        curriculum {name, difficulty, its parameters} or null, unlabelled [ids], refiner_left_out
        (of a two-stage source the first is adapted), stopped`` (true where the user
        ended the training before its plan did).
    """
    events, options, started, out = quiet(events), options or TrainingOptions(), time.monotonic(), Path(out)
    chosen = strategy(strategy_name)
    check_options(options, roles)
    check_folder_is_free(out)
    refines = is_refiner(options, chosen)
    package = _source(source, chosen)
    if is_level_job(package, options.network, data):
        others = {"--roles": roles, "--map": label_map, "--truth-name": truth_name, "--source-data": source_data}
        refuse_others(others, options)
        return finetune_level(
            package=package,
            chosen=chosen,
            data=data,
            out=out,
            hold_out_ids=hold_out_ids,
            cases=cases,
            run_folder=run_folder,
            listed=listed,
            options=options,
            level_options=level_options,
            events=events,
        )
    refuse_level_options(level_options)
    if refines:
        return finetune_refiner(
            data=data,
            out=out,
            source=package,
            hold_out_ids=hold_out_ids,
            cases=cases,
            label_map=label_map,
            truth_name=truth_name,
            others={
                "--roles": roles,
                "--source-data": source_data,
                "--source-map": source_map,
                "--source-truth-name": source_truth_name,
            },
            run_folder=run_folder,
            listed=listed,
            options=options,
            events=events,
        )
    device = choose_device(options.device, precision=options.precision)
    data_set = _data_set(data, package, roles, truth_name)
    say_left_out(data_set, events)
    training, held_out = split_cases(data_set, hold_out_ids, cases, options.seed)
    target = make_target(out.name, package, data_set, training, roles, label_map, chosen, options, events)
    freezing = freeze(target, chosen, options.grouping)
    plan = make_plan(target, options, on_gpu=device.is_gpu, training=training)
    lessons = make_lessons(options, data_set, training, target, events)
    unlabelled = open_unlabelled(
        options.unlabelled,
        target.model.card,
        data_set=data_set,
        held_out=held_out,
        training=training,
        truth_name=truth_name,
        events=events,
    )
    request = make_request(
        package, data_set, training, held_out, chosen, plan, options, target, events, lessons, unlabelled
    )
    folder = run_folder or f"{out}.run"
    Run.refuse_another(folder, request)
    others = [case for case in data_set.cases if case not in training]
    gathered = gather(
        target,
        training,
        others,
        plan,
        digests=request["training"],
        options=options.preparation,
        events=events,
        unlabelled=unlabelled,
        unlabelled_digests=request["unlabelled"]["cases"] if unlabelled else None,
    )
    scoring = time.monotonic()
    before = score_source(package, target, held_out, options, events)
    source_task = SourceTask.open(package, target, source_data, source_map, source_truth_name, options, events)
    # What was scored before is scored again after.
    scoring = time.monotonic() - scoring
    # Only now, with all input checked, is anything written.
    run = begun_run(folder, request, events)
    if lessons is not None:
        lessons = lessons.measured(run, target, gathered, training, options, events)
    how = {"options": options, "run": run, "events": events, "afterwards": scoring, "lessons": lessons}
    adapted = adapt(target, gathered, freezing, plan, **how)
    after = score_adapted(adapted.model, held_out, options, "scoring the held-out cases after", events)
    forgotten = None if source_task is None else source_task.forgotten(adapted.model, options, events)
    result = training_result(before, after, adapted, chosen, target, held_out, training, gathered, forgotten)
    card = finish_card(adapted.model.card, package, chosen, plan, result, request, run.id)
    result["report"] = str(write_training_report(run, card, result, adapted, held_out, options, events))
    result["refiner_left_out"] = package is not None and bool(package.card.refiner)
    state = state_to_save(card.network, adapted.model.module)
    return finished_run(run, out, card, state, result, started=started, listed=listed)


def _source(source: str | Path | Package | None, chosen: Strategy) -> Package | None:
    if source is None and chosen.starts_from_source:
        raise UsageError(f"--strategy {chosen.name} needs a model to start from; name one with --from, or use scratch")
    return source if source is None or isinstance(source, Package) else find_package(source, "--from")


def _data_set(
    data: str | Path, package: Package | None, roles: Sequence[str] | None, truth_name: str | None
) -> DataSet:
    """The data set with the roles that are asked for, or the source's; the truth belongs to the reference role."""
    if package is None:
        return open_data_set(data, roles=roles, truth_name=truth_name, without_truth=WITHOUT_TRUTH)
    roles = roles or package.card.roles
    reference = package.card.reference if package.card.reference in roles else None
    how = {"reference_role": reference, "without_truth": WITHOUT_TRUTH}
    return open_data_set(data, roles=roles, truth_name=truth_name, **how)
