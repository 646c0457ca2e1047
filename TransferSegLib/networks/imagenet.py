"""ImageNet weights of an L3 network's backbone: from a file, torch's folder or the network; never silently random."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, UsageError

if TYPE_CHECKING:
    from torch import nn

CHOICES = "--imagenet FILE, download, hub or none"


def has_imagenet(network: str) -> bool:
    """Whether an L3 network of the registry has a backbone with published ImageNet weights."""
    return network.startswith("l3-") and network not in ("l3-cnn4", "l3-map")


def imagenet_state(backbone: str, where: str | Path | None) -> dict[str, Any] | None:
    """Torchvision's weights of a backbone.

    Parameters
    ----------
    backbone : str
        Torchvision's name, or ``l3-`` and the name.
    where : str or Path
        A file of torchvision's state dict; ``hub`` for the file in torch's own folder; ``download`` to fetch it
        there first where it is not; ``none`` for a random start, which must be said.

    Returns
    -------
    dict of str to tensor, or None
        None for ``none``.

    Raises
    ------
    UsageError
        Where nothing was said, or the backbone has no such weights.
    InputError
        A file that is not there, damaged, or cannot be fetched.
    """
    backbone = backbone.removeprefix("l3-")
    if where is None or str(where) == "":
        raise UsageError(
            f"{backbone}: it is not said where its ImageNet weights are; give {CHOICES} (none: a random start)"
        )
    if str(where) == "none":
        return None
    if str(where) not in ("hub", "download"):
        return _read(Path(where), backbone)
    weights = _published(backbone)
    path = _hub_file(weights)
    if str(where) == "hub" and not path.is_file():
        raise InputError(f"{path}: not found, the weights were not downloaded yet; give {CHOICES}")
    if not path.is_file():
        _download(weights, backbone)
    return _read(path, backbone)


def load_imagenet(network: str, module: nn.Module, where: str | Path | None) -> str:
    """Start a regressor's trunk from ImageNet weights; the sentence for the user on how it starts.

    CNN4 and the confidence map have no such weights: they start at random whatever ``where`` is. Errors as
    `imagenet_state`, and UsageError for weights of another network.
    """
    if not has_imagenet(network):
        return f"{network} starts from random weights: nobody publishes ImageNet weights of it"
    state = imagenet_state(network, where)
    if state is None:
        return f"{network} starts from random weights, as asked for"
    module.load_backbone(state)
    return f"{network} starts from ImageNet weights ({where})"


def _published(backbone: str) -> Any:
    from torchvision import models

    try:
        return models.get_model_weights(backbone)["IMAGENET1K_V1"]
    except (ValueError, KeyError):
        raise UsageError(f"{backbone}: torchvision publishes no ImageNet weights; give a file or none") from None


def _hub_file(weights: Any) -> Path:
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]


def _download(weights: Any, backbone: str) -> None:
    """Fetch the file into torch's own folder, its hash checked."""
    try:
        weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError, ValueError) as error:
        text = " ".join(str(error).split())[:160]
        raise InputError(
            f"{backbone}: its ImageNet weights cannot be downloaded ({text}); give a file, or none for a random start"
        ) from error


def _read(path: Path, backbone: str) -> dict[str, Any]:
    import torch

    if not path.is_file():
        raise InputError(f"{path}: not found; give {CHOICES}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not readable as weights of {backbone}; give torchvision's file") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(f"{path}: not a plain state dict of {backbone}; give torchvision's file")
    return dict(state)
