"""The Segment panel: images guessed and confirmed, why Apply waits, choices kept in the scene; nothing is computed."""

from __future__ import annotations

import pytest
from helpers_panels import PANEL_WIDTH, add_patient, add_volume, as_in_slicer, cut_off, wait_for, without_tooltip

MODEL = "brain-unet-phantom"


@pytest.fixture
def panel(module):
    """The Segment panel in the module's widget, shown at the width of Slicer's module panel."""
    panel = module.widget.frame.segmentPanel
    module.holder.resize(PANEL_WIDTH, 1000)
    module.holder.show()
    return panel


def names(panel) -> dict[str, str | None]:
    return {role: node.GetName() if node else None for role, node in panel.selectors.volumes().items()}


def module_parameters(panel):
    return panel.logic.getParameterNode()


def choose(panel, role: str, node) -> None:
    """As the user does in the list of a row."""
    selector = getattr(panel.ui, f"{role}Selector")
    selector.setCurrentNode(node)
    selector.nodeActivated.emit(node)


def guess(monkeypatch, module, **guesses) -> None:
    """Let the logic guess this: role = (node, reason), a reason makes it doubtful."""
    from TransferSegGUI.roles import RoleGuess

    found = {role: RoleGuess(node, bool(reason), reason) for role, (node, reason) in guesses.items()}
    monkeypatch.setattr(type(module.logic), "guessRoles", lambda self, *values: found)


def test_the_model_is_described_in_plain_words(panel):
    text = panel.ui.modelInfo.text
    assert panel.models.name == MODEL
    assert "Needs:</b> FLAIR, T1, T1 with contrast, T2" in text
    assert all(word in text for word in ("tumour", "necrosis", "oedema", "scar", "phantoms", "Dice", "Time"))


def test_only_the_images_that_the_model_asks_for_are_shown(panel):
    shown = [
        role
        for role in ("flair", "t1", "t1gd", "t2", "ct", "pet")
        if not getattr(panel.ui, f"{role}Selector").isHidden()
    ]
    assert shown == ["flair", "t1", "t1gd", "t2"]


def test_images_are_filled_when_volumes_are_loaded(panel, app):
    assert panel.ui.applyReason.text and panel.ui.applyButton.toolTip == panel.ui.applyReason.text
    add_patient()
    wait_for(app, lambda: panel.ui.applyButton.enabled)
    assert names(panel) == {"flair": "FLAIR", "t1": "T1", "t1gd": "T1POST", "t2": "T2"}
    assert panel.ui.applyReason.isHidden()
    assert module_parameters(panel).t1gdVolume.GetName() == "T1POST"


def test_label_maps_and_colour_pictures_are_not_offered(panel, app):
    add_volume("map", node_class="vtkMRMLLabelMapVolumeNode")
    add_volume("picture", node_class="vtkMRMLVectorVolumeNode")
    assert panel.ui.flairSelector.nodeCount() == 0


def test_the_users_own_choice_is_never_replaced(panel, app):
    other = add_volume("my own")
    choose(panel, "t2", other)
    add_patient()
    wait_for(app, lambda: names(panel)["flair"])
    assert names(panel)["t2"] == "my own"
    panel.enter()
    assert names(panel)["t2"] == "my own"
    panel.ui.guessButton.click()
    assert names(panel)["t2"] == "T2"


def test_an_image_left_empty_on_purpose_stays_empty(panel, app):
    add_patient()
    wait_for(app, lambda: panel.ui.applyButton.enabled)
    choose(panel, "t2", None)
    panel.enter()
    assert names(panel)["t2"] is None
    assert not panel.ui.applyButton.enabled


def test_a_deleted_image_is_filled_again(panel, app, scene):
    nodes = add_patient()
    wait_for(app, lambda: panel.ui.applyButton.enabled)
    scene.RemoveNode(nodes["t1"])
    assert names(panel)["t1"] is None and not panel.ui.applyButton.enabled
    add_volume("T1")
    wait_for(app, lambda: panel.ui.applyButton.enabled)


def test_a_doubtful_guess_waits_for_one_click(panel, app, module, monkeypatch):
    nodes = add_patient()
    sure = {role: (node, "") for role, node in nodes.items()}
    guess(monkeypatch, module, **{**sure, "t1": (nodes["t1"], "Two volumes are named like T1.")})
    panel.fill()
    assert panel.selectors.unconfirmed == ("t1",)
    assert not panel.ui.t1Mark.isHidden() and "Two volumes are named like T1." in panel.ui.t1Reason.text
    assert not panel.ui.applyButton.enabled and "T1" in panel.ui.applyButton.toolTip
    panel.ui.t1Confirm.click()
    assert panel.ui.t1Mark.isHidden() and panel.ui.applyButton.enabled
    panel.fill()
    assert panel.selectors.unconfirmed == ()


