"""Parameters and operations of a network, from the layers that really run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from ..packages import Card


def parameters_of(module: nn.Module) -> int:
    """Numbers that a module learns; a tensor that is registered in several places counts once."""
    return sum(parameter.numel() for parameter in module.parameters())


def macs_of(module: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of one forward pass, without computing it.

    Convolutions (with their groups), transposed convolutions and linear layers that run count, as torch's
    ``FlopCounterMode`` sees them: 1 multiply-accumulate is 2 FLOP. Norms, activations, pooling, upsampling and biases
    do not.

    Parameters
    ----------
    module : torch.nn.Module
        A copy on the ``meta`` device runs; the module stays as it is.
    shape : tuple of int
        Of the input: (n, c, [k,] j, i).
    """
    import copy

    import torch

    plain = copy.deepcopy(module).to("meta").eval()
    with torch.no_grad(), counting() as counter:
        plain(torch.empty(shape, device="meta"))
    return counter.macs


class Counter:
    """Multiply-accumulates that were counted so far."""

    macs = 0


@contextmanager
def counting() -> Iterator[Counter]:
    """Count the multiply-accumulates of all that runs in the block; the number stands there at its end."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = Counter()
    with FlopCounterMode(display=False) as mode:
        yield counter
    counter.macs = mode.get_total_flops() // 2


def parameters_of_card(card: Card) -> int:
    """Numbers that the networks of a package learn, without reading its weights."""
    import torch

    from ..networks import build_network
    from ..packages.composed import refiner_of

    with torch.device("meta"):
        one = build_network(card.network, card.in_channels, card.out_channels, card.arguments)
        total = card.members * parameters_of(one)
        total += parameters_of(torch.nn.Conv3d(card.members, 2, 1)) if card.combination == "linear" else 0
        return total + (parameters_of(refiner_of(card)) if card.refiner else 0)
