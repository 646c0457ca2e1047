"""Running the command line in this process, and small data sets and models for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch

from TransferSegLib.cli.main import main
from TransferSegLib.networks import build_network, state_to_save
from TransferSegLib.packages import Card, Label, write_package

ROLES = ("flair", "t1", "t1gd", "t2")
FILES = {"flair": "FLAIR", "t1": "T1", "t1gd": "T1GD", "t2": "T2"}
SIDE = 40
SHIPPED = [
    "brain-unet-phantom",
    "l3-map-phantom",
    "l3-cnn4-phantom",
    "petct-light-phantom",
    "petct-light-sarcoma",
]
"""The models that come with TransferSeg, as they are listed."""


@dataclass(frozen=True)
class Answer:
    """What a command printed and returned."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line on stderr, after progress lines."""
        lines = [line for line in self.err.splitlines() if line.startswith("transferseg ")]
        assert len(lines) == 1, self.err
        return lines[0]


def call(capsys, *arguments: object) -> Answer:
    """Run a command line in this process."""
    capsys.readouterr()
    try:
        code = main([str(a) for a in arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return Answer(code, out, err)


def small_case(folder: Path, *, seed: int = 0, value: int = 1, grid: dict | None = None) -> Path:
    """A stripped "brain" of 40 voxels a side with a bright cube as lesion; 1 mm."""
    rng = np.random.default_rng(seed)
    k, j, i = np.mgrid[:SIDE, :SIDE, :SIDE] - SIDE / 2
    brain = k**2 + j**2 + i**2 < (SIDE / 2 - 3) ** 2
    truth = np.zeros((SIDE,) * 3, np.uint8)
    truth[14:22, 14:22, 16:24] = value
    for number, role in enumerate(ROLES):
        image = 300 + 60 * rng.normal(size=truth.shape) + (400 - 150 * number) * (truth > 0)
        save(folder / f"{FILES[role]}.nii.gz", np.where(brain, np.maximum(image, 1), 0).astype(np.float32), grid)
    save(folder / "seg.nii.gz", truth, grid)
    return folder


def save(path: Path, array: np.ndarray, grid: dict | None = None) -> Path:
    """Write an array with a geometry (spacing, origin, direction)."""
    image = sitk.GetImageFromArray(array)
    for name, value in (grid or {}).items():
        getattr(image, f"Set{name.title()}")(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    return path


def small_data_set(folder: Path, count: int = 3) -> Path:
    """Cases p1, p2, ... with truths."""
    for number in range(1, count + 1):
        small_case(folder / f"p{number}", seed=number)
    return folder


def small_model(folder: Path, *, labels: tuple[Label, ...] | None = None, network: str = "unet") -> Path:
    """A package with new weights and a small window."""
    torch.manual_seed(0)
    labels = labels or (Label(1, "tumour", 1), Label(3, "oedema", 3, aliases=("lesion",)))
    card = Card(
        name=folder.name,
        description="a model for tests",
        roles=ROLES,
        labels=labels,
        network=network,
        in_channels=4,
        out_channels=5,
        window=(32, 32, 32),
    )
    write_package(folder, card, state_to_save(network, build_network(network, 4, 5)))
    return folder
