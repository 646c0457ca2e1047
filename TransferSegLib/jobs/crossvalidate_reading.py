"""What a trained model says of a projection: a row and an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..level.correlation import best_line
from ..level.forest import Forest
from ..level.locating import locate, locate_map
from ..training.level_plan import MAPS
from .crossvalidate_plan import Protocol, Variant

if TYPE_CHECKING:
    from ..inference.votes import Votes


@dataclass(frozen=True)
class Reading:
    """What a model says of one projection.

    ``row`` is the answer's row; where the answer has none, and for models trained as published, the row of the
    correlation alone; None where not even that exists. ``answer`` is found, not-in-view or uncertain.
    """

    row: float | None
    answer: str


@dataclass(frozen=True)
class Trained:
    """A model that has learned.

    Attributes
    ----------
    variant : Variant
    module : nn.Module or Forest
    protocol : Protocol
    device : str
    facts : dict
        Steps, parameters (or nodes), precision, where the weights started.
    """

    variant: Variant
    module: Any
    protocol: Protocol
    device: str
    facts: Mapping[str, Any]

    def votes(self, pixels: np.ndarray, *, evaluation: str, step: int) -> Votes:
        """Votes of the windows ``step`` rows apart; ``evaluation`` is dense or windows."""
        from ..inference.votes import votes_by_windows, votes_dense

        rows = self.protocol.rows
        if isinstance(self.module, Forest):
            return self.module.votes(pixels, step=step)
        if evaluation == "dense":
            return votes_dense(self.module, pixels, rows=rows, step=step, device=self.device)
        return votes_by_windows(self.module, pixels, rows=rows, stride=step, device=self.device)

    def read(self, pixels: np.ndarray) -> Reading:
        """The model's own way of reading a projection: dense at step 1, window by window, or its map."""
        if self.variant.evaluation == MAPS:
            return self._read_map(pixels)
        evaluation = self.variant.evaluation
        step = self.protocol.windows_step if evaluation == "windows" else 1
        return self.judge(self.votes(pixels, evaluation=evaluation, step=step), pixels.shape[1])

    def judge(self, votes: Votes, height: int) -> Reading:
        """From votes to a row, by the rule that belongs to the training."""
        located = locate(votes, height=height, row_mm=self.protocol.row_mm)
        if self.variant.evaluation == "dense" and located.row is not None:
            return Reading(located.row, located.answer)
        row = best_line(votes).row
        return Reading(row if np.isfinite(row) else None, located.answer)

    def _read_map(self, pixels: np.ndarray) -> Reading:
        from ..inference.votes import confidence_map

        heights = confidence_map(self.module, np.asarray(pixels, np.float32), device=self.device)
        located = locate_map(heights, row_mm=self.protocol.row_mm)
        row = located.row if located.row is not None else float(np.argmax(heights))
        return Reading(row, located.answer)
