"""Terms that several losses are made of; each looks at the samples that have a truth only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# A truth that is this everywhere (or anywhere) says that the sample has none; `cut` pads with 0 beside it.
UNLABELLED = 255


def labelled(truth: torch.Tensor) -> torch.Tensor:
    """(B,) bool: which samples of a truth (B, 1, k, j, i) in class indices have one."""
    return ~(truth == UNLABELLED).flatten(1).any(dim=1)


def one_hot(truth: torch.Tensor, classes: int, kind: torch.dtype) -> torch.Tensor:
    """Class indices (B, 1, k, j, i) as (B, classes, k, j, i) of 0 and 1."""
    from torch.nn.functional import one_hot as spread

    return spread(truth[:, 0].long(), classes).movedim(-1, 1).to(kind)


def soft_dice(logits: torch.Tensor, truth: torch.Tensor, *, smooth: float = 1.0) -> torch.Tensor:
    """1 - (2 |PG| + s) / (|P| + |G| + s) of the softmax, mean over samples and lesion classes (Milletari et al. 2016).

    ``logits`` (B, C, k, j, i), channel 0 the background; ``truth`` (B, 1, k, j, i) class indices, all samples labelled.
    ``smooth`` voxels make a sample without a lesion cost nothing once nothing is found in it.
    """
    found = logits.softmax(1)[:, 1:].flatten(2)
    wanted = one_hot(truth, logits.shape[1], logits.dtype)[:, 1:].flatten(2)
    shared = (found * wanted).sum(-1)
    return (1 - (2 * shared + smooth) / (found.sum(-1) + wanted.sum(-1) + smooth)).mean()


def cross_entropy(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """-log of the true class's softmax, mean over voxels; for two classes -g log y - (1 - g) log(1 - y)."""
    from torch.nn.functional import cross_entropy as entropy

    return entropy(logits, truth[:, 0].long())


def focal(logits: torch.Tensor, truth: torch.Tensor, *, gamma: float = 2.0) -> torch.Tensor:
    """-(1 - p)^gamma log p of the true class's softmax p, mean over voxels (Lin et al. 2017, equation 4)."""
    from torch.nn.functional import cross_entropy as entropy

    minus_log = entropy(logits, truth[:, 0].long(), reduction="none")
    return ((1 - (-minus_log).exp()) ** gamma * minus_log).mean()
