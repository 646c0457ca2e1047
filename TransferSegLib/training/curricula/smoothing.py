"""By smoothing: feature maps are blurred at first and grow sharp while the network learns (Sinha et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..plan import TrainingPlan
from ..windows import Windows
from .curriculum import Curriculum

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ...networks import NetworkSpec

SIGMA = 1.0
DECAY = 0.9
EPOCHS = 5
# Below it the middle of the kernel holds over 99.9 % of the weight: nothing is left to blur.
SHARP = 0.26


class Smoothing(Curriculum):
    """A fixed Gaussian, 3 voxels along each axis, after each convolution and so before its norm and activation.

    Sigma is 1 voxel at first, times 0.9 every five epochs; in a plan too short for that to end, so often that half of
    it is trained sharp. Only training steps are blurred: validation and the trained model are not. All cases take part
    from the start.

    Parameters
    ----------
    module : nn.Module
        The network; convolutions below ``head`` (names of modules), whose output is the answer, are left alone.
    """

    def __init__(
        self, windows: Windows, plan: TrainingPlan, *, module: nn.Module, head: Iterable[str] = (), every: int = 0
    ) -> None:
        super().__init__(windows, plan)
        self._layers = convolutions(module, tuple(head))
        rounds = math.ceil(math.log(SHARP / SIGMA) / math.log(DECAY))
        self._every = every or max(1, min(EPOCHS * plan.steps_per_epoch, plan.steps // 2 // rounds))

    def sigma(self, step: int) -> float:
        """Of the Gaussian at a step, in voxels of the map; 0 where nothing is blurred any more."""
        sigma = SIGMA * DECAY ** min(step // self._every, 100)
        return sigma if sigma >= SHARP else 0.0

    @contextmanager
    def during(self, step: int) -> Iterator[None]:
        sigma = self.sigma(step)
        if not sigma:
            yield
            return
        handles = [layer.register_forward_hook(lambda part, x, y: blurred(y, sigma)) for layer in self._layers]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def facts(self) -> dict[str, Any]:
        return {"sigma": SIGMA, "decay": DECAY, "steps_per_decay": self._every}


def answers(spec: NetworkSpec, module: nn.Module) -> tuple[str, ...]:
    """Names of the modules whose output is the network's answer."""
    outputs = [axis.tensor for axis in spec.channel_axes(module) if axis.kind == "output"]
    return tuple(dict.fromkeys(tensor.rpartition(".")[0] for tensor in outputs))


def convolutions(module: nn.Module, head: tuple[str, ...]) -> list[nn.Module]:
    """The convolutions of a network, transposed ones too, but for those of its head."""
    from torch.nn.modules.conv import _ConvNd

    inside = [prefix.rstrip(".") for prefix in head]
    return [
        part
        for name, part in module.named_modules()
        if isinstance(part, _ConvNd) and not any(name == prefix or name.startswith(f"{prefix}.") for prefix in inside)
    ]


def blurred(maps: torch.Tensor, sigma: float) -> torch.Tensor:
    """Maps (B, C, ...) convolved with a Gaussian of ``sigma`` voxels, 3 taps an axis; the border is repeated."""
    import torch

    side = math.exp(-0.5 / sigma**2)
    middle, side = 1 / (1 + 2 * side), side / (1 + 2 * side)
    for axis in range(2, maps.ndim):
        length = maps.shape[axis]
        if length > 1:
            before = torch.cat([maps.narrow(axis, 0, 1), maps.narrow(axis, 0, length - 1)], dim=axis)
            after = torch.cat([maps.narrow(axis, 1, length - 1), maps.narrow(axis, length - 1, 1)], dim=axis)
            maps = middle * maps + side * (before + after)
    return maps
