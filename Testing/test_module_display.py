"""What the views show of a result: overlay in the right place, the right layers, terminology kept in files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_logic import OBLIQUE, addCase, addTransform, addVolume, segmentAtOnce


def boxLabels() -> np.ndarray:
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[8:14, 10:20, 22:32] = 1
    labels[24:32, 20:30, 6:14] = 3
    return labels


def worldOf(node: Any, i: float, j: float, k: float) -> tuple[float, ...]:
    """Where Slicer shows a voxel's centre, in RAS."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    point = matrix.MultiplyPoint((i, j, k, 1.0))
    if node.GetParentTransformNode() is not None:
        toWorld = vtk.vtkMatrix4x4()
        node.GetParentTransformNode().GetMatrixTransformToWorld(toWorld)
        point = toWorld.MultiplyPoint(point)
    return point[:3]


def isColoured(pixel: tuple[int, int, int]) -> bool:
    """Whether a pixel is not grey: something lies over the image."""
    return max(pixel) - min(pixel) > 20


@pytest.mark.parametrize("oblique", [False, True])
def test_overlay_lies_in_the_right_place(stepped: Any, scene: Any, views: Any, oblique: bool) -> None:
    geometry = {"spacing": (1.2, 0.9, 1.6), "origin": (14.0, 9.0, -20.0)}
    if oblique:
        geometry |= {"directions": OBLIQUE, "transform": addTransform(scene)}
    volumes = addCase(scene, **geometry)
    labels = boxLabels()
    segmentAtOnce(stepped, volumes, labels)
    views.fit()
    inside = {(27, 15, 11): "tumour", (10, 25, 28): "oedema"}
    for view in ("Red", "Yellow", "Green"):
        for (i, j, k), name in inside.items():
            assert isColoured(views.pixelOf(view, worldOf(volumes["flair"], i, j, k))), (view, name)
        for i, j, k in ((12, 15, 11), (27, 25, 28), (20, 8, 20), (20, 32, 20)):
            assert labels[k, j, i] == 0
            assert not isColoured(views.pixelOf(view, worldOf(volumes["flair"], i, j, k))), view


def test_a_hidden_result_is_not_drawn(stepped: Any, scene: Any, views: Any) -> None:
    volumes = addCase(scene)
    segmentAtOnce(stepped, volumes, boxLabels())
    views.fit()
    centre = worldOf(volumes["flair"], 27, 15, 11)
    assert isColoured(views.pixelOf("Red", centre))
    segmentAtOnce(stepped, volumes, np.zeros((40, 40, 40), np.uint8))
    assert not isColoured(views.pixelOf("Red", centre))
    stepped.undo()
    assert isColoured(views.pixelOf("Red", centre))


