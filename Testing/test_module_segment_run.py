"""A run in the Segment panel: progress in plain words, cancel, errors, the result and where it leads; no worker."""

from __future__ import annotations

import time

import pytest
from helpers_panels import PANEL_WIDTH, add_patient, as_in_slicer, cut_off, settle, wait_for

MODEL = "brain-unet-phantom"


@pytest.fixture
def panel(module, app, monkeypatch):
    """The Segment panel, ready to start; ``panel.logic.segment`` notes what it was asked and returns a bare run."""
    from TransferSegGUI.runs import Run

    panel = module.widget.frame.segmentPanel
    module.holder.resize(PANEL_WIDTH, 1000)
    module.holder.show()

    def segment(self, model, volumes, **options):
        run = Run(None, options["callback"], options["onEvent"])
        run.asked = {"model": model, "volumes": volumes, **options}
        run.ended, run.after = (lambda _run: None), (lambda: None)
        run.state = "running"
        return run

    monkeypatch.setattr(type(module.logic), "segment", segment)
    add_patient()
    wait_for(app, lambda: panel.ui.applyButton.enabled)
    return panel


@pytest.fixture
def running(panel):
    """The panel after Apply."""
    panel.ui.applyButton.click()
    return panel


def progress(panel, stage="segment", done=0, total=0, left=None):
    panel.run._event(None, {"event": "progress", "stage": stage, "done": done, "total": total, "seconds_left": left})


def make_result(panel, ml=1.5):
    """A result with nodes in the scene, as the logic makes it."""
    import slicer
    from TransferSegGUI import history, results
    from TransferSegGUI.segmenting import SegmentResult

    flair = panel.selectors.volumes()["flair"]
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"FLAIR {MODEL}")
    node.SetReferenceImageGeometryParameterFromVolumeNode(flair)
    node.CreateDefaultDisplayNodes()
    table = results.makeTable({"tumour": 0.0, "oedema": ml}, {"tumour": 0, "oedema": 1500}, "volumes")
    facts = {"Model": MODEL}
    history.record(node, parts=[table], inputIds={"flair": flair.GetID()}, values={}, mark="", facts=facts)
    volumes = {"tumour": 0.0, "oedema": ml}
    return SegmentResult(
        MODEL, node, table, volumesMl=volumes, seconds=2.25, device="cpu", notes=["FLAIR was aligned."]
    )


def finish(panel, result):
    """The run ends well, as the logic tells it."""
    panel.logic.resultMade.emit(result)
    panel.run.succeed(result)


def test_apply_hands_over_what_the_panel_shows(panel):
    panel.ui.deviceSelector.setCurrentIndex(1)
    panel.ui.uncertainty.checked = True
    panel.ui.showPreparation.checked = True
    panel.ui.applyButton.click()
    asked = panel.run.asked
    assert asked["model"] == MODEL and asked["device"] == "cpu" and asked["queue"] is False
    assert asked["uncertainty"] and asked["showPreparation"] and asked["brainMask"] == "auto"
    assert {role: node.GetName() for role, node in asked["volumes"].items()}["t1gd"] == "T1POST"


def test_a_second_run_cannot_be_asked_for(running):
    assert not running.ui.applyButton.enabled
    assert running.ui.applyButton.toolTip == "A segmentation is running."
    run = running.run
    running.apply()
    assert running.run is run


def test_progress_is_told_in_plain_words(running, monkeypatch):
    ui = running.ui
    assert not ui.runBox.isHidden() and ui.runProgress.maximum == 0
    progress(running, "registration", 0, 3)
    assert ui.stageLabel.text == "Aligning the images with each other"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 2)
    progress(running, "registration", 1, 3, left=40)
    assert (ui.runProgress.value, ui.runProgress.maximum) == (1, 3)
    assert ui.rateLabel.text == "about 40 s left · 1 of 3 parts · 30 a minute"
    running.run._event(None, {"event": "memory", "used_gb": 4.0, "total_gb": 16.0})
    assert ui.memoryBar.value == 250 and ui.memoryBar.format == "4.0 of 16 GB"


def test_raw_output_is_behind_the_details_fold_only(running):
    running.run._event(None, {"event": "message", "text": "T1: no modality in its header"})
    assert running.ui.detailsButton.collapsed
    assert "T1: no modality in its header" in running.ui.detailsText.plainText
    running.ui.copyDetailsButton.click()
    import slicer

    assert "T1: no modality in its header" in slicer.app.clipboard().text()


def test_cancel_leaves_everything_as_it_was(running):
    running.ui.cancelButton.click()
    assert running.run is None and running.ui.runBox.isHidden()
    assert running.ui.errorText.text == "Cancelled. Nothing in the scene was changed."
    assert running.ui.applyButton.enabled


def test_cancelling_is_shown_until_the_worker_answers(running):
    run = running.run
    run.cancel = lambda message="": None
    running.ui.cancelButton.click()
    progress(running, "segment", 1, 4)
    assert running.ui.stageLabel.text == "Cancelling…" and not running.ui.cancelButton.enabled


