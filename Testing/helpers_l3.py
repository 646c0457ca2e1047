"""CTs, a small level model and answers of the verb ``l3`` for tests of the L3 panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from helpers_logic import addVolume

SHAPE = (30, 48, 56)
SPACING = (1.5, 1.5, 4.0)
MODEL = "level-small"
FIRST_MM = 100.0


def trunk(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """A trunk of fat with muscle and a bone behind, HU int16 (k, j, i): enough to measure on."""
    _k, j, i = np.mgrid[: shape[0], : shape[1], : shape[2]]
    middle = np.array(shape[1:]) / 2
    apart = ((j - middle[0]) / (0.42 * shape[1])) ** 2 + ((i - middle[1]) / (0.46 * shape[2])) ** 2
    ct = np.full(shape, -1000, np.int16)
    ct[apart < 1] = -100
    ct[(apart < 0.7) & (apart > 0.4)] = 55
    ct[(np.abs(j - 0.7 * shape[1]) < 4) & (np.abs(i - middle[1]) < 4)] = 400
    return ct


def addCt(scene: Any, name: str = "CT abdomen", array: np.ndarray | None = None, **geometry: Any) -> Any:
    """A CT node of a trunk, head-foot along k unless ``directions`` say otherwise."""
    return addVolume(scene, name, trunk() if array is None else array, **{"spacing": SPACING, **geometry})


def placeLevelModel(name: str = MODEL, level: str = "L3") -> str:
    """A small level model with new weights among the user's; its name."""
    import torch

    from TransferSegLib.networks import build_network, state_to_save
    from TransferSegLib.packages import Card, Label, write_package
    from TransferSegLib.places import models_folder

    folder = models_folder() / name
    if not folder.is_dir():
        torch.manual_seed(0)
        card = Card(
            name=name,
            description="a level model for tests",
            roles=("ct",),
            labels=(Label(1, level, 0),),
            network="l3-cnn4",
            in_channels=1,
            out_channels=1,
            arguments={"rows": 100, "width": 128},
            task="level",
            output="offset",
            level=level,
            normalisation="projection",
            window=(100, 128),
            spacing=(2.0, 2.0),
            projection={"views": ["frontal"], "hu": [100, 1500], "evaluation": "dense", "step": 1},
        )
        write_package(folder, card, state_to_save("l3-cnn4", build_network("l3-cnn4", 1, 1, card.arguments)))
    return name


def labelsOn(shape: tuple[int, ...], axis: int, index: int) -> np.ndarray:
    """A composition: a box of each tissue side by side on one slice (value n is 4 x 4n pixels)."""
    labels = np.zeros(shape, np.uint8)
    plane = labels[(slice(None),) * (2 - axis) + (index,)]
    for value in (1, 2, 3, 4):
        plane[6 * value : 6 * value + 4, 4 : 4 + 4 * value] = value
    return labels


def answerL3(client: Any, *, answer: str = "found", index: int | None = 14, axis: str = "k", **more: Any) -> None:
    """Answer the last request of a ``StepClient`` as the worker does."""
    from PIL import Image
    from TransferSegGUI.exchange import Snapshot, readImage, writeImage

    job = client.jobs[-1]
    assert job.verb == "l3", job.verb
    image = readImage(job.args["ct"])
    index = job.args.get("slice") if job.args.get("slice") is not None else index
    if index is not None and answer in ("found", "given"):
        writeImage(
            Snapshot(labelsOn(image.array.shape, "ijk".index(axis), index), image.ijkToLps),
            Path(job.args["composition"]),
        )
    value = {
        "answer": "given" if job.args.get("slice") is not None else answer,
        "level": "L3",
        "slice_index": index if answer in ("found", "given") else None,
        "slice_axis": axis,
        "confidence": 0.93,
        "confidence_words": "high",
        "candidates": [],
        "message": "",
        "notes": [],
        "findings": [],
        "device": "cpu",
        "seconds": 0.4,
        "row": 40.0,
        **more,
    }
    if job.args.get("projection"):
        Image.fromarray(np.arange(60 * 64, dtype=np.uint8).reshape(60, 64)).save(job.args["projection"])
        value["projection"] = {"rows": 60, "width": 64, "row_mm": 2.0, "first_mm": FIRST_MM}
    job.end(result=value)


def found(logic: Any, ct: Any, **answer: Any) -> Any:
    """A level in the scene without a worker: the logic's client must be a ``StepClient``."""
    placeLevelModel()
    run = logic.findL3(ct, model=MODEL, callback=lambda result, error: None, height=answer.pop("height", None))
    return finish(logic, run, **answer)


def finish(logic: Any, run: Any, **answer: Any) -> Any:
    """Let a run that has just begun end with this answer."""
    logic.client.pump()
    answerL3(logic.client, **answer)
    logic.client.pump()
    assert run.state == "done", run.error and (run.error.message, run.error.details)
    return run.result
