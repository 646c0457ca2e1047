"""Ending a training step half-way: a step of a large network takes seconds, a user waits one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@contextmanager
def interruptible(module: torch.nn.Module, check: Callable[[], object]) -> Iterator[None]:
    """Call ``check`` before each layer, forward and backward; what it raises ends the step. No number changes."""
    import torch

    def before(layer: torch.nn.Module, inputs: tuple) -> None:
        check()

    def after(layer: torch.nn.Module, inputs: tuple, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.requires_grad:
            output.register_hook(backward)

    def backward(gradient: torch.Tensor) -> None:
        check()

    layers = [layer for layer in module.modules() if not any(True for _ in layer.children())]
    handles = [layer.register_forward_pre_hook(before) for layer in layers]
    handles += [layer.register_forward_hook(after) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
