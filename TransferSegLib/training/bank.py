"""A bank of augmented windows whose frozen features are computed once and reused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..events import Events
from .plan import TrainingPlan
from .windows import Windows


class FeatureBank:
    """Batches of features instead of images, for strategies that freeze the first layers.

    The encoder runs once over ``plan.feature_bank`` windows (rounded up to whole batches) and never
    again: what a step then costs is the part that learns. The price is memory (held as float32 or in
    the training's precision) and less varied windows.
    """

    def __init__(
        self, windows: Windows, plan: TrainingPlan, *, encode: Callable[[Any], tuple], device: str, events: Events
    ) -> None:
        import torch

        count = -(-plan.feature_bank // plan.batch)
        self._entries: list[tuple[tuple, Any]] = []
        self._seed = plan.seed
        for number in range(count):
            inputs, truth = windows.batch(number)
            with torch.no_grad():
                features = tuple(f.detach().cpu() for f in encode(inputs.to(device)))
            self._entries.append((features, truth))
            events.progress("computing the frozen features", number + 1, count)

    def batch(self, step: int) -> tuple[tuple, Any]:
        """Entry ``step`` of a reshuffled pass over the bank."""
        turn, place = divmod(step, len(self._entries))
        order = np.random.default_rng([self._seed, turn, 7]).permutation(len(self._entries))
        return self._entries[int(order[place])]
