"""Generalised Dice loss, the loss of DMFNet's training (methods.md, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .terms import one_hot

if TYPE_CHECKING:
    import torch


def generalised_dice(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """1 - 2 sum(w |PG|) / sum(w (|P| + |G|)) over the classes but the background, w = 1 / |G|^2 (Sudre et al. 2017).

    Sums go over the whole batch. Only the ratio of the weights counts: they are scaled so that the rarest class has 1,
    which keeps large windows clear of rounding and needs no smoothing. A class that the batch lacks has no 1 / 0^2: it
    takes the rarest one's weight, so that what is found of it still costs. A batch without any class costs nothing.

    Parameters
    ----------
    logits : tensor (B, C, [k,] j, i)
        Channel 0 is the background; softmax is applied here, once.
    truth : tensor (B, 1, [k,] j, i)
        Class indices.

    Returns
    -------
    scalar tensor
        From 0 to 1.
    """
    import torch

    found = logits.softmax(1)[:, 1:].transpose(0, 1).flatten(1)
    wanted = one_hot(truth, logits.shape[1], logits.dtype)[:, 1:].transpose(0, 1).flatten(1)
    voxels = wanted.sum(1)
    present = voxels > 0
    any_class = present.any()
    rarest = torch.where(present, voxels, torch.inf).amin()
    weights = torch.where(present, (rarest / voxels) ** 2, 1.0) * any_class
    shared = (weights * (found * wanted).sum(1)).sum()
    both = (weights * (found.sum(1) + voxels)).sum()
    return (1 - 2 * shared / torch.where(any_class, both, 1.0)) * any_class
