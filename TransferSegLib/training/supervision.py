"""Deep supervision: several outputs of one network judged against the same truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .losses import Loss, judge, needs_image

if TYPE_CHECKING:
    import torch


def stacked(outputs: list[torch.Tensor]) -> torch.Tensor:
    """Logits (B, C, k, j, i) of each head, coarse to fine, as one batch (heads x B, C, k, j, i) for the loss below."""
    import torch

    return outputs[0] if len(outputs) == 1 else torch.cat([output.float() for output in outputs])


class DeepSupervised:
    """A loss over the heads of ``stacked`` logits: each coarser head counts half as much as the next; weights sum to 1.

    One head alone is judged by the loss as it is.
    """

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self.needs_image = needs_image(loss)

    def __call__(self, logits: torch.Tensor, truth: torch.Tensor, image: torch.Tensor | None = None) -> torch.Tensor:
        """Logits (heads x B, C, k, j, i), truth (B, 1, k, j, i), images (B, channel, k, j, i) to a scalar."""
        heads = logits.chunk(logits.shape[0] // truth.shape[0])
        weights = [0.5 ** (len(heads) - 1 - n) for n in range(len(heads))]
        total = sum(w * judge(self._loss, head, truth, image) for w, head in zip(weights, heads))
        return total / sum(weights)
