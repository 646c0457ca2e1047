"""Light versions through the real worker: the whole chain, cancelled and gone on with, refused, names that are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_cases import addCorrected, folderOf, storeOf  # noqa: F401
from helpers_cli import small_data_set, small_model
from helpers_logic import makeLogic, waitFor

pytestmark = pytest.mark.usefixtures("ready_made_worker")

TEACH = {"steps": 3, "patch": 32, "batch": 1, "epochs": 1}
PRUNING = {"steps": 1, "patch": 16, "batch": 1, "batches": 1, "updates": 1, "last_updates": 1}
QUICK = {"distil": TEACH, "prune": PRUNING}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data_set(tmp_path_factory.mktemp("cases"), 3)


def placeTeacher(name: str = "teacher") -> str:
    """A small model of one label among the user's; its name."""
    from TransferSegLib.packages import Label
    from TransferSegLib.places import models_folder

    if not (models_folder() / name).is_dir():
        small_model(models_folder() / name, labels=(Label(1, "lesion", 1),))
    return name


def lightStore(name: str) -> Path:
    from TransferSegLib.places import home

    return home() / "light" / name


def test_the_whole_chain(logic: Any, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch_pruning")
    pytest.importorskip("onnxruntime")
    model, stages = placeTeacher(), []
    result = logic.makeLightVersion(
        model,
        data,
        student="unet2d-4-8",
        prune=0.5,
        onnx=tmp_path / "small.onnx",
        holdOut=["p3"],
        options=QUICK,
        measure=False,
        onEvent=lambda run, event: (
            (stages.append(run.stage), print(run.stage, flush=True)) if event.get("event") != "memory" else None
        ),
    )
    print(result)
    print(stages)
    assert result.models == ["teacher-light", "teacher-light-pruned"] and result.made == "teacher-light-pruned"
