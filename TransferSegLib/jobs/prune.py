"""prune: fewer maps in a level model, step by step, with fine-tuning between; error and time at every step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..events import Events, quiet
from ..level.data_set import LevelSet, open_levels
from ..level.finding import check_level_model
from ..level.projected import Projected, level_case_hash, project_all
from ..level.scan_mark import all_marks
from ..networks import state_to_save
from ..packages import Card, Package, register, write_package
from ..preparing.projection import ProjectionSpec
from ..storage import check_folder_is_free
from ..training import LevelExample, LevelPlan, Run
from ..training.pruning import check_prunable
from ..training.pruning_time import Gain, seconds_in_turn
from .finetune_plan import TrainingOptions
from .level_finetune import split_levels
from .level_plans import level_plan
from .prune_keeping import keep_step, kept, kept_step
from .prune_options import PruneOptions
from .prune_report import prune_message, pruned_card, row_words, write_curve
from .prune_steps import Pruned, guide, measure, prune_step, rows_timed
from .segment import find_model

if TYPE_CHECKING:
    from torch import nn


def prune(
    *,
    model: str | Path | Package,
    data: str | Path,
    out: str | Path,
    options: PruneOptions | None = None,
    hold_out: Sequence[str] | None = None,
    run_folder: str | Path | None = None,
    listed: bool = True,
    events: Events | None = None,
) -> dict[str, Any]:
    """Prune a level model on a data set and write the smaller one as a package.

    A run that was killed is gone on with: its measured times, its finished steps and the checkpoint of the last count.

    Parameters
    ----------
    model : name, folder or package
        A regressor (``l3-...``) of any convolutional backbone.
    data : path
        CSV of scans and levels: the training scans score the maps and fine-tune, the held-out ones give the error.
    out : path
        Folder of the new package.
    hold_out : sequence of str, optional
        Ids of the held-out scans; a fifth of the patients from 5 scans on otherwise.

    Returns
    -------
    dict
        ``package, curve`` (a dict a step: ``criterion, step, kept, maps, parameters, error_mm, error_mm_sd,
        error_mm_median, within_10_mm, found, scans, seconds``), ``curve_csv, picture, guided`` (by group, or None),
        ``message, held_out, trained_on, run, seconds``.

    Raises
    ------
    UsageError
        Another kind of model, nothing held out, or an option that means nothing.
    DependencyError
        Without torch-pruning.
    """
    started, events, options = time.monotonic(), quiet(events), options or PruneOptions()
    job = _plan_job(model, data, Path(out), hold_out, run_folder, options, events)
    run = Run(job.folder, job.request)
    measured = kept_guide(job, events) if options.guided else None
    left = () if measured is None else tuple(gain.name for gain in measured if not gain.pays)
    first = kept(job.folder / "first.json", lambda: measure(job.start, job.judged, events))
    ends, curve = {}, []
    for criterion in dict.fromkeys((options.criterion, *(("random",) if options.control else ()))):
        ends[criterion], rows = prune_curve(criterion, job, first, left, options, events)
        curve += rows
    curve = timed_in_turn(job, curve)
    result = {
        "curve": curve,
        "guided": None if measured is None else [vars(gain) for gain in measured],
        "message": prune_message(curve, options, measured),
        "held_out": list(job.request["held_out"]),
        "trained_on": list(job.request["training"]),
        "run": str(job.folder),
        **write_curve(job.folder, curve, job.out.name),
    }
    end = ends[options.criterion]
    card = pruned_card(job.out.name, end.card, job.package, result, options, run.id, job.marks)
    made = write_package(job.out, card, state_to_save(card.network, end.module))
    result = {"package": str(made.folder), **result, "seconds": round(time.monotonic() - started, 1)}
    run.finish(result=result)
    if listed:
        register(made)
    return result


@dataclass(frozen=True)
class PruneJob:
    """All that is decided before anything is pruned."""

    package: Package
    start: Pruned
    learned: tuple[LevelExample, ...]
    judged: tuple[LevelExample, ...]
    marks: list[str]
    plan: LevelPlan
    out: Path
    folder: Path
    request: dict[str, Any]


def _plan_job(
    model: str | Path | Package,
    data: str | Path,
    out: Path,
    hold_out: Sequence[str] | None,
    run_folder: str | Path | None,
    options: PruneOptions,
    events: Events,
) -> PruneJob:
    options.check()
    check_folder_is_free(out)
    package = find_model(model)
    check_level_model(package.card)
    module = package.network()
    check_prunable(module)
    levels = open_levels(data, package.card.level)
    training, held_out = split_levels(levels, hold_out, None, options.seed)
    if not held_out:
        raise UsageError(f"{data}: no scan is held out, so that no error can be measured; name some with --hold-out")
    folder = Path(run_folder or f"{out}.run")
    plan = _plan(package, module, training, options)
    digests = [{case.id: level_case_hash(case) for case in cases} for cases in (training, held_out)]
    request = _request(package, options, plan, *digests)
    Run.refuse_another(folder, request)
    spec = ProjectionSpec.of_card(package.card)
    learned, judged = (_projected(cases, spec, levels, of, events) for cases, of in zip((training, held_out), digests))
    start = Pruned(replace(package.card, projection=_uncalibrated(package.card)), module)
    marks = all_marks(package.card, (part.mark for part in learned))
    learned, judged = (tuple(part.example for part in parts) for parts in (learned, judged))
    return PruneJob(package, start, learned, judged, marks, plan, out, folder, request)


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
            job.learned,
            of_step,
            batches=options.batches,
            left=left,
            device=options.device,
            folder=folder,
            events=events,
        )
        rows.append({"criterion": criterion, "step": step, **measure(pruned, job.judged, events, whole=first["maps"])})
        keep_step(folder, pruned, rows[-1])
        events.say(row_words(rows[-1]))
    return pruned, rows


def timed_in_turn(job: PruneJob, curve: list[dict[str, Any]], repeats: int = 5) -> list[dict[str, Any]]:
    """The curve with the seconds of all its networks measured again, turn by turn: hours may lie between its steps."""
    card, names = job.start.card, [f"{row['criterion']}-{row['step']}" if row["step"] else "" for row in curve]
    modules = {"": job.start.module}
    modules |= {name: kept_step(job.folder / name, card)[0].module for name in names if name}
    times = seconds_in_turn(list(modules.values()), rows_timed(card), card.projection["step"], repeats=repeats)
    seconds = dict(zip(modules, times))
    return [row | {"seconds": round(seconds[name], 5)} for row, name in zip(curve, names)]


def kept_guide(job: PruneJob, events: Events) -> tuple[Gain, ...]:
    """What the groups' maps cost, measured once a run."""
    found = kept(job.folder / "guide.json", lambda: [vars(gain) for gain in guide(job.start, events)])
    return tuple(Gain(**gain) for gain in found)


