"""The Adapt panel while it trains and after: progress, curves, Stop, Discard, verdict, interrupted trainings."""

# ruff: noqa: F811  (fixtures are imported and then named as arguments)

from __future__ import annotations

from types import SimpleNamespace

import pytest
from helpers_adapt import logic, outline, panel, ready, started  # noqa: F401

RESULT = {
    "name": "brain-unet-phantom-half-lr",
    "package": "",
    "report": "",
    "seconds": 61.0,
    "trainable": 125229,
    "total": 125229,
    "held_out": ["p07"],
    "trained_on": ["p03"],
}


def _evaluation(**dice):
    return {"cases": [{"id": "p07", "dice": dice}], "mean": {"dice": sum(v for v in dice.values() if v) / 2}}


def _result(verdict, message, **changes):
    before, after = _evaluation(necrosis=0.31, oedema=0.72), _evaluation(necrosis=0.45, oedema=0.70, scar=None)
    return SimpleNamespace(
        **{**RESULT, "verdict": verdict, "message": message, "before": before, "after": after, **changes}
    )


def test_a_training_shows_progress_curves_and_verdict(panel, logic, app):
    import slicer

    ui = panel.ui
    run = started(panel, logic, *(f"p{n}" for n in range(7)))
    assert logic.asked[-1][0] == "adapt" and logic.asked[-1][2]["name"] == "brain-unet-phantom-half-lr"
    assert ui.runBox.visible and not ui.startButton.enabled and not ui.stopButton.enabled
    run.move("Training", 60, 500, 240.0)
    for epoch in (1, 2, 3):
        run.row(epoch, 1.0 / epoch, 0.2 * epoch)
    run.move("Training", 150, 500, 200.0)
    app.processEvents()
    assert "3 min left" in ui.rateLabel.text and "3.1 of 16 GB" in ui.memoryBar.text
    assert "set aside" in ui.curvesNote.text
    chart = panel.training.curves.chartNode
    assert chart.GetNumberOfPlotSeriesNodes() == 2
    table = chart.GetNthPlotSeriesNode(1).GetTableNode().GetTable()
    assert [table.GetValueByName(row, "validation Dice").ToDouble() for row in range(3)] == pytest.approx(
        [0.2, 0.4, 0.6]
    )
    assert chart.GetXAxisRange()[1] == 9 or chart.GetXAxisRange()[1] == 10
    views = slicer.util.getNodesByClass("vtkMRMLPlotViewNode")
    assert [view.GetPlotChartNodeID() for view in views if view.GetHideFromEditors()] == [chart.GetID()]
    assert not any(view.GetSaveWithScene() for view in views if view.GetHideFromEditors())
    run.end(_result("better", "better on 1 of 1 held-out case: mean Dice 0.51 → 0.57; one case proves little"))
    assert not ui.runBox.visible and ui.resultBox.visible
    assert "Better on 1 of 1 held-out case: mean Dice 0.51 → 0.57" in ui.verdictLabel.text
    rows = [[ui.resultTable.item(r, c).text() for c in range(5)] for r in range(ui.resultTable.rowCount)]
    assert rows[0] == ["p07", "necrosis", "0.31", "0.45", "+0.14"]
    assert rows[1][4] == "−0.02" and rows[2] == ["p07", "scar", "–", "–", "–"] and rows[3][0] == "mean"
    wanted = []
    panel.modelWanted.connect(wanted.append)
    ui.useButton.click()
    assert wanted == ["brain-unet-phantom-half-lr"]


def test_without_an_inner_split_it_says_so_in_words(panel, logic):
    run = started(panel, logic, "p03", "p07")
    assert "fewer than 6 training cases" in panel.ui.curvesNote.text
    run.row(1, 0.9, None)
    assert "fewer than 6 training cases" in panel.ui.curvesNote.text
    assert panel.training.curves.chartNode.GetNumberOfPlotSeriesNodes() == 1


def test_six_cases_of_one_patient_say_so_too(panel, logic):
    run = started(panel, logic, *(f"p{n}" for n in range(6)))
    assert panel.ui.curvesNote.text == "The curves start after the first epoch."
    assert panel.ui.curvesWidget.height < 20, "an empty plot is black"
    run.row(1, 0.9, None)
    assert "one patient" in panel.ui.curvesNote.text


def test_stop_asks_and_keeps_the_best(panel, logic, dialogs):
    import qt

    run = started(panel, logic)
    run.move("Training", 10, 500)
    assert not panel.ui.stopButton.enabled, "there is nothing to keep yet"
    run.row(1, 0.9, None)
    run.tell({"event": "progress", "stage": "training", "done": 51, "total": 500})
    dialogs.answer(qt.QMessageBox.Cancel)
    panel.ui.stopButton.click()
    assert not run.stopped
    panel.ui.stopButton.click()
    assert run.stopped and not panel.ui.stopButton.enabled and panel.ui.stopButton.text == "Stopping…"
    run.tell({"event": "progress", "stage": "training", "done": 52, "total": 500})
    assert not panel.ui.stopButton.enabled
    run.end(_result("better", "better on 1 of 1 held-out case", stopped=True))
    assert "stopped early" in panel.ui.verdictNote.text


def test_discard_asks_and_leaves_everything_as_it_was(panel, logic, dialogs):
    import qt

    run = started(panel, logic)
    dialogs.answer(qt.QMessageBox.Cancel)
    panel.ui.cancelButton.click()
    assert not run.finished and panel.ui.cancelButton.enabled
    panel.ui.cancelButton.click()
    assert run.finished and not panel.ui.runBox.visible
    assert "Discarded" in panel.ui.errorText.text and panel.ui.startButton.enabled


