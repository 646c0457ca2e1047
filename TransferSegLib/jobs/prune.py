"""prune: fewer maps in a network, step by step, with fine-tuning between; error and time at every step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..events import Events, quiet
from ..networks import state_to_save
from ..packages import Package, register, write_package
from ..preparing import PreparationOptions
from ..storage import check_folder_is_free
from ..training import Run
from ..training.pruning_graph import torch_pruning
from ..training.pruning_time import Gain, seconds_in_turn
from .level_dispatch import check_data, refuse_labels
from .prune_cases import plan_case_job
from .prune_keeping import earlier_words, keep_step, kept, kept_step, resumable
from .prune_level import plan_level_job
from .prune_options import PruneOptions
from .prune_report import prune_message, pruned_card, row_words, write_curve
from .prune_steps import Pruned, PruneJob, guide, measured, prune_step
from .segment import find_model


def prune(
    *,
    model: str | Path | Package,
    data: str | Path,
    out: str | Path,
    options: PruneOptions | None = None,
    hold_out: Sequence[str] | None = None,
    label_map: Mapping[str, str] | None = None,
    truth_name: str | None = None,
    preparation: PreparationOptions | None = None,
    run_folder: str | Path | None = None,
    listed: bool = True,
    events: Events | None = None,
) -> dict[str, Any]:
    """Prune a model on a data set and write the smaller one as a package.

    A run that was killed is gone on with: its measured times, its finished steps and the checkpoint of the last count.

    Parameters
    ----------
    model : name, folder or package
        Of one segmentation network, or a regressor (``l3-...``) of any convolutional backbone.
    data : path
        Data set with truths, or a level model's CSV of scans and levels: the training cases score the maps and
        fine-tune, the held-out ones give Dice or the error.
    out : path
        Folder of the new package.
    hold_out : sequence of str, optional
        Ids of the held-out cases; a fifth of the patients from 5 cases on otherwise.
    label_map, truth_name, preparation : optional
        As for `finetune`; not for a level model.

    Returns
    -------
    dict
        ``package, curve`` (a dict a step: ``criterion, step, kept, maps, parameters``, for labels ``dice, dice_sd,
        cases``, for a level ``error_mm, error_mm_sd, error_mm_median, within_10_mm, found, scans``; ``seconds`` of a
        window or a scan), ``curve_csv, picture, guided`` (by group, or None), ``message, held_out, trained_on, run,
        seconds``.

    Raises
    ------
    UsageError
        Another kind of model, nothing held out, a network that has no maps to lose, an option that means nothing.
    InputError
        Truths that do not fit the model.
    DependencyError
        Without torch-pruning.
    """
    started, events, options = time.monotonic(), quiet(events), options or PruneOptions()
    given = {"label_map": label_map, "truth_name": truth_name, "preparation": preparation or PreparationOptions()}
    job = _plan_job(find_model(model, "MODEL"), data, Path(out), hold_out, run_folder, options, events, given)
    earlier = earlier_words(job.folder, options.steps * (2 if options.control and options.criterion != "random" else 1))
    run = Run(job.folder, job.request)
    if earlier is not None:
        events.say(earlier)
    with resumable():
        return _pruned(job, run, options, started, listed, events)


def _pruned(
    job: PruneJob, run: Run, options: PruneOptions, started: float, listed: bool, events: Events
) -> dict[str, Any]:
    """Guide, curve, package; what is finished is kept in the run's folder."""
    timed = kept_guide(job, events) if options.guided else None
    left = (*job.alone, *(gain.name for gain in timed or () if not gain.pays))
    first = kept(job.folder / "first.json", lambda: measured(job.task, job.start, events))
    ends, curve = {}, []
    for criterion in dict.fromkeys((options.criterion, *(("random",) if options.control else ()))):
        ends[criterion], rows = prune_curve(criterion, job, first, left, options, events)
        curve += rows
    curve = timed_in_turn(job, curve)
    result = {
        "curve": curve,
        "guided": None if timed is None else [vars(gain) for gain in timed],
        "message": prune_message(curve, options, timed),
        "held_out": list(job.request["held_out"]),
        "trained_on": list(job.request["training"]),
        "run": str(job.folder),
        **write_curve(job.folder, curve, job.out.name),
    }
    end = ends[options.criterion]
    card = pruned_card(job.out.name, end.card, job.package, result, options, run.id, job.origin)
    made = write_package(job.out, card, state_to_save(card.network, end.module))
    result = {"package": str(made.folder), **result, "seconds": round(time.monotonic() - started, 1)}
    run.finish(result=result)
    if listed:
        register(made)
    return result


