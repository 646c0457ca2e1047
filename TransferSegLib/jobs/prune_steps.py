"""One step of pruning: score the maps, take the lowest away, fine-tune; and what is measured after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..events import Events
from ..packages import Card, Package
from ..training import LevelPlan, Run, TrainingPlan
from ..training.pruning import choose_maps, map_groups, pruned_part, without_maps
from ..training.pruning_scores import Scores, l1_scores, random_scores
from ..training.pruning_time import Gain, Work, gains, seconds_in_turn

if TYPE_CHECKING:
    from torch import nn

Plan = LevelPlan | TrainingPlan


@dataclass(frozen=True)
class Pruned:
    """A card whose arguments build the network, and the network."""

    card: Card
    module: nn.Module


class Task(Protocol):
    """What is particular to a kind of model: its cases, its training, its error."""

    def taylor(self, pruned: Pruned, plan: Plan, batches: int, device: str, events: Events) -> Scores:
        """Scores of the maps on batches of the training cases."""

    def train(self, pruned: Pruned, plan: Plan, *, run: Run, device: str, events: Events) -> None:
        """Fine-tune in place; the network ends on the CPU."""

    def measure(self, pruned: Pruned, events: Events) -> dict[str, Any]:
        """The curve's columns on the held-out cases."""

    def timed(self, card: Card) -> Work:
        """What the seconds of the curve are of."""


@dataclass(frozen=True)
class PruneJob:
    """All that is decided before anything is pruned.

    ``origin`` is the card's account of the cases that were learned from, ``alone`` the groups of maps that cannot go.
    """

    package: Package
    start: Pruned
    task: Task
    origin: dict[str, Any]
    plan: Plan
    out: Path
    folder: Path
    request: dict[str, Any]
    alone: tuple[str, ...] = ()


def guide(job: PruneJob, events: Events) -> tuple[Gain, ...]:
    """What half of each group's maps cost in measured time, on the CPU."""
    card, module = job.start.card, job.start.module
    return gains(
        module,
        card.network,
        card.arguments,
        [group for group in map_groups(module, card.network, card.arguments) if group.name not in job.alone],
        work=job.task.timed(card),
        say=lambda done, total: events.progress("timing the layers", done, total),
    )


def prune_step(
    pruned: Pruned,
    criterion: str,
    target: int,
    task: Task,
    plan: Plan,
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
    groups = map_groups(module, card.network, card.arguments)
    scores = _scores(criterion, pruned, task, plan, batches, device, events)
    surplus = sum(group.maps for group in groups) - target
    chosen = choose_maps(groups, scores, max(surplus, 0), by_layer=criterion == "l1", frozen=left)
    smaller, arguments = without_maps(module, card.network, card.arguments, chosen)
    pruned = Pruned(replace(card, arguments=arguments), smaller)
    run = Run(folder, {"verb": "prune", "criterion": criterion, "kept": arguments["kept"], "plan": plan.to_json()})
    task.train(pruned, plan, run=run, device=device, events=events)
    run.finish()
    return pruned


def measured(task: Task, pruned: Pruned, events: Events, *, whole: int | None = None) -> dict[str, Any]:
    """Size, error and seconds of a network; ``whole`` is the number of maps before pruning."""
    card, module = pruned.card, pruned.module
    maps = sum(group.maps for group in map_groups(module, card.network, card.arguments))
    return {
        "kept": round(maps / (whole or maps), 4),
        "maps": maps,
        "parameters": sum(p.numel() for p in module.parameters()),
        **task.measure(pruned, events),
        "seconds": round(seconds_in_turn([module], task.timed(card))[0], 5),
    }


def _scores(
    criterion: str, pruned: Pruned, task: Task, plan: Plan, batches: int, device: str, events: Events
) -> Scores:
    """Scores of the maps, by the names of their convolutions."""
    part = pruned_part(pruned.module)
    if criterion == "l1":
        return l1_scores(part)
    if criterion == "random":
        return random_scores(part, plan.seed)
    return task.taylor(pruned, plan, batches, device, events)
