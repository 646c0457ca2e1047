"""Training cases from the scene and from folders, and adapting a model to them through the real worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_cli import small_case
from helpers_logic import (
    OBLIQUE,
    addCase,
    addTransform,
    exchangeFolders,
    makeLogic,
    placeModel,
    smallArrays,
    waitFor,
)


@pytest.fixture
def cases(logic: Any, scene: Any) -> Any:
    """The training cases of an empty scene."""
    return logic.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg"))


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


def test_adapts_to_cases_of_scene_and_folder(logic: Any, scene: Any, cases: Any, tmp_path: Path) -> None:
    model = placeModel()
    volumes, node, _truth = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    assert cases.addFolders(folderOf(tmp_path, "q2"), modelName=model) == 1
    cases.setHeldOut(1, True)
    events: list[dict] = []
    listed: list[str] = []
    logic.changed.connect(lambda: listed.extend(info.name for info in logic.models()))
    result = logic.adapt(
        model,
        cases,
        name="adapted",
        strategy="freeze-encoder",
        epochs=2,
        options=QUICK,
        onEvent=lambda run, event: events.append(event),
    )
    assert result.held_out == ["q2"] and result.trained_on == ["p1"]
    assert result.verdict in ("better", "worse", "no-difference")
    assert [case["id"] for case in result.after["cases"]] == ["q2"]
    assert set(result.before["cases"][0]["dice"]) == {"oedema"}
    assert 0 < result.trainable < result.total
    assert [event["epoch"] for event in events if event.get("event") == "metric"] == [1, 2]
    assert "adapted" in listed
    assert logic.model("adapted").gives == "oedema"
    assert Path(result.report).is_file()
    assert not (storeOf("adapted") / "cases").exists()
    assert logic.interruptedAdaptations() == [] and logic.running is None
    assert cases[0].problem == "" and len(cases) == 2
    assert logic.cannotAdapt(model, cases, "adapted").startswith("There is a model named adapted already")
    # The new model segments, and is evaluated on the cases of the scene.
    segmented = logic.segment("adapted", volumes)
    assert list(segmented.volumesMl) == ["oedema"]
    scores = logic.evaluate("adapted", cases)
    assert [case["id"] for case in scores["cases"]] == ["p1", "q2"]
    assert exchangeFolders() == []


def test_exported_truth_is_exact(logic: Any, scene: Any, cases: Any, tmp_path: Path) -> None:
    """Edited as in the Segment Editor, on an oblique grid below a transform: voxel for voxel what the user drew."""
    import slicer
    from TransferSegGUI.case_export import CaseExport

    from TransferSegLib.cases import open_data_set
    from TransferSegLib.imaging import Grid, read_image, to_array

    geometry = {"directions": OBLIQUE, "spacing": (0.9, 1.1, 2.3), "transform": addTransform(scene)}
    volumes, node, truth = addCorrected(scene, 1, label="lesion", **geometry)
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "lesion", volumes["flair"])
    array[2:5, 3:9, 30:33] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "lesion", volumes["flair"])
    core = np.zeros_like(truth)
    core[15:18, 15:18, 17:20] = 1
    node.GetSegmentation().AddEmptySegment("core", "core")
    slicer.util.updateSegmentBinaryLabelmapFromArray(core, node, "core", volumes["flair"])
    node.GetSegmentation().AddEmptySegment("notes", "notes")
    cases.addFromScene(volumes, node, {"lesion": "oedema", "core": "core", "notes": None}, "p1")
    export = CaseExport(tmp_path, cases.list, logic.model(placeModel()))
    for case, part in export.pending:
        export.take(case, part)()
    export.writeFolders()
    data = open_data_set(export.finish(), roles=["flair", "t1", "t1gd", "t2"])
    assert data.label_names == {3: "oedema", 2: "core"}
    case = data.cases[0]
    image = read_image(case.truth)
    expected = np.where(core > 0, 2, np.where(array > 0, 3, 0))
    assert np.array_equal(to_array(image), expected)
    assert Grid.of(image) == Grid.of(read_image(case.images["flair"]))
    shown = slicer.util.arrayFromVolume(volumes["t2"])
    assert np.array_equal(to_array(read_image(case.images["t2"])), shown)


def test_cases_live_in_the_scene(logic: Any, scene: Any, cases: Any, tmp_path: Path) -> None:
    import slicer

    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"})
    cases.addFolders(folderOf(tmp_path, "q2", "q3"), modelName=placeModel())
    cases.setIncluded(1, False)
    cases.setHeldOut(2, True)
    before = [(c.id, c.patient, c.kind, c.included, c.heldOut, c.description, c.problem) for c in cases]
    assert [row[:5] for row in before] == [
        ("p1_FLAIR", "p1_FLAIR", "scene", True, False),
        ("q2", "q2", "folder", False, False),
        ("q3", "q3", "folder", True, True),
    ]
    slicer.util.saveScene(str(tmp_path / "scene.mrb"), properties={})
    scene.Clear(0)
    # Other nodes take the ids that the scene was saved with: references are renumbered.
    addCase(scene, seed=5, prefix="other ")
    slicer.util.loadScene(str(tmp_path / "scene.mrb"), properties={})
    loaded = logic.trainingCases(slicer.util.getNode("TransferSeg"))
    after = [(c.id, c.patient, c.kind, c.included, c.heldOut, c.description, c.problem) for c in loaded]
    assert after == before
    assert loaded[0].volumes["t2"].GetName() == "p1 T2"


def test_problems_are_named(logic: Any, scene: Any, cases: Any, tmp_path: Path) -> None:
    model = placeModel()
    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene({role: volumes[role] for role in ("flair", "t1")}, node, {"oedema": "oedema"}, "p1")
    assert logic.cannotAdapt(model, cases, "new") == (
        "Case p1: p1 has no T1 with contrast image, which the model needs."
    )
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    assert len(cases) == 1  # the same segmentation replaces its case
    assert logic.cannotAdapt(model, cases, "new") is None
    assert logic.cannotAdapt(model, cases, "") == "Give the new model a name."
    assert "letters, digits" in logic.cannotAdapt(model, cases, "a/b")
    cases.setHeldOut(0, True)
    assert logic.cannotAdapt(model, cases, "new") == "All cases are held out: leave at least one to learn from."
    cases.setIncluded(0, False)
    assert logic.cannotAdapt(model, cases, "new") == "Add at least one training case."
    cases.setIncluded(0, True)
    scene.RemoveNode(volumes["t2"])
    assert cases[0].problem == "Its images are no longer in the scene: T2."
    node.GetSegmentation().RemoveSegment("oedema")
    scene.RemoveNode(volumes["t1"])
    assert cases[0].problem == "Its images are no longer in the scene: T1, T2."
    scene.RemoveNode(node)
    assert cases[0].problem == "Its segmentation is no longer in the scene; remove the case or add it again."
    cases.remove(0)
    assert len(cases) == 0


def test_a_segment_that_was_removed(scene: Any, cases: Any) -> None:
    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    node.GetSegmentation().RemoveSegment("oedema")
    assert cases[0].problem == "None of the segments of corrected 1 is matched to a label."


def test_one_patient_is_never_on_both_sides(logic: Any, scene: Any, cases: Any, tmp_path: Path) -> None:
    cases.addFolders(folderOf(tmp_path, "p1_ses-1", "p1_ses-2", "p2"), modelName=placeModel())
    assert cases.setHeldOut(0, True) == "The same patient, so held out too: p1_ses-2."
    assert [case.heldOut for case in cases] == [True, True, False]
    assert cases.setHeldOut(2, False) is None
    # Two segmentations of the same images are of one patient, whatever they are called.
    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "reader A")
    _, other, _ = addCorrected(scene, 2)
    cases.addFromScene(volumes, other, {"oedema": "oedema"}, "reader B")
    assert cases.setHeldOut(3, True) == "The same patient, so held out too: reader_B."


def test_folders_that_cannot_be_read(cases: Any, tmp_path: Path) -> None:
    from TransferSegLib.errors import UsageError

    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no case in it"):
        cases.addFolders(str(tmp_path / "empty"))
    folder = folderOf(tmp_path, "q1")
    (tmp_path / "data" / "q1" / "seg.nii.gz").rename(tmp_path / "data" / "q1" / "other.nii.gz")
    with pytest.raises(UsageError) as caught:
        cases.addFolders(folder, modelName=placeModel())
    assert "--" not in caught.value.message and "load the case into the scene" in caught.value.message


def test_a_doubtful_role_is_not_used_silently(logic: Any, cases: Any, tmp_path: Path) -> None:
    folder = folderOf(tmp_path, "q1")
    case = tmp_path / "data" / "q1"
    (case / "T1.nii.gz").rename(case / "T1xyz.nii.gz")
    cases.addFolders(folder, modelName=placeModel())
    assert cases[0].problem.startswith("Not sure which file is T1: ")
    assert logic.cannotAdapt("small", cases, "new").startswith("Case q1: Not sure")


def test_truths_of_folders_get_the_models_values(logic: Any, cases: Any, tmp_path: Path) -> None:
    """A mask without names is the model's lesion; a new name becomes a new label; a map decides."""
    from TransferSegGUI.case_export import CaseExport

    from TransferSegLib.imaging import read_image, to_array

    info = logic.model(placeModel())
    cases.addFolders(folderOf(tmp_path, "q1"), modelName="small")
    export = CaseExport(tmp_path / "one", cases.list, info)
    export.writeFolders()
    assert json.loads(export.finish().with_name("dataset.json").read_text()) == {"labels": {"oedema": 3}}
    assert set(np.unique(to_array(read_image(tmp_path / "one" / "cases" / "q1" / "truth.nrrd")))) == {0, 3}
    cases.remove(0)
    cases.addFolders(str(tmp_path / "data"), {"1": "cavity"}, modelName="small")
    export = CaseExport(tmp_path / "two", cases.list, info)
    export.writeFolders()
    assert json.loads(export.finish().with_name("dataset.json").read_text()) == {"labels": {"cavity": 2}}


