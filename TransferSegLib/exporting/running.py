"""Exported networks as the sliding window and the level finder call a module."""

from __future__ import annotations

from typing import Any

import torch

from ..errors import UsageError
from ..inference import Device
from ..networks.level_dense import DensePlan, offsets_by
from ..packages import Card
from .runtimes import TITLES, Run, open_runtime


def network_in_runtime(card: Card, graph: bytes, made: dict[str, Any], runtime: str, what: str) -> RuntimeNetwork:
    """An exported graph in a runtime; ``made`` is what was written beside its card, ``what`` names it in errors."""
    how = {"runtime": runtime, "precision": made["precision"], "bytes": len(graph)}
    run = open_runtime(runtime, graph, what)
    if "dense" in made:
        return RuntimeRegressor(run, rows=card.window[0], plan=made["dense"], **how)
    return RuntimeNetwork(run, **how)


class RuntimeNetwork:
    """A network that another runtime runs on the CPU: from a tensor to a tensor, as a module in eval mode.

    Attributes
    ----------
    device : Device
        The only one it runs on.
    bytes : int
        Of its file, about what it holds in memory.
    """

    training = False

    def __init__(self, run: Run, *, runtime: str, precision: str, bytes: int) -> None:
        self._run, self.bytes = run, bytes
        why = f"CPU ({torch.get_num_threads()} threads), exported in {precision} and run by {TITLES[runtime]}"
        self.device = Device("cpu", precision, why)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(n, c, [k,] j, i) to the output of the module that was exported."""
        return torch.from_numpy(self._run(x.detach().numpy()))

    def to(self, device: Any) -> RuntimeNetwork:
        """Itself: it stays where it is."""
        return self

    def eval(self) -> RuntimeNetwork:
        """Itself: it does not learn."""
        return self

    def train(self, mode: bool = True) -> RuntimeNetwork:
        """Itself: it does not learn."""
        return self


class RuntimeRegressor(RuntimeNetwork):
    """A regressor of a level that was exported for dense evaluation, at the finest step of its plan.

    Parameters
    ----------
    rows : int
        Height of a window.
    plan : dict
        A `DensePlan` in JSON types.
    """

    def __init__(self, run: Run, *, rows: int, plan: dict[str, Any], **how: Any) -> None:
        super().__init__(run, **how)
        self.rows, self._plan = rows, DensePlan(**plan)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Windows one by one are another graph (``UsageError``)."""
        raise UsageError("--evaluation windows: this network was exported for dense evaluation; leave the option out")

    def dense(self, x: torch.Tensor, step: int) -> torch.Tensor:
        """Offsets (B, n) of all windows of a projection, as `LevelRegressor.dense` gives them."""
        return offsets_by(self._offsets, self.rows, self._plan, x, int(step))

    def _offsets(self, x: torch.Tensor, grid: int) -> torch.Tensor:
        found = super().__call__(x)[:, :: grid // self._plan.finest]
        return found[:, : (x.shape[2] - self.rows) // grid + 1]