def _plan_job(
    package: Package,
    data: str | Path,
    out: Path,
    hold_out: Sequence[str] | None,
    run_folder: str | Path | None,
    options: PruneOptions,
    events: Events,
    given: Mapping[str, Any],
) -> PruneJob:
    """The job of this kind of model; ``given`` are the options of segmentation: labels, truth, preparation."""
    options.check()
    check_folder_is_free(out)
    torch_pruning()
    check_data(package.card, data)
    folder = Path(run_folder or f"{out}.run")
    if package.card.task != "level":
        return plan_case_job(package, data, out, folder, hold_out, options, events, **given)
    refuse_labels(given["label_map"], given["truth_name"], None)
    if given["preparation"] != PreparationOptions():
        raise UsageError("options of preparation have no meaning for a level model; leave them out")
    return plan_level_job(package, data, out, folder, hold_out, options, events)


def prune_curve(
    criterion: str, job: PruneJob, first: dict[str, Any], left: Sequence[str], options: PruneOptions, events: Events
) -> tuple[Pruned, list[dict[str, Any]]]:
    """All steps by one criterion: the last network, and a row a step (the unpruned network first).

    Each step is kept in the run's folder when it is finished, and read there when the run is gone on with.
    """
    rows, pruned = [{"criterion": criterion, "step": 0, **first}], job.start
    for step in range(1, options.steps + 1):
        folder = job.folder / f"{criterion}-{step}"
        before = kept_step(folder, job.start.card)
        if before is not None:
            pruned, row = before
            rows.append(row)
            continue
        share = 1 - (1 - options.keep) * step / options.steps
        updates = options.last_updates if step == options.steps else options.updates
        of_step = replace(job.plan, epochs=1, steps_per_epoch=updates, seed=options.seed + step)
        pruned = prune_step(
            pruned,
            criterion,
            round(share * first["maps"]),
            job.task,
            of_step,
            batches=options.batches,
            left=left,
            device=options.device,
            folder=folder,
            events=events,
        )
        facts = measured(job.task, pruned, events, whole=first["maps"])
        rows.append({"criterion": criterion, "step": step, **facts})
        keep_step(folder, pruned, rows[-1])
        events.say(row_words(rows[-1]))
    return pruned, rows


def timed_in_turn(job: PruneJob, curve: list[dict[str, Any]], repeats: int = 5) -> list[dict[str, Any]]:
    """The curve with the seconds of all its networks measured again, turn by turn: hours may lie between its steps."""
    card, names = job.start.card, [f"{row['criterion']}-{row['step']}" if row["step"] else "" for row in curve]
    modules = {"": job.start.module}
    modules |= {name: kept_step(job.folder / name, card)[0].module for name in names if name}
    times = seconds_in_turn(list(modules.values()), job.task.timed(card), repeats=repeats)
    seconds = dict(zip(modules, times))
    return [row | {"seconds": round(seconds[name], 5)} for row, name in zip(curve, names)]


def kept_guide(job: PruneJob, events: Events) -> tuple[Gain, ...]:
    """What the groups' maps cost, measured once a run."""
    found = kept(job.folder / "guide.json", lambda: [vars(gain) for gain in guide(job, events)])
    return tuple(Gain(**gain) for gain in found)