@pytest.mark.parametrize("how", ["closed", "crashed"])
def test_an_interrupted_adaptation_is_resumed(scene: Any, tmp_path: Path, how: str) -> None:
    import os
    import signal

    from TransferSegGUI.client import WorkerClient

    logic = makeLogic()
    cases = logic.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg"))
    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    name, model = f"cut-{how}", placeModel()
    run = logic.adapt(model, cases, name=name, epochs=4, options=QUICK, callback=lambda result, error: None)
    assert logic.adaptRun is run
    waitFor(lambda: len(run.metrics) >= 2 or run.finished, logic)
    assert not run.finished, run.error
    assert logic.interruptedAdaptations() == []  # it is going on
    if how == "closed":
        logic.shutdown()
        assert run.error.code == "worker-closed"
    else:
        os.kill(logic.client._session._process.pid, signal.SIGKILL)
        waitFor(lambda: run.finished, logic)
        assert run.error.code == "worker-crashed" and "can be resumed" in run.error.hint
        logic.shutdown()
    scene.Clear(0)  # the scene is not needed any more
    again = makeLogic()
    again._client = WorkerClient()
    try:
        (found,) = again.interruptedAdaptations()
        assert (found.name, found.model, found.strategy, found.epochs) == (name, model, "half-lr", 4)
        assert 2 <= found.epochsDone < 4
        metrics: list[int] = []
        rows: list[list] = []

        def onEvent(run: Any, event: dict) -> None:
            rows.append([row["epoch"] for row in run.metrics])
            if event.get("event") == "metric":
                metrics.append(event["epoch"])

        result = again.resumeAdaptation(name, onEvent=onEvent)
        assert rows[0] == list(range(1, found.epochsDone + 1))  # what was before the interruption
        # The checkpoint follows the epoch's row: at most one epoch is done again.
        assert metrics[-1] == 4 and 2 <= metrics[0] <= found.epochsDone + 1
        assert result.verdict == "not-measured" and again.model(name).available
        assert again.interruptedAdaptations() == []
        assert not (storeOf(name) / "cases").exists()
    finally:
        again.shutdown()


