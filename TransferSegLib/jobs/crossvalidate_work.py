"""What the cells of a cross-validation do: train and score a model on a fold, or time a backbone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..events import Events
from ..storage import sha256
from .crossvalidate_cells import Cell, cell_name
from .crossvalidate_data import LevelProjection
from .crossvalidate_networks import Start, imagenet_of, new_network, train_forest, train_network
from .crossvalidate_plan import CONSTANT, Protocol, Variant
from .crossvalidate_reading import Trained
from .crossvalidate_scores import counts_cpu, score, score_constant, score_strides, time_backbone


@dataclass(frozen=True)
class Work:
    """All that the cells need.

    Attributes
    ----------
    splits : list of (training, held out)
        One a fold; a patient is held out exactly once.
    imagenet : mapping
        Where the ImageNet weights are, by backbone; the empty name stands for all.
    """

    chosen: list[Variant]
    backbones: list[Variant]
    splits: list[tuple[list[LevelProjection], list[LevelProjection]]]
    seeds: int
    strides: tuple[int, ...]
    views: tuple[str, ...]
    protocol: Protocol
    imagenet: Mapping[str, str]
    device: str
    out: Path


def cells_of(work: Work, events: Events) -> list[Cell]:
    """Seed by seed, so that an interrupted table is a whole one with fewer seeds; then what is only timed."""
    found = []
    for fold, (training, held_out) in enumerate(work.splits, 1):
        name = cell_name(CONSTANT, fold, 0)
        found.append(Cell(name, lambda t=training, h=held_out: {"scans": score_constant(t, h), "strides": []}))
    for seed in range(work.seeds):
        for variant in work.chosen:
            for fold in range(1, work.protocol.folds_to_run(variant, len(work.splits)) + 1):
                name = cell_name(variant.name, fold, seed)
                found.append(Cell(name, lambda v=variant, f=fold, s=seed: _fit_and_score(work, v, f, s, events)))
    for variant in work.backbones:
        found.append(Cell(f"time-{variant.backbone}", lambda v=variant: _measure_time(work, v, events)))
    return found


def _fit_and_score(work: Work, variant: Variant, fold: int, seed: int, events: Events) -> dict[str, Any]:
    """One cell; an interrupted training goes on from its checkpoint."""
    from ..training import Run

    training, held_out = work.splits[fold - 1]
    name = cell_name(variant.name, fold, seed)
    events.say(f"{name}: {len(training)} scans to learn from, {len(held_out)} held out")
    began, before = time.monotonic(), 0.0
    if variant.evaluation == "forest":
        trained, run = train_forest(variant, training, work.protocol, seed=seed, events=events), None
    else:
        start = _start(work, variant)
        run = Run(work.out / "runs" / name, {"cell": name, "start": _named(start), "protocol": work.protocol.to_json()})
        before = run.seconds
        trained = train_network(
            variant,
            training,
            work.protocol,
            views=work.views,
            seed=seed,
            run=run,
            device=work.device,
            events=events,
            start=start,
        )
    spent = before + time.monotonic() - began
    shown = [case for case in held_out if case.in_view][: work.protocol.scans_for_strides(variant)]
    result = {
        "facts": dict(trained.facts),
        "training_seconds": round(spent, 1),
        "scans": score(trained, held_out, events),
        "strides": score_strides(trained, shown, work.strides, events),
    }
    if run is not None:
        run.finish()
    return result


def _measure_time(work: Work, variant: Variant, events: Events) -> dict[str, Any]:
    """Parameters and seconds per CT of a backbone; its weights do not matter for either."""
    import torch

    from ..inference import choose_device

    try:
        module, _ = new_network(variant, work.protocol, work.views, 0, Start(imagenet="none"))
    except UsageError as error:  # a window that is too small for it
        return {"refused": error.message}
    device = choose_device(work.device, network=module)
    heights = sorted(case.pixels.shape[1] for _, held_out in work.splits for case in held_out)
    height = heights[len(heights) // 2]
    trained = Trained(variant, module, work.protocol, device.name, {})
    head = sum(p.numel() for p in module.head.parameters())
    total = sum(p.numel() for p in module.parameters())
    return {
        "parameters": total,
        "features": total - head,
        "rows": height,
        "device": device.name,
        "threads": torch.get_num_threads(),
        "clock": "CPU seconds" if counts_cpu(device.name) else "Seconds",
        "seconds": time_backbone(trained, height, work.strides, len(work.views), events),
    }


def _start(work: Work, variant: Variant) -> Start:
    return Start(imagenet=imagenet_of(variant.backbone, work.imagenet) if variant.takes_imagenet else "none")


def _named(start: Start) -> str:
    """Where weights come from, a file by its content."""
    where = Path(start.imagenet or "none")
    return sha256(where) if where.is_file() else str(start.imagenet)
