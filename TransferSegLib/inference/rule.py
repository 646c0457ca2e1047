"""How a network's output channels become label values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UsageError

if TYPE_CHECKING:
    import torch

    from ..packages import Card


@dataclass(frozen=True)
class OutputRule:
    """Which channels are active and which label value each of them writes.

    Attributes
    ----------
    kind : {"softmax", "sigmoid"}
        softmax: classes exclude each other; the inactive ones are merged with the background by logsumexp (their
        probabilities add) before the argmax. sigmoid: regions may overlap; each is taken where its probability
        exceeds 0.5, and later entries override earlier ones.
    channels : tuple of int
        Active output channels, in order.
    values : tuple of int
        Label value 1..255 of each active channel.
    background : int
        Channel of the background (softmax only).
    """

    kind: str
    channels: tuple[int, ...]
    values: tuple[int, ...]
    background: int = 0

    def __post_init__(self) -> None:
        """Refuse rules that mean nothing."""
        if self.kind not in ("softmax", "sigmoid"):
            raise UsageError(f"output: got '{self.kind}', expected softmax or sigmoid")
        if not self.channels or len(self.channels) != len(self.values):
            raise UsageError(f"output: {len(self.channels)} channels, {len(self.values)} values; give one value each")
        if len(set(self.channels)) != len(self.channels):
            raise UsageError(f"output: a channel is named twice in {self.channels}")
        if self.kind == "softmax" and self.background in self.channels:
            raise UsageError(f"output: channel {self.background} cannot be both background and a label")
        if any(not 0 < value <= 255 for value in self.values):
            raise UsageError(f"output: label values {self.values} must lie in 1..255")

    @staticmethod
    def of_card(card: Card) -> OutputRule:
        """The rule that a card states."""
        channels, values = (tuple(getattr(label, name) for label in card.labels) for name in ("channel", "value"))
        return OutputRule(card.output, channels, values)

    @property
    def fields(self) -> int:
        """Number of maps that are stitched: the active classes and, for softmax, the merged background."""
        return len(self.channels) + (self.kind == "softmax")

    def collapse(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits (channel, k, j, i) to fields (field, k, j, i) float32; field 0 of softmax is the background."""
        import torch

        count = logits.shape[0]
        if max(*self.channels, self.background if self.kind == "softmax" else 0) >= count:
            raise UsageError(f"output: the network gives {count} channels, the labels name channel {self.channels}")
        if self.kind == "sigmoid":
            return _pick(logits, self.channels).float()
        rest = [c for c in range(count) if c not in self.channels]
        fields = _pick(logits, (self.background, *self.channels)).float()
        if len(rest) == 1:
            return fields
        fields = fields.clone() if fields.data_ptr() == logits.data_ptr() else fields
        fields[0] = torch.logsumexp(logits[rest].float(), dim=0)
        return fields

    def probabilities(self, fields: torch.Tensor) -> torch.Tensor:
        """Fields of logits to fields of probabilities (same shape)."""
        return fields.softmax(dim=0) if self.kind == "softmax" else fields.sigmoid()

    def labels(self, fields: torch.Tensor, threshold: torch.Tensor | float = 0.0) -> np.ndarray:
        """Stitched fields (field, k, j, i) to label values uint8 (k, j, i).

        softmax: the field with the largest sum, the first one where they tie (so a voxel that no window touched is
        background). sigmoid: each field where it exceeds ``threshold``.
        """
        import torch

        labels = torch.zeros(fields.shape[1:], dtype=torch.uint8, device=fields.device)
        if self.kind == "sigmoid":
            for field, value in zip(fields, self.values):
                labels.masked_fill_(field > threshold, value)
            return labels.cpu().numpy()
        best = fields[0].clone()
        for field, value in zip(fields[1:], self.values):
            labels.masked_fill_(field > best, value)
            torch.maximum(best, field, out=best)
        return labels.cpu().numpy()


def _pick(logits: torch.Tensor, channels: tuple[int, ...]) -> torch.Tensor:
    """The named channels, without a copy where they are all of them in order."""
    if channels == tuple(range(logits.shape[0])):
        return logits
    return logits[list(channels)]
