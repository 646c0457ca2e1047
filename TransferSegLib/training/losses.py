"""Losses over the active classes, by name: a new one is a function and a line in the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import UsageError
from .boundary import DiceFocalBoundary
from .generalised_dice import generalised_dice
from .mumford_shah import MumfordShahDiceCE

if TYPE_CHECKING:
    import torch

# (logits (B, C, k, j, i), class indices (B, 1, k, j, i)) -> scalar; one that says ``needs_image = True`` is handed the
# images (B, channel, k, j, i) as a third argument; one that says ``without_truth = True`` learns from samples without.
Loss = Callable[..., "torch.Tensor"]


def dice_ce() -> Loss:
    """Dice + cross-entropy 1:1, softmax, background included (methods.md, section 0).

    Dice is summed over the batch: a patch without foreground then adds no spurious loss of one.
    """
    from monai.losses import DiceCELoss

    return DiceCELoss(include_background=True, softmax=True, to_onehot_y=True, batch=True)


def active_logits(logits: torch.Tensor, channels: tuple[int, ...]) -> torch.Tensor:
    """Logits (B, C, k, j, i) to (B, 1 + active, k, j, i): what is not active is merged with the background.

    The merge is by logsumexp (probabilities add), as inference does it; channel 0 is the background.
    """
    import torch

    rest = [c for c in range(logits.shape[1]) if c not in channels]
    if rest == [0] and list(channels) == list(range(1, logits.shape[1])):
        return logits
    logits = logits.float()
    background = torch.logsumexp(logits[:, rest], dim=1, keepdim=True)
    return torch.cat([background, logits[:, list(channels)]], dim=1)


def region_logits(logits: torch.Tensor, channel: int) -> torch.Tensor:
    """The logit z of one sigmoid channel (B, C, k, j, i) as logits (B, 2, k, j, i) over background and foreground.

    softmax(0, z) is (1 - sigmoid(z), sigmoid(z)): every loss over classes is then the one of a Bernoulli output.
    """
    import torch

    z = logits[:, channel : channel + 1]
    return torch.cat([torch.zeros_like(z), z], dim=1)


def exclusive_logits(logits: torch.Tensor, channels: tuple[int, ...]) -> torch.Tensor:
    """Overlapping regions (B, C, k, j, i) as log-probabilities (B, 1 + regions, k, j, i) over classes that exclude.

    Regions are painted in the order of ``channels``: a voxel is of the last one that holds it. With regions taken as
    independent, log p(c) = log sigmoid(z_c) + the sum over later ones of log sigmoid(-z); background is outside all.
    """
    import torch
    from torch.nn.functional import logsigmoid

    z = logits[:, list(channels)].float()
    outside = logsigmoid(-z)
    later = outside.flip(1).cumsum(1).flip(1)  # of a region and those painted after it
    classes = logsigmoid(z) + later - outside
    return torch.cat([later[:, :1], classes], dim=1)


LOSSES: dict[str, Callable[[], Loss]] = {
    "dice-ce": dice_ce,
    "mumford-shah-dice-ce": MumfordShahDiceCE,
    "dice-focal-boundary": DiceFocalBoundary,
    "generalised-dice": lambda: generalised_dice,
}


def needs_image(loss: Loss) -> bool:
    """Whether a loss looks at the images too."""
    return bool(getattr(loss, "needs_image", False))


def learns_without_truth(loss: Loss) -> bool:
    """Whether a sample whose truth is `UNLABELLED` counts for a loss."""
    return bool(getattr(loss, "without_truth", False))


def judge(loss: Loss, logits: torch.Tensor, truth: torch.Tensor, inputs: object) -> torch.Tensor:
    """What a loss says of a batch; ``inputs`` are the network's."""
    return loss(logits, truth, inputs) if needs_image(loss) else loss(logits, truth)


def loss_by_name(name: str) -> Loss:
    """The loss of that name; ``UsageError`` lists the names."""
    if name not in LOSSES:
        raise UsageError(f"--loss {name}: unknown; choose one of {', '.join(LOSSES)}")
    return LOSSES[name]()
