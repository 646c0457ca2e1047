"""Small CTs with a ladder for a spine, a level model that has learned them, and their data set."""

from __future__ import annotations

import csv
import dataclasses
import functools
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from TransferSegLib.events import Events
from TransferSegLib.jobs.level_pretrain import LevelRecipe, recipe_card, recipe_plan
from TransferSegLib.jobs.level_training import train_level
from TransferSegLib.networks import build_network, state_to_save
from TransferSegLib.packages import Card, write_package
from TransferSegLib.training import LevelExample, LevelPlan, Run

RECIPE = LevelRecipe(
    views=("frontal",), rows=32, width=48, crop_rows=80, row_mm=4.0, rate=3e-3, step=2, steps=200, batch=4
)
ROWS, WIDTH = 90, 48


def ladder(seed: int) -> LevelExample:
    """Bright steps, wider ones below the level: what tells it from the others is below it."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((1, ROWS, WIDTH), np.float32)
    level = int(rng.integers(25, ROWS - 25))
    for number in range(-9, 10):
        row = level + 8 * number
        half = 4 if number < 0 else 14 if number > 0 else 9
        pixels[0, max(row - 2, 0) : max(row + 3, 0), WIDTH // 2 - half : WIDTH // 2 + half] = 0.7
    return LevelExample(f"ladder-{seed}", pixels, float(level))


def ladder_card(network: str = "l3-cnn4") -> Card:
    """The card of a model for ladders."""
    recipe = dataclasses.replace(RECIPE, network=network)
    return dataclasses.replace(recipe_card(recipe, "ladders"), description="a model of the tests")


def ladder_plan(**changes) -> LevelPlan:
    """Its training plan, on ladders as they are."""
    return dataclasses.replace(recipe_plan(RECIPE, 16), augment=False, **{"steps_per_epoch": 70, **changes})


def write_model(folder: Path) -> Path:
    """A package of a network that has learned ladders."""
    card = ladder_card()
    return write_package(folder, card, learned_state()).folder


@functools.cache
def learned_state() -> dict:
    """Its weights, trained once a process in a few seconds."""
    card = ladder_card()
    torch.manual_seed(0)
    module = build_network(card.network, 1, 1, card.arguments)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "training", {"plan": ladder_plan().to_json()})
        examples = [ladder(seed) for seed in range(40)]
        train_level(module, card, examples, ladder_plan(), run=run, events=Events(), device="cpu")
    return state_to_save(card.network, module)


def write_scans(folder: Path, seeds: range) -> Path:
    """CTs of ladders (4 mm voxels) and their CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in seeds:
        example = ladder(seed)
        hu = np.full((ROWS, 30, WIDTH), -1000, np.int16)
        hu[:, 4:26, 4:44] = 20
        front = example.pixels[0, ::-1] > 0.5
        hu[:, 18:22][np.repeat(front[:, None], 4, axis=1)] = 900
        image = sitk.GetImageFromArray(hu)
        image.SetSpacing((4.0, 4.0, 4.0))
        sitk.WriteImage(image, str(folder / f"{example.id}.nii.gz"))
        rows.append({"ct": f"{example.id}.nii.gz", "id": example.id, "slice": ROWS - 1 - int(example.row)})
    with (folder / "levels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "levels.csv"
