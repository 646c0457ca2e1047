"""What a batch costs a network as it is now: no gradient, and nothing of the network or of chance moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .losses import Loss, judge

if TYPE_CHECKING:
    import torch


def rate_batch(
    module: torch.nn.Module,
    forward: Callable[[Any], torch.Tensor],
    loss: Loss,
    device: str,
    precision: str,
    inputs: Any,
    truth: torch.Tensor,
    *,
    training: bool = False,
    seed: int = 0,
) -> float:
    """The loss of a batch; on demand as a training step takes it (batch statistics, the dropout of ``seed``)."""
    import torch

    was, inputs, truth = module.training, to_device(inputs, device), truth.to(device)
    if training:
        torch.manual_seed(seed)
    with torch.no_grad(), _buffers_kept(module):
        module.train(training)
        try:
            with autocast(device, precision):
                logits = forward(inputs)
            return float(judge(loss, logits.float(), truth, inputs))
        finally:
            module.train(was)


def autocast(device: str, precision: str) -> Any:
    """The context in which a network computes in ``precision``."""
    import torch

    kind = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(precision)
    return torch.autocast(device.split(":")[0], dtype=kind, enabled=kind is not None)


def to_device(inputs: Any, device: str) -> Any:
    """A batch, or a tuple of features, on ``device``."""
    return tuple(t.to(device) for t in inputs) if isinstance(inputs, tuple) else inputs.to(device)


@contextmanager
def _buffers_kept(module: torch.nn.Module) -> Iterator[None]:
    """Running statistics are afterwards what they were before."""
    kept = {name: buffer.clone() for name, buffer in module.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in module.named_buffers():
            buffer.copy_(kept[name])
