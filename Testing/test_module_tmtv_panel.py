"""The PET/CT panel by its widgets; the worker's jobs are done in this process."""

from __future__ import annotations

import pytest
from helpers_panels import PANEL_WIDTH, as_in_slicer, cut_off, settle, wait_for, without_tooltip
from helpers_pet_panel import VOLUMES, InProcessClient, addCt, addPet, viewsAt
from test_module_tmtv import paint, world


@pytest.fixture
def panel(tmp_path, monkeypatch, request, app):
    """The PET/CT panel in the module, shown."""
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    module = request.getfixturevalue("module")
    module.widget.logic._client = InProcessClient()
    module.holder.resize(PANEL_WIDTH, 1000)
    module.holder.show()
    frame = module.widget.frame
    frame.ui.tabs.setCurrentIndex(3)
    frame.petPanel.module = module
    return frame.petPanel


@pytest.fixture
def images(panel, scene, app):
    """PET and CT, guessed by the panel."""
    pet, ct = addPet(scene), addCt(scene)
    wait_for(app, lambda: panel.ui.applyButton.enabled)
    return pet, ct


def press(panel, app, button):
    """Click, and wait until the work is over."""
    assert button.enabled, panel.ui.applyReason.text
    button.click()
    wait_for(app, lambda: panel.work.run is None or panel.logic.client.pump(), 120)
    assert panel.ui.errorBox.isHidden(), panel.ui.errorText.text


def pause(panel, app):
    """Until live changes are in the scene."""
    settle(app, 0.5)
    wait_for(app, lambda: not panel.changes.busy or panel.logic.client.pump(), 60)
    assert panel.ui.errorBox.isHidden(), panel.ui.errorText.text


def apply(panel, app):
    press(panel, app, panel.ui.applyButton)
    return panel.result.result


def test_images_are_guessed_and_what_is_lacking_is_the_tooltip(panel, scene, app):
    settle(app, 0.3)
    assert not panel.ui.applyButton.enabled and "No image is loaded" in panel.ui.petReason.text
    pet = addPet(scene, suv=False)
    addCt(scene)
    wait_for(app, lambda: panel.ui.petSelector.currentNode() is pet)
    settle(app, 0.3)
    assert not panel.ui.applyButton.enabled and "not known" in panel.ui.applyButton.toolTip
    assert "⚠" in panel.ui.unitLabel.text and panel.ui.byHandFrame.isHidden()
    panel.ui.unitSelector.setCurrentIndex(panel.ui.unitSelector.findData("bqml"))
    assert not panel.ui.byHandFrame.isHidden() and "weight" in panel.ui.applyButton.toolTip
    for edit, text in (
        ("weightEdit", "70"),
        ("doseEdit", "0.07"),
        ("injectedEdit", "10:00"),
        ("acquiredEdit", "11:00"),
    ):
        getattr(panel.ui, edit).text = text
    assert "not plausible" in panel.ui.unitLabel.text
    panel.ui.doseEdit.text = "350"
    panel.ui.nuclideSelector.setCurrentIndex(panel.ui.nuclideSelector.findData("6586.2"))
    assert "below that of any tissue" in panel.ui.applyButton.toolTip, "SUV 9 of 1e-9 is no PET"
    panel.ui.unitSelector.setCurrentIndex(panel.ui.unitSelector.findData("suv"))
    assert panel.ui.applyButton.enabled and "stated by you" in panel.ui.unitLabel.text
    panel.ui.ctSelector.setCurrentNode(pet)
    assert "both" in panel.ui.applyReason.text and not panel.ui.applyReason.isHidden()


def test_lesions_a_click_a_move_and_a_threshold(panel, images, app):
    ui, pet = panel.ui, images[0]
    result = apply(panel, app)
    assert ui.uptakeTable.rowCount == 3 and ui.uptakeTable.item(0, 1).text() == "1.60"
    assert "TMTV 2.6 ml" in ui.totalsLabel.text and ui.thresholdsTable.rowCount == 3
    ui.uptakeTable.selectRow(1)
    ui.uptakeTable.cellClicked.emit(1, 0)
    assert viewsAt(world(pet, result.lesions[1]["voxel"]))
    ui.kindSelector.setCurrentIndex(ui.kindSelector.findData("kidney"))
    ui.kindSelector.activated.emit(ui.kindSelector.currentIndex)
    pause(panel, app)
    moved = panel.result.result
    assert moved.tmtvMl == pytest.approx(result.tmtvMl - VOLUMES[1]) and moved.count == 2
    assert "kidney" in ui.uptakeTable.item(1, 6).text() and "moved by you" in ui.stateLabel.text
    ui.ruleSpin.value = 8.0
    pause(panel, app)
    assert panel.result.result.rule == "8.0" and panel.result.result.count == 1
    ui.rule25Button.click()
    pause(panel, app)
    now = panel.result.result
    assert now.rule == "2.5" and now.tmtvMl == pytest.approx(moved.tmtvMl) and now.count == 2
    ui.thresholdsTable.cellClicked.emit(2, 0)
    pause(panel, app)
    assert panel.result.result.rule == "41%" and ui.ruleSpin.value == 41
    assert len(panel.logic.client.jobs) == 1


