"""Corrected PET/CTs as training cases: what is kept, as data sets, prepared, and learned from in the Adapt panel."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_panels import PANEL_WIDTH, settle, wait_for
from helpers_pet_panel import VOLUMES, InProcessClient, addCt, addPet
from helpers_tmtv import spots
from test_module_tmtv import measured, paint

BY_HAND = {"weight_kg": "50", "dose_mbq": "100", "injected": "10:00", "acquired": "10:00", "half_life_s": "6586.2"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "petct" / "corrected"


@pytest.fixture
def logic(stepped, home, scene):
    stepped._client = InProcessClient()
    node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg")
    stepped.getParameterNode = lambda: node
    return stepped


def truthOf(case):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(case.truth)))


def test_a_kept_case_is_a_data_set_of_suv_ct_and_lesions_without_organs(scene, logic, home):
    """The PET is in Bq/ml, its SUV made of numbers by hand; one uptake is the bladder."""
    from TransferSegLib.cases import load_case, open_data_set
    from TransferSegLib.preparing.petct import prepare_petct

    pet, ct = addPet(scene, "PET", suv=False, factor=2000.0), addCt(scene)
    result = measured(logic, pet, ct, unit="bqml", byHand=BY_HAND)
    kept = logic.addTmtvCase(logic.moveUptake(result, 1, "bladder"))
    assert (kept.id, kept.leftOut) == ("PET", ("bladder",)) and kept.lesionMl == pytest.approx(sum(VOLUMES[1:]))
    assert logic.client.jobs[1:] == [], "the worker is not needed"
    expected = np.zeros(spots()[0].shape, np.uint8)
    for box in spots()[1][1:]:
        expected[box] = 1
    for path in (home, home / "cases.csv"):
        data = open_data_set(path, roles=("pet", "ct"))
        assert data.label_names == {1: "lesion"} and [case.id for case in data.cases] == ["PET"]
        loaded = load_case(data.cases[0], with_truth=True)
        assert (loaded.pet.unit, loaded.pet.stated_by) == ("suv", "sidecar")
        np.testing.assert_allclose(sitk.GetArrayFromImage(loaded.images["pet"]), spots()[0], rtol=1e-5)
        assert sitk.GetArrayFromImage(loaded.images["ct"]).min() == -1000
        assert np.array_equal(sitk.GetArrayFromImage(loaded.truth), expected)
        prepared = prepare_petct(loaded, spacing=None)
        assert prepared.array.shape[0] == 5 and prepared.truth.sum() == expected.sum()
        hot = prepared.array[1][prepared.truth > 0]
        assert hot.min() >= 5 / 30 - 1e-6 and "SUV already" in prepared.steps[0].reason
    about = json.loads((home / "PET" / "case.json").read_text())
    assert {entry[3] for entry in about["unit"]["inputs"]} == {"by hand"} and about["leftOut"] == ["bladder"]
    assert home.stat().st_mode & 0o077 == 0, "images of patients are for this user only"


def test_the_same_pet_replaces_its_case_and_another_of_its_name_does_not(scene, logic, home):
    from TransferSegGUI.pet_cases import keptCases

    ct = addCt(scene)
    pets = [addPet(scene), addPet(scene, factor=1.5)]
    results = [measured(logic, pet, ct) for pet in pets]
    kept = [logic.addTmtvCase(result) for result in results]
    assert [case.id for case in kept] == ["PET", "PET_2"] and len(logic.trainingCases()) == 2
    paint(results[0], pets[0], 0, (slice(3, 8), slice(3, 11), slice(3, 5)), 0)
    again = logic.addTmtvCase(results[0])
    assert again.id == "PET" and again.lesionMl == pytest.approx(sum(VOLUMES) - VOLUMES[0] / 2)
    cases = logic.trainingCases()
    assert [case.id for case in cases] == ["PET", "PET_2"] and truthOf(cases[0]).sum() * 0.01 == pytest.approx(
        again.lesionMl
    )
    scene.Clear(0)
    node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg")
    logic.getParameterNode = lambda: node
    assert len(logic.trainingCases()) == 0
    logic.addTmtvCase(measured(logic, addPet(scene, "PET c", factor=1.2), addCt(scene)))
    assert [case.id for case in logic.trainingCases()] == ["PET", "PET_2", "PET_c"], "those of other scenes join in"
    assert [case.id for case in keptCases()] == ["PET", "PET_2", "PET_c"]


def test_what_cannot_teach_is_refused(scene, logic, home):
    from TransferSegLib.errors import TransferSegError

    pet, ct = addPet(scene), addCt(scene)
    for images, rule, words in (((pet, None), "4.0", "from the CT too"), ((pet, ct), "20", "no lesion to learn from")):
        result = measured(logic, *images, rule=rule)
        assert words in logic.missingForTmtvCase(result)
        with pytest.raises(TransferSegError, match=words):
            logic.addTmtvCase(result)
    result = measured(logic, pet, ct)
    for number, box in enumerate(spots()[1]):
        paint(result, pet, number, box, 0)
    with pytest.raises(TransferSegError, match="no lesion to learn from"):  # erased, and not measured again yet
        logic.addTmtvCase(result)
    assert not home.exists()


@pytest.fixture
def model(home):
    """A light PET/CT model of a few weights."""
    from test_petct_models import package

    from TransferSegLib.places import models_folder

    return package(models_folder() / "petct-small", spacing=(3.0, 3.0, 3.0)).card.name


def test_a_model_is_adapted_to_kept_cases_and_to_one_of_the_scene(scene, logic, home, model):
    ct = addCt(scene)
    for name, factor in (("PET a", 1.0), ("PET b", 1.1)):
        logic.addTmtvCase(measured(logic, addPet(scene, name, factor=factor), ct))
    cases, pet = logic.trainingCases(), addPet(scene, "PET c", factor=0.9)
    outline = measured(logic, pet, ct).segmentationNode
    names = [outline.GetSegmentation().GetSegment(one).GetName() for one in outline.GetSegmentation().GetSegmentIDs()]
    cases.addFromScene({"pet": pet, "ct": ct}, outline, dict.fromkeys(names, "lesion"), "c")
    cases.setHeldOut(1, True)
    assert logic.cannotAdapt(model, cases, "ours") is None
    options = {"patch": 16, "batch": 1, "steps": 2}
    result = logic.adapt(model, cases, name="ours", strategy="half-lr", epochs=1, device="cpu", options=options)
    assert result.held_out == ["PET_b"] and sorted(result.trained_on) == ["PET_a", "c"]
    assert {info.name for info in logic.petModels()} == {model, "ours"}
    unknown = addPet(scene, "PET d", suv=False, factor=0.8)
    cases.addFromScene({"pet": unknown, "ct": ct}, outline, dict.fromkeys(names, "lesion"), "d")
    from TransferSegLib.errors import TransferSegError

    with pytest.raises(TransferSegError, match="what makes SUV of it is not known"):
        logic.adapt(model, cases, name="others", epochs=1, device="cpu", options=options)


def test_one_click_in_the_panel_and_removing_in_the_adapt_tab(home, request, scene, app, dialogs):
    module = request.getfixturevalue("module")
    module.widget.logic._client = InProcessClient()
    module.holder.resize(PANEL_WIDTH, 1000)
    module.holder.show()
    frame = module.widget.frame
    frame.ui.tabs.setCurrentIndex(3)
    panel, ui = frame.petPanel, frame.petPanel.ui
    assert ui.trainingButton.isHidden()
    pet, ct = addPet(scene), addCt(scene)
    wait_for(app, lambda: ui.applyButton.enabled)
    panel.logic.measureTmtv(pet, physiological=False)
    settle(app, 0.3)
    assert not ui.trainingButton.enabled and "CT" in ui.trainingButton.toolTip
    panel.logic.moveUptake(panel.logic.measureTmtv(pet, ct, physiological=False), 2, "kidney")
    settle(app, 0.3)
    ui.trainingButton.click()
    wait_for(app, lambda: panel.work.adding is None or panel.logic.client.pump())
    assert "Kept as training case PET" in ui.stateLabel.text and "kidney" in ui.stateLabel.text
    assert ui.errorBox.isHidden() and ui.trainingButton.enabled
    frame.ui.tabs.setCurrentIndex(1)
    table = frame.adaptPanel.ui.casesTable
    assert table.rowCount == 1 and "PET" in table.item(0, 0).text()
    table.selectRow(0)
    frame.adaptPanel.ui.removeCaseButton.click()
    assert table.rowCount == 0 and not (home / "PET").exists()
    assert len((home / "cases.csv").read_text().splitlines()) == 1
