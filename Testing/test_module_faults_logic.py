"""Faults through the module's logic with the real worker: cancelled at any moment, scene closed, inputs deleted."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers_cases import QUICK, addCorrected, storeOf
from helpers_engine import GapProbe, nothing_left
from helpers_logic import addCase, exchangeFolders, makeLogic, nodeNames, placeModel

pytestmark = pytest.mark.skipif(os.name == "nt", reason="looks for processes as Linux shows them")
CANCELS = 10
RESULT_SECONDS = 2.0


class World:
    """The logic with its own client, threads and worker; only the event loop drives it, as in Slicer."""

    def __init__(self, app: Any) -> None:
        self.app, self.logic, self.probe = app, makeLogic(), GapProbe()

    def loop(self, condition: Callable[[], Any], seconds: float = 300.0) -> None:
        """Let the event loop turn until the condition holds, measuring how long each turn takes."""
        end = time.monotonic() + seconds
        self.probe.skip()
        while not condition():
            assert time.monotonic() < end, "waited too long"
            self.app.processEvents()
            self.probe.tick()
            time.sleep(0.002)

    def moment(self, run: Any, events: list, moments: random.Random, most: int) -> None:
        """Wait for a random moment of a run: so many events, and a bit more."""
        wanted, until = moments.randint(0, most), time.monotonic() + moments.uniform(0, 0.08)
        self.loop(lambda: run.finished or (len(events) >= wanted and time.monotonic() >= until))

    def cancelled(self, run: Any) -> float:
        """Cancel, and the seconds until it was over; nothing of it is left a moment later."""
        asked = time.monotonic()
        run.cancel()
        self.loop(lambda: run.finished)
        seconds = time.monotonic() - asked
        self.loop(lambda: not exchangeFolders(), 30)
        return seconds

    def adapt(self, cases: Any, name: str, epochs: int, events: list) -> Any:
        """Begin to adapt the small model."""
        return self.logic.adapt(
            placeModel(), cases, name=name, epochs=epochs, options=QUICK,
            callback=lambda result, error: None, onEvent=lambda run, event: events.append(event),
        )  # fmt: skip

    def segment(self, volumes: dict, events: list) -> Any:
        """Begin to segment with the small model."""
        return self.logic.segment(
            placeModel(), volumes, callback=lambda result, error: None, onEvent=lambda run, event: events.append(event)
        )


@pytest.fixture
def world(
    app: Any, scene: Any, ready_made_worker: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[World]:
    """No process, exchange folder or half store is left behind."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    placeModel()
    with nothing_left():
        made = World(app)
        yield made
        made.logic.shutdown()
    assert exchangeFolders() == [] and made.logic.interruptedAdaptations() == []


def voxels(result: Any, reference: Any) -> list[int]:
    """How large each segment of a result is."""
    import slicer

    node = result.segmentationNode
    ids = node.GetSegmentation().GetSegmentIDs()
    return [int(slicer.util.arrayFromSegmentBinaryLabelmap(node, one, reference).sum()) for one in ids]


@pytest.mark.alone
def test_segmentations_cancelled_at_random_moments(world: World, scene: Any) -> None:
    moments, volumes, answers = random.Random(11), addCase(scene), []
    kept = world.segment(volumes, [])
    world.loop(lambda: kept.finished)
    assert kept.state == "done", kept.error and kept.error.details
    sizes, names = voxels(kept.result, volumes["flair"]), nodeNames(scene)
    done, stages = 0, []
    for _number in range(CANCELS):
        events: list[dict] = []
        run = world.segment(volumes, events)
        world.moment(run, events, moments, 10)
        stages.append(run.stage)
        answers.append(world.cancelled(run))
        assert run.state in ("cancelled", "done") and world.logic.running is None
        if run.state == "done":  # its result was in the scene already
            done += 1
            assert world.logic.undo()
        assert nodeNames(scene) == names
    assert voxels(kept.result, volumes["flair"]) == sizes
    again = world.segment(volumes, [])
    world.loop(lambda: again.finished)
    assert voxels(again.result, volumes["flair"]) == sizes
    print(
        f"\n{CANCELS} cancels while {sorted(set(stages))}, {done} came too late: slowest answer {max(answers):.2f} s,"
        f" longest block {1000 * world.probe.longest:.0f} ms"
    )
    assert max(answers) < 3 and world.probe.longest < RESULT_SECONDS


def trainingCases(world: World, scene: Any) -> tuple[Any, dict, Any]:
    """One corrected case in the scene: the cases, its volumes and its segmentation."""
    cases = world.logic.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg"))
    volumes, node, _truth = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    return cases, volumes, node


