"""Self-paced: the network's own losses say which cases it is ready for (Kumar, Packer & Koller 2010)."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from ..plan import TrainingPlan
from ..windows import Windows
from .curriculum import Curriculum, Judge, warm_up_steps

GROWTH = 1.3
ROUNDS = 8


class SelfPaced(Curriculum):
    """Case i takes part iff its loss L_i < 1/K; half of the cases at first, then K /= 1.3 each round.

    L_i is the loss of two fixed windows of the case, not augmented, with the weights at the round's start. Where no
    case is below 1/K the one of the smallest loss takes part.

    Parameters
    ----------
    every : int, optional
        Steps of a round; by default `warm_up_steps` hold eight rounds, in which 1/K grows eightfold.
    """

    def __init__(self, windows: Windows, plan: TrainingPlan, *, growth: float = GROWTH, every: int = 0) -> None:
        super().__init__(windows, plan)
        self._growth, self._every = growth, every or max(1, warm_up_steps(plan) // ROUNDS)
        self._limit: float | None = None
        self._round: int = -1
        self._chosen: list[int] = []

    def among(self, step: int, judge: Judge) -> Sequence[int]:
        if step // self._every > self._round:
            losses = [judge(*self.windows.fixed(place)) for place in self.everything]
            self._limit = _between_halves(losses) if self._limit is None else self._limit * self._growth
            self._round = step // self._every
            ready = [place for place, loss in enumerate(losses) if loss < self._limit]
            self._chosen = ready or [min(self.everything, key=losses.__getitem__)]
        return self._chosen

    def facts(self) -> dict[str, Any]:
        return {"growth": self._growth, "steps_per_round": self._every}

    def state(self) -> dict[str, Any]:
        return super().state() | {"limit": self._limit, "round": self._round, "chosen": list(self._chosen)}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._limit, self._round, self._chosen = state["limit"], state["round"], list(state["chosen"])


def _between_halves(losses: Sequence[float]) -> float:
    """A limit that half of the losses are below (the larger half of an odd number)."""
    if len(losses) == 1:
        return losses[0] * GROWTH
    middle = (len(losses) + 1) // 2
    ordered = sorted(losses)
    return statistics.mean(ordered[middle - 1 : middle + 1])
