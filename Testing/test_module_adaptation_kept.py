"""What an adaptation keeps on disk: private, movable, and never mixed up with another model of its name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from helpers_cases import addCorrected, folderOf, storeOf
from helpers_cli import small_model
from helpers_logic import placeModel

from TransferSegLib.cases import open_data_set
from TransferSegLib.errors import TransferSegError, UsageError
from TransferSegLib.jobs.models import models_import
from TransferSegLib.jobs.storage_folder import storage_folder
from TransferSegLib.places import models_folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storage folder that may be changed."""
    monkeypatch.delenv("TRANSFERSEG_HOME")
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "default"))
    return tmp_path


def begin(logic: Any, scene: Any, data: Path, name: str, *, heldOut: bool = False) -> Any:
    """An adaptation to a case of the scene and one of a data set in ``data``, up to the worker's training."""
    cases = logic.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg"))
    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    cases.addFolders(folderOf(data, "q2"), modelName=placeModel())
    cases.setHeldOut(1, heldOut)
    run = logic.adapt(placeModel(), cases, name=name, callback=lambda result, error: None)
    while run.job is None and not run.finished:
        logic.client.pump()
    assert run.job is not None, run.error
    return run


def interrupt(logic: Any, run: Any, runId: str = "of-this-run") -> None:
    """The worker is gone after an epoch."""
    folder = Path(run.job.args["run"])
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"id": runId, "request": {"plan": {"epochs": 4}}, "finished": None}))
    (folder / "metrics.csv").write_text("epoch,step,loss,validation_dice\n1,50,0.9,\n2,100,0.8,\n")
    run.job.end("failed", error=TransferSegError("The worker is gone."))
    assert run.name in [found.name for found in logic.interruptedAdaptations()]


def resume(logic: Any, name: str, **options: Any) -> Any:
    return logic.resumeAdaptation(name, callback=lambda result, error: None, **options)


def modelOf(name: str, runId: str | None = None) -> Path:
    """A model of that name, made by the run where ``runId`` is given."""
    folder = small_model(models_folder() / name)
    file = folder / "configs" / "metadata.json"
    metadata = json.loads(file.read_text())
    if runId is not None:
        metadata["transferseg"]["origin"]["run"] = runId
    file.write_text(json.dumps(metadata))
    return folder


def test_a_model_that_was_imported_meanwhile_is_never_removed(stepped: Any, scene: Any, tmp_path: Path) -> None:
    interrupt(stepped, begin(stepped, scene, tmp_path, "taken"))
    other = modelOf("taken")
    run = resume(stepped, "taken")
    assert run.state == "failed" and "delete that model, then resume" in run.error.message
    assert (other / "models" / "model.pt").is_file()
    assert [found.name for found in stepped.interruptedAdaptations()] == ["taken"]
    stepped.discardAdaptation("taken")
    assert (other / "models" / "model.pt").is_file()
    assert not storeOf("taken").exists()


def test_anothers_model_is_no_result_of_a_finished_run(stepped: Any, scene: Any, tmp_path: Path) -> None:
    interrupt(stepped, begin(stepped, scene, tmp_path, "ended"))
    file = storeOf("ended") / "run" / "run.json"
    result = {"verdict": "better", "message": "better", "package": "/old/ended", "report": "/old/run/report.pdf"}
    file.write_text(json.dumps({"id": "of-this-run", "finished": "now", "result": result}))
    folder = modelOf("ended")
    assert resume(stepped, "ended").state == "failed"
    metadata = json.loads((folder / "configs" / "metadata.json").read_text())
    metadata["transferseg"]["origin"]["run"] = "of-this-run"
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    run = resume(stepped, "ended")
    assert run.state == "done" and run.job is None
    assert run.result.package == str(folder)
    assert run.result.report == str(storeOf("ended") / "run" / "report.pdf")


def test_the_runs_own_half_is_made_again_or_discarded(stepped: Any, scene: Any, tmp_path: Path) -> None:
    interrupt(stepped, begin(stepped, scene, tmp_path, "half"))
    own = modelOf("half", "of-this-run")
    run = resume(stepped, "half")
    assert run.job.verb == "finetune" and not own.exists()
    run.job.end("failed", error=TransferSegError("The worker is gone."))
    modelOf("half", "of-this-run")
    stepped.discardAdaptation("half")
    assert not own.exists() and not storeOf("half").exists()