def test_cancel_discards_and_stop_keeps(logic: Any, scene: Any, cases: Any) -> None:
    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    model, errors = placeModel(), []
    run = logic.adapt(
        model, cases, name="dropped", epochs=50, options=QUICK, callback=lambda result, error: errors.append(error.code)
    )
    waitFor(lambda: run.metrics or run.finished, logic)
    run.cancel()
    waitFor(lambda: run.finished, logic, seconds=2)
    assert errors == ["cancelled"]
    assert not storeOf("dropped").exists() and logic.interruptedAdaptations() == []
    assert logic.cannotAdapt(model, cases, "dropped") is None
    run = logic.adapt(model, cases, name="short", epochs=50, options=QUICK, callback=lambda result, error: None)
    waitFor(lambda: run.metrics or run.finished, logic)
    run.stop()
    waitFor(lambda: run.finished, logic)
    assert run.state == "done", run.error
    assert run.result.stopped and len(run.metrics) < 50


def test_a_refused_adaptation_leaves_the_users_cases(logic: Any, scene: Any, cases: Any) -> None:
    from TransferSegLib.errors import TransferSegError

    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    with pytest.raises(TransferSegError):
        logic.adapt(placeModel(), cases, name="refused", strategy="nonsense")
    assert not storeOf("refused").exists()
    assert len(cases) == 1 and cases[0].problem == ""


def test_scene_closed_while_cases_are_collected(stepped: Any, scene: Any) -> None:
    cases = stepped.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    for seed in (1, 2):
        volumes, node, _ = addCorrected(scene, seed)
        cases.addFromScene(volumes, node, {"oedema": "oedema"}, f"p{seed}")
    run = stepped.adapt(placeModel(), cases, name="closing", callback=lambda result, error: None)
    stepped.client.pump()
    scene.Clear(0)
    assert run.state == "cancelled"
    stepped.client.pump()
    assert not storeOf("closing").exists()


def test_a_case_removed_while_others_are_collected(stepped: Any, scene: Any) -> None:
    cases = stepped.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    for seed in (1, 2):
        volumes, node, _ = addCorrected(scene, seed)
        cases.addFromScene(volumes, node, {"oedema": "oedema"}, f"p{seed}")
    run = stepped.adapt(placeModel(), cases, name="removing", callback=lambda result, error: None)
    scene.RemoveNode(volumes["t1"])
    scene.RemoveNode(node)
    while run.job is None and not run.finished:
        stepped.client.pump()
    # What was in the scene when it was asked for is what is learned from.
    assert run.job.verb == "finetune", run.error
    assert (storeOf("removing") / "cases" / "p2" / "truth.nrrd").is_file()
    run.cancel()
    assert not storeOf("removing").exists()


def test_strategies_in_plain_words(logic: Any) -> None:
    found = dict(logic.strategies())
    assert next(iter(found)) == "half-lr" and "freeze-encoder" in found and not any(":" in name for name in found)
    assert all(sentence.endswith(".") for sentence in found.values())
