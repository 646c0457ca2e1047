"""Adding windows up into labels while holding floats for one window's depth only."""

from __future__ import annotations

import numpy as np
import torch

from .rule import OutputRule


class SlabStitcher:
    """A ring of weighted sums as deep as one window; rows that no later window touches become labels at once.

    Windows must arrive sorted by their first k. Held: (fields, window depth, j, i) float32 sums, whatever the
    number of slices and whatever the number of output channels, and the label map.

    Parameters
    ----------
    rule : OutputRule
    shape : tuple of int
        Volume (k, j, i) that the windows lie in.
    weights : tensor (k, j, i)
        Weight of each voxel of a window, on the device where the sums are held.
    probabilities : bool
        The fields added are probabilities (thresholds at 0.5), not logits (at 0).
    entropy : bool
        Also make the entropy map; needs probabilities.
    kept : int, optional
        Also make the map of this field's probability; needs probabilities.
    """

    def __init__(
        self,
        rule: OutputRule,
        shape: tuple[int, int, int],
        weights: torch.Tensor,
        *,
        probabilities: bool,
        entropy: bool,
        kept: int | None = None,
    ) -> None:
        self._rule, self._weights, self._probabilities = rule, weights, probabilities
        self._weigh = rule.kind == "sigmoid" and probabilities
        depth = min(weights.shape[0], shape[0])
        self._sums = torch.zeros((rule.fields + self._weigh, depth, *shape[1:]), device=weights.device)
        self._base = 0
        self.labels = np.zeros(shape, np.uint8)
        self.entropy = np.zeros(shape, np.float32) if entropy else None
        self._kept = kept
        self.probability = None if kept is None else np.zeros(shape, np.float32)

    def add(self, start: tuple[int, int, int], fields: torch.Tensor) -> None:
        """Add one window's fields (field, k, j, i) that begins at voxel ``start``."""
        self._advance(start[0])
        row = start[0] - self._base
        box = tuple(slice(s, s + w) for s, w in zip((row, *start[1:]), fields.shape[1:]))
        fields = fields.to(self._weights.device)
        for total, field in zip(self._sums, fields):
            total[box].addcmul_(field, self._weights)
        if self._weigh:
            self._sums[-1][box].add_(self._weights)

    def finish(self) -> None:
        """Turn the rows still held into labels."""
        self._emit(self._sums.shape[1])

    def _advance(self, start: int) -> None:
        """Let the ring begin at row ``start``."""
        rows = start - self._base
        if rows <= 0:
            return
        depth = self._sums.shape[1]
        done = min(rows, depth)
        self._emit(done)
        kept = depth - done
        for row in range(kept):
            self._sums[:, row] = self._sums[:, row + done]
        self._sums[:, kept:] = 0
        self._base = start

    def _emit(self, rows: int) -> None:
        """Write labels (and entropy) of the ring's first ``rows`` rows; row by row, so that it stays in the cache."""
        for row in range(min(rows, self.labels.shape[0] - self._base)):
            sums = self._sums[:, row : row + 1]
            fields = sums[: self._rule.fields]
            threshold = sums[-1] * 0.5 if self._weigh else 0.0
            self.labels[self._base + row] = self._rule.labels(fields, threshold)[0]
            if self.entropy is None and self.probability is None:
                continue
            weight = sums[-1] if self._weigh else fields.sum(dim=0)
            if self.probability is not None:
                kept = fields[self._kept] / weight.clamp_min(1e-12)
                self.probability[self._base + row] = kept[0].clamp(0, 1).cpu().numpy()
            if self.entropy is not None:
                self.entropy[self._base + row] = _entropy(self._rule.kind, fields, weight)[0].cpu().numpy()


def _entropy(kind: str, fields: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Entropy in 0..1 of weighted sums of probabilities (field, k, j, i); 0 where nothing was added.

    softmax: divided by log(number of fields). sigmoid: binary entropy over log 2, the largest of the fields.
    """
    p = fields / weight.clamp_min(1e-12)
    if kind == "softmax":
        value = -torch.xlogy(p, p).sum(dim=0) / np.log(fields.shape[0])
    else:
        value = -(torch.xlogy(p, p) + torch.xlogy(1 - p, (1 - p).clamp_min(0))).amax(dim=0) / np.log(2)
    return torch.where(weight > 0, value, torch.zeros_like(value)).clamp_(0, 1)
