"""crossvalidate: networks and baselines on patient-wise folds of an L3 data set, in three tables."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..cases.splits import folds as patient_folds
from ..errors import StorageError, UsageError
from ..events import Events, quiet
from ..storage import write_json
from .crossvalidate_cells import Cells
from .crossvalidate_data import LevelProjection, digest, level_projections
from .crossvalidate_networks import check_imagenet, check_window
from .crossvalidate_plan import BACKBONES, Protocol, Variant, plan_by_name, variants
from .crossvalidate_tables import Outcome, write_tables
from .crossvalidate_work import Work, cells_of

SPLIT_SEED = 0
STRIDES = (1, 2, 4, 6, 8)


def crossvalidate(
    *,
    data: str | Path | Sequence[LevelProjection],
    networks: Sequence[str],
    out: str | Path,
    folds: int = 5,
    seeds: int = 1,
    plan: str | Protocol = "small",
    strides: Sequence[int] = STRIDES,
    view: str = "frontal",
    level: str | None = None,
    imagenet: Mapping[str, str] | None = None,
    steps: int | None = None,
    backbones: Sequence[str] = BACKBONES,
    device: str = "auto",
    events: Events | None = None,
) -> dict[str, Any]:
    """Train and score every model on every fold; what is finished in ``out`` already is not run again.

    Parameters
    ----------
    data : path, or sequence of LevelProjection
        An L3 data set (CSV of CTs and levels), or projections made already (the plan's pixels and width).
    networks : sequence of str
        ``cnn4 alexnet vgg16 vgg19 googlenet``, any torchvision classifier, with ``:windows`` for the published way
        of training; ``map``; ``rf500 rf100 rf10``.
    plan : str or Protocol
        ``small`` (two cores) or ``full`` (a GPU).
    strides : sequence of int
        Rows between windows at which error and time are compared.
    imagenet : mapping of str to str
        Where a backbone's ImageNet weights are (a file, ``download``, ``hub``, ``none``); the empty name for all.
    steps : int, optional
        Optimiser steps of every network instead of the plan's.
    backbones : sequence of str
        Networks whose time is measured besides those of ``networks``.

    Returns
    -------
    dict
        ``out, plan, folds`` (ids held out), ``tables`` (``folds``, ``backbones``, ``strides``: columns and rows),
        ``notes, files, left_out, cells {finished, total, elsewhere}, seconds``.

    Raises
    ------
    UsageError, InputError, StorageError
        Options that cannot be, data that cannot be read, a folder that holds another cross-validation.
    """
    events, began, out = quiet(events), time.monotonic(), Path(out)
    protocol = plan if isinstance(plan, Protocol) else plan_by_name(plan)
    if steps is not None:
        protocol = replace(protocol, steps={"other": steps})
    chosen = variants(networks)
    _check(folds, seeds, strides, steps)
    check_imagenet(chosen, imagenet or {})
    spec = protocol.spec(view)
    for variant in chosen:
        check_window(variant, protocol, spec.views)
    if isinstance(data, (str, Path)):
        cases, left_out, content = level_projections(data, spec, out / "projections", level=level, events=events)
    else:
        cases, left_out, content = list(data), [], digest(data)
    work = Work(
        chosen=chosen,
        backbones=_timed(chosen, backbones),
        splits=patient_folds(cases, folds, SPLIT_SEED),
        seeds=seeds,
        strides=tuple(sorted(set(strides))),
        views=spec.views,
        protocol=protocol,
        imagenet=imagenet or {},
        device=device,
        out=out,
    )
    _settle(out, {"data": content, "folds": folds, "plan": protocol.to_json(), "view": view, "strides": work.strides})
    cells, todo = Cells(out / "cells"), cells_of(work, events)

    def tables() -> Outcome:
        return write_tables(work, cells, len(todo))

    elsewhere = [name for name in cells.run(todo, tables) if cells.result(name) is None]
    outcome = tables()
    return {
        "out": str(out),
        "plan": protocol.name,
        "folds": [sorted(case.id for case in held_out) for _, held_out in work.splits],
        "tables": outcome.to_json(),
        "notes": outcome.notes,
        "files": outcome.files,
        "left_out": left_out,
        "cells": {"finished": sum(cells.result(c.name) is not None for c in todo), "total": len(todo)}
        | {"elsewhere": elsewhere},
        "seconds": round(time.monotonic() - began, 1),
    }


def _check(folds: int, seeds: int, strides: Sequence[int], steps: int | None) -> None:
    for option, value, least in (("--folds", folds, 2), ("--seeds", seeds, 1), ("--steps", steps or 1, 1)):
        if value < least:
            raise UsageError(f"{option} {value}: must be {least} or more")
    if not strides or min(strides) < 1:
        raise UsageError("--strides: must be numbers of rows, 1 or more")


def _timed(chosen: Sequence[Variant], backbones: Sequence[str]) -> list[Variant]:
    """One variant of every network to measure, forests left out: theirs is measured on the scans themselves."""
    named = variants(backbones) if backbones else []
    found = {v.backbone: v for v in [*chosen, *named] if v.evaluation != "forest"}
    return list(found.values())


def _settle(out: Path, request: dict[str, Any]) -> None:
    """Write down what the cells of a folder share; refuse a folder that holds others."""
    file = out / "crossvalidation.json"
    request = json.loads(json.dumps(request))
    if not file.is_file():
        write_json(file, request)
        return
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StorageError(f"{file}: is damaged; remove {out} to start anew") from error
    other = [key for key in request if before.get(key) != request[key]]
    if other:
        raise StorageError(
            f"{out}: holds a cross-validation with other {', '.join(other)}; name another --out, or repeat its options"
        )
