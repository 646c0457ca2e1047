"""What a network gives at the end of each of its blocks, watched while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .registry import network_spec

if TYPE_CHECKING:
    from torch import Tensor, nn

DOWN, UP = "down", "up"


def side_of_group(group: str) -> str:
    """``down`` for stem, encoder and bottleneck, ``up`` for the decoder."""
    return UP if group.startswith("dec") else DOWN


@contextmanager
def watched_blocks(name: str, module: nn.Module) -> Iterator[dict[str, Tensor]]:
    """What the last layer of every group but the head gives, while the network runs inside.

    The dict that comes back holds (n, c, [k,] j, i) by group, in the order in which they ran; the module is as before
    afterwards.

    Parameters
    ----------
    name : str
        The network in the registry.
    module : nn.Module
        It, with its weights.
    """
    outputs: dict[str, Tensor] = {}
    handles = [part.register_forward_hook(_keep(outputs, group)) for part, group in _layers(name, module)]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _layers(name: str, module: nn.Module) -> list[tuple[nn.Module, str]]:
    from torch import nn

    parts = dict(module.named_modules())
    found = []
    for group in network_spec(name).groups(module):
        if group.name == "head":
            continue
        for prefix in group.prefixes:
            part = parts.get(prefix)
            if part is None:  # a parameter
                continue
            # A list of layers never runs itself.
            inside = list(part.children()) if isinstance(part, (nn.ModuleList, nn.ModuleDict)) else [part]
            found += [(layer, group.name) for layer in inside]
    return found


def _keep(outputs: dict[str, Tensor], group: str):
    import torch

    def hook(layer: nn.Module, inputs: tuple, output: object) -> None:
        if torch.is_tensor(output) and output.ndim >= 4:
            outputs.pop(group, None)  # a later one of the same group replaces it
            outputs[group] = output

    return hook
