"""The Adapt panel before a training: model, cases, labels, strategy, name, and why it cannot start."""

# ruff: noqa: F811  (fixtures are imported and then named as arguments)

from __future__ import annotations

from types import SimpleNamespace

import pytest
from helpers_adapt import LABELS, logic, modelInfo, outline, panel, ready  # noqa: F401


def test_opens_with_a_reason_why_it_cannot_start(panel):
    ui = panel.ui
    assert not ui.startButton.enabled
    assert ui.startButton.toolTip == ui.startReason.text == "Add at least one training case."
    assert ui.sourceSelector.currentText == "brain-unet-phantom"
    assert "FLAIR, T1" in ui.sourceLabel.text
    assert ui.nameEdit.text == "brain-unet-phantom-half-lr"
    assert not ui.runBox.visible and not ui.resultBox.visible and not ui.interruptedFrame.visible


def test_the_start_button_says_what_is_lacking(panel, logic):
    ui = panel.ui
    ready(logic)
    assert ui.startButton.enabled and not ui.startReason.visible
    panel.setBlocked("PyTorch is not installed; see above.")
    assert not ui.startButton.enabled and ui.startReason.text == "PyTorch is not installed; see above."
    assert "PyTorch is not installed" in ui.strategyPicture.text
    panel.setBlocked(None)
    assert ui.startButton.enabled


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("my model", "letters, digits"),
        ("-x", "begin"),
        ("", "name"),
        ("Brain-UNET-phantom", "there already"),
        ("x" * 80, "shorter"),
        ("x.", "end"),
    ],
)
def test_a_name_that_cannot_be_is_refused_while_it_is_typed(panel, logic, name, word):
    ready(logic)
    panel.ui.nameEdit.text = name
    assert word in panel.ui.nameProblem.text and panel.ui.nameProblem.visible
    assert not panel.ui.startButton.enabled and word in panel.ui.startButton.toolTip
    panel.ui.nameEdit.text = "my-model_2.1"
    assert panel.ui.startButton.enabled and not panel.ui.nameProblem.visible


def test_the_proposed_name_follows_until_the_user_writes_one(panel, logic):
    ui = panel.ui
    ui.strategySelector.setCurrentIndex(ui.strategySelector.findData("freeze-encoder"))
    assert ui.nameEdit.text == "brain-unet-phantom-freeze-encoder"
    logic.infos.append(modelInfo("brain-unet-phantom-half-lr", source="user"))
    logic.changed.emit()
    ui.strategySelector.setCurrentIndex(ui.strategySelector.findData("half-lr"))
    assert ui.nameEdit.text == "brain-unet-phantom-half-lr-2"
    ui.nameEdit.text = "mine"
    ui.strategySelector.setCurrentIndex(ui.strategySelector.findData("scratch"))
    assert ui.nameEdit.text == "mine"


def test_epochs_and_seed_keep_their_limits_and_are_kept_in_the_scene(panel):
    ui, node = panel.ui, panel._parameterNode
    assert ui.epochsSpin.text == "default"
    ui.epochsSpin.value = 7
    ui.seedSpin.value = 3
    assert (node.epochs, node.seed) == (7, 3)
    ui.epochsSpin.value = -4
    assert node.epochs == 0


def test_the_source_follows_the_segment_panel_until_it_is_chosen(panel, logic):
    ui, node = panel.ui, panel._parameterNode
    logic.infos.append(modelInfo("ms", source="user"))
    logic.infos.append(modelInfo("pictures", card=SimpleNamespace(task="classification")))
    logic.infos.append(modelInfo("gone", available=False))
    logic.changed.emit()
    assert [ui.sourceSelector.itemText(n) for n in range(ui.sourceSelector.count)] == ["brain-unet-phantom", "ms"]
    node.model = "ms"
    assert ui.sourceSelector.currentText == "ms" and node.sourceModel == ""
    ui.sourceSelector.setCurrentIndex(0)
    assert node.sourceModel == "brain-unet-phantom"
    node.model = "other"
    assert ui.sourceSelector.currentText == "brain-unet-phantom"


