"""The section "Make a light version" of the Models panel, with the real worker, and with a logic of the test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_cli import small_data_set
from helpers_light import QUICK, lightFolder, placeTeacher
from helpers_panels import cut_off, settle, wait_for, without_tooltip

pytestmark = pytest.mark.usefixtures("ready_made_worker")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data_set(tmp_path_factory.mktemp("cases"), 3)


@pytest.fixture
def panel(module: Any, app: Any) -> Any:
    """The Models panel, shown, its section open at a small model."""
    placeTeacher("boxed")
    module.holder.resize(420, 2000)
    module.holder.show()
    frame = module.widget.frame
    frame.ui.tabs.setCurrentIndex(4)
    panel = frame.modelsPanel
    panel.refresh()
    panel.table.select("boxed")
    panel.ui.lightButton.collapsed = False
    panel.light.refresh()
    app.processEvents()
    return panel


def _chosen(panel: Any, app: Any, data: Path, held: str = "p3") -> Any:
    """The section with a student and cases."""
    ui = panel.light.ui
    wait_for(app, lambda: panel.light.form.students.sizes)
    ui.lightStudentSelector.setCurrentIndex(ui.lightStudentSelector.findData("unet2d-32-64"))
    ui.lightDataEdit.text, ui.lightHoldOutEdit.text = str(data), held
    panel.light.form._onChange()
    wait_for(app, lambda: panel.light.form._cases or panel.light.form._casesError)
    return ui


def test_a_light_version_is_made_and_used(panel: Any, app: Any, module: Any, data: Path, monkeypatch: Any) -> None:
    ui = panel.light.ui
    assert not ui.lightStartButton.enabled and "Choose " in ui.lightProblem.text
    _chosen(panel, app, data)
    assert "101,825 parameters" in ui.lightStudentSelector.currentText
    assert (
        "slice by slice, for live mode" in ui.lightStudentText.text
        and "times the model's operations" in ui.lightStudentText.text
    )
    assert ui.lightCasesText.text == "3 cases of 3 patients; held out: p3."
    assert ui.lightNamesText.text == "New: boxed-light" and ui.lightStartButton.enabled, ui.lightProblem.text
    assert not without_tooltip(panel.widget) and not cut_off(panel.widget)
    make = panel.logic.makeLightVersion
    monkeypatch.setattr(panel.logic, "makeLightVersion", lambda *a, **more: make(*a, **more, options=QUICK))
    ui.lightMeasureCheck.checked = False
    ui.lightStartButton.click()
    assert panel.work.busy and not ui.lightStartButton.enabled and "Wait until" in ui.lightStartButton.toolTip
    wait_for(app, lambda: not panel.work.busy)
    assert panel.ui.modelsMessage.text == "“boxed-light” can be used."
    result, table = panel.light.result, ui.lightTable
    cells = [[table.item(row, column).text() for column in range(3)] for row in range(table.rowCount)]
    assert cells[0] == ["Parameters", *(f"{column.parameters:,}" for column in result.columns)]
    assert cells[2] == ["Time", "not measured", "not measured"]
    assert cells[5][1:] == [f"{column.score:.3f}\n1 case" for column in result.columns]
    assert "Mean Dice" in ui.lightMessage.text and ui.lightReportButton.enabled
    assert ui.lightNamesText.text == "New: boxed-light-2", "the next one's name is free"
    assert ui.lightStudentSelector.currentData == "unet2d-32-64", "what was chosen stays when the list is read again"
    settle(app)
    assert not cut_off(panel.widget)
    ui.lightUseButton.click()
    frame = module.widget.frame
    assert frame.ui.tabs.currentIndex == 0 and module.logic.getParameterNode().model == "boxed-light"


def test_refusals_are_said_before(panel: Any, app: Any, data: Path) -> None:
    ui = _chosen(panel, app, data, held="")
    ui.lightPruneCheck.checked = True
    assert not ui.lightStartButton.enabled and "name some of p1, p2, p3" in ui.lightProblem.text
    ui.lightHoldOutEdit.text = "p9"
    panel.light.form._onChange()
    wait_for(app, lambda: "no case of that name" in ui.lightProblem.text)
    ui.lightOnnxCheck.checked = True
    assert "end with .onnx" in ui.lightProblem.text
    panel.table.select("l3-cnn4-phantom")
    assert "gives no outlines" in ui.lightModelLabel.text and not ui.lightStudentSelector.enabled
    assert ui.lightStudentSelector.count == 1 and not ui.lightInt8Check.enabled


def test_an_interrupted_one_is_offered_and_discarded(panel: Any, app: Any, data: Path, dialogs: Any) -> None:
    ui = _chosen(panel, app, data)
    options = {"distil": {**QUICK["distil"], "epochs": 200}}
    run = panel.logic.makeLightVersion(
        "boxed",
        data,
        student="unet2d-4-8",
        holdOut=["p3"],
        options=options,
        name="cut-here",
        callback=lambda *end: None,
    )
    wait_for(app, lambda: run.metrics or run.finished)
    assert not run.finished, run.error
    assert "Wait until" in ui.lightProblem.text
    run.cancel()
    wait_for(app, lambda: run.finished)
    assert ui.lightInterruptedFrame.isVisibleTo(panel.widget) and "“cut-here”" in ui.lightInterruptedLabel.text
    ui.lightDiscardButton.click()
    assert "Discard what is half-made" in dialogs.texts[-1]
    assert not ui.lightInterruptedFrame.isVisibleTo(panel.widget) and not lightFolder("cut-here").exists()
