"""Several networks of one kind that answer together: their probabilities are averaged, or weighed as learned."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

_LEAST = 1e-7


class Ensemble(nn.Module):
    """Members of one architecture, with a refiner that only travels along.

    Parameters
    ----------
    members : sequence of module
        Each from (n, c, k, j, i) to logits.
    output : {"softmax", "sigmoid"}
        How logits become probabilities.
    combination : {"mean", "linear"}
        ``mean``: the probabilities are averaged. ``linear``: the members' probabilities of the foreground are
        weighed into two logits by ``combine`` (TMTV-Net's stacking); for one foreground class of a softmax.
    refiner : module, optional
        The second stage, which `forward` does not run.
    """

    def __init__(
        self,
        members: Sequence[nn.Module],
        *,
        output: str = "softmax",
        combination: str = "mean",
        refiner: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.output = output
        self.combine = nn.Conv3d(len(members), 2, 1) if combination == "linear" else None
        self.refiner = refiner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n, out, k, j, i) whose softmax (or sigmoid) is the members' common probability."""
        if self.combine is None and len(self.members) == 1:
            return self.members[0](x)
        if self.combine is not None:
            found = [member(x).float().softmax(dim=1)[:, 1:2] for member in self.members]
            weights = self.combine
            return nn.functional.conv3d(torch.cat(found, dim=1), weights.weight.float(), weights.bias.float())
        total = None
        for member in self.members:
            logits = member(x).float()
            p = logits.softmax(dim=1) if self.output == "softmax" else logits.sigmoid()
            total = p if total is None else total + p
        mean = (total / len(self.members)).clamp(_LEAST, 1 - _LEAST)
        return mean.log() if self.output == "softmax" else torch.logit(mean)