def _projected(
    cases: tuple, spec: ProjectionSpec, levels: LevelSet, digests: dict[str, str], events: Events
) -> list[Projected]:
    found = project_all(
        cases, spec, digests=digests, say=lambda n: events.progress("projecting the scans", n, len(cases))
    )
    if not any(part.truth.in_view for part in found):
        raise UsageError(f"{levels.path}: no scan of a part shows {levels.level}; hold out others with --hold-out")
    return found


def _plan(package: Package, module: nn.Module, training: tuple, options: PruneOptions) -> LevelPlan:
    chosen = TrainingOptions(seed=options.seed, batch=options.batch, rate=options.rate, early_stopping=False)
    plan = level_plan(package.card, module, training, chosen, from_source=package, on_gpu=False)
    return replace(plan, rehearsal=0.0)


def _uncalibrated(card: Card) -> dict[str, Any]:
    """The card's projection without the calibration, which was fitted to the votes of the unpruned network."""
    return {key: value for key, value in card.projection.items() if key != "confidence"}


def _request(
    package: Package, options: PruneOptions, plan: LevelPlan, training: dict[str, str], held_out: dict[str, str]
) -> dict[str, Any]:
    """All that decides the result; scans and truths by their content."""
    source = {"name": package.card.name, "sha256": package.card.weights_sha256}
    return {
        "verb": "prune",
        "source": source,
        "options": vars(options),
        "plan": plan.to_json(),
        "training": training,
        "held_out": held_out,
    }
