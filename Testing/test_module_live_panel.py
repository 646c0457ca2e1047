"""The section Live of the Segment panel: the button, what stands below it, and what switches it off."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_live import ct_volume
from helpers_logic import StepClient, addVolume
from helpers_panels import PANEL_WIDTH, as_in_slicer, cut_off, settle, wait_for
from test_module_live import LPS, placeLive, sliceNode

MODEL = "brain-unet-phantom"


@pytest.fixture
def panel(module, app, scene):
    """The Segment panel with a CT and a 2-D model chosen; its worker is answered by the test."""
    panel = module.widget.frame.segmentPanel
    module.holder.resize(PANEL_WIDTH, 1000)
    module.holder.show()
    module.logic._client = StepClient()
    module.logic._client.state = "ready"
    panel.ct = addVolume(scene, "CT", ct_volume(), spacing=(1.0, 1.0, 3.0), directions=LPS)
    assert panel.selectModel(placeLive())
    panel.ui.ctSelector.setCurrentNode(panel.ct)
    panel.ui.liveSection.collapsed = False
    wait_for(app, lambda: panel.ui.liveButton.enabled, 20)
    return panel


def switch_on(panel, app):
    """Press the button, and open."""
    client = panel.logic.client
    panel.ui.liveButton.click()
    while not client.jobs:
        client.pump()
    client.jobs[-1].end(result={"session": 1, "notes": []})
    return client


def answer(client):
    np.save(client.jobs[-1].args["out"], np.ones((40, 40), np.uint8))
    client.jobs[-1].end(result={"index": 0, "dropped": False})


def test_one_button_switches_it_on_and_off_and_says_how_quick_it_is(panel, app):
    ui = panel.ui
    assert ui.liveButton.text == "Follow the slice" and not ui.liveButton.checked and not ui.liveText.text
    client = switch_on(panel, app)
    assert client.jobs[0].args["device"] == "auto" and ui.liveButton.checked and ui.liveButton.text == "Stop following"
    assert not ui.applyButton.enabled and ui.applyReason.text == "Live mode is on: switch it off first."
    for offset in (3.0, 6.0, 9.0):
        sliceNode().SetSliceOffset(offset)
    answer(client)
    answer(client)
    assert ui.liveText.text.endswith(" ms, 2 dropped") and " frames/s, " in ui.liveText.text
    ui.liveButton.click()
    assert ui.liveText.text == "2 frames were shown; CT live-ct live can be edited now."
    assert not ui.liveButton.checked and ui.applyButton.enabled and panel.result.node.GetName() == "CT live-ct live"


def test_models_that_cannot_follow_say_why(panel, app):
    panel.selectModel(MODEL)
    assert not panel.ui.liveButton.enabled
    assert panel.ui.liveText.text == panel.ui.liveButton.toolTip
    assert panel.ui.liveText.text == f"{MODEL} works on whole volumes, live mode on slices: choose a 2-D model."


def test_another_model_or_image_switches_it_off(panel, app, scene):
    client = switch_on(panel, app)
    answer(client)
    panel.selectModel(MODEL)
    assert panel.logic.live is None and not panel.ui.liveButton.checked
    panel.selectModel(placeLive())
    panel.ui.ctSelector.setCurrentNode(panel.ct)
    client.jobs.clear()
    switch_on(panel, app)
    panel.ui.ctSelector.setCurrentNode(addVolume(scene, "other", ct_volume(1), directions=LPS))
    assert panel.logic.live is None and "Another image was chosen" in panel.ui.liveText.text


def test_it_goes_on_while_another_module_is_shown_and_ends_with_the_scene(panel, app, module, scene):
    client = switch_on(panel, app)
    module.widget.exit()
    answer(client)
    assert panel.logic.live is not None
    module.widget.enter()
    assert panel.logic.live is not None and panel.ui.liveButton.checked
    scene.Clear(0)
    assert panel.logic.live is None and not panel.ui.liveButton.checked


def test_a_failure_is_told_in_the_error_line(panel, app):
    from TransferSegLib.errors import TransferSegError

    client = switch_on(panel, app)
    client.jobs[-1].end("failed", error=TransferSegError("The worker ended."))
    assert "The worker ended." in panel.ui.errorText.text and not panel.ui.liveButton.checked


def test_a_missing_set_up_blocks_it(panel, app):
    panel.setBlocked("PyTorch is missing.")
    assert not panel.ui.liveButton.enabled and panel.ui.liveText.text == "PyTorch is missing."


def test_nothing_of_it_is_cut_off(panel, app, module):
    switch_on(panel, app)
    panel.live._run.note = "The view is oblique: the axial slice nearest to its centre is segmented."
    panel.live.show()
    with as_in_slicer(app, module.holder):
        settle(app)
        assert [name for name in cut_off(panel.ui.liveContents) if name.startswith("live")] == []
