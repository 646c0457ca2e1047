"""Adapting a model to training cases through the real worker: done, interrupted and resumed, cancelled, stopped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers_cases import QUICK, addCorrected, folderOf, storeOf
from helpers_logic import exchangeFolders, makeLogic, placeModel, waitFor

pytestmark = pytest.mark.usefixtures("ready_made_worker")


@pytest.fixture
def cases(logic: Any, scene: Any) -> Any:
    """The training cases of an empty scene."""
    return logic.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg"))


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
        name="adapted-here",
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
    assert "adapted-here" in listed
    assert logic.model("adapted-here").gives == "oedema"
    assert Path(result.report).is_file()
    assert not (storeOf("adapted-here") / "cases").exists()
    assert logic.interruptedAdaptations() == [] and logic.running is None
    assert cases[0].problem == "" and len(cases) == 2
    assert logic.cannotAdapt(model, cases, "adapted-here").startswith("There is a model named adapted-here already")
    # The new model segments, and is evaluated on the cases of the scene.
    segmented = logic.segment("adapted-here", volumes)
    assert list(segmented.volumesMl) == ["oedema"]
    scores = logic.evaluate("adapted-here", cases)
    assert [case["id"] for case in scores["cases"]] == ["p1", "q2"]
    assert exchangeFolders() == []


@pytest.mark.parametrize("how", ["closed", "crashed", "moved"])
def test_an_interrupted_adaptation_is_resumed(
    scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
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
    if how != "crashed":
        logic.shutdown()
        assert run.error.code == "worker-closed"
    else:
        os.kill(logic.client._session._process.pid, signal.SIGKILL)
        waitFor(lambda: run.finished, logic)
        assert run.error.code == "worker-crashed" and "can be resumed" in run.error.hint
        logic.shutdown()
    scene.Clear(0)  # the scene is not needed any more
    if how == "moved":
        from TransferSegLib.places import home

        for place in ("adaptations", "models"):
            shutil.move(home() / place, tmp_path / "other" / place)
        monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "other"))
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
        assert metrics[0] == found.epochsDone  # told again, for the curves
        # The checkpoint follows the epoch's row: at most one epoch is done again.
        assert metrics[-1] == 4 and metrics[1] in (found.epochsDone, found.epochsDone + 1)
        assert result.verdict == "not-measured" and again.model(name).available
        assert again.interruptedAdaptations() == []
        assert not (storeOf(name) / "cases").exists() and Path(result.report).parent.parent == storeOf(name)
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
    waitFor(lambda: run.finished, logic)
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
