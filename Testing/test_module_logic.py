"""Segmenting through the logic: nodes in, nodes out, on the real MRML core and the real worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from helpers_cli import FILES
from helpers_logic import (
    OBLIQUE,
    addCase,
    addTransform,
    addVolume,
    exchangeFolders,
    matrixOf,
    nodeNames,
    placeModel,
    segmentAtOnce,
    someLabels,
)

LABELS = ["tumour", "oedema"]


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
    assert visible == [0, 0, 1]  # also the other patient's
    before = nodeNames(scene)
    assert stepped.undo() == "FLAIR small_1 was removed. Shown again: other FLAIR small."
    assert before - nodeNames(scene) == {"FLAIR small_1", "FLAIR small_1 volumes"}
    assert stepped.undo() == "other FLAIR small was removed. Shown again: FLAIR small."
    assert first.GetDisplayNode().GetVisibility() == 1
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


def test_labels_of_another_image_are_not_left_over_this_one(stepped: Any, scene: Any) -> None:
    volumes = addCase(scene)
    first = segmentAtOnce(stepped, volumes, someLabels())
    own = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "drawn by hand")
    own.CreateDefaultDisplayNodes()
    own.SetReferenceImageGeometryParameterFromVolumeNode(volumes["flair"])
    second = segmentAtOnce(stepped, addCase(scene), someLabels())
    shown = [node.GetDisplayNode().GetVisibility() for node in (first.segmentationNode, own, second.segmentationNode)]
    assert shown == [0, 0, 1]
    stepped.undo()
    assert [node.GetDisplayNode().GetVisibility() for node in (first.segmentationNode, own)] == [1, 1]