@pytest.mark.alone
def test_adaptations_cancelled_at_random_moments(world: World, scene: Any) -> None:
    from TransferSegLib.places import models_folder

    moments, answers, stages = random.Random(12), [], []
    cases, _volumes, _node = trainingCases(world, scene)
    kept = world.adapt(cases, "kept", 1, [])
    world.loop(lambda: kept.finished)
    assert kept.state == "done", kept.error and kept.error.details
    world.probe.reset()
    names = nodeNames(scene)
    for number in range(CANCELS):
        events: list[dict] = []
        run = world.adapt(cases, f"cut{number}", 100, events)
        world.moment(run, events, moments, 14)
        stages.append(run.stage)
        answers.append(world.cancelled(run))
        assert run.state == "cancelled" and world.logic.running is None
        store = storeOf(f"cut{number}")
        world.loop(lambda: not store.exists(), 30)  # noqa: B023
        assert world.logic.interruptedAdaptations() == [] and nodeNames(scene) == names
    assert sorted(path.name for path in models_folder().iterdir() if path.is_dir()) == ["kept", "small"]
    assert Path(kept.result.report).is_file() and world.logic.verifyModel("kept")[0]["ok"]
    print(
        f"\n{CANCELS} cancels while {sorted(set(stages))}: slowest answer {max(answers):.2f} s,"
        f" longest block {1000 * world.probe.longest:.0f} ms"
    )
    assert max(answers) < 3 and world.probe.longest < RESULT_SECONDS


def test_scene_closed_and_inputs_deleted_during_segmentations(world: World, scene: Any) -> None:
    moments, ends = random.Random(13), []
    for number in range(8):
        volumes, events = addCase(scene), []
        run = world.segment(volumes, events)
        world.moment(run, events, moments, 6)
        if number % 2:
            scene.RemoveNode(volumes["flair" if number % 4 == 1 else "t2"])
        else:
            scene.Clear(0)
        world.loop(lambda: run.finished)  # noqa: B023
        ends.append(run.state)
        if number % 2:
            assert run.state == "done" and scene.IsNodePresent(run.result.segmentationNode), run.error
        else:
            assert run.state in ("cancelled", "done") and nodeNames(scene) == set()
        world.loop(lambda: not exchangeFolders(), 30)
        assert world.logic.running is None
        scene.Clear(0)
    print(f"\nended {ends}, longest block {1000 * world.probe.longest:.0f} ms")
    assert ends.count("cancelled") >= 2 and world.probe.longest < RESULT_SECONDS


def test_scene_closed_and_cases_deleted_during_adaptations(world: World, scene: Any) -> None:
    """Once the cases are written the training needs no scene; before that it ends, and leaves nothing."""
    for name, close in (("deleted", False), ("closed", True)):
        cases, volumes, node = trainingCases(world, scene)
        run = world.adapt(cases, name, 2, [])
        world.loop(lambda: run.metrics or run.finished)  # noqa: B023
        if close:
            scene.Clear(0)
        else:
            scene.RemoveNode(node)
            scene.RemoveNode(volumes["t1"])
        world.loop(lambda: run.finished)  # noqa: B023
        assert run.state == "done" and world.logic.model(name).gives == "oedema", run.error
        scene.Clear(0)
    cases, _volumes, _node = trainingCases(world, scene)
    run = world.adapt(cases, "early", 2, [])
    scene.Clear(0)
    world.loop(lambda: run.finished)
    assert run.state == "cancelled" and "scene was closed" in run.error.message
    world.loop(lambda: not storeOf("early").exists(), 30)
    assert world.probe.longest < RESULT_SECONDS


def test_slicer_closed_during_a_blocking_adaptation_keeps_what_was_learned(world: World, scene: Any) -> None:
    """The main window is closed while a script waits for ``adapt``: it ends as if Slicer had ended it."""
    import slicer

    from TransferSegLib.errors import TransferSegError

    cases, _volumes, _node = trainingCases(world, scene)
    window, logic, rows = slicer.util.mainWindow(), world.logic, []
    window.show()

    def onEvent(run: Any, event: dict) -> None:
        if event.get("event") == "metric":
            rows.append(event)
            window.close()

    with pytest.raises(TransferSegError) as raised:
        logic.adapt(placeModel(), cases, name="cut", epochs=400, options=QUICK, onEvent=onEvent)
    assert raised.value.code == "worker-closed" and logic.running is None
    assert [found.name for found in logic.interruptedAdaptations()] == ["cut"]
    logic.discardAdaptation("cut")