def composites() -> list[Any]:
    import slicer

    return list(slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"))


def test_layers_and_the_users_place_are_kept(stepped: Any, scene: Any, views: Any) -> None:
    import slicer

    volumes = addCase(scene, origin=(100.0, 50.0, -300.0))
    elsewhere = addVolume(scene, "elsewhere", np.ones((8, 8, 8), np.float32))
    slicer.util.setSliceViewerLayers(background=elsewhere)
    views.fit()
    segmentAtOnce(stepped, volumes, boxLabels())
    for composite in composites():
        assert composite.GetBackgroundVolumeID() == volumes["flair"].GetID()
        assert composite.GetForegroundVolumeID() == volumes["t1gd"].GetID()
        assert composite.GetForegroundOpacity() == 0.0
    # Another volume was shown: the views were fitted to this one. Now the user goes elsewhere in it.
    assert isColoured(views.pixelOf("Red", worldOf(volumes["flair"], 27, 15, 11)))
    red = scene.GetNodeByID("vtkMRMLSliceNodeRed")
    red.SetFieldOfView(20.0, 20.0, red.GetFieldOfView()[2])
    slicer.util.setSliceViewerLayers(foreground=volumes["t2"], foregroundOpacity=0.4)
    segmentAtOnce(stepped, volumes, boxLabels())
    assert red.GetFieldOfView()[0] == 20.0
    assert {composite.GetForegroundVolumeID() for composite in composites()} == {volumes["t2"].GetID()}


def test_a_missing_foreground_is_added_where_the_image_is_shown_already(stepped: Any, scene: Any, views: Any) -> None:
    """Slicer shows the volume that was loaded last, without a foreground."""
    import slicer

    volumes = addCase(scene)
    slicer.util.setSliceViewerLayers(background=volumes["flair"], foreground=None)
    red = scene.GetNodeByID("vtkMRMLSliceCompositeNodeRed")
    red.SetForegroundVolumeID(volumes["t2"].GetID())
    red.SetForegroundOpacity(0.4)
    segmentAtOnce(stepped, volumes, boxLabels())
    chosen = {composite.GetID(): composite for composite in composites()}
    assert chosen.pop(red.GetID()).GetForegroundVolumeID() == volumes["t2"].GetID()
    assert red.GetForegroundOpacity() == 0.4
    assert {composite.GetForegroundVolumeID() for composite in chosen.values()} == {volumes["t1gd"].GetID()}
    assert {composite.GetForegroundOpacity() for composite in chosen.values()} == {0.0}


def test_pet_lies_over_ct() -> None:
    from TransferSegGUI.display import layers

    assert layers({"pet": "P", "ct": "C"}, "pet") == ("C", "P", 0.5)
    assert layers({"flair": "F", "t1": "A", "t1gd": "G"}, "flair") == ("F", "G", 0.0)
    assert layers({"t1gd": "G", "t2": "B"}, "t1gd") == ("G", "B", 0.0)
    assert layers({"flair": None, "t2": "B"}, "flair") == (None, "B", 0.0)


def test_without_a_main_window(stepped: Any, scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    monkeypatch.setattr(type(slicer.app), "layoutManager", lambda self: None)
    assert segmentAtOnce(stepped, addCase(scene), boxLabels()).segmentationNode.GetDisplayNode().GetVisibility()


def test_shipped_labels_keep_terminology_in_a_file(scene: Any, tmp_path: Path) -> None:
    import slicer
    from TransferSegGUI.grids import NodeGrid
    from TransferSegGUI.models import findModel
    from TransferSegGUI.results import makeSegmentation

    volumes = addCase(scene, directions=OBLIQUE, spacing=(0.7, 0.8, 3.1))
    card = findModel("brain-unet-phantom").card
    labels = boxLabels()
    node = makeSegmentation(labels, NodeGrid.of(volumes["flair"]), card.labels, "result")
    assert slicer.util.saveNode(node, str(tmp_path / "result.seg.nrrd"), {"useCompression": 0})
    loaded = slicer.util.loadSegmentation(str(tmp_path / "result.seg.nrrd"), properties={})
    segmentation = loaded.GetSegmentation()
    segments = [segmentation.GetSegment(segmentId) for segmentId in segmentation.GetSegmentIDs()]
    assert [segment.GetName() for segment in segments] == [label.name for label in card.labels]
    for segment, label in zip(segments, card.labels):
        assert segment.GetTerminology() == label.terminology
        colour = "#" + "".join(f"{round(255 * part):02X}" for part in segment.GetColor())
        assert colour == label.colour
    for label in card.labels:
        segmentId = segmentation.GetSegmentIdBySegmentName(label.name)
        array = slicer.util.arrayFromSegmentBinaryLabelmap(loaded, segmentId, volumes["flair"])
        assert np.array_equal(array > 0, labels == label.value), label.name


@pytest.mark.alone
def test_a_large_result_is_taken_quickly(stepped: Any, scene: Any) -> None:
    from TransferSegGUI.grids import NodeGrid
    from TransferSegGUI.inputs import takeInputs
    from TransferSegGUI.models import findModel
    from TransferSegGUI.results import makeSegmentation, makeUncertainty

    info = findModel("brain-unet-phantom")
    shape = (155, 240, 240)
    volumes = {role: addVolume(scene, role, np.ones(shape, np.float32)) for role in info.roles}
    labels = np.zeros(shape, np.uint8)
    labels[40:90, 60:140, 80:160] = 1
    started = time.perf_counter()
    taken = takeInputs(volumes, info.roles, "flair")
    snapshots = time.perf_counter() - started
    started = time.perf_counter()
    node = makeSegmentation(labels, taken.grid.now(), info.labels, "large")
    made = time.perf_counter() - started
    started = time.perf_counter()
    makeUncertainty(np.zeros(shape, np.float32), NodeGrid.of(volumes["flair"]), "unsure")
    uncertain = time.perf_counter() - started
    print(f"\n240x240x155: snapshots {snapshots:.3f} s, segmentation {made:.3f} s, uncertainty {uncertain:.3f} s")
    assert node.GetSegmentation().GetNumberOfLayers() == 1
    assert made < 0.5 and uncertain < 0.5


def test_results_stand_beside_their_image_in_the_data_tree(stepped: Any, scene: Any) -> None:
    """Slicer's plugins make an item for every node that is added, and remove it with it; here observers do."""
    import slicer
    import vtk

    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)

    def onAdded(caller: Any, event: str, node: Any) -> None:
        if node.IsA("vtkMRMLStorableNode"):
            tree.CreateItem(tree.GetSceneItemID(), node)

    def onRemoved(caller: Any, event: str, node: Any) -> None:
        if tree.GetItemByDataNode(node):
            tree.RemoveItem(tree.GetItemByDataNode(node), False)

    onAdded.CallDataType = vtk.VTK_OBJECT
    onRemoved.CallDataType = vtk.VTK_OBJECT
    observers = [
        scene.AddObserver(scene.NodeAddedEvent, onAdded),
        scene.AddObserver(scene.NodeAboutToBeRemovedEvent, onRemoved),
    ]
    volumes = addCase(scene)
    study = tree.CreateStudyItem(tree.CreateSubjectItem(tree.GetSceneItemID(), "patient"), "study")
    tree.SetItemParent(tree.GetItemByDataNode(volumes["flair"]), study)
    result = segmentAtOnce(stepped, volumes, boxLabels(), showPreparation=True)
    assert tree.GetItemParent(tree.GetItemByDataNode(result.segmentationNode)) == study
    assert tree.GetItemParent(tree.GetItemByDataNode(result.tableNode)) == study
    folders = {tree.GetItemParent(tree.GetItemByDataNode(node)) for node in result.preparationNodes}
    assert [tree.GetItemName(folder) for folder in folders] == ["FLAIR small preparation"]
    assert stepped.undo()
    assert tree.GetItemChildWithName(study, "FLAIR small preparation") in (0, None)
    for observer in observers:
        scene.RemoveObserver(observer)