def _ticks(panel, row):
    import qt

    return [panel.ui.casesTable.item(row, column).checkState() == qt.Qt.Checked for column in (2, 3)]


def test_training_and_holding_out_exclude_each_other(panel, logic):
    import qt

    ready(logic, "p03", "p07")
    table = panel.ui.casesTable
    assert _ticks(panel, 1) == [True, False]
    table.item(1, 3).setCheckState(qt.Qt.Checked)
    assert _ticks(panel, 1) == [False, True] and logic.cases.list[1].heldOut
    assert "1 case to train on, 1 held out." in panel.ui.casesSummary.text
    table.item(1, 2).setCheckState(qt.Qt.Checked)
    assert _ticks(panel, 1) == [True, False] and not logic.cases.list[1].heldOut
    table.item(1, 2).setCheckState(qt.Qt.Unchecked)
    assert _ticks(panel, 1) == [False, False] and not logic.cases.list[1].included
    assert "Hold out at least one" in panel.ui.casesSummary.text


def test_a_case_with_a_problem_is_shown_and_can_be_unticked_and_removed(panel, logic):
    import qt

    logic.cases.put("p03", problem="Its images are no longer in the scene: T1.")
    table = panel.ui.casesTable
    assert table.item(0, 1).text().startswith("⚠ Its images") and "p03" in panel.ui.casesSummary.text
    table.item(0, 2).setCheckState(qt.Qt.Unchecked)
    assert not logic.cases.list[0].included
    assert not panel.ui.removeCaseButton.enabled
    table.selectRow(0)
    panel.ui.removeCaseButton.click()
    assert not logic.cases.list and table.rowCount == 0


def test_a_folder_is_added(panel, logic, dialogs, tmp_path):
    dialogs.answer("", str(tmp_path / "ms"))
    panel.ui.addFolderButton.click()
    assert not logic.cases.list
    panel.ui.addFolderButton.click()
    assert [case.id for case in logic.cases.list] == ["ms"]


def test_a_case_from_the_scene_asks_what_an_unknown_segment_is(panel, logic, outline):
    volumes, node = outline
    ui, form = panel.ui, panel.cases.form
    panel.offerCase("brain-unet-phantom", volumes, node)
    assert ui.addSceneButton.checked and form.isOpen
    assert form.volumes() == volumes and ui.segmentationSelector.currentNode() is node
    first, second = (ui.mappingTable.cellWidget(row, 1) for row in range(2))
    assert first.currentText == "oedema", "spelling does not count"
    assert second.currentText == "Choose…" and not ui.addCaseButton.enabled
    assert "Plaque" in ui.sceneReason.text
    texts = [second.itemText(n) for n in range(second.count)]
    assert texts == ["Choose…", *(label.name for label in LABELS), "new label “Plaque”", "leave out"]
    second.setCurrentIndex(texts.index("new label “Plaque”"))
    ui.caseNameEdit.text = "p11"
    assert ui.addCaseButton.enabled and not ui.sceneReason.visible
    ui.addCaseButton.click()
    assert logic.cases.added == (volumes, node, {"Edema": "oedema", "Plaque": "Plaque"}, "p11")
    assert not form.isOpen and not ui.addSceneButton.checked


def test_the_form_says_which_image_is_lacking_and_which_guess_to_check(panel, logic, outline):
    volumes, node = outline
    ui, form = panel.ui, panel.cases.form
    guess = SimpleNamespace(node=volumes["flair"], doubtful=True, reason="the name has no FLAIR in it.")
    logic.imagesOf = lambda segmentation, model: {"flair": guess}
    ui.addSceneButton.click()
    assert ui.sceneReason.text == "Choose the segmentation that you corrected."
    ui.segmentationSelector.setCurrentNode(node)
    assert ui.sceneReason.text == "Choose the T1 image."
    assert "check the FLAIR image" in ui.sceneDoubts.text and ui.sceneDoubts.visible
    form._rows["t1"][1].setCurrentNode(volumes["flair"])
    assert ui.sceneReason.text == "One image is chosen for two roles."
    form._rows["flair"][1].setCurrentNode(volumes["t1"])
    assert not ui.sceneDoubts.visible, "the user chose another one"
    for row in range(2):
        combo = ui.mappingTable.cellWidget(row, 1)
        combo.setCurrentIndex(combo.findData("leave-out"))
    assert "left out" in ui.sceneReason.text
    ui.closeSceneButton.click()
    assert not form.isOpen and not ui.addSceneButton.checked


