"""The loss of the PET/CT source: Mumford-Shah + Dice + cross-entropy; without a truth the first term alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .terms import cross_entropy, labelled, soft_dice

if TYPE_CHECKING:
    import torch

# A class that is nowhere has no mean of its own: its size in voxels never counts as less.
LEAST_VOXELS = 1e-6


def unit_channels(image: torch.Tensor) -> torch.Tensor:
    """An image (B, channel, k, j, i) with each sample's channels in [0, 1].

    A channel that lies there already stays as it is; of any other the range that it takes together with [0, 1] is
    drawn together to [0, 1], so that a value barely outside changes barely anything.
    """
    low = image.amin(dim=(2, 3, 4), keepdim=True).clamp(max=0)
    high = image.amax(dim=(2, 3, 4), keepdim=True).clamp(min=1)
    return (image - low) / (high - low)


def mumford_shah(found: torch.Tensor, image: torch.Tensor, *, mu: float = 1e-3) -> torch.Tensor:
    """sum_c sum_r (I_c(r) - m_c)^2 y(r) + mu sum_r |grad y(r)|_1 (Kim & Ye 2020), over all samples and classes.

    Parameters
    ----------
    found : (B, class, k, j, i) probabilities y of the lesion classes
    image : (B, channel, k, j, i) I, in [0, 1]

    The mean m_c = sum I_c y / sum y is taken for each sample and class; |grad y|_1 is the sum of the absolute forward
    differences along the three axes.
    """
    size = found.sum(dim=(2, 3, 4)).clamp(min=LEAST_VOXELS)
    value = found.new_zeros(())
    for number in range(image.shape[1]):
        channel = image[:, number : number + 1]
        mean = (channel * found).sum(dim=(2, 3, 4)) / size
        value = value + ((channel - mean[..., None, None, None]) ** 2 * found).sum()
    length = sum(found.diff(dim=axis).abs().sum() for axis in (2, 3, 4))
    return value + mu * length


@dataclass(frozen=True)
class MumfordShahDiceCE:
    """L = alpha L_MS + beta L_Dice + lambda L_CE (methods.md, section 1), over the lesion classes.

    L_MS is a sum over voxels, channels and samples, the other two are means. Samples whose truth is `UNLABELLED` take
    part in L_MS only; a batch without any truth is L_MS alone.
    """

    alpha: float = 1e-5
    beta: float = 1.0
    lamda: float = 2.0
    mu: float = 1e-3
    needs_image = True
    without_truth = True

    def terms(self, logits: torch.Tensor, truth: torch.Tensor, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The weighted terms by name; those that need a truth are absent where no sample has one.

        ``logits`` (B, C, k, j, i), ``truth`` (B, 1, k, j, i) class indices, ``image`` (B, channel, k, j, i).
        """
        found = logits.softmax(1)[:, 1:]
        terms = {"mumford-shah": self.alpha * mumford_shah(found, unit_channels(image.to(logits.dtype)), mu=self.mu)}
        known = labelled(truth)
        if known.any():
            logits, truth = logits[known], truth[known]
            terms["dice"] = self.beta * soft_dice(logits, truth)
            terms["cross-entropy"] = self.lamda * cross_entropy(logits, truth)
        return terms

    def __call__(self, logits: torch.Tensor, truth: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """The sum of the terms; at least float32."""
        logits = logits.float() if logits.dtype.itemsize < 4 else logits
        return sum(self.terms(logits, truth, image).values())
