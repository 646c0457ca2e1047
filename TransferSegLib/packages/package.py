"""A model on disk: a folder in the layout of a MONAI Bundle, with its card; read safely, written whole."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import PackageError
from ..networks import network_divisor, network_spec
from ..storage import sha256, write_json, write_text, writing_folder
from .card import Card
from .composed import first_member, loaded_module
from .inference_config import inference_config, readme
from .inputs import PETCT, PICTURE

METADATA = Path("configs") / "metadata.json"
WEIGHTS = Path("models") / "model.pt"
# Files that could run as code have no place in a package: a model is data.
CODE_SUFFIXES = {".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".sh", ".bat", ".exe", ".ps1", ".ts"}


@dataclass(frozen=True)
class Package:
    """A model that lies in ``folder`` and is described by ``card``."""

    folder: Path
    card: Card

    @property
    def weights(self) -> Path:
        """The file of weights."""
        return self.folder / WEIGHTS

    def state(self) -> dict[str, Any]:
        """The weights, {name: tensor} on the CPU; ``PackageError`` when the hash differs or code is inside."""
        if self.card.weights_sha256 and sha256(self.weights) != self.card.weights_sha256:
            raise PackageError(
                f"{self.weights}: does not match the hash in its card: changed or damaged; get the package again"
            )
        return read_state(self.weights)

    def member_state(self) -> dict[str, Any]:
        """The weights of one network of the card's kind: of the first where several answer together."""
        return first_member(self.card, self.state())

    def network(self) -> Any:
        """The torch module with its weights, in eval mode; ``PackageError`` names missing or misfitting tensors.

        An `Ensemble` where the package holds several networks.
        """
        card = self.card
        divisor, dims = network_divisor(card.network, card.arguments), network_spec(card.network).dims
        if card.task != "level" and dims != card.dims:
            raise PackageError(f"{self.folder}: window {card.window} is not of {dims} sizes; correct its card")
        if any(size % divisor for size in card.window):
            raise PackageError(f"{self.folder}: window {card.window} is no multiple of {divisor}; correct its card")
        return loaded_module(card, self.state(), where=self.weights).eval()


def read_package(folder: Path | str) -> Package:
    """Open a package's folder and check its card and that no code lies in it (weights are checked when read).

    Raises
    ------
    PackageError
        No card, a card that contradicts itself, no weights, or a file that could run as code.
    """
    folder = Path(folder)
    metadata_file = folder / METADATA
    metadata = read_json(metadata_file)
    card_data = metadata.get("transferseg") if isinstance(metadata, dict) else None
    if card_data is None:
        raise PackageError(
            f"{metadata_file}: has no TransferSeg card; "
            f"bring a foreign bundle in with `transferseg models import {folder}`"
        )
    card = Card.from_json(card_data, where=str(metadata_file))
    if not (folder / WEIGHTS).is_file():
        raise PackageError(f"{folder}: lacks {WEIGHTS.as_posix()}; get the package again")
    code = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix.lower() in CODE_SUFFIXES)
    if code:
        raise PackageError(
            f"{folder}: holds code ({code[0]}), a model package is data only; remove it or do not use it"
        )
    return Package(folder, card)


def write_package(folder: Path | str, card: Card, state: dict[str, Any]) -> Package:
    """Write a package whole or not at all; ``folder`` must be absent or empty.

    ``state`` is a plain state dict; its hash goes into the card. Of the card's ``sizes`` nothing is kept where the
    weights are others than those that were measured.
    """
    import monai
    import numpy
    import torch

    folder = Path(folder)
    Card.from_json(card.to_json(), where=str(folder))
    with writing_folder(folder) as temporary:
        weights = temporary / WEIGHTS
        weights.parent.mkdir(parents=True)
        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
        try:
            torch.save(plain, weights)
        except RuntimeError as error:  # torch's zip writer hides the OSError of a full disk
            raise OSError(28, str(error).splitlines()[0]) from error
        digest = sha256(weights)
        card = replace(card, sizes=card.sizes if digest == card.weights_sha256 else (), weights_sha256=digest)
        versions = {
            "monai_version": monai.__version__,
            "pytorch_version": torch.__version__.split("+")[0],
            "numpy_version": numpy.__version__,
        }
        write_json(temporary / METADATA, _metadata(card, versions))
        write_json(temporary / "configs" / "inference.json", inference_config(card))
        write_text(temporary / "docs" / "README.md", readme(card))
    return Package(folder, card)


def read_state(path: Path | str) -> dict[str, Any]:
    """Read a plain state dict with ``weights_only=True``; a nested ``state_dict`` or ``model`` entry is unwrapped."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise PackageError(
            f"{path}: holds more than tensors (code or foreign objects) and is refused; ask for a plain state dict"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise PackageError(f"{path}: cannot be read as weights, the file is damaged; get it again") from error
    for key in ("state_dict", "model", "network"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()) or not state:
        raise PackageError(f"{path}: is not a plain state dict of tensors; ask for one")
    return dict(state)


def read_json(path: Path | str) -> Any:
    """JSON of a package's file, ``PackageError`` when absent or unreadable."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PackageError(f"{path}: not found; a model is a folder or zip in the layout of a MONAI Bundle") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PackageError(f"{path}: is not readable JSON; get the package again") from error


def _metadata(card: Card, versions: dict[str, str]) -> dict[str, Any]:
    """What MONAI asks of a bundle's metadata.json, and our card under ``transferseg``."""
    level, petct = card.task == "level", card.normalisation == PETCT
    # A projection has two axes and any number of rows.
    shape = ["*", str(card.window[1])] if level else ["16*n"] * card.dims
    inputs = list(card.projection["views"]) if level else list(card.roles)
    inputs = ["red", "green", "blue"] if card.roles == ("rgb",) else inputs
    inputs = [f"channel {n + 1} of {' and '.join(card.roles)}" for n in range(card.in_channels)] if petct else inputs
    image = {
        "type": "image",
        "format": "magnitude",
        "modality": _modality(card),
        "num_channels": card.in_channels,
        "spatial_shape": shape,
        "dtype": "float32",
        "value_range": [0, 1] if level or petct else [],
        "is_patch_data": True,
        "channel_def": {str(n): name for n, name in enumerate(inputs)},
    }
    names = {str(label.channel): label.name for label in card.labels}
    if card.output == "softmax":
        names["0"] = "background"
    prediction = {
        "type": "image",
        "format": card.output if level else "segmentation",
        "num_channels": card.out_channels,
        "spatial_shape": ["*"] if level else shape,
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": True,
        "channel_def": dict(sorted(names.items())),
    }
    return {
        "version": "1.0.0",
        "changelog": {"1.0.0": "written by TransferSeg"},
        **versions,
        "required_packages_version": {"nibabel": "5.2"},
        "name": card.name,
        "task": card.task,
        "description": card.description,
        "authors": card.origin.get("authors", "TransferSeg contributors"),
        "copyright": card.licence,
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": prediction}},
        "transferseg": card.to_json(),
    }


def _modality(card: Card) -> str:
    """As MONAI names it, where all inputs are of one."""
    if set(card.roles) <= {"flair", "t1", "t1gd", "t2"}:
        return "MR"
    return "CT" if set(card.roles) == {"ct"} else "microscopy or photograph" if card.normalisation == PICTURE else "n/a"
