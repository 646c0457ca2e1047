"""A model that finds another level than L3: the panel says that level's name wherever it speaks of it."""

from __future__ import annotations

from helpers_l3 import answerL3, placeLevelModel
from helpers_panels import wait_for
from test_module_l3_panel import ct, find, panel  # noqa: F401

OTHER = "t12-small"


def test_buttons_plane_and_sentences_name_the_models_level(panel, ct, app, module):  # noqa: F811
    assert panel.ui.findButton.text == "Find L3"
    placeLevelModel(OTHER, "T12")
    assert panel.selectModel(OTHER)
    assert panel.ui.findButton.text == "Find T12" and panel.ui.findButton.toolTip.startswith("Finds T12 in this CT")
    result = find(panel, app, level="T12", index=14)
    assert result.level == "T12" and result.planeNode.GetNthControlPointLabel(0) == "T12"
    assert result.planeNode.GetName() == "T12 of CT abdomen"
    assert "<b>T12 found</b>" in panel.ui.answerLabel.text and "T12 is on slice 14" in panel.ui.answerLabel.text
    panel.ui.markButton.click()
    marked = panel.result.result
    assert (marked.answer, marked.level) == ("given", "T12") and "T12 was set to slice" in panel.ui.answerLabel.text
    assert "L3" not in panel.ui.answerLabel.text + panel.ui.planeLabel.text + panel.ui.notesLabel.text
    models = module.widget.frame.modelsPanel
    models.enter()
    models.table.select(OTHER)
    assert models.ui.useModelButton.text == "Find T12 with it"


def test_another_slice_is_measured_as_that_level(panel, ct, app):  # noqa: F811
    placeLevelModel(OTHER, "T12")
    panel.selectModel(OTHER)
    result = find(panel, app, level="T12", index=14)
    panel.logic.measureL3(result, 16, callback=lambda value, error: None)
    client = panel.logic.client
    wait_for(app, lambda: client.jobs or client.pump())
    assert client.jobs[-1].args["model"].endswith(OTHER)
    answerL3(client, level="T12")
    wait_for(app, lambda: panel.logic.running is None or client.pump())


def test_stages_name_the_level():
    from TransferSegGUI.wording import stageName

    assert stageName("finding T12") == "Looking for T12" and stageName("windows") == "Looking for the level"