def test_a_worse_model_is_not_put_into_the_chooser(panel, logic):
    run = started(panel, logic)
    run.end(_result("worse", "worse: mean Dice 0.51 → 0.40 on 1 held-out case"))
    assert not panel.ui.useButton.enabled and "worse" in panel.ui.useButton.toolTip
    assert "not proposed" in panel.ui.verdictNote.text


def test_without_held_out_cases_there_is_no_table(panel, logic):
    run = started(panel, logic)
    run.end(_result("not-measured", "not measured: no case was held out", before=None, after=None))
    assert not panel.ui.resultTable.visible and "nothing was tested" in panel.ui.verdictNote.text
    assert not panel.ui.reportButton.enabled


def test_the_report_is_opened(panel, logic, tmp_path, monkeypatch):
    import qt

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    report = tmp_path / "report.pdf"
    report.write_bytes(b"%PDF")
    run = started(panel, logic)
    run.end(_result("better", "better", report=str(report)))
    panel.ui.reportButton.click()
    assert opened == [str(report)]


def test_an_error_is_one_plain_line_with_its_details_in_the_fold(panel, logic):
    from TransferSegLib.errors import TransferSegError

    error = TransferSegError("the disk is full; free some space", hint="The training can be resumed.")
    error.details = "Traceback (most recent call last): ..."
    run = started(panel, logic)
    run.end(None, error)
    assert panel.ui.errorText.text == "⚠ the disk is full; free some space\nThe training can be resumed."
    assert "Traceback" in panel.ui.detailsText.plainText and panel.ui.detailsButton.collapsed


def test_the_scene_may_be_closed_while_it_trains(panel, logic, app):
    import slicer

    run = started(panel, logic, *(f"p{n}" for n in range(7)))
    run.row(1, 0.9, 0.1)
    slicer.mrmlScene.Clear(0)
    app.processEvents()
    run.row(2, 0.8, 0.2)
    plots = ("vtkMRMLPlotChartNode", "vtkMRMLTableNode", "vtkMRMLPlotSeriesNode")
    assert not any(slicer.util.getNodesByClass(kind) for kind in plots), "nothing of it is in the next scene"
    assert not panel.ui.curvesWidget.visible
    panel.ui.showPlotButton.click()
    chart = panel.training.curves.chartNode
    assert slicer.mrmlScene.IsNodePresent(chart) and panel.ui.curvesWidget.visible
    assert chart.GetNthPlotSeriesNode(0).GetTableNode().GetNumberOfRows() == 2, "the first row was kept"


def test_the_panel_may_lose_its_parameter_node_while_it_trains(panel, logic):
    run = started(panel, logic)
    node = panel._parameterNode
    panel.setParameterNode(None)
    run.row(1, 0.9, None)
    run.end(_result("better", "better"))
    panel.setParameterNode(node)
    assert panel.ui.resultBox.visible


def test_the_curves_can_be_shown_in_slicers_own_view(panel, logic):
    import slicer

    run = started(panel, logic)
    assert not panel.ui.showPlotButton.visible
    run.row(1, 0.9, None)
    panel.ui.showPlotButton.click()
    selection = slicer.app.applicationLogic().GetSelectionNode()
    assert selection.GetActivePlotChartID() == panel.training.curves.chartNode.GetID()


def _interrupted(name, done):
    when = "2026-11-20 14:03"
    from TransferSegGUI.adaptation_store import Interrupted

    return Interrupted(name, "brain-unet-phantom", "half-lr", when, done, 20)


def test_an_interrupted_training_is_offered(panel, logic, dialogs):
    import qt

    first, second = (_interrupted(name, n) for n, name in enumerate(("ms-a", "ms-b")))
    logic.interrupted = [first, second]
    panel.enter()
    ui = panel.ui
    assert ui.interruptedFrame.visible and "ms-a" in ui.interruptedLabel.text and "1 more" in ui.interruptedLabel.text
    ui.nameEdit.text = "ms-b"
    assert not ui.startButton.enabled, "the name is taken"
    assert "resume or discard" in ui.startReason.text, "it is no model's name"
    dialogs.answer(qt.QMessageBox.Cancel)
    ui.discardButton.click()
    assert len(logic.interrupted) == 2
    ui.discardButton.click()
    assert [one.name for one in logic.interrupted] == ["ms-b"] and "after epoch 1 of 20" in ui.interruptedLabel.text
    ui.resumeButton.click()
    assert logic.asked[-1] == ("resume", "ms-b") and ui.runBox.visible and not ui.resumeButton.enabled


def test_nothing_is_cut_off_at_420_pixels(panel, logic, app, outline):
    from helpers_panels import cut_off

    volumes, node = outline
    logic.cases.put("a-long-name-of-a-case-2019-0041", problem="/a/very/long/path" * 6 + " is no longer there.")
    logic.interrupted = [_interrupted("x" * 30, 0)]
    panel.offerCase("brain-unet-phantom", volumes, node)
    app.processEvents()
    assert panel.widget.minimumSizeHint.width() <= 420 and not cut_off(panel.widget)
    run = started(panel, logic, "p03", "p07")
    run.row(1, 0.9, None)
    app.processEvents()
    assert panel.widget.minimumSizeHint.width() <= 420 and not cut_off(panel.widget)
    run.end(_result("better", "better on 1 of 1 held-out case: mean Dice 0.51 → 0.57; one case proves little"))
    app.processEvents()
    assert panel.widget.minimumSizeHint.width() <= 420 and not cut_off(panel.widget)
