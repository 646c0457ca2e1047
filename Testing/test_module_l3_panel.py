"""The L3 panel by its widgets: choosing, finding, correcting, numbers, readings, training cases; no worker."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from helpers_l3 import FIRST_MM, MODEL, addCt, answerL3, labelsOn, placeLevelModel, trunk
from helpers_logic import StepClient, placeModel
from helpers_panels import PANEL_WIDTH, as_in_slicer, cut_off, settle, wait_for, without_tooltip
from test_module_l3 import drag, world


@pytest.fixture
def panel(tmp_path, monkeypatch, request, app):
    """The L3 panel in the module, shown, with a client that the test answers."""
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    placeLevelModel()
    module = request.getfixturevalue("module")
    module.widget.logic._client = StepClient()
    frame = module.widget.frame
    module.holder.resize(PANEL_WIDTH, 1000)
    module.holder.show()
    frame.ui.tabs.setCurrentIndex(2)
    frame.levelPanel.selectModel(MODEL)
    frame.levelPanel.module = module
    return frame.levelPanel


@pytest.fixture
def ct(panel, scene, app):
    node = addCt(scene)
    wait_for(app, lambda: panel.ui.findButton.enabled)
    return node


def answer(panel, app, **values):
    """Answer what the panel asked, and wait for the result."""
    wait_for(app, lambda: panel.logic.client.jobs or panel.logic.client.pump())
    answerL3(panel.logic.client, **values)
    wait_for(app, lambda: panel.work.run is None or panel.logic.client.pump())
    panel.logic.client.jobs.clear()
    assert panel.ui.errorBox.isHidden(), panel.ui.errorText.text


def find(panel, app, **values):
    assert panel.ui.findButton.enabled, panel.ui.findReason.text
    panel.ui.findButton.click()
    assert not panel.ui.runBox.isHidden() and not panel.ui.findButton.enabled
    answer(panel, app, **values)
    return panel.result.result


def test_the_ct_is_guessed_and_its_lack_is_explained(panel, scene, app):
    settle(app, 0.3)
    assert not panel.ui.findButton.enabled and "No image is loaded" in panel.ui.ctReason.text
    node = addCt(scene)
    wait_for(app, lambda: panel.ui.findButton.enabled)
    assert panel.ui.ctSelector.currentNode() is node and panel.ui.ctReason.isHidden()
    scene.RemoveNode(node)
    wait_for(app, lambda: not panel.ui.findButton.enabled)
    assert panel.ui.ctSelector.currentNode() is None


def test_of_two_cts_one_is_taken_and_said(panel, scene, ct, app):
    addCt(scene, "CT chest")
    panel.ui.ctSelector.setCurrentNode(None)
    panel.fill()
    assert panel.ui.ctSelector.currentNode() is not None and "Several volumes" in panel.ui.ctReason.text


def test_choosers_offer_models_of_their_task(panel, module):
    placeModel()
    frame = module.widget.frame
    for one in (frame.segmentPanel, frame.adaptPanel, frame.levelPanel):
        one.refresh() if hasattr(one, "refresh") else one.enter()

    def names(combo):
        return {combo.itemData(row) for row in range(combo.count)}

    levels = names(panel.ui.modelSelector)
    assert MODEL in levels and "small" not in levels and "brain-unet-phantom" not in levels
    for combo in (frame.segmentPanel.ui.modelSelector, frame.adaptPanel.ui.sourceSelector):
        assert "small" in names(combo) and not names(combo) & levels
    frame.modelsPanel.modelWanted.emit(MODEL)
    assert frame.ui.tabs.currentIndex == 2 and panel.models.name == MODEL
    frame.modelsPanel.modelWanted.emit("small")
    assert frame.ui.tabs.currentIndex == 0


def test_one_button_finds_shows_and_measures(panel, ct, app, scene):
    import slicer

    panel.ui.heightSpin.value = 1.7
    result = find(panel, app)
    ui = panel.ui
    assert "L3 found" in ui.answerLabel.text and "slice 14" in ui.answerLabel.text
    assert ui.confidenceLabel.text == "Confidence: high (0.93)."
    assert not ui.projectionButton.isHidden() and not ui.projectionButton.icon.isNull()
    assert ui.numbersTable.mrmlTableNode() is result.tableNode and "Not checked" in ui.numbersState.text
    assert result.skeletalMuscleIndex is not None
    at = world(ct, (27.5, 23.5, 14))
    for view in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        matrix = view.GetSliceToRAS()
        normal = np.array([matrix.GetElement(row, 2) for row in range(3)])
        here = np.array([matrix.GetElement(row, 3) for row in range(3)])
        assert normal @ (here - at) == pytest.approx(0, abs=1e-6)
    assert ui.useSliceButton.isHidden() and not ui.backButton.enabled


def test_the_click_on_the_projection_jumps(panel, ct, app):
    import slicer

    find(panel, app)
    height = panel.ui.projectionButton.height
    mm = panel.result.projection.heightAt(height / 4)
    assert mm == pytest.approx(FIRST_MM - (15 - 0.5) * 2.0)
    panel.result.projection.clicked.emit(mm)
    nearest = min(range(30), key=lambda k: abs(world(ct, (0, 0, k))[2] - mm))
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    assert red.GetSliceToRAS().GetElement(2, 3) == pytest.approx(world(ct, (0, 0, nearest))[2])
    assert panel.result.result.sliceIndex == 14


def test_dragging_offers_the_corrected_slice(panel, ct, app):
    find(panel, app)
    ui = panel.ui
    drag(panel.result.plane, world(ct, (27.5, 23.5, 16)))
    assert "slice 16, +2 from the model's (+8.0 mm)" in ui.planeLabel.text
    assert not ui.useSliceButton.isHidden() and "of slice 14; the plane stands on slice 16" in ui.numbersState.text
    ui.useSliceButton.click()
    answer(panel, app)
    assert panel.result.result.measuredIndex == 16 and ui.useSliceButton.isHidden()
    assert "slice 16" in ui.numbersState.text
    ui.backButton.click()
    assert panel.result.result.sliceIndex == 14 and not ui.useSliceButton.isHidden()


def test_numbers_follow_edits_and_a_reader_confirms(panel, ct, app, scene):
    import slicer

    result = find(panel, app)
    ui = panel.ui
    ui.checkedBox.click()
    assert "Checked by a reader" in ui.numbersState.text and panel.result.result.checked
    before = result.areasCm2["subcutaneous_fat"]
    labels = (labelsOn(trunk().shape, 2, 14) == 2).astype(np.uint8)
    labels[14, 20:28, 20:36] = 1
    node = result.segmentationNode
    slicer.util.updateSegmentBinaryLabelmapFromArray(labels, node, node.GetSegmentation().GetNthSegmentID(1), ct)
    wait_for(app, lambda: panel.result.result.areasCm2["subcutaneous_fat"] != before)
    assert "Not checked" in ui.numbersState.text and not ui.checkedBox.checked
    ui.editButton.click()
    editor = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    assert editor.GetSegmentationNode() is node and editor.GetSourceVolumeNode() is ct


def test_the_height_gives_the_index_at_once(panel, ct, app):
    find(panel, app)
    assert panel.result.result.skeletalMuscleIndex is None
    panel.ui.heightSpin.value = 1.8
    now = panel.result.result
    assert now.skeletalMuscleIndex == pytest.approx(now.areasCm2["skeletal_muscle"] / 1.8**2)


def test_numbers_go_out_as_csv(panel, ct, app, dialogs, tmp_path):
    import slicer

    find(panel, app)
    panel.ui.copyButton.click()
    assert slicer.app.clipboard().text().startswith("ct,level,slice,mm,")
    dialogs.answer(str(tmp_path / "numbers.csv"))
    panel.ui.exportButton.click()
    rows = list(csv.DictReader((tmp_path / "numbers.csv").open()))
    assert rows[0]["ct"] == "CT abdomen" and rows[0]["checked_by_a_reader"] == "no"


def test_candidates_are_buttons_that_move_the_plane(panel, ct, app):
    candidates = [{"slice_index": 12, "confidence": 0.41}, {"slice_index": 19, "confidence": 0.35}]
    find(panel, app, answer="uncertain", index=None, candidates=candidates, message="two candidates")
    ui = panel.ui
    assert "uncertain" in ui.answerLabel.text and ui.candidateTwoButton.text == "Slice 19 (0.35)"
    ui.candidateTwoButton.click()
    assert panel.result.result.sliceIndex == 19 and not ui.useSliceButton.isHidden()


def test_not_in_view_and_refused_are_said_and_the_plane_can_be_set_by_hand(panel, ct, app):
    import slicer

    find(panel, app, answer="not-in-view", index=None, message="L3 lies 40 mm above the scan.", confidence=None)
    ui = panel.ui
    assert "not in view" in ui.answerLabel.text and "40 mm above" in ui.answerLabel.text
    assert not ui.addCaseButton.enabled and ui.candidateOneButton.isHidden()
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *world(ct, (10, 10, 22)))
    ui.markButton.click()
    assert panel.result.result.answer == "given" and panel.result.result.sliceIndex == 22
    ui.undoButton.click()
    assert panel.result.result is None and "removed" in ui.planeLabel.text


def test_a_correction_becomes_a_training_case(panel, ct, app, dialogs, tmp_path):
    from TransferSegGUI.exchange import readImage

    find(panel, app)
    drag(panel.result.plane, world(ct, (27.5, 23.5, 17)))
    panel.ui.addCaseButton.click()
    wait_for(app, lambda: panel.work.adding is None or panel.logic.client.pump())
    assert panel.ui.errorBox.isHidden(), panel.ui.errorText.text
    folder = tmp_path / "home" / "levels" / "corrected"
    rows = list(csv.DictReader((folder / "levels.csv").open()))
    assert [(row["id"], row["level"], row["slice"]) for row in rows] == [("CT_abdomen", "L3", "17")]
    kept = readImage(folder / rows[0]["ct"])
    assert np.array_equal(kept.array, trunk()) and float(rows[0]["mm"]) == pytest.approx(world(ct, (0, 0, 17))[2])
    assert (folder.stat().st_mode & 0o077) == 0
    assert panel.ui.casesTable.rowCount == 1 and not panel.ui.casesButton.collapsed
    panel.ui.addCaseButton.click()  # again: replaced
    wait_for(app, lambda: panel.work.adding is None or panel.logic.client.pump())
    assert len(panel.cases.cases) == 1 and len(list((folder / "cases").iterdir())) == 1
    panel.ui.casesTable.item(0, 3).setCheckState(check())
    assert panel.cases.cases[0].heldOut
    panel.ui.casesTable.selectRow(0)
    panel.ui.removeCaseButton.click()
    assert len(panel.cases.cases) == 0 and not list((folder / "cases").iterdir())


def check():
    import qt

    return qt.Qt.Checked


def test_a_reading_is_saved_under_a_name(panel, ct, app, tmp_path):
    find(panel, app)
    ui = panel.ui
    assert not ui.saveReadingButton.enabled and "reader's name" in ui.readingLabel.text
    ui.readerEdit.text = "Reader A"
    ui.reviewSpin.value = 2
    ui.saveReadingButton.click()
    assert "Saved: Reader A, review 2, slice 14" in ui.readingLabel.text
    rows = list(csv.DictReader((tmp_path / "home" / "levels" / "corrected" / "readings.csv").open()))
    assert (rows[0]["reader"], rows[0]["review"], rows[0]["slice"]) == ("Reader A", "2", "14")


def test_an_error_is_one_plain_line_and_cancel_leaves_nothing(panel, ct, app):
    from TransferSegLib.errors import InputError

    panel.ui.findButton.click()
    wait_for(app, lambda: panel.logic.client.jobs or panel.logic.client.pump())
    panel.logic.client.jobs[-1].end("failed", error=InputError("ct.nrrd: cannot be read; load it again"))
    wait_for(app, lambda: panel.work.run is None)
    assert "cannot be read" in panel.ui.errorText.text and panel.ui.findButton.enabled
    panel.ui.findButton.click()
    panel.ui.cancelButton.click()
    wait_for(app, lambda: panel.work.run is None or panel.logic.client.pump())
    assert panel.result.result is None and "Cancelled" in panel.ui.errorText.text


def test_the_ct_goes_while_the_panel_shows_it(panel, ct, app, scene):
    find(panel, app)
    scene.RemoveNode(ct)
    settle(app, 0.3)
    assert panel.result.result is None and panel.ui.numbersTable.isHidden()


def test_another_scene_forgets(panel, ct, app, scene):
    find(panel, app)
    scene.Clear(0)
    settle(app, 0.3)
    assert panel.result.result is None and not panel.ui.findButton.enabled
    assert "Nothing was looked for" in panel.ui.answerLabel.text


def test_nothing_is_cut_off_and_everything_says_what_it_is(panel, ct, app):
    find(panel, app)
    with as_in_slicer(app, panel.module.holder) as area:
        for section in (panel.ui.readingButton, panel.ui.casesButton, panel.adapt.ui.strategyButton):
            section.collapsed = False
        settle(app)
        assert panel.module.holder.width <= area.viewport().width
        wait_for(app, lambda: cut_off(panel.widget) == [], 10)
    assert without_tooltip(panel.widget) == []
