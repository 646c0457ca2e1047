"""What a pruning is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from ..training.pruning_scores import CRITERIA


@dataclass(frozen=True)
class PruneOptions:
    """How a model is pruned.

    Parameters
    ----------
    criterion : {"taylor", "l1", "random"}
        Which maps go first.
    keep : float
        Share of all maps to keep in the end.
    steps : int
        In how many steps, each followed by fine-tuning.
    guided : bool
        Leave alone the layers whose maps cost no measured time.
    control : bool
        Also prune at random, for the curve.
    updates, last_updates : int
        Optimiser steps after each step (Molchanov et al. 2017: 10 to 30) and after the last.
    batches : int
        Batches of training pictures or windows that the maps are scored on.
    patch : int, optional
        Side of a training window, for segmentation.
    """

    criterion: str = "taylor"
    keep: float = 0.5
    steps: int = 4
    guided: bool = False
    control: bool = False
    updates: int = 30
    last_updates: int = 200
    batches: int = 8
    batch: int | None = None
    rate: float | None = None
    patch: int | None = None
    seed: int = 0
    device: str = "auto"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, without ``patch`` where none is given."""
        return {key: value for key, value in vars(self).items() if key != "patch" or value is not None}

    def check(self) -> None:
        """Refuse values that mean nothing (``UsageError``)."""
        if self.criterion not in CRITERIA:
            raise UsageError(f"--criterion {self.criterion}: choose {', '.join(CRITERIA)}")
        if not 0 < self.keep < 1:
            raise UsageError(f"--keep {self.keep}: give the share of the maps to keep, above 0 and below 1")
        if self.steps < 1 or self.updates < 1 or self.last_updates < 1 or self.batches < 1:
            raise UsageError("--steps, --updates, --last-updates and --batches are 1 or more; correct them")
