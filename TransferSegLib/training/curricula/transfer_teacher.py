"""Transfer teacher: a pretrained network says what is easy, and the pacing is exponential (Hacohen & Weinshall 2019).

Its controls have the same pacing and another order: the hardest first (anti), or one drawn by seed (random).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..plan import TrainingPlan
from ..windows import Windows
from .curriculum import Curriculum, Judge, warm_up_steps

START = 0.04
GROWTH = 1.9


class TransferTeacher(Curriculum):
    """Windows from the first min(1, start * growth ^ floor(step / every)) of an order, at least from one case.

    Parameters
    ----------
    order : sequence of int
        Places of the cases, those that come first in front.
    every : int, optional
        Steps before the share grows; by default all cases are in after `warm_up_steps`.
    """

    def __init__(
        self,
        windows: Windows,
        plan: TrainingPlan,
        *,
        order: Sequence[int],
        start: float = START,
        growth: float = GROWTH,
        every: int = 0,
    ) -> None:
        super().__init__(windows, plan)
        self._order, self._start, self._growth = list(order), start, growth
        rounds = math.ceil(math.log(1 / start) / math.log(growth))
        self._every = every or max(1, warm_up_steps(plan) // rounds)

    def share(self, step: int) -> float:
        """The part of the cases that a step's windows come from."""
        # No float grows beyond 1 here: a long training would overflow.
        rounds = min(step // self._every, math.ceil(math.log(1 / self._start) / math.log(self._growth)))
        return min(1.0, self._start * self._growth**rounds)

    def among(self, step: int, judge: Judge) -> Sequence[int]:
        return self._order[: max(1, math.floor(self.share(step) * len(self._order) + 1e-9))]

    def facts(self) -> dict[str, Any]:
        return {"start": self._start, "growth": self._growth, "steps_per_growth": self._every}


def random_order(count: int, seed: int) -> list[int]:
    """An order of the cases that depends on the seed alone."""
    return [int(place) for place in np.random.default_rng([seed, 13]).permutation(count)]
