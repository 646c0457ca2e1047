"""Soft Dice + focal + boundary loss: the other loss for small lesions, of the kind that public PET/CT code uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .terms import focal, labelled, one_hot, soft_dice

if TYPE_CHECKING:
    import torch


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """Distance of each voxel to a mask's boundary in voxels, float32: positive outside, 0 and below inside.

    An empty mask has no boundary: 0 everywhere.
    """
    from scipy.ndimage import distance_transform_edt

    mask = np.asarray(mask, dtype=bool)
    if not mask.any():
        return np.zeros(mask.shape, dtype=np.float32)
    outside = distance_transform_edt(~mask)
    inside = np.maximum(distance_transform_edt(mask) - 1, 0) if not mask.all() else np.zeros(mask.shape)
    return (outside - inside).astype(np.float32)


def boundary(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """mean of phi y (Kervadec et al. 2019): y the probability, phi the truth's signed distance in voxels.

    Parameters
    ----------
    found, wanted : (B, class, k, j, i) probabilities, and masks of 0 and 1
    """
    import torch

    masks = wanted.detach().cpu().numpy() > 0
    maps = np.stack([[signed_distance(mask) for mask in sample] for sample in masks])
    return (torch.from_numpy(maps).to(found) * found).mean()


@dataclass(frozen=True)
class DiceFocalBoundary:
    """1 soft Dice + 1 focal (gamma 2) + 0.01 boundary over the lesion classes; the weights are ours.

    A boundary term that is large from the first step empties the prediction (Kervadec et al. 2019 start at 0.01).
    """

    dice: float = 1.0
    focal: float = 1.0
    boundary: float = 0.01
    gamma: float = 2.0

    def terms(self, logits: torch.Tensor, truth: torch.Tensor) -> dict[str, torch.Tensor]:
        """The weighted terms by name, of logits (B, C, k, j, i) and class indices (B, 1, k, j, i)."""
        if not labelled(truth).all():
            raise InputError(
                "--loss dice-focal-boundary: a case has no truth; use mumford-shah-dice-ce or leave it out"
            )
        found, wanted = logits.softmax(1)[:, 1:], one_hot(truth, logits.shape[1], logits.dtype)[:, 1:]
        return {
            "dice": self.dice * soft_dice(logits, truth),
            "focal": self.focal * focal(logits, truth, gamma=self.gamma),
            "boundary": self.boundary * boundary(found, wanted),
        }

    def __call__(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """The sum of the terms."""
        return sum(self.terms(logits, truth).values())