def test_an_error_is_one_plain_line_and_the_panel_stays_usable(running):
    from TransferSegLib.errors import OutOfMemory

    error = OutOfMemory("The computer ran out of memory; close other programs and try again.")
    error.details = "Traceback: somewhere inside"
    running.run.fail(error)
    ui = running.ui
    assert ui.errorText.text == "⚠ The computer ran out of memory; close other programs and try again."
    assert "Traceback" not in ui.errorText.text and "Traceback" in ui.detailsText.plainText
    assert ui.applyButton.enabled and ui.runBox.isHidden()
    ui.applyButton.click()
    assert ui.errorBox.isHidden()


def test_an_error_before_the_start_is_said_in_the_panel_too(panel, module, monkeypatch):
    def refuse(self, *values, **options):
        raise ValueError("a bug")

    monkeypatch.setattr(type(module.logic), "segment", refuse)
    panel.ui.applyButton.click()
    assert panel.ui.errorText.text.startswith("⚠ ") and "\n" not in panel.ui.errorText.text
    assert "a bug" in panel.ui.detailsText.plainText
    assert panel.run is None and panel.ui.applyButton.enabled


def test_the_result_is_a_sentence_a_table_and_what_to_do_next(running):
    result = make_result(running)
    finish(running, result)
    ui = running.ui
    assert ui.resultText.text == "Found oedema 1.5 ml. It took 2.2 s on the CPU."
    assert ui.resultNotes.text == "• FLAIR was aligned."
    assert ui.volumesTable.mrmlTableNode() is result.tableNode
    assert ui.correctButton.enabled and ui.trainingButton.enabled and ui.applyButton.enabled


def test_nothing_found_is_said(running):
    finish(running, make_result(running, ml=0.0))
    assert "Found nothing" in running.ui.resultText.text


def test_correct_opens_the_segment_editor_with_outline_and_image(running, scene):
    import slicer

    result = make_result(running)
    finish(running, result)
    running.ui.correctButton.click()
    editor = scene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    assert editor.GetSegmentationNode() is result.segmentationNode
    assert editor.GetSourceVolumeNode().GetName() == "FLAIR"
    assert slicer.util.selectedModule() == "SegmentEditor"


def test_use_as_training_case_hands_over_to_adapt(running, module, monkeypatch):
    offered = []
    monkeypatch.setattr(module.widget.frame.adaptPanel, "offerCase", lambda *values: offered.append(values))
    result = make_result(running)
    finish(running, result)
    running.ui.trainingButton.click()
    assert module.widget.frame.ui.tabs.currentIndex == 1
    model, volumes, node = offered[0]
    assert model == MODEL and node is result.segmentationNode and volumes["flair"].GetName() == "FLAIR"


def test_undo_takes_back_the_newest_and_shows_the_one_before(running, scene):
    first = make_result(running, ml=1.0)
    finish(running, first)
    running.ui.applyButton.click()
    second = make_result(running, ml=2.0)
    finish(running, second)
    assert "2.0 ml" in running.ui.resultText.text
    running.ui.undoButton.click()
    assert not second.segmentationNode.GetDisplayVisibility()
    assert "1.0 ml" in running.ui.resultText.text
    running.ui.undoButton.click()
    assert not running.ui.correctButton.enabled and not running.ui.undoButton.enabled
    assert running.ui.volumesTable.isHidden()


def test_a_deleted_result_is_not_offered(running, app, scene):
    result = make_result(running)
    finish(running, result)
    scene.RemoveNode(result.segmentationNode)
    wait_for(app, lambda: running.ui.resultButton.isHidden())


def test_a_result_made_in_the_console_is_shown_too(panel):
    result = make_result(panel)
    panel.logic.resultMade.emit(result)
    assert "1.5 ml" in panel.ui.resultText.text and panel.ui.undoButton.enabled


def test_the_result_of_a_saved_scene_is_shown_after_loading(running, scene, tmp_path):
    import slicer

    finish(running, make_result(running))
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    assert running.ui.resultButton.isHidden() and not running.ui.applyButton.enabled
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    assert not running.ui.resultButton.isHidden() and running.ui.correctButton.enabled
    assert running.ui.volumesTable.mrmlTableNode().GetNumberOfRows() == 3


def test_a_result_that_comes_after_leaving_the_module_is_there_on_return(running, module):
    module.widget.exit()
    finish(running, make_result(running))
    module.widget.enter()
    assert "1.5 ml" in running.ui.resultText.text and running.ui.applyButton.enabled


def test_nothing_is_cut_off_while_running_and_after(running, app, module):
    progress(running, "registration", 1, 3, left=4000)
    running.run._event(None, {"event": "memory", "used_gb": 123.4, "total_gb": 512.0})
    with as_in_slicer(app, module.holder) as area:
        assert cut_off(running.widget) == []
        finish(running, make_result(running))
        settle(app)
        assert not running.ui.resultButton.visibleRegion().isEmpty()
        assert module.holder.width <= area.viewport().width
        assert cut_off(running.widget) == []
