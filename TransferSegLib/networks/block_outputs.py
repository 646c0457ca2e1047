"""What a network gives at the end of each of its blocks, watched while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .registry import network_spec

if TYPE_CHECKING:
    from torch import Tensor, nn

DOWN, UP = "down", "up"


@dataclass
class BlockOutput:
    """The output (n, c, [k,] j, i) of the last layer of a group, and the side of the network that it stands on.

    ``side`` is ``down`` for stem, encoder and bottleneck, ``up`` for the decoder.
    """

    group: str
    side: str
    value: Tensor


@dataclass
class BlockOutputs:
    """The outputs of the groups' last layers in a forward pass, in the order in which they ran."""

    found: dict[str, BlockOutput] = field(default_factory=dict)

    def keep(self, group: str, side: str, value: Tensor) -> None:
        """Take an output; a later one of the same group replaces it."""
        self.found.pop(group, None)
        self.found[group] = BlockOutput(group, side, value)


@contextmanager
def watched_blocks(name: str, module: nn.Module) -> Iterator[BlockOutputs]:
    """Every group of a network but its head, while it runs inside; the module is as before afterwards.

    Parameters
    ----------
    name : str
        The network in the registry.
    module : nn.Module
        It, with its weights.
    """
    outputs = BlockOutputs()
    handles = []
    for part, group, side in _layers(name, module):
        handles.append(part.register_forward_hook(_keep(outputs, group, side)))
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _layers(name: str, module: nn.Module) -> list[tuple[nn.Module, str, str]]:
    from torch import nn

    parts = dict(module.named_modules())
    found = []
    for group in network_spec(name).groups(module):
        if group.name == "head":
            continue
        side = UP if group.name.startswith("dec") else DOWN
        for prefix in group.prefixes:
            part = parts.get(prefix)
            if part is None:  # a parameter
                continue
            # A list of layers never runs itself.
            inside = list(part.children()) if isinstance(part, (nn.ModuleList, nn.ModuleDict)) else [part]
            found += [(layer, group.name, side) for layer in inside]
    return found


def _keep(outputs: BlockOutputs, group: str, side: str):
    import torch

    def hook(layer: nn.Module, inputs: tuple, output: object) -> None:
        if torch.is_tensor(output) and output.ndim >= 4:
            outputs.keep(group, side, output)

    return hook
