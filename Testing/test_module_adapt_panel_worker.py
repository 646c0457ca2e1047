"""The Adapt panel with the real worker: from a folder of cases to a verdict, stopped, interrupted and resumed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from helpers_cli import small_data_set
from helpers_logic import placeModel
from helpers_panels import cut_off, wait_for

pytestmark = pytest.mark.usefixtures("ready_made_worker")
QUICK = {"patch": 32, "batch": 1, "steps": 4}


@pytest.fixture
def panel(module, app, tmp_path, dialogs, monkeypatch):
    """The Adapt panel with eight small cases, the first one held out, and a training of a few steps."""
    import qt

    placeModel("small")
    logic = module.logic
    adapt = logic.adapt
    monkeypatch.setattr(logic, "adapt", lambda *args, **more: adapt(*args, **more, options=QUICK))
    frame = module.widget.frame
    module.holder.resize(420, 1200)
    module.holder.show()
    frame.ui.tabs.setCurrentIndex(1)
    made = frame.adaptPanel
    made.refresh()
    made.ui.sourceSelector.setCurrentIndex(made.ui.sourceSelector.findData("small"))
    dialogs.answer(str(small_data_set(tmp_path / "cases", 8)))
    made.ui.addFolderButton.click()
    assert made.ui.casesTable.rowCount == 8
    made.ui.casesTable.item(0, 3).setCheckState(qt.Qt.Checked)
    made.ui.epochsSpin.value = 3
    made.ui.nameEdit.text = f"adapted-{tmp_path.name}"
    return made


def _model(panel, name):
    return next((info for info in panel.logic.models() if info.name == name), None)


def test_from_a_folder_to_a_verdict(module, panel, app):
    ui, name = panel.ui, panel.ui.nameEdit.text
    assert ui.startButton.enabled, ui.startButton.toolTip
    ui.startButton.click()
    assert ui.runBox.visible
    wait_for(app, lambda: panel.training.curves.hasValidation)
    wait_for(app, lambda: not cut_off(panel.widget))  # Qt lays out anew a moment after a text grew
    wait_for(app, lambda: panel.run is None)
    assert not ui.errorText.visible, ui.errorText.text
    assert ui.resultBox.visible and "held-out case" in ui.verdictLabel.text
    assert ui.resultTable.rowCount >= 2 and ui.resultTable.item(0, 0).text() == "p1"
    assert Path(panel.result.result.report).is_file() and ui.reportButton.enabled
    made = _model(panel, name)
    assert made is not None and made.source == "user"
    chart = panel.training.curves.chartNode
    assert chart.GetNthPlotSeriesNode(0).GetTableNode().GetNumberOfRows() == 3
    wait_for(app, lambda: not cut_off(panel.widget))
    panel.modelWanted.emit(name)
    frame = module.widget.frame
    assert frame.ui.tabs.currentIndex == 0 and frame.segmentPanel.models.name == name


def test_stopped_it_keeps_what_it_has(panel, app):
    ui, name = panel.ui, panel.ui.nameEdit.text
    ui.epochsSpin.value = 400
    ui.startButton.click()
    wait_for(app, lambda: ui.stopButton.enabled)
    ui.stopButton.click()
    wait_for(app, lambda: panel.run is None)
    assert ui.resultBox.visible, ui.errorText.text
    assert _model(panel, name) is not None


def test_discarded_it_leaves_nothing(panel, app):
    ui, name = panel.ui, panel.ui.nameEdit.text
    ui.epochsSpin.value = 400
    ui.startButton.click()
    wait_for(app, lambda: panel.run.metrics)
    ui.cancelButton.click()
    wait_for(app, lambda: panel.run is None)
    assert "Discarded" in ui.errorText.text and _model(panel, name) is None
    assert not ui.interruptedFrame.visible and ui.startButton.enabled


def test_killed_it_is_offered_and_goes_on(panel, app):
    ui, name = panel.ui, panel.ui.nameEdit.text
    ui.epochsSpin.value = 40
    ui.startButton.click()
    wait_for(app, lambda: len(panel.run.metrics) >= 2 if panel.run else False)
    os.kill(panel.logic.client._session._process.pid, signal.SIGKILL)
    wait_for(app, lambda: panel.run is None)
    assert ui.errorText.text.startswith("⚠") and "resumed" in ui.errorText.text
    assert ui.interruptedFrame.visible and name in ui.interruptedLabel.text
    ui.resumeButton.click()
    wait_for(app, lambda: panel.run is None)
    assert ui.resultBox.visible, ui.errorText.text
    assert not ui.interruptedFrame.visible and _model(panel, name) is not None


def test_the_drawing_comes_from_the_worker(panel, app):
    ui = panel.ui
    ui.strategySelector.setCurrentIndex(ui.strategySelector.findData("freeze-encoder"))
    wait_for(app, lambda: ui.strategyShare.visible and ui.strategyShare.text)
    assert ui.strategyShare.text.startswith("Learns ") and not ui.strategyPicture.pixmap.isNull()
    assert ui.strategyPicture.pixmap.width() <= 420
