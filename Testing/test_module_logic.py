"""Segmenting through the logic: nodes in, nodes out, on the real MRML core and the real worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_cli import FILES
from helpers_logic import (
    OBLIQUE,
    StepClient,
    addCase,
    addTransform,
    addVolume,
    exchangeFolders,
    makeLogic,
    placeModel,
    segmentAtOnce,
    smallArrays,
    waitFor,
)

LABELS = ["tumour", "oedema"]


@pytest.fixture(scope="module")
def client(_host: Any) -> Iterator[Any]:
    """One worker for all tests of this file."""
    from TransferSegGUI.client import WorkerClient

    made = WorkerClient()
    yield made
    made.close()


@pytest.fixture
def logic(scene: Any, client: Any) -> Any:
    """The logic with the real worker."""
    made = makeLogic()
    made._client = client
    return made


@pytest.fixture
def stepped(scene: Any) -> Any:
    """The logic with a client that goes step by step and is answered by the test."""
    made = makeLogic()
    made._client = StepClient()
    return made


def someLabels(value: int = 1) -> np.ndarray:
    """A label map with a small box of one label."""
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[10:14, 12:18, 20:28] = value
    return labels


def matrixOf(thing: Any, method: str) -> list[float]:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    getattr(thing, method)(matrix)
    return [matrix.GetElement(row, column) for row in range(4) for column in range(4)]


def nodeNames(scene: Any) -> set[str]:
    """Names of all nodes that a user would see as data."""
    import slicer

    kinds = ("vtkMRMLVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLTableNode")
    return {node.GetName() for kind in kinds for node in slicer.util.getNodesByClass(kind)}


def test_result_lies_on_the_reference_exactly(logic: Any, scene: Any) -> None:
    transform = addTransform(scene)
    geometry = {"spacing": (0.9, 1.1, 1.3), "origin": (11.5, -7.25, 3.0), "directions": OBLIQUE}
    volumes = addCase(scene, **geometry, transform=transform)
    result = logic.segment(placeModel(), volumes, uncertainty=True, showPreparation=True)
    node = result.segmentationNode
    assert node.GetName() == "FLAIR small"
    assert node.GetTransformNodeID() == transform.GetID()
    segmentation = node.GetSegmentation()
    assert [segmentation.GetSegment(i).GetName() for i in segmentation.GetSegmentIDs()] == LABELS
    image = node.GetBinaryLabelmapInternalRepresentation(segmentation.GetSegmentIDs()[0])
    wanted = matrixOf(volumes["flair"], "GetIJKToRASMatrix")
    assert matrixOf(image, "GetImageToWorldMatrix") == wanted
    assert image.GetDimensions() == volumes["flair"].GetImageData().GetDimensions()
    assert segmentation.GetNumberOfLayers() == 1
    others = [result.uncertaintyNode, *result.preparationNodes[:-1]]
    assert len(result.preparationNodes) == 4  # three aligned images and the brain mask
    for volume in others:
        assert matrixOf(volume, "GetIJKToRASMatrix") == wanted
        assert volume.GetTransformNodeID() == transform.GetID()
    assert list(result.volumesMl) == LABELS
    assert result.device == "cpu" and result.workerSeconds > 0
    assert "on this computer (CPU)" in logic.model("small").timing
    assert exchangeFolders() == []


def test_volumes_and_uncertainty(stepped: Any, scene: Any) -> None:
    labels = someLabels(3)
    result = segmentAtOnce(stepped, addCase(scene), labels, uncertainty=True, showPreparation=True)
    table = result.tableNode.GetTable()
    rows = [[table.GetValue(r, c).ToString() for c in range(3)] for r in range(table.GetNumberOfRows())]
    assert rows == [["tumour", "0", "0"], ["oedema", "0.19", "192"], ["total", "0.19", "192"]]
    import slicer

    assert slicer.util.arrayFromVolume(result.uncertaintyNode).max() == 0.25
    display = result.uncertaintyNode.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 1.0)
    aligned = result.preparationNodes[0].GetDisplayNode()
    volume = scene.GetFirstNodeByName("T1").GetDisplayNode()
    assert (aligned.GetWindow(), aligned.GetLevel()) == (volume.GetWindow(), volume.GetLevel())
    assert {node.GetName() for node in result.preparationNodes} == {
        "FLAIR small T1 aligned",
        "FLAIR small T1 with contrast aligned",
        "FLAIR small T2 aligned",
        "FLAIR small brain mask",
    }


def test_each_segment_can_be_edited_and_read(stepped: Any, scene: Any) -> None:
    from TransferSegGUI.grids import NodeGrid
    from TransferSegGUI.truths import labelArray

    volumes = addCase(scene, directions=OBLIQUE, spacing=(0.8, 0.9, 2.5))
    labels = someLabels(1)
    labels[20:24, 20:24, 20:24] = 3
    node = segmentAtOnce(stepped, volumes, labels).segmentationNode
    ids = node.GetSegmentation().GetSegmentIDs()
    read = labelArray(node, dict(zip(ids, (1, 3))), NodeGrid.of(volumes["flair"]))
    assert np.array_equal(read, labels)
    assert np.array_equal(labelArray(node, {ids[1]: 7}, NodeGrid.of(volumes["flair"])), 7 * (labels == 3))
    # Through another transform the segments are resampled.
    moved = addTransform(scene)
    volumes["flair"].SetAndObserveTransformNodeID(moved.GetID())
    node.SetAndObserveTransformNodeID(moved.GetID())
    volumes["flair"].HardenTransform()
    again = labelArray(node, dict(zip(ids, (1, 3))), NodeGrid.of(volumes["flair"]))
    assert (again == labels).mean() > 0.999


def test_provenance(stepped: Any, scene: Any) -> None:
    from TransferSegLib import __version__

    volumes = addCase(scene)
    node = segmentAtOnce(stepped, volumes, someLabels()).segmentationNode
    assert node.GetAttribute("TransferSeg.Model") == "small"
    assert node.GetAttribute("TransferSeg.Version") == __version__
    assert node.GetAttribute("TransferSeg.Weights") == stepped.model("small").card.weights_sha256
    assert node.GetAttribute("TransferSeg.Date")[:2] == "20"
    images = stepped.imagesOf(node, "small")
    assert {role: guess.node for role, guess in images.items()} == volumes
    assert not any(guess.doubtful for guess in images.values())


def test_earlier_results_are_hidden_and_undo_shows_them(stepped: Any, scene: Any) -> None:
    volumes = addCase(scene)
    assert not stepped.canUndo and stepped.undo() is None
    first = segmentAtOnce(stepped, volumes, someLabels(1)).segmentationNode
    other = addCase(scene, prefix="other ", seed=3)
    unrelated = segmentAtOnce(stepped, other, someLabels(1)).segmentationNode
    second = segmentAtOnce(stepped, volumes, someLabels(3)).segmentationNode
    assert second.GetName() != first.GetName()
    visible = [node.GetDisplayNode().GetVisibility() for node in (first, unrelated, second)]
    assert visible == [0, 1, 1]
    before = nodeNames(scene)
    assert stepped.undo() == "FLAIR small_1 was removed. Shown again: FLAIR small."
    assert before - nodeNames(scene) == {"FLAIR small_1", "FLAIR small_1 volumes"}
    assert first.GetDisplayNode().GetVisibility() == 1
    assert stepped.undo() == "other FLAIR small was removed."
    assert stepped.undo() == "FLAIR small was removed."
    assert not stepped.canUndo
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationDisplayNode") == 0


def edit(node: Any, segment: int = 0) -> None:
    """Paint one voxel more, as the Segment Editor does."""
    import slicer

    segmentId = node.GetSegmentation().GetSegmentIDs()[segment]
    array = slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, segmentId)
    array[0, 0, 0] = node.GetSegmentation().GetSegment(segmentId).GetLabelValue()
    node.GetSegmentation().GetSegment(segmentId).Modified()


def test_undo_keeps_what_was_edited(stepped: Any, scene: Any) -> None:
    volumes = addCase(scene)
    first = segmentAtOnce(stepped, volumes, someLabels(1)).segmentationNode
    second = segmentAtOnce(stepped, volumes, someLabels(3)).segmentationNode
    edit(second)
    assert stepped.undo() == "FLAIR small_1 was edited: it is hidden and kept. Shown again: FLAIR small."
    assert second.GetDisplayNode().GetVisibility() == 0
    assert first.GetDisplayNode().GetVisibility() == 1
    assert stepped.undo() == "FLAIR small was removed."
    assert not stepped.canUndo


def test_undo_after_the_user_deleted_or_copied_a_result(stepped: Any, scene: Any) -> None:
    volumes = addCase(scene)
    first = segmentAtOnce(stepped, volumes, someLabels(1)).segmentationNode
    second = segmentAtOnce(stepped, volumes, someLabels(3)).segmentationNode
    scene.RemoveNode(second)
    assert stepped.undo() == "FLAIR small is shown again."
    assert first.GetDisplayNode().GetVisibility() == 1
    copy = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    copy.Copy(first)
    copy.SetName("mine")
    assert stepped.undo() == "FLAIR small was removed."
    assert not stepped.canUndo and stepped.undo() is None
    assert scene.GetNodeByID(copy.GetID()) is copy


def test_undo_keeps_a_training_case(stepped: Any, scene: Any) -> None:
    cases = stepped.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    volumes = addCase(scene)
    node = segmentAtOnce(stepped, volumes, someLabels(1)).segmentationNode
    cases.addFromScene(volumes, node, {"tumour": "tumour"}, "p1")
    assert stepped.undo() == "FLAIR small is used as a training case: it is hidden and kept."
    assert cases[0].problem == ""


def test_a_scene_is_saved_and_loaded_with_all_nodes(stepped: Any, scene: Any, tmp_path: Path) -> None:
    import slicer

    volumes = addCase(scene, directions=OBLIQUE, spacing=(0.9, 1.0, 1.5), transform=addTransform(scene))
    labels = someLabels(1)
    labels[20:24, 20:24, 20:24] = 3
    segmentAtOnce(stepped, volumes, labels)
    segmentAtOnce(stepped, volumes, someLabels(3), uncertainty=True)
    terms = terminologies(slicer.util.getNode("FLAIR small"))
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"), properties={})
    scene.Clear(0)
    assert not stepped.canUndo
    slicer.util.loadScene(str(tmp_path / "scene.mrb"), properties={})
    first, second = (slicer.util.getNode(name) for name in ("FLAIR small", "FLAIR small_1"))
    assert terminologies(first) == terms
    assert first.GetDisplayNode().GetVisibility() == 0
    assert stepped.imagesOf(second, "small")["t2"].node is slicer.util.getNode("T2")
    names = nodeNames(scene)
    assert stepped.undo() == "FLAIR small_1 was removed. Shown again: FLAIR small."
    assert names - nodeNames(scene) == {"FLAIR small_1", "FLAIR small_1 volumes", "FLAIR small_1 uncertainty"}
    edit(first)
    assert stepped.undo() == "FLAIR small was edited: it is hidden and kept."


def terminologies(node: Any) -> dict[str, tuple]:
    """Terminology, colour and name of each segment."""
    segmentation = node.GetSegmentation()
    segments = [segmentation.GetSegment(segmentId) for segmentId in segmentation.GetSegmentIDs()]
    return {s.GetName(): (s.GetTerminology(), tuple(round(c, 3) for c in s.GetColor())) for s in segments}


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


def takeSteps(client: StepClient, steps: int, labels: np.ndarray) -> None:
    """0: nothing yet; 1: written and asked for; 2: half done; 3: answered, not yet read."""
    if steps >= 1:
        client.pump()
    if steps >= 2:
        client.jobs[-1].event(event="progress", stage="segment", done=1, total=2, seconds_left=1.0)
    if steps >= 3:
        client.answerSegment(labels)


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


def test_missing_says_what_is_lacking(stepped: Any, scene: Any) -> None:
    import slicer

    model, volumes = placeModel(), addCase(scene)
    assert stepped.missing("", volumes) == "Choose a model."
    assert stepped.missing("nothing", volumes).startswith("There is no model nothing; choose one of ")
    assert stepped.missing(model, {**volumes, "flair": None}) == "Choose the image for FLAIR."
    assert stepped.missing(model, {}) == "Choose the image for FLAIR, T1, T1 with contrast, T2."
    twice = stepped.missing(model, {**volumes, "t2": volumes["t1"]})
    assert twice == "T1 is chosen for both T1 and T2; choose another volume for one of them."
    assert stepped.missing(model, volumes, unconfirmed=("t1gd",)) == (
        "Confirm that T1GD is the T1 with contrast image, or choose another."
    )
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    assert stepped.missing(model, {**volumes, "t2": empty}).startswith("empty holds no image")
    bent = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "bent")
    bent.SetAndObserveTransformToParent(nonLinear())
    volumes["t1"].SetAndObserveTransformNodeID(bent.GetID())
    assert "harden the transform" in stepped.missing(model, volumes)
    assert slicer.mrmlScene is scene


def nonLinear() -> Any:
    import vtk

    points = vtk.vtkPoints()
    for point in ((0, 0, 0), (9, 0, 0), (0, 9, 0), (0, 0, 9)):
        points.InsertNextPoint(*point)
    moved = vtk.vtkPoints()
    moved.DeepCopy(points)
    moved.SetPoint(0, 3, 1, 2)
    spline = vtk.vtkThinPlateSplineTransform()
    spline.SetSourceLandmarks(points)
    spline.SetTargetLandmarks(moved)
    spline.SetBasisToR()
    return spline


def test_roles_are_guessed(stepped: Any, scene: Any) -> None:
    model = placeModel()
    volumes = addCase(scene)
    guesses = stepped.guessRoles(model)
    assert {role: guess.node for role, guess in guesses.items()} == volumes
    assert not any(guess.doubtful for guess in guesses.values())
    segmentAtOnce(stepped, volumes, someLabels(), uncertainty=True, showPreparation=True)
    assert {role: guess.node for role, guess in stepped.guessRoles(model).items()} == volumes
    another = addVolume(scene, "FLAIR late", smallArrays()[0]["flair"])
    guess = stepped.guessRoles(model)["flair"]
    assert guess.doubtful and guess.node is another
    assert guess.reason == "Several volumes look like FLAIR: FLAIR, FLAIR late."
    assert stepped.guessRoles(model, [volumes["t2"]])["t2"].node is volumes["t2"]


def test_dicom_decides_roles_where_there_is_some(stepped: Any, scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    headers = {
        "1": {"0008,103e": "AX FLAIR", "0008,0060": "MR", "0020,000d": "study"},
        "2": {"0008,103e": "AX T1", "0008,0060": "MR", "0018,0010": "Gadovist", "0020,000d": "study"},
        "3": {"0008,0060": "CT", "0020,000d": "study", "0010,0020": "12345"},
    }

    class Database:
        def fileForInstance(self, uid: str) -> str:
            return uid

        def fileValue(self, file: str, tag: str) -> str:
            return headers[file].get(tag, "")

    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)
    array = smallArrays()[0]["flair"]
    nodes = {uid: addVolume(scene, f"{uid}: series", array) for uid in headers}
    for uid, node in nodes.items():
        node.SetAttribute("DICOM.instanceUIDs", f"{uid} {uid}.9")
    guesses = stepped.guessRoles(placeModel())
    assert guesses["flair"].node is nodes["1"] and not guesses["flair"].doubtful
    assert guesses["t1gd"].node is nodes["2"] and guesses["t1gd"].doubtful
    assert "contrast agent" in guesses["t1gd"].reason
    from TransferSegGUI.folder_cases import patientOf
    from TransferSegGUI.roles import PATIENT, dicomValue

    hashed = patientOf("p1", dicomValue(nodes["3"], PATIENT))
    assert hashed.startswith("dicom-") and "12345" not in hashed


def test_every_public_method_is_documented_with_an_example(stepped: Any) -> None:
    methods = [name for name in dir(type(stepped)) if not name.startswith("_")]
    functions = [getattr(type(stepped), name) for name in methods if callable(getattr(type(stepped), name))]
    without = [f.__name__ for f in functions if ">>> " not in (f.__doc__ or "")]
    assert set(without) <= {"setupLogic", "getParameterNode"}


def test_models(stepped: Any) -> None:
    shipped = stepped.model("brain-unet-phantom")
    assert shipped.needs == "FLAIR, T1, T1 with contrast, T2"
    assert shipped.gives == "tumour, necrosis, oedema, scar"
    assert shipped.origin.count(". ") == 1 and "phantoms" in shipped.origin and "Measured: " in shipped.origin
    assert shipped.citation and shipped.timing == "Not measured on this computer yet."
    assert stepped.models()[0].offered


def test_overhead_of_a_large_case(logic: Any, scene: Any) -> None:
    """From asking to the result in the scene, beyond the library's own time, with a warm worker."""
    rng = np.random.default_rng(0)
    k, j, i = np.ogrid[:155, :240, :240]
    brain = ((k - 77) / 60) ** 2 + ((j - 120) / 85) ** 2 + ((i - 120) / 70) ** 2 < 1
    noise = 300 + 60 * rng.standard_normal(brain.shape, dtype=np.float32)
    volumes = {
        role: addVolume(scene, name, np.where(brain, noise + 20 * number, 0).astype(np.float32))
        for number, (role, name) in enumerate(FILES.items())
    }
    logic.segment("brain-unet-phantom", volumes)
    result = logic.segment("brain-unet-phantom", volumes)
    overhead = result.seconds - result.workerSeconds
    print(f"\n240x240x155, 4 channels: {result.seconds:.2f} s, of these the library {result.workerSeconds:.2f} s")
    assert overhead <= 1.0


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
