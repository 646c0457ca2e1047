"""Training cases for tests: corrected segmentations in the scene, and small data sets on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from helpers_cli import small_case
from helpers_logic import addCase, smallArrays


def addCorrected(scene: Any, seed: int = 0, *, label: str = "oedema", **geometry: Any) -> tuple[dict, Any, np.ndarray]:
    """The volumes of a small case, a segmentation of its lesion, and the truth as an array."""
    import slicer
    from TransferSegGUI.grids import NodeGrid
    from TransferSegGUI.results import makeSegmentation

    from TransferSegLib.packages import Label

    volumes = addCase(scene, seed=seed, prefix=f"p{seed} ", **geometry)
    _, truth = smallArrays(seed)
    node = makeSegmentation(truth, NodeGrid.of(volumes["flair"]), [Label(1, label, 1)], f"corrected {seed}")
    assert slicer.mrmlScene.GetNodeByID(node.GetID()) is node
    return volumes, node, truth


QUICK = {"steps": 3, "patch": 32, "batch": 1}
"""Options of ``finetune`` for trainings of a few seconds."""


def folderOf(tmp_path: Path, *names: str, **options: Any) -> str:
    """A data set of small cases."""
    for number, name in enumerate(names):
        small_case(tmp_path / "data" / name, seed=10 + number, **options)
    return str(tmp_path / "data")


def storeOf(name: str) -> Path:
    from TransferSegGUI.adaptation_store import AdaptationStore

    return AdaptationStore(name).folder
