"""Freezing of groups: no gradients, norms and dropout held in eval mode, the frozen first layers without a graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..networks import count_parameters, group_of, groups_of, network_spec, parameter_groups
from .strategy import Strategy

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Freezing:
    """What applying a strategy did to a module, and how to run it.

    Attributes
    ----------
    strategy, network, grouping
        What was applied to what.
    trainable, frozen, total, registered : int
        Parameters; ``total = trainable + frozen`` counts each once, ``registered`` as often as MONAI does.
    frozen_groups : tuple of str
        Groups that are frozen, shallow to deep; new tensors in them learn all the same.
    frozen_tensors : tuple of str
        Names of the parameters that do not learn.
    stages, frozen_stages : int
        Stem and encoder levels that run one by one (0 where the network declares none); so many of them, from the first
        on, hold no parameter that learns and run without a graph.
    """

    strategy: Strategy
    network: str
    grouping: str
    trainable: int
    frozen: int
    total: int
    registered: int
    frozen_groups: tuple[str, ...]
    frozen_tensors: tuple[str, ...]
    stages: int
    frozen_stages: int

    @property
    def frozen_prefix(self) -> bool:
        """Whether the first layers are frozen, so that `forward` runs them without a graph."""
        return self.frozen_stages > 0

    @property
    def frozen_encoder(self) -> bool:
        """Whether all that `NetworkSpec.encode` runs is frozen, so that its features can be kept and used again."""
        return 0 < self.frozen_stages == self.stages

    def forward(self, module: nn.Module, x: Tensor) -> Tensor:
        """Logits (n, channel, k, j, i) of ``x`` (n, channel, k, j, i): the same bits as ``module(x)``.

        The longest frozen prefix runs under ``no_grad``; the graph starts at the first layer that learns.
        """
        spec = network_spec(self.network)
        if not self.frozen_prefix or spec.finish is None:
            return module(x)
        # a temporary: the list reaches decode with no other owner, which frees the skips on the way
        return spec.decode(module, list(spec.encode(module, x, frozen_stages=self.frozen_stages)))

    def trainable_parameters(self, module: nn.Module) -> list[nn.Parameter]:
        """What the optimiser gets."""
        return [parameter for parameter in module.parameters() if parameter.requires_grad]

    def as_dict(self) -> dict:
        """For ``run.json``."""
        return {
            "strategy": self.strategy.name,
            "grouping": self.grouping,
            "trainable": self.trainable,
            "frozen": self.frozen,
            "total": self.total,
            "registered": self.registered,
            "frozen_groups": list(self.frozen_groups),
        }


def apply_strategy(
    strategy: Strategy,
    network_name: str,
    module: nn.Module,
    *,
    grouping: str = "anatomical",
    new_tensors: Iterable[str] = frozenset(),
) -> Freezing:
    """Freeze the groups that a strategy names; replaces what another strategy froze before.

    Frozen parameters lose ``requires_grad`` and gradient. Every module of a frozen group stays in eval mode whatever
    ``module.train()`` is told at any level (running statistics stand still, dropout is off), in copies of the module
    too. A module that holds a new tensor of its own learns as a whole.

    Parameters
    ----------
    strategy : Strategy
    network_name : str
        The registered network that ``module`` is.
    grouping : {"anatomical", "poster"}
        What encoder and decoder mean.
    new_tensors : iterable of str
        Parameters that are new in the target (`TransferReport.new_tensors`): never frozen.

    Raises
    ------
    UsageError
        With the reason, when the strategy means nothing for this network; the module is then unchanged.
    """
    groups = groups_of(network_name, module, grouping)
    frozen_groups = strategy.frozen_groups(groups, network=network_name)
    by_group = parameter_groups(network_name, module, grouping)
    new = frozenset(new_tensors)
    release(module)
    frozen_tensors = []
    for group in frozen_groups:
        for name, parameter in by_group[group]:
            if name not in new:
                parameter.requires_grad_(False)
                parameter.grad = None
                frozen_tensors.append(name)
    for name, part in module.named_modules():
        group = group_of(name, groups)
        learns = any(parameter.requires_grad for parameter in part.parameters(recurse=False))
        fresh = any(f"{name}.{buffer}" in new for buffer, _ in part.named_buffers(recurse=False))
        if group is not None and group.name in frozen_groups and not learns and not fresh:
            part.train = partial(_stay_in_eval, part)
    module.train(module.training)
    total, registered = count_parameters(module)
    trainable = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    return Freezing(
        strategy=strategy,
        network=network_name,
        grouping=grouping,
        trainable=trainable,
        frozen=total - trainable,
        total=total,
        registered=registered,
        frozen_groups=frozen_groups,
        frozen_tensors=tuple(frozen_tensors),
        stages=len(network_spec(network_name).encode_stages(module)),
        frozen_stages=_frozen_stages(network_name, module),
    )


def release(module: nn.Module) -> None:
    """Undo any freezing: every parameter learns, every part follows ``module.train()`` again."""
    for part in module.modules():
        held = part.__dict__.get("train")
        if isinstance(held, partial) and held.func is _stay_in_eval:
            del part.__dict__["train"]
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    module.train(module.training)


def _stay_in_eval(part: nn.Module, mode: bool = True) -> nn.Module:
    """Stands in for ``part.train``: stays in eval mode and lets each child decide for itself.

    A module-level function in a `functools.partial`: copies and pickles of the module refer to the copy.
    """
    part.training = False
    for child in part.children():
        child.train(mode)
    return part


def _frozen_stages(network_name: str, module: nn.Module) -> int:
    """How many of stem, enc1, ... in a row from the first hold nothing that learns."""
    spec = network_spec(network_name)
    if spec.stages is None:
        return 0
    by_group = parameter_groups(network_name, module)
    count = 0
    for group in sorted((g for g in spec.groups(module) if g.level is not None), key=lambda g: g.level):
        if any(parameter.requires_grad for _, parameter in by_group[group.name]):
            break
        count += 1
    return count