def test_choosing_the_same_image_confirms_a_doubtful_guess(panel, module, monkeypatch):
    nodes = add_patient()
    guess(monkeypatch, module, t1=(nodes["t1"], "Only the name says so."))
    panel.fill()
    panel.ui.t1Selector.nodeActivated.emit(nodes["t1"])
    assert panel.selectors.unconfirmed == ()


def test_a_doubtful_guess_is_still_doubtful_after_leaving_the_module(panel, module, monkeypatch):
    nodes = add_patient()
    guess(monkeypatch, module, t1=(nodes["t1"], "Only the name says so."))
    panel.fill()
    module.widget.exit()
    module.widget.enter()
    assert panel.selectors.unconfirmed == ("t1",)


def test_choices_live_in_the_parameter_node(panel, module):
    parameters = module_parameters(panel)
    panel.ui.registerSelector.setCurrentIndex(panel.ui.registerSelector.findData("off"))
    panel.ui.uncertainty.checked = True
    assert parameters.register == "off" and parameters.uncertainty is True and parameters.model == MODEL
    parameters.device = "cpu"
    parameters.showPreparation = True
    assert panel.choices.values() == {"resample": "auto", "register": "off", "brainMask": "auto", "device": "cpu"}
    assert panel.ui.showPreparation.checked


def test_choices_survive_save_and_load_of_the_scene(panel, app, module, scene, monkeypatch, tmp_path):
    import slicer

    nodes = add_patient()
    sure = {role: (node, "") for role, node in nodes.items()}
    guess(monkeypatch, module, **{**sure, "t1": (nodes["t1"], "Only the name says so.")})
    panel.fill()
    choose(panel, "t2", nodes["flair"])
    panel.ui.brainMaskSelector.setCurrentIndex(panel.ui.brainMaskSelector.findData("on"))
    assert slicer.util.saveScene(str(tmp_path / "scene.mrml"))
    scene.Clear(0)
    assert set(names(panel).values()) == {None}
    guess(monkeypatch, module)
    slicer.util.loadScene(str(tmp_path / "scene.mrml"))
    assert names(panel) == {"flair": "FLAIR", "t1": "T1", "t1gd": "T1POST", "t2": "FLAIR"}
    assert panel.choices.value("brainMask") == "on"
    assert panel.selectors.unconfirmed == ("t1",)


def test_apply_says_what_blocks_it_elsewhere(panel, app):
    add_patient()
    wait_for(app, lambda: panel.ui.applyButton.enabled)
    panel.setBlocked("PyTorch is not installed.")
    assert not panel.ui.applyButton.enabled and panel.ui.applyButton.toolTip == "PyTorch is not installed."
    panel.setBlocked(None)
    assert panel.ui.applyButton.enabled


def test_the_citation_goes_to_the_clipboard(panel, app):
    panel.ui.citeButton.click()
    assert app.clipboard().text() == panel.models.info.citation != ""
    assert panel.models.info.citation in panel.ui.citeButton.toolTip


def test_a_model_is_chosen_by_another_panel(panel, module):
    module.widget.frame.ui.tabs.setCurrentIndex(4)
    module.widget.frame.modelsPanel.modelWanted.emit(MODEL)
    assert module.widget.frame.ui.tabs.currentIndex == 0 and panel.models.name == MODEL


def test_a_scene_that_names_an_unknown_model_is_told(panel, module):
    module_parameters(panel).model = "from-another-hospital"
    assert "from-another-hospital" in panel.ui.errorText.text and not panel.ui.errorBox.isHidden()
    assert module_parameters(panel).model == panel.models.name == MODEL


@pytest.mark.parametrize("everything", [False, True])
def test_nothing_is_cut_off_in_the_width_of_the_panel(panel, app, module, monkeypatch, everything):
    if everything:
        nodes = add_patient("a rather long name of a series, as scanners give them ")
        reason = "The name says T1 but there is another one that would do as well; look at both."
        guess(monkeypatch, module, **{role: (node, reason) for role, node in nodes.items()})
        panel.fill()
        for box in (panel.ui.preparationButton, panel.ui.detailsButton, panel.ui.resultButton, panel.ui.runBox):
            box.setVisible(True)
        panel.ui.preparationButton.collapsed = panel.ui.detailsButton.collapsed = False
        panel.progress.start("Handing over the images")
    with as_in_slicer(app, module.holder) as area:
        assert module.holder.width <= area.viewport().width
        assert cut_off(panel.widget) == []


def test_everything_says_what_it_does(panel):
    assert without_tooltip(panel.widget) == []


def test_two_models_of_one_name_are_said_and_nothing_breaks(panel, module, monkeypatch):
    from TransferSegLib.errors import UsageError

    def twice(self, *values):
        raise UsageError("2 models are called so; delete all but one of them.")

    monkeypatch.setattr(type(module.logic), "guessRoles", twice)
    panel.fill()
    panel.refresh()
