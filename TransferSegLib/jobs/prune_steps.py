"""One step of pruning a level model: score the maps, take the lowest away, fine-tune; and what is measured after it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..events import Events
from ..inference import choose_device
from ..level.correlation import best_line
from ..level.finding import curve_of
from ..level.locating import locate
from ..level.scoring import MISSED_MM, WITHIN_MM
from ..packages import Card
from ..preparing.projection import ProjectionSpec
from ..training import LevelExample, LevelPictures, LevelPlan, Run, level_forward, level_loss
from ..training.pruning import choose_maps, map_groups, without_maps
from ..training.pruning_scores import Scores, l1_scores, random_scores, taylor_scores
from ..training.pruning_time import Gain, gains, scan_seconds
from .level_training import train_level

if TYPE_CHECKING:
    from torch import nn

# What is timed: the projection of a scan as long as this.
SCAN_MM = 1000


@dataclass(frozen=True)
class Pruned:
    """A card whose arguments build the network, and the network."""

    card: Card
    module: nn.Module


def guide(start: Pruned, events: Events) -> tuple[Gain, ...]:
    """What half of each group's maps cost in measured time, on the CPU."""
    card, module = start.card, start.module
    return gains(
        module,
        card.network,
        card.arguments,
        map_groups(module),
        rows=rows_timed(card),
        step=card.projection["step"],
        say=lambda done, total: events.progress("timing the layers", done, total),
    )


def prune_step(
    pruned: Pruned,
    criterion: str,
    target: int,
    examples: Sequence[LevelExample],
    plan: LevelPlan,
    *,
    batches: int,
    left: Sequence[str],
    device: str,
    folder: Path,
    events: Events,
) -> Pruned:
    """The network with ``target`` maps, fine-tuned by ``plan``; more maps where no more can go.

    ``left`` are the groups left alone; the fine-tuning's run lies in ``folder``.
    """
    module, card = pruned.module, pruned.card
    groups = map_groups(module)
    scores = _scores(criterion, pruned, examples, plan, batches, device, events)
    surplus = sum(group.maps for group in groups) - target
    chosen = choose_maps(groups, scores, max(surplus, 0), by_layer=criterion == "l1", frozen=left)
    smaller, arguments = without_maps(module, card.network, card.arguments, chosen)
    card = replace(card, arguments=arguments)
    run = Run(folder, {"verb": "prune", "criterion": criterion, "kept": arguments["kept"], "plan": plan.to_json()})
    train_level(smaller, card, examples, plan, run=run, device=device, events=events)
    run.finish()
    return Pruned(card, smaller)


def measure(
    pruned: Pruned, judged: Sequence[LevelExample], events: Events, *, whole: int | None = None
) -> dict[str, Any]:
    """Size, error on scans and seconds of a network; ``whole`` is the number of maps before pruning.

    The error is that of the best row of every scan that shows the level, whatever the answer would be: an answer that
    a smaller network no longer dares to give must not make its error look smaller; where no row stands out it is
    `MISSED_MM`. ``found`` is the share answered by the votes alone.
    """
    card, module = pruned.card, pruned.module
    maps = sum(group.maps for group in map_groups(module))
    errors, found = _errors(card, module, judged, events)
    return {
        "kept": round(maps / (whole or maps), 4),
        "maps": maps,
        "parameters": sum(p.numel() for p in module.parameters()),
        "error_mm": round(statistics.fmean(errors), 3),
        "error_mm_sd": round(statistics.stdev(errors), 3) if len(errors) > 1 else None,
        "error_mm_median": round(statistics.median(errors), 3),
        "within_10_mm": round(sum(error <= WITHIN_MM for error in errors) / len(errors), 4),
        "found": round(found / len(errors), 4),
        "scans": len(errors),
        "seconds": round(scan_seconds(module, rows_timed(card), card.projection["step"]), 4),
    }


def _errors(card: Card, module: nn.Module, judged: Sequence[LevelExample], events: Events) -> tuple[list[float], int]:
    """Error in mm of each scan that shows the level, and how many of them are answered ``found``."""
    shown = [example for example in judged if example.row is not None and -0.5 <= example.row <= example.height - 0.5]
    errors, found = [], 0
    for number, example in enumerate(shown):
        events.progress("scoring", number, len(shown))
        pixels = np.asarray(example.pixels, dtype=np.float32)
        votes = curve_of(card, module, pixels, step=None, device="cpu")
        located = locate(votes, height=pixels.shape[1], row_mm=card.spacing[0], level=card.level)
        row = best_line(votes).row
        errors.append(abs(row - example.row) * card.spacing[0] if np.isfinite(row) else MISSED_MM)
        found += located.answer == "found"
    events.progress("scoring", len(shown), len(shown))
    return errors, found


def _scores(
    criterion: str,
    pruned: Pruned,
    examples: Sequence[LevelExample],
    plan: LevelPlan,
    batches: int,
    device: str,
    events: Events,
) -> Scores:
    """Scores of the trunk's maps, by the names of its convolutions."""
    module = pruned.module
    if criterion == "l1":
        return l1_scores(module.trunk)
    if criterion == "random":
        return random_scores(module.trunk, plan.seed)
    spec, where = ProjectionSpec.of_card(pruned.card), choose_device(device, network=module).name
    source = LevelPictures(examples, plan, views=spec.views, row_mm=spec.row_mm)
    module.to(where)

    def drawn():
        for number in range(batches):
            events.progress("scoring the maps", number, batches)
            yield tuple(part.to(where) for part in source.batch(number))

    try:
        return taylor_scores(module.trunk, drawn(), forward=level_forward(module, plan), loss=level_loss(plan))
    finally:
        module.to("cpu")


def rows_timed(card: Card) -> int:
    """Rows of the timed projection, with half a window above and below."""
    return round(SCAN_MM / card.spacing[0]) + card.window[0]
