"""Runs that end otherwise: scene closed, nodes deleted, cancelled, failed, two at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers_logic import (
    OBLIQUE,
    StepClient,
    addCase,
    addTransform,
    exchangeFolders,
    matrixOf,
    nodeNames,
    placeModel,
    someLabels,
    waitFor,
)


def takeSteps(client: StepClient, steps: int, labels: np.ndarray) -> None:
    """0: nothing yet; 1: written and asked for; 2: half done; 3: answered, not yet read."""
    if steps >= 1:
        client.pump()
    if steps >= 2:
        client.jobs[-1].event(event="progress", stage="segment", done=1, total=2, seconds_left=1.0)
    if steps >= 3:
        client.answerSegment(labels)


@pytest.mark.parametrize("steps", range(4))
def test_scene_closed_in_every_step(stepped: Any, scene: Any, steps: int) -> None:
    calls: list[Any] = []
    run = stepped.segment(placeModel(), addCase(scene), callback=lambda result, error: calls.append(error))
    takeSteps(stepped.client, steps, someLabels())
    scene.Clear(0)
    assert run.state == "cancelled"
    assert [error.message for error in calls] == ["The scene was closed, so the segmentation was ended."]
    stepped.client.pump()
    assert nodeNames(scene) == set()
    assert exchangeFolders() == []
    assert stepped.running is None


@pytest.mark.parametrize("steps", range(4))
@pytest.mark.parametrize("role", ["flair", "t2"])
def test_input_node_deleted_in_every_step(stepped: Any, scene: Any, steps: int, role: str) -> None:
    """The result is still made, with the geometry that was taken."""
    volumes = addCase(scene, directions=OBLIQUE, spacing=(0.9, 1.1, 1.5), transform=addTransform(scene))
    wanted = matrixOf(volumes["flair"], "GetIJKToRASMatrix")
    transform = volumes["flair"].GetTransformNodeID()
    run = stepped.segment(placeModel(), volumes, callback=lambda result, error: None)
    takeSteps(stepped.client, steps, someLabels())
    scene.RemoveNode(volumes[role])
    if steps < 1:
        stepped.client.pump()
    if steps < 3:
        stepped.client.answerSegment(someLabels())
    stepped.client.pump()
    stepped.client.pump()
    assert run.state == "done", run.error and run.error.details
    node = run.result.segmentationNode
    image = node.GetBinaryLabelmapInternalRepresentation(node.GetSegmentation().GetSegmentIDs()[0])
    assert matrixOf(image, "GetImageToWorldMatrix") == wanted
    assert node.GetTransformNodeID() == transform
    assert exchangeFolders() == []
    assert stepped.undo().endswith(" was removed.")


def test_a_volume_moved_meanwhile_takes_the_result_along(stepped: Any, scene: Any) -> None:
    volumes = addCase(scene)
    run = stepped.segment(placeModel(), volumes, callback=lambda result, error: None)
    stepped.client.pump()
    volumes["flair"].SetAndObserveTransformNodeID(addTransform(scene).GetID())
    volumes["flair"].HardenTransform()
    stepped.client.answerSegment(someLabels())
    stepped.client.pump()
    stepped.client.pump()
    node = run.result.segmentationNode
    image = node.GetBinaryLabelmapInternalRepresentation(node.GetSegmentation().GetSegmentIDs()[0])
    assert matrixOf(image, "GetImageToWorldMatrix") == matrixOf(volumes["flair"], "GetIJKToRASMatrix")


@pytest.mark.parametrize("steps", range(4))
def test_cancel_in_every_step(stepped: Any, scene: Any, steps: int) -> None:
    volumes = addCase(scene)
    names, calls = nodeNames(scene), []
    run = stepped.segment(placeModel(), volumes, callback=lambda result, error: calls.append(error.code))
    takeSteps(stepped.client, steps, someLabels())
    run.cancel()
    assert run.state == "cancelled" and calls == ["cancelled"]
    stepped.client.pump()
    assert nodeNames(scene) == names and exchangeFolders() == [] and stepped.running is None


def test_closing_or_cancelling_when_the_result_is_there(stepped: Any, scene: Any) -> None:
    for close in (False, True):
        run = stepped.segment(placeModel(), addCase(scene), callback=lambda result, error: None)
        stepped.client.pump()
        stepped.client.answerSegment(someLabels())
        stepped.client.pump()
        assert not run.finished and stepped.canUndo
        if close:
            scene.Clear(0)
        run.cancel()
        stepped.client.pump()
        assert run.state == ("cancelled" if close else "done")
        assert exchangeFolders() == [] and stepped.running is None


def test_a_worker_that_fails_leaves_nothing(stepped: Any, scene: Any) -> None:
    from TransferSegLib.errors import TransferSegError

    volumes = addCase(scene)
    names, calls = nodeNames(scene), []
    stepped.segment(placeModel(), volumes, callback=lambda result, error: calls.append(error))
    stepped.client.pump()
    stepped.client.jobs[-1].end("failed", error=TransferSegError("no brain was found; say --mask off"))
    assert calls[0].message == "no brain was found"  # the panel has no --mask
    assert "--mask off" in calls[0].details
    assert nodeNames(scene) == names and exchangeFolders() == []


def test_a_result_that_does_not_fit_leaves_nothing(stepped: Any, scene: Any) -> None:
    volumes = addCase(scene)
    names, calls = nodeNames(scene), []
    stepped.segment(placeModel(), volumes, callback=lambda result, error: calls.append(error))
    stepped.client.pump()
    stepped.client.answerSegment(np.zeros((3, 3, 3), np.uint8))
    stepped.client.pump()
    assert "unexpected" in calls[0].message and "ValueError" in calls[0].details
    assert nodeNames(scene) == names and exchangeFolders() == [] and stepped.running is None


def test_two_at_once(logic: Any, scene: Any) -> None:
    from TransferSegLib.errors import UsageError

    volumes = addCase(scene)
    done: list[str] = []
    model = placeModel()
    first = logic.segment(model, volumes, callback=lambda result, error: done.append("first"))
    assert logic.missing(model, volumes) == "Another run is going on; wait for it or cancel it."
    with pytest.raises(UsageError, match="Another run is going on"):
        logic.segment(model, volumes, queue=False, callback=lambda result, error: None)
    second = logic.segment(model, volumes, callback=lambda result, error: done.append("second"))
    assert (first.state, second.state) == ("running", "queued")
    result = logic.segment(model, volumes)  # a blocking call waits for its turn
    assert done == ["first", "second"]
    assert result.segmentationNode.GetName() == "FLAIR small_2"
    assert logic.missing(model, volumes) is None
    assert exchangeFolders() == []


def test_cancelled_in_the_worker(logic: Any, scene: Any) -> None:
    calls: list[str] = []
    run = logic.segment(placeModel(), addCase(scene), callback=lambda result, error: calls.append(error.code))
    waitFor(lambda: run.job is not None, logic)
    run.cancel()
    waitFor(lambda: run.finished, logic, seconds=2)
    assert calls == ["cancelled"] and exchangeFolders() == []


def test_a_full_disk_is_said_plainly(stepped: Any, scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from TransferSegGUI import nrrd

    from TransferSegLib.errors import StorageError

    volumes = addCase(scene)

    def full(file: Any, data: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(nrrd, "_writeAll", full)
    names, calls = nodeNames(scene), []
    stepped.segment(placeModel(), volumes, callback=lambda result, error: calls.append(error))
    stepped.client.pump()
    assert isinstance(calls[0], StorageError) and "the disk is full; free some space" in calls[0].message
    assert nodeNames(scene) == names and exchangeFolders() == [] and stepped.running is None
