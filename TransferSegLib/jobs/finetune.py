"""finetune: adapt a model to a few cases, and say truthfully whether that helped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..cases import Case, open_data_set
from ..errors import UsageError
from ..events import Events, quiet
from ..inference import choose_device
from ..networks import state_to_save
from ..packages import Package, find_package, register, write_package
from ..reporting import verdict
from ..storage import check_folder_is_free
from ..strategies import Strategy, strategy
from ..training import Run, loss_by_name
from .adapt import Adapted, adapt, freeze, gather
from .finetune_plan import TrainingOptions, check_curriculum, make_plan, make_request, make_target, split_cases
from .finetune_report import finish_card, write_training_report
from .finetune_scores import score_adapted, score_forgotten, score_source
from .target import Target

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
        held_out, trained_on, matched {label: the source's label or null}, transferred, forgotten``.
    """
    events, options, started = quiet(events), options or TrainingOptions(), time.monotonic()
    chosen = strategy(strategy_name)
    check_curriculum(options.curriculum)
    loss_by_name(options.loss)
    check_folder_is_free(out)
    device = choose_device(options.device)
    package = None if source is None else source if isinstance(source, Package) else find_package(source)
    if package is None and chosen.starts_from_source:
        raise UsageError(
            f"--strategy {strategy_name} needs a model to start from; name one with --from, or use scratch"
        )
    data_set = open_data_set(data, roles=roles or (package.card.roles if package else None), truth_name=truth_name)
    training, held_out = split_cases(data_set, hold_out_ids, cases, options.seed)
    target = make_target(Path(out).name, package, data_set, training, roles, label_map, chosen, options)
    freezing = freeze(target, chosen, options.grouping)
    plan = make_plan(target, options, on_gpu=device.is_gpu, count=len(training))
    request = make_request(package, data_set, training, held_out, chosen, plan, options, target)
    others = [case for case in data_set.cases if case not in training]
    gathered = gather(target, training, others, plan, options=options.preparation, events=events)
    before = score_source(package, target, held_out, options, events)
    # Only now, with all input checked, is anything written.
    run = Run(run_folder or f"{out}.run", request)
    if run.resumed:
        events.say(f"going on with the interrupted run in {run.folder}")
    adapted = adapt(target, gathered, freezing, plan, options=options, run=run, events=events)
    after = score_adapted(adapted.model, held_out, options, "scoring the held-out cases after", events)
    forgotten = score_forgotten(package, target, adapted.model, source_data, options, events)
    result = _result(before, after, adapted, chosen, target, held_out, training, forgotten)
    card = finish_card(adapted.model.card, package, chosen, plan, result, request)
    result["report"] = str(write_training_report(run, card, result, adapted, held_out, options, events))
    made = write_package(out, card, state_to_save(card.network, adapted.model.module))
    result = {
        "package": str(made.folder),
        **result,
        "run": str(run.folder),
        "seconds": round(time.monotonic() - started, 1),
    }
    run.finish(result=result)
    register(made)
    return result


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
    kind, message = verdict(before, after)
    names = target.model.card.label_names()
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
        "matched": {names[value]: None if label is None else label.name for value, label in target.matched.items()},
        "transferred": None if target.transfer is None else target.transfer.as_dict(),
        "forgotten": forgotten,
    }