def test_another_model_asks_for_its_own_images(panel, logic):
    logic.infos.append(modelInfo("ct", roles=("ct",), source="user"))
    logic.changed.emit()
    ui = panel.ui
    ui.addSceneButton.click()
    assert list(panel.cases.form._rows) == ["flair", "t1"]
    ui.sourceSelector.setCurrentIndex(ui.sourceSelector.findData("ct"))
    assert list(panel.cases.form._rows) == ["ct"] and ui.rolesForm.rowCount() == 1


def test_the_drawing_is_asked_for_once_and_shown_at_the_panels_width(panel, logic, app, tmp_path):
    import qt

    path = str(tmp_path / "drawing.png")
    pixmap = qt.QPixmap(860, 400)
    pixmap.fill(qt.QColor("#9BCBEB"))
    assert pixmap.save(path)
    ui = panel.ui
    assert "Drawing" in ui.strategyPicture.text and [p[:2] for p in logic.pictures] == [
        ("brain-unet-phantom", "half-lr")
    ]
    # While one is drawn, no other is asked for; then the one that is wanted now is.
    ui.strategySelector.setCurrentIndex(ui.strategySelector.findData("freeze-encoder"))
    assert len(logic.pictures) == 1
    logic.pictures[0][2]({"trainable": 125229, "total": 125229, "picture": path}, None)
    assert logic.pictures[1][:2] == ("brain-unet-phantom", "freeze-encoder")
    logic.pictures[1][2]({"trainable": 73885, "total": 125229, "picture": path}, None)
    assert ui.strategyShare.text == "Learns 59 % of 125,229 parameters."
    assert 280 <= ui.strategyPicture.pixmap.width() <= 420
    ui.strategySelector.setCurrentIndex(ui.strategySelector.findData("half-lr"))
    assert "100 %" in ui.strategyShare.text and len(logic.pictures) == 2


def test_a_drawing_that_fails_says_why(panel, logic):
    from TransferSegLib.errors import TransferSegError

    logic.pictures[0][2](None, TransferSegError("the worker is not there"))
    assert "the worker is not there" in panel.ui.strategyPicture.text
    assert len(logic.pictures) == 1


def test_cases_of_one_patient_go_together_and_it_is_said(panel, logic):
    import qt

    ready(logic, "p03", "p07")
    plain = logic.cases.setHeldOut
    logic.cases.setHeldOut = lambda index, heldOut: plain(index, heldOut) or "The same patient, so held out too: p03."
    panel.ui.casesTable.item(1, 3).setCheckState(qt.Qt.Checked)
    assert "held out too: p03" in panel.ui.casesSummary.text


def test_every_control_explains_itself(panel):
    from helpers_panels import without_tooltip

    assert not without_tooltip(panel.widget)


def test_an_image_that_is_deleted_is_not_replaced_by_another(panel, outline):
    import slicer

    volumes, node = outline
    panel.offerCase("brain-unet-phantom", volumes, node)
    slicer.mrmlScene.RemoveNode(volumes["flair"])
    assert panel.cases.form.volumes() == {"t1": volumes["t1"]}
    assert panel.ui.sceneReason.text == "Choose the FLAIR image."
    slicer.mrmlScene.RemoveNode(node)
    assert panel.ui.sceneReason.text == "Choose the segmentation that you corrected."


def test_after_a_training_a_fresh_name_is_proposed(panel, logic):
    ready(logic)
    panel.ui.nameEdit.text = "mine"
    panel.ui.startButton.click()
    logic.infos.append(modelInfo("mine", source="user"))
    result = SimpleNamespace(name="mine", verdict="better", message="better", before=None, after=None, report="")
    logic.run.end(SimpleNamespace(**vars(result), trainable=1, total=1, trained_on=["p03"]))
    assert panel.ui.nameEdit.text == "brain-unet-phantom-half-lr" and panel.ui.startButton.enabled