def test_the_projection_chooses_an_uptake(panel, images, app):
    result = apply(panel, app)
    assert not panel.ui.mipButton.isHidden()
    for number, (row, column) in panel.result.mip._picture.marks.items():
        scale = panel.result.mip._scale
        assert panel.result.mip.numberAt(column * scale, row * scale) == number
    panel.result.mip.clicked.emit(2)
    assert viewsAt(world(images[0], result.lesions[1]["voxel"]))


def test_edits_in_the_segment_editor_are_followed(panel, images, app):
    result = apply(panel, app)
    assert panel.ui.renumberButton.isHidden()
    paint(result, images[0], 0, (slice(3, 8), slice(3, 11), slice(3, 5)), 0)
    pause(panel, app)
    now = panel.result.result
    assert now.edited and now.tmtvMl == pytest.approx(result.tmtvMl - VOLUMES[0] / 2)
    assert "Edited by hand" in panel.ui.stateLabel.text and not panel.ui.renumberButton.isHidden()
    panel.ui.rule25Button.click()
    pause(panel, app)
    assert panel.result.result.edited, "a threshold does not overwrite what was drawn"
    panel.ui.undoButton.click()
    assert "kept" in panel.ui.stateLabel.text and panel.result.result is None


def test_report_and_reference(panel, images, app, scene, dialogs, tmp_path):
    result = apply(panel, app)
    panel.ui.truthSelector.setCurrentNode(result.segmentationNode)
    other = panel.logic.measureTmtv(*images, rule="5.5", physiological=False)
    settle(app, 0.3)
    assert panel.result.result.segmentationNode is other.segmentationNode
    panel.ui.truthSelector.setCurrentNode(None)
    panel.ui.truthSelector.setCurrentNode(result.segmentationNode)
    pause(panel, app)
    assert "Dice 1.000" in panel.ui.errorsLabel.text  # both are thresholded at 5.5
    dialogs.answer(str(tmp_path / "out"))
    press(panel, app, panel.ui.exportButton)
    assert (tmp_path / "out" / "PET.html").is_file() and "PET.html" in panel.ui.reportLabel.text
    assert panel.ui.openButton.enabled and "another PET" not in panel.ui.reportLabel.text
    panel.logic.measureTmtv(addPet(scene, factor=2.0), images[1])
    settle(app, 0.3)
    dialogs.answer(str(tmp_path / "out"))
    press(panel, app, panel.ui.exportButton)
    assert "PET_2.html" in panel.ui.reportLabel.text and "another PET" in panel.ui.reportLabel.text


def test_lesions_are_drawn_in_their_colours(panel, images, app, views):
    result = apply(panel, app)
    views.fit()
    segmentation = result.segmentationNode.GetSegmentation()
    middle = world(images[0], (4.5, 6.5, 5))
    shown = views.pixelOf("Red", middle)
    result.segmentationNode.GetDisplayNode().SetVisibility(False)
    hidden = views.pixelOf("Red", middle)
    assert shown != hidden and hidden[0] > hidden[2] + 10, "PET in hot colours over the grey CT"
    colour = [255 * part for part in segmentation.GetNthSegment(0).GetColor()]
    toward = sum(abs(c - s) for c, s in zip(colour, shown)) < sum(abs(c - h) for c, h in zip(colour, hidden))
    assert toward, (colour, shown, hidden)


def test_another_scene_forgets_and_a_removed_pet_too(panel, images, app, scene):
    apply(panel, app)
    scene.RemoveNode(images[0])
    settle(app, 0.4)
    assert panel.result.result is None and "Nothing was measured" in panel.ui.totalsLabel.text
    scene.Clear(0)
    settle(app, 0.4)
    assert not panel.ui.applyButton.enabled and panel.ui.uptakeTable.isHidden()


def test_an_error_is_one_plain_line_and_cancel_leaves_nothing(panel, images, app, monkeypatch):
    from TransferSegLib.errors import InputError

    client = panel.logic.client
    monkeypatch.setattr(
        client, "do", lambda job: job.end("failed", error=InputError("PET: broken; say --pet-unit suv"))
    )
    panel.ui.applyButton.click()
    wait_for(app, lambda: panel.work.run is None or client.pump())
    assert "PET: broken" in panel.ui.errorText.text and "--" not in panel.ui.errorText.text
    monkeypatch.setattr(client, "do", lambda job: None)
    panel.ui.applyButton.click()
    wait_for(app, lambda: client.pump() or len(client.jobs) == 2)
    panel.ui.cancelButton.click()
    wait_for(app, lambda: panel.work.run is None or client.pump())
    assert "Cancelled" in panel.ui.errorText.text and panel.result.result is None


def test_nothing_is_cut_off_and_everything_says_what_it_is(panel, images, app):
    apply(panel, app)
    with as_in_slicer(app, panel.module.holder) as area:
        for section in (panel.ui.truthButton, panel.ui.reportButton):
            section.collapsed = False
        panel.ui.byHandFrame.setVisible(True)
        settle(app)
        assert panel.module.holder.width <= area.viewport().width
        wait_for(app, lambda: cut_off(panel.widget) == [], 10)
    assert without_tooltip(panel.widget) == []
