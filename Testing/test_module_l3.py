"""Finding L3 through the logic: nodes, geometry, numbers, corrections; real MRML core, a stand-in for the worker."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_l3 import MODEL, SPACING, addCt, answerL3, finish, found, labelsOn, placeLevelModel, trunk
from helpers_logic import OBLIQUE, addTransform, addVolume


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def logic(stepped, home):
    return stepped


def world(node, ijk):
    """Where a voxel lies, RAS."""
    from TransferSegGUI.geometry import worldIjkToRas

    return (worldIjkToRas(node) @ [*ijk, 1])[:3]


def test_l3_is_a_labelled_plane_with_four_tissues_and_their_numbers(scene, logic):
    ct = addCt(scene)
    result = found(logic, ct, height=1.6)
    assert (result.answer, result.sliceIndex, result.foundIndex, result.sliceAxis) == ("found", 14, 14, "k")
    assert result.positionRas == pytest.approx(world(ct, (27.5, 23.5, 14)))
    plane = result.planeNode
    assert plane.GetNthControlPointLabel(0) == "L3" and plane.GetSize() == pytest.approx((56 * 1.5, 48 * 1.5))
    assert np.abs(plane.GetNormalWorld()) == pytest.approx((0, 0, 1))
    segmentation = result.segmentationNode.GetSegmentation()
    names = [segmentation.GetSegment(n).GetName() for n in segmentation.GetSegmentIDs()]
    assert names == ["Skeletal muscle", "Subcutaneous fat", "Visceral fat", "Intermuscular fat"]
    assert len({segmentation.GetSegment(n).GetColor() for n in segmentation.GetSegmentIDs()}) == 4
    import slicer

    for value, segment_id in enumerate(segmentation.GetSegmentIDs(), 1):
        array = slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentationNode, segment_id, ct)
        assert np.array_equal(array > 0, labelsOn(trunk().shape, 2, 14) == value)
    assert set(result.areasCm2) == {"skeletal_muscle", "subcutaneous_fat", "visceral_fat", "intermuscular_fat"}
    assert result.checked is False


def test_areas_are_of_the_true_spacing_and_the_index_of_the_height(scene, logic):
    array = np.full((30, 48, 56), 50, np.int16)
    result = found(logic, addCt(scene, array=array), height=1.6)
    area = 4 * 4 * SPACING[0] * SPACING[1] / 100
    assert result.areasCm2["skeletal_muscle"] == pytest.approx(area)
    assert result.areasCm2["visceral_fat"] == 0  # 50 HU is no fat, whatever is painted
    assert result.muscleDensityHu == pytest.approx(50)
    assert result.skeletalMuscleIndex == pytest.approx(area / 1.6**2)
    table = result.tableNode.GetTable()
    assert table.GetNumberOfRows() == 6 and table.GetValue(0, 3).ToString() == "not checked"


def test_an_edit_changes_the_numbers_and_takes_the_confirmation_back(scene, logic):
    import slicer

    array = np.full((30, 48, 56), 50, np.int16)
    ct = addCt(scene, array=array)
    result = found(logic, ct)
    logic.confirmL3(result)
    assert logic.l3Results()[0].checked and "checked" in result.tableNode.GetTable().GetValue(0, 3).ToString()
    assert logic.l3Numbers(result) and logic.l3Results()[0].checked, "measuring again changes nothing"
    labels = labelsOn(array.shape, 2, 14) == 1
    labels[14, 30:40, 30:40] = True
    labels[20] = True  # on another slice: not measured
    segment_id = result.segmentationNode.GetSegmentation().GetNthSegmentID(0)
    slicer.util.updateSegmentBinaryLabelmapFromArray(labels.astype(np.uint8), result.segmentationNode, segment_id, ct)
    numbers = logic.l3Numbers(result)
    assert numbers["areas_cm2"]["skeletal_muscle"] == pytest.approx((16 + 100) * 1.5 * 1.5 / 100)
    now = logic.l3Results()[0]
    assert not now.checked and now.tableNode.GetTable().GetValue(0, 3).ToString() == "not checked"


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_orientation(scene, logic, axis):
    """Permuted and turned grids: the plane lies on the slice of the axis nearest to head-foot."""
    others = [other for other in (0, 1, 2) if other != axis]
    directions = np.zeros((3, 3))
    directions[2, axis], directions[0, others[0]], directions[1, others[1]] = -1, -1, 1
    turn = np.array([[1, 0, 0], [0, 0.96, -0.28], [0, 0.28, 0.96]])
    ct = addCt(scene, directions=turn @ directions, origin=(5, 6, 7))
    index = 9
    result = found(logic, ct, index=index, axis="ijk"[axis])
    middle = [(size - 1) / 2 for size in (56, 48, 30)]
    middle[axis] = index
    assert result.positionRas == pytest.approx(world(ct, middle))
    normal = np.array(result.planeNode.GetNormalWorld())
    assert abs(normal @ (turn @ directions)[:, axis]) == pytest.approx(1)
    assert result.measuredIndex == index and sum(result.areasCm2.values()) > 0


def test_a_ct_under_a_transform_is_found_where_it_is_shown(scene, logic):
    from TransferSegGUI.exchange import readImage

    ct = addCt(scene, transform=addTransform(scene))
    run = logic.findL3(ct, model=placeLevelModel(), callback=lambda result, error: None)
    logic.client.pump()
    sent = readImage(logic.client.jobs[-1].args["ct"]).ijkToLps
    assert (np.diag([-1, -1, 1, 1]) @ sent @ [1, 2, 3, 1])[:3] == pytest.approx(world(ct, (1, 2, 3)))
    answerL3(logic.client)
    logic.client.pump()
    result = run.result
    assert result.positionRas == pytest.approx(world(ct, (27.5, 23.5, 14)))
    assert result.segmentationNode.GetTransformNodeID() == ct.GetTransformNodeID()
    assert result.planeNode.GetTransformNodeID() == ct.GetTransformNodeID()
    assert sum(result.areasCm2.values()) > 0


def drag(plane, ras, end=True):
    """Move the plane as the handle does."""
    plane.SetCenterWorld(*ras)
    if end:
        plane.InvokeEvent(plane.PointEndInteractionEvent)


def follow(result):
    from TransferSegGUI import level_results
    from TransferSegGUI.level_plane import PlaneFollower

    moved = []
    follower = PlaneFollower(moved.append)
    follower.watch(result.planeNode, level_results.axisOf(result.planeNode))
    return follower, moved


def test_dragging_moves_along_the_normal_only_and_ends_on_a_slice(scene, logic):
    ct = addCt(scene)
    result = found(logic, ct)
    follower, moved = follow(result)
    drag(result.planeNode, world(ct, (40, 10, 17.3)), end=False)
    assert result.planeNode.GetCenterWorld() == pytest.approx(world(ct, (27.5, 23.5, 17.3)))
    drag(result.planeNode, world(ct, (40, 10, 17.3)))
    assert result.planeNode.GetCenterWorld() == pytest.approx(world(ct, (27.5, 23.5, 17)))
    assert moved[-1] is True and logic.l3Results()[0].sliceIndex == 17 and logic.l3Results()[0].foundIndex == 14
    drag(result.planeNode, world(ct, (0, 0, 99)))
    assert logic.l3Results()[0].sliceIndex == 29, "it stays inside the CT"
    follower.watch(None, None)


def test_the_corrected_slice_is_measured_anew(scene, logic):
    ct = addCt(scene)
    result = found(logic, ct)
    old = result.segmentationNode
    follower, _moved = follow(result)
    drag(result.planeNode, world(ct, (27.5, 23.5, 20)))
    run = logic.measureL3(result, callback=lambda result, error: None)
    now = finish(logic, run)
    assert now.measuredIndex == 20 and not scene.IsNodePresent(old) and now.answer == "found" and now.foundIndex == 14
    assert now.planeNode is result.planeNode and logic.client.jobs[-1].args["slice"] == 20
    follower.watch(None, None)


def test_answers_without_a_slice_make_no_nodes(scene, logic):
    ct = addCt(scene)
    before = scene.GetNumberOfNodes()
    for answer in ("not-in-view", "refused"):
        result = found(logic, ct, answer=answer, index=None, message="L3 lies above the scan.", confidence=None)
        assert result.answer == answer and result.planeNode is None and result.message == "L3 lies above the scan."
    assert scene.GetNumberOfNodes() == before and logic.l3Results() == []


def test_uncertain_puts_the_plane_at_the_first_candidate_and_measures_nothing(scene, logic):
    candidates = [{"slice_index": 12, "confidence": 0.4}, {"slice_index": 19, "confidence": 0.35}]
    result = found(logic, addCt(scene), answer="uncertain", index=None, candidates=candidates)
    assert result.sliceIndex == 12 and result.segmentationNode is None and len(result.candidates) == 2


def test_a_second_ct_has_its_own_plane_and_undo_goes_back(scene, logic):
    first, second = found(logic, addCt(scene, "CT one")), found(logic, addCt(scene, "CT two"), index=20)
    assert [one.volumeName for one in logic.l3Results()] == ["CT two", "CT one"]
    assert not first.planeNode.GetDisplayVisibility() and second.planeNode.GetDisplayVisibility()
    assert not first.segmentationNode.GetDisplayVisibility()
    assert "CT two" in logic.undoL3()
    assert first.planeNode.GetDisplayVisibility() and first.segmentationNode.GetDisplayVisibility()
    assert [one.volumeName for one in logic.l3Results()] == ["CT one"]
    logic.confirmL3(first)
    assert "kept" in logic.undoL3() and scene.IsNodePresent(first.planeNode) and logic.undoL3() is None


def test_by_hand(scene, logic):
    result = logic.markL3(addCt(scene), 21)
    assert (result.answer, result.sliceIndex, result.foundIndex) == ("given", 21, None)


def test_the_csv_says_what_is_checked(scene, logic):
    ct = addCt(scene)
    result = found(logic, ct, height=1.7)
    heads, line = (text.split(",") for text in logic.l3Csv().splitlines())
    row = dict(zip(heads, line))
    assert row["ct"] == "CT abdomen" and row["slice"] == "14" and row["checked_by_a_reader"] == "no"
    assert float(row["mm"]) == pytest.approx(world(ct, (0, 0, 14))[2], abs=0.01) and row["height_m"] == "1.7"
    logic.confirmL3(result)
    assert ",yes," in logic.l3Csv()


def test_what_is_no_ct_is_refused_before_any_work(scene, logic):
    import slicer

    from TransferSegLib.errors import TransferSegError

    colour = slicer.util.addVolumeFromArray(
        np.zeros((8, 8, 8, 3), np.uint8), name="4-D", nodeClassName="vtkMRMLVectorVolumeNode"
    )
    single = addVolume(scene, "one slice", np.zeros((1, 20, 20), np.int16))
    placeLevelModel()
    for node, words in ((None, "Choose a CT"), (colour, "several values"), (single, "single slice")):
        with pytest.raises(TransferSegError, match=words):
            logic.findL3(node, model=MODEL)
    assert logic.client.jobs == []


def test_a_model_for_another_task_is_refused(scene, logic):
    from helpers_logic import placeModel

    from TransferSegLib.errors import TransferSegError

    with pytest.raises(TransferSegError, match="finds no level"):
        logic.findL3(addCt(scene), model=placeModel())


def test_nothing_is_put_on_a_ct_that_is_gone(scene, logic):
    ct = addCt(scene)
    run = logic.findL3(ct, model=placeLevelModel(), callback=lambda result, error: None)
    logic.client.pump()
    scene.RemoveNode(ct)
    answerL3(logic.client)
    logic.client.pump()
    assert run.state == "failed" and "removed" in run.error.message and logic.l3Results() == []


def test_closing_the_scene_ends_the_search(scene, logic):
    run = logic.findL3(addCt(scene), model=placeLevelModel(), callback=lambda result, error: None)
    logic.client.pump()
    scene.Clear(0)
    assert run.state == "cancelled" and "scene was closed" in run.error.message


def test_a_removed_plane_or_ct_is_said(scene, logic):
    from TransferSegLib.errors import TransferSegError

    ct = addCt(scene)
    result = found(logic, ct)
    scene.RemoveNode(ct)
    with pytest.raises(TransferSegError, match="no longer in the scene"):
        logic.measureL3(result)
    scene.RemoveNode(result.planeNode)
    with pytest.raises(TransferSegError, match="no plane"):
        logic.confirmL3(result)


def test_a_saved_scene_keeps_it_all(scene, logic, tmp_path):
    import slicer

    ct = addCt(scene)
    result = found(logic, ct, height=1.6)
    logic.confirmL3(result)
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"), properties={})
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"), properties={})
    loaded = logic.l3Results()[0]
    assert (loaded.answer, loaded.measuredIndex, loaded.checked) == ("found", 14, True)
    assert loaded.areasCm2 == result.areasCm2 and loaded.volumeNode is not None
    assert loaded.planeNode.GetNthControlPointLabel(0) == "L3"
    assert loaded.positionRas == pytest.approx(result.positionRas, abs=1e-3)
    assert logic.l3Numbers(loaded, 1.6)["areas_cm2"] == result.areasCm2 and logic.l3Results()[0].checked


def test_oblique_views_are_turned_to_show_one_slice(scene, logic):
    import slicer

    ct = addCt(scene, directions=OBLIQUE @ np.diag([-1.0, -1.0, 1.0]))
    found(logic, ct)
    for view in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        matrix = view.GetSliceToRAS()
        normal = np.array([matrix.GetElement(row, 2) for row in range(3)])
        assert np.abs(normal @ OBLIQUE).max() == pytest.approx(1, abs=1e-6)
