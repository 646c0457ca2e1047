"""Predefined: easy cases first, in baby steps (Bengio et al. 2009; Spitkovsky et al. 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..plan import TrainingPlan
from ..windows import Windows
from .curriculum import Curriculum, Judge, buckets, warm_up_steps

BUCKETS = 5


class Predefined(Curriculum):
    """Starts with the easiest fifth and adds the next fifth every ``every`` steps; what was let in stays.

    Parameters
    ----------
    order : sequence of int
        Places of the cases, the easiest first.
    every : int, optional
        Steps between two buckets; by default all are in after `warm_up_steps`.
    """

    def __init__(
        self, windows: Windows, plan: TrainingPlan, *, order: Sequence[int], count: int = BUCKETS, every: int = 0
    ) -> None:
        super().__init__(windows, plan)
        self._buckets = buckets(order, count)
        self._every = every or -(-warm_up_steps(plan) // max(1, len(self._buckets) - 1))

    def among(self, step: int, judge: Judge) -> Sequence[int]:
        return [place for bucket in self._buckets[: 1 + step // self._every] for place in bucket]

    def facts(self) -> dict[str, Any]:
        return {"buckets": len(self._buckets), "steps_per_bucket": self._every}
