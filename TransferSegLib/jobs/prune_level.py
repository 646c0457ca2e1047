"""Pruning of a level model: scans' projections score its maps and fine-tune it; the error is that of the row."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UsageError
from ..events import Events
from ..inference import choose_device
from ..level.correlation import best_line
from ..level.data_set import LevelSet, open_levels
from ..level.finding import check_level_model, curve_of
from ..level.locating import locate
from ..level.projected import Projected, level_case_hash, project_all
from ..level.scan_mark import SCANS, all_marks
from ..level.scoring import MISSED_MM, WITHIN_MM
from ..packages import Card, Package
from ..preparing.projection import ProjectionSpec
from ..training import LevelExample, LevelPictures, LevelPlan, Run, level_forward, level_loss
from ..training.pruning import check_prunable
from ..training.pruning_scores import Scores, taylor_scores
from ..training.pruning_time import Work, scan_work
from .finetune_plan import TrainingOptions
from .level_finetune import split_levels
from .level_plans import level_plan
from .level_training import train_level
from .prune_keeping import prune_request
from .prune_options import PruneOptions
from .prune_steps import Pruned, PruneJob

if TYPE_CHECKING:
    from torch import nn

# What is timed: the projection of a scan as long as this.
SCAN_MM = 1000


@dataclass(frozen=True)
class LevelTask:
    """The scans that are learned from, and those that judge."""

    learned: tuple[LevelExample, ...]
    judged: tuple[LevelExample, ...]

    def taylor(self, pruned: Pruned, plan: LevelPlan, batches: int, device: str, events: Events) -> Scores:
        """Scores of the trunk's maps."""
        module = pruned.module
        spec, where = ProjectionSpec.of_card(pruned.card), choose_device(device, network=module).name
        source = LevelPictures(self.learned, plan, views=spec.views, row_mm=spec.row_mm)
        module.to(where)

        def drawn():
            for number in range(batches):
                events.progress("scoring the maps", number, batches)
                yield tuple(part.to(where) for part in source.batch(number))

        try:
            return taylor_scores(module.trunk, drawn(), forward=level_forward(module, plan), loss=level_loss(plan))
        finally:
            module.to("cpu")

    def train(self, pruned: Pruned, plan: LevelPlan, *, run: Run, device: str, events: Events) -> None:
        """Fine-tune on the scans learned from."""
        train_level(pruned.module, pruned.card, self.learned, plan, run=run, device=device, events=events)

    def measure(self, pruned: Pruned, events: Events) -> dict[str, Any]:
        """`measure` on the scans that judge."""
        return measure(pruned, self.judged, events)

    def timed(self, card: Card) -> Work:
        """The projection of a scan of `SCAN_MM`, with half a window above and below."""
        return scan_work(round(SCAN_MM / card.spacing[0]) + card.window[0], card.projection["step"])


def measure(pruned: Pruned, judged: Sequence[LevelExample], events: Events) -> dict[str, Any]:
    """Error of a network on scans.

    The error is that of the best row of every scan that shows the level, whatever the answer would be: an answer that
    a smaller network no longer dares to give must not make its error look smaller; where no row stands out it is
    `MISSED_MM`. ``found`` is the share answered by the votes alone.
    """
    errors, found = _errors(pruned.card, pruned.module, judged, events)
    return {
        "error_mm": round(statistics.fmean(errors), 3),
        "error_mm_sd": round(statistics.stdev(errors), 3) if len(errors) > 1 else None,
        "error_mm_median": round(statistics.median(errors), 3),
        "within_10_mm": round(sum(error <= WITHIN_MM for error in errors) / len(errors), 4),
        "found": round(found / len(errors), 4),
        "scans": len(errors),
    }


def plan_level_job(
    package: Package,
    data: str | Path,
    out: Path,
    folder: Path,
    hold_out: Sequence[str] | None,
    options: PruneOptions,
    events: Events,
) -> PruneJob:
    """Everything about the pruning of a level model, checked before anything is written."""
    check_level_model(package.card)
    if options.patch is not None:
        raise UsageError("--patch: has no meaning for a level model; leave it out")
    module = package.network()
    check_prunable(module)
    levels = open_levels(data, package.card.level)
    training, held_out = split_levels(levels, hold_out, None, options.seed)
    if not held_out:
        raise UsageError(f"{data}: no scan is held out, so that no error can be measured; name some with --hold-out")
    plan = _plan(package, module, training, options)
    digests = [{case.id: level_case_hash(case) for case in cases} for cases in (training, held_out)]
    request = prune_request(package, options, plan, *digests)
    Run.refuse_another(folder, request)
    spec = ProjectionSpec.of_card(package.card)
    learned, judged = (_projected(cases, spec, levels, of, events) for cases, of in zip((training, held_out), digests))
    start = Pruned(replace(package.card, projection=_uncalibrated(package.card)), module)
    origin = {SCANS: all_marks(package.card, (part.mark for part in learned))}
    task = LevelTask(*(tuple(part.example for part in parts) for parts in (learned, judged)))
    return PruneJob(package, start, task, origin, plan, out, folder, request)


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
