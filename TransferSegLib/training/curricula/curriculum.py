"""What every curriculum is: a source of batches that chooses, step by step, which cases its windows may come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..plan import TrainingPlan
from ..windows import Windows

if TYPE_CHECKING:
    import torch

# (inputs, truth) of a batch -> its loss with the weights as they are now, no gradient
Judge = Callable[["torch.Tensor", "torch.Tensor"], float]


class Curriculum:
    """A source whose windows come from the cases that `among` names; a family overrides that and what else it needs.

    The training loop calls, all on its own thread: `decide` before the batch of a step is made (one step ahead of the
    training, so that making a batch and training overlap), `during` around the step's forward pass, `observe` after
    the step. What is decided for a step stays so and lies in the checkpoint with the rest of `state`: a training that
    is gone on with sees the same windows as one that was not interrupted.
    """

    def __init__(self, windows: Windows, plan: TrainingPlan) -> None:
        self.windows, self.plan = windows, plan
        self._decided: dict[int, list[int]] = {}

    @property
    def everything(self) -> range:
        """The places of all cases."""
        return range(len(self.windows.cases))

    def among(self, step: int, judge: Judge) -> Sequence[int]:
        """Places of the cases that the windows of an optimiser step come from, at least one; all of them here."""
        return self.everything

    def observe(self, step: int, loss: float, again: Callable[[], float]) -> None:
        """A step is over: ``loss`` is what its batch cost before it, ``again()`` what the same batch costs now."""

    def during(self, step: int) -> AbstractContextManager[None]:
        """Entered around the forward pass of a step; validation is outside of it."""
        return nullcontext()

    def facts(self) -> dict[str, Any]:
        """Its parameters in plain JSON types, for run.json and the model's card."""
        return {}

    def decide(self, step: int, judge: Judge) -> None:
        """Choose the cases of a step, once."""
        if step not in self._decided:
            chosen = [int(place) for place in self.among(step, judge)]
            self._decided = {known: places for known, places in self._decided.items() if known >= step - 1}
            self._decided[step] = chosen

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, C, k, j, i) float32 and (B, 1, k, j, i) uint8 of an optimiser step that was decided."""
        return self.windows.batch(step, among=self._decided[step])

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"decided": {step: list(places) for step, places in self._decided.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's `state`."""
        self._decided = {int(step): list(places) for step, places in state["decided"].items()}


def warm_up_steps(plan: TrainingPlan) -> int:
    """Steps within which a curriculum has let every case in: half of the plan, and never more than the patience.

    So early stopping, which waits that long for a better epoch, cannot end a training that has not seen all cases.
    """
    return max(1, min(plan.steps // 2, plan.patience * plan.steps_per_epoch))


def easy_to_hard(difficulty: Sequence[float], names: Sequence[str]) -> list[int]:
    """Places of the cases from the easiest on; equal ones by name, so that the order of the cases means nothing."""
    return sorted(range(len(difficulty)), key=lambda place: (difficulty[place], names[place]))


def buckets(order: Sequence[int], count: int) -> list[list[int]]:
    """An order cut into ``count`` parts of nearly equal size (one a case where there are fewer cases)."""
    count = min(count, len(order))
    edges = [round(number * len(order) / count) for number in range(count + 1)]
    return [list(order[first:last]) for first, last in pairwise(edges)]


class NoCurriculum(Curriculum):
    """What the loop does with a source that is none: nothing."""

    def __init__(self) -> None:
        pass

    def decide(self, step: int, judge: Judge) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        pass