def test_a_run_that_is_cancelled_leaves_anothers_model(stepped: Any, scene: Any, tmp_path: Path) -> None:
    run = begin(stepped, scene, tmp_path, "raced")
    other = modelOf("raced")
    run.cancel()
    assert run.state == "cancelled" and other.is_dir() and not storeOf("raced").exists()


def test_what_was_discarded_does_not_come_back(
    stepped: Any, scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where a process that is just ending still has a file open."""
    from TransferSegGUI import adaptation_store

    interrupt(stepped, begin(stepped, scene, tmp_path, "open"))
    monkeypatch.setattr(adaptation_store, "removeWhole", lambda path: False)
    stepped.discardAdaptation("open")
    assert storeOf("open").exists() and stepped.interruptedAdaptations() == []
    monkeypatch.undo()
    assert stepped.interruptedAdaptations() == [] and not storeOf("open").exists()


def test_no_model_is_imported_under_the_name_of_an_adaptation(stepped: Any, scene: Any, tmp_path: Path) -> None:
    foreign = small_model(tmp_path / "foreign")
    run = begin(stepped, scene, tmp_path, "begun")
    for _ in ("going on", "interrupted"):
        with pytest.raises(UsageError, match="a training of that name exists already"):
            models_import(foreign, name="begun")
        if not run.finished:
            interrupt(stepped, run)
    stepped.discardAdaptation("begun")
    assert models_import(foreign, name="begun")["name"] == "begun"


def test_it_is_resumed_after_the_storage_folder_was_moved(home: Path, stepped: Any, scene: Any) -> None:
    run = begin(stepped, scene, home, "moved", heldOut=True)
    before = dict(run.job.args)
    interrupt(stepped, run)
    storage_folder(home / "other disk", move=True)
    assert not Path(before["data"]).exists() and not Path(before["from"]).exists()
    asked = resume(stepped, "moved").job.args
    other = home / "other disk"
    store = other / "adaptations" / "moved"
    assert asked == before | {
        "from": str(other / "models" / "small"),
        "out": str(other / "models" / "moved"),
        "run": str(store / "run"),
        "data": str(store / "cases.csv"),
    }
    own, theirs = open_data_set(asked["data"], roles=["flair", "t1", "t1gd", "t2"]).cases
    assert {path.parent for path in (*own.images.values(), own.truth)} == {store / "cases" / "p1"}
    # Images of the user's folders are used where they are; of the truth there is a copy in the model's values.
    assert {path.parent for path in theirs.images.values()} == {home / "data" / "q2"}
    assert theirs.truth == store / "cases" / "q2" / "truth.nrrd"


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists; a user's folders are private there")
def test_copies_of_patients_images_are_private(stepped: Any, scene: Any, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        run = begin(stepped, scene, tmp_path, "private")
    finally:
        os.umask(before)
    assert (storeOf("private") / "cases" / "p1" / "flair.nrrd").is_file()
    assert storeOf("private").stat().st_mode & 0o077 == 0
    run.cancel()


def test_none_is_held_out_where_none_is_ticked(stepped: Any, scene: Any, tmp_path: Path) -> None:
    run = begin(stepped, scene, tmp_path, "all-learned")
    assert run.job.args["hold_out"] == ["none"]
    run.cancel()
    scene.Clear(0)
    stepped._cases = None
    run = begin(stepped, scene, tmp_path, "one-ticked", heldOut=True)
    assert run.job.args["hold_out"] == ["q2"]
    run.cancel()


def test_earlier_epochs_are_told_at_once_on_resuming(stepped: Any, scene: Any, tmp_path: Path) -> None:
    interrupt(stepped, begin(stepped, scene, tmp_path, "curves"))
    told: list[dict] = []
    run = resume(stepped, "curves", onEvent=lambda run, event: told.append(event))
    assert [row["epoch"] for row in run.metrics] == [1, 2]
    assert told[0] == {"event": "metric", "epoch": 2, "step": 100, "loss": 0.8, "validation_dice": None}
    run.cancel()
