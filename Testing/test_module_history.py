"""What counts as a result, and as edited, when the user changed the scene around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_logic import addCase, segmentAtOnce, someLabels


def test_a_result_without_its_table_is_hidden_and_undone_as_any_other(stepped: Any, scene: Any) -> None:
    volumes = addCase(scene)
    first = segmentAtOnce(stepped, volumes, someLabels(1))
    scene.RemoveNode(first.tableNode)
    assert stepped.canUndo
    second = segmentAtOnce(stepped, volumes, someLabels(3))
    assert not first.segmentationNode.GetDisplayVisibility()
    scene.RemoveNode(second.tableNode)
    assert stepped.undo() == "FLAIR small_1 was removed. Shown again: FLAIR small."
    assert stepped.undo() == "FLAIR small was removed."
    assert not stepped.canUndo


def test_it_is_known_in_a_scene_that_is_loaded_beside_another(stepped: Any, scene: Any, tmp_path: Path) -> None:
    """Node ids are given anew then."""
    import slicer

    table = segmentAtOnce(stepped, addCase(scene), someLabels(1)).tableNode
    scene.RemoveNode(table)
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"), properties={})
    scene.Clear(0)
    other = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "other")
    slicer.util.loadScene(str(tmp_path / "scene.mrb"), properties={})
    if scene.GetNodeByID(other.GetID()) is not other:
        other = None  # this version clears the scene before it loads
    assert stepped.undo() == "FLAIR small was removed."
    assert not stepped.canUndo and (other is None or other.GetScene() is scene)


@pytest.mark.parametrize("change", ["name", "colour"])
def test_renamed_and_recoloured_segments_are_the_users_work(stepped: Any, scene: Any, change: str) -> None:
    node = segmentAtOnce(stepped, addCase(scene), someLabels(1)).segmentationNode
    segment = node.GetSegmentation().GetSegment("tumour")
    if change == "name":
        segment.SetName("metastasis")
    else:
        segment.SetColor(0.1, 0.2, 0.9)
    assert stepped.undo() == "FLAIR small was edited: it is hidden and kept."
    assert scene.GetNodeByID(node.GetID()) is node


def test_a_result_whose_voxels_cannot_be_read_is_kept(
    stepped: Any, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from TransferSegGUI import history, wording

    node = segmentAtOnce(stepped, addCase(scene), someLabels(1)).segmentationNode

    def fail(*values: Any) -> None:
        raise wording.problem("no voxels")

    monkeypatch.setattr(history, "labelArray", fail)
    assert "hidden and kept" in stepped.undo()
    assert scene.GetNodeByID(node.GetID()) is node
