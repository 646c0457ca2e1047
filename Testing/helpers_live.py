"""2-D models with new weights, and cases, for tests of live mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from helpers_cli import ROLES, SIDE, save

from TransferSegLib.networks import build_network, state_to_save
from TransferSegLib.packages import SLICES, Card, Label, write_package

TURNED = {"spacing": (1.5, 1.0, 3.0), "origin": (5, -3, 20), "direction": (0, 0, -1, 1, 0, 0, 0, 1, 0)}
CT_VALUES = {"window": [-160, 240], "denoise": "median", "mean": [0.3], "sd": [0.3]}


def live_model(folder: Path, kind: str = "ct", *, slices: str = "axial", **changes: Any) -> Path:
    """A small 2-D model of ``ct``, ``mri`` (four channels), ``grey`` or ``rgb``; its weights give both classes."""
    torch.manual_seed(4)
    roles = {"ct": ("ct",), "mri": ROLES, "grey": ("grey",), "rgb": ("rgb",)}[kind]
    channels = 3 if kind == "rgb" else len(roles)
    network = "unet2d-8-16"
    how: dict[str, Any] = {"spacing": (1.0, 1.0), "window": (32, 32), "orientation": SLICES[slices]}
    if kind == "mri":
        how |= {"normalisation": "zscore-brain", "output": "softmax", "out_channels": 3}
        how["labels"] = (Label(1, "tumour", 1), Label(3, "oedema", 2))
    else:
        intensities = CT_VALUES if kind == "ct" else {"mean": [0.5] * channels, "sd": [0.25] * channels}
        how |= {"normalisation": "ct" if kind == "ct" else "picture", "intensities": intensities, "output": "sigmoid"}
        how |= {"out_channels": 1, "labels": (Label(1, "lesion", 0),)}
    how |= changes
    card = Card(
        name=folder.name, description="a model for tests", roles=roles, network=network, in_channels=channels, **how
    )
    write_package(folder, card, state_to_save(network, build_network(network, channels, card.out_channels)))
    return folder


def ct_volume(seed: int = 0) -> np.ndarray:
    """A round body of fat with a bright ball, HU int16 (20, 40, 40), wide enough for several windows a slice."""
    rng = np.random.default_rng(seed)
    k, j, i = np.mgrid[: SIDE // 2, :SIDE, :SIDE]
    inside = (j - SIDE / 2) ** 2 + (i - SIDE / 2) ** 2 < (SIDE / 2 - 3) ** 2
    ball = (k - 10) ** 2 + (j - 18) ** 2 + (i - 23) ** 2 < 49
    return np.where(inside, -90 + 190.0 * ball + rng.normal(0, 30, ball.shape), -1000).astype(np.int16)


def ct_file(folder: Path, seed: int = 0, grid: dict | None = None) -> Path:
    """The same as a file."""
    return save(folder / "ct.nii.gz", ct_volume(seed), grid)
