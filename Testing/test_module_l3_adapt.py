"""Adapting a level's model: cases, request, verdict in mm, what is kept; a stand-in for the worker."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from helpers_l3 import MODEL, addCt, found, placeLevelModel, trunk
from helpers_logic import StepClient
from helpers_panels import PANEL_WIDTH, cut_off, settle, wait_for

EVALUATION = {
    "before": {"cases": [{"id": "CT_b", "error_mm": 21.0}], "mean": {"error_mm": 21.0}},
    "after": {"cases": [{"id": "CT_b", "error_mm": 4.5}], "mean": {"error_mm": 4.5}},
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def addCase(logic, ct, index):
    """A correction on this slice, kept."""
    made = []
    logic.addL3Case(logic.markL3(ct, index), callback=lambda case, error: made.append(error or case))
    while not made:
        logic.client.pump()
    return made[0]


def result(**more):
    """The worker's answer to ``finetune``."""
    told = {"verdict": "better", "message": "better on 1 of 1 held-out case: mean error 21.0 → 4.5 mm", "report": ""}
    told |= {"package": "x", "seconds": 3.0, "trainable": 10, "total": 20, "held_out": ["CT_b"], "trained_on": ["CT_a"]}
    return {**told, **EVALUATION, **more}


def test_the_cases_are_listed_for_the_worker_and_hold_outs_named(scene, stepped, home):
    from TransferSegLib.level.data_set import open_levels

    placeLevelModel()
    for name, index in (("CT a", 10), ("CT b", 12)):
        addCase(stepped, addCt(scene, name), index)
    cases = stepped.l3Cases()
    cases.setHeldOut(1, True)
    assert stepped.cannotAdaptL3(MODEL, cases, "") == "Give the new model a name."
    run = stepped.adaptL3(MODEL, cases, name="ours", strategy="half-lr", callback=lambda value, error: None)
    stepped.client.pump()
    job = stepped.client.jobs[-1]
    assert job.verb == "finetune" and job.args["hold_out"] == ["CT_b"] and job.args["strategy"] == "half-lr"
    levels = open_levels(job.args["data"])
    assert [(case.id, case.level) for case in levels.cases] == [("CT_a", "L3"), ("CT_b", "L3")]
    rows = list(csv.DictReader(Path(job.args["data"]).read_text().splitlines()))
    assert not Path(rows[0]["ct"]).is_absolute() and [row["slice"] for row in rows] == ["10", "12"]
    job.end(result=result())
    assert run.result.verdict == "better" and run.result.name == "ours"
    assert all(Path(case.ct).name == "ct.nrrd" and not case.problem for case in cases), "the corrections stay"


def test_a_failed_training_can_be_resumed_and_is_not_among_the_others(scene, stepped, home):
    from TransferSegLib.errors import TransferSegError

    placeLevelModel()
    addCase(stepped, addCt(scene), 10)
    run = stepped.adaptL3(MODEL, stepped.l3Cases(), name="ours", callback=lambda value, error: None)
    stepped.client.pump()
    stepped.client.jobs[-1].end("failed", error=TransferSegError("it crashed"))
    assert run.state == "failed" and [(one.name, one.task) for one in stepped.interruptedAdaptations()] == [
        ("ours", "level")
    ]
    stepped.resumeAdaptation("ours", callback=lambda value, error: None)
    assert stepped.client.jobs[-1].args["data"].endswith("ours/levels.csv")


def test_strategies_without_a_decoder(stepped, home):
    placeLevelModel()
    names = [name for name, _sentence in stepped.strategies(MODEL)]
    assert "half-lr" in names and "freeze-decoder" not in names and names[-1] == "scratch"


def test_why_it_cannot_start(scene, stepped, home):
    from helpers_logic import placeModel

    placeLevelModel()
    assert stepped.cannotAdaptL3(MODEL, [], "x") == "Add at least one training case."
    assert "finds no level" in stepped.cannotAdaptL3(placeModel(), [], "x")
    case = addCase(stepped, addCt(scene), 10)
    stepped.l3Cases().setHeldOut(0, True)
    assert "held out" in stepped.cannotAdaptL3(MODEL, stepped.l3Cases(), "x")
    stepped.l3Cases().setHeldOut(0, False)
    (home / "levels" / "corrected" / case.ct).unlink()
    assert "no longer there" in stepped.cannotAdaptL3(MODEL, stepped.l3Cases(), "x")


def test_the_same_patient_is_held_out_as_one(scene, stepped, home):
    from TransferSegGUI.exchange import snapshot

    first = addCt(scene, "p01_a")
    cases = stepped.l3Cases()
    addCase(stepped, first, 10)
    addCase(stepped, addCt(scene, "p02"), 10)
    cases.add(snapshot(first), slice=3, mm=1.0, level="L3", id="again", patient=cases[0].patient)
    assert "p01_a" in cases.setHeldOut(2, True) and [case.heldOut for case in cases] == [True, False, True]


def test_a_damaged_list_is_said(stepped, home):
    from TransferSegLib.errors import TransferSegError

    (home / "levels" / "corrected").mkdir(parents=True)
    (home / "levels" / "corrected" / "levels.csv").write_text("id,ct\nx,y\n")
    with pytest.raises(TransferSegError, match="cannot be read"):
        _ = stepped.l3Cases().list


@pytest.fixture
def panel(home, request, app):
    placeLevelModel()
    module = request.getfixturevalue("module")
    module.widget.logic._client = StepClient()
    module.holder.resize(PANEL_WIDTH, 1400)
    module.holder.show()
    module.widget.frame.ui.tabs.setCurrentIndex(2)
    module.widget.frame.levelPanel.selectModel(MODEL)
    return module.widget.frame.levelPanel


def test_the_panel_adapts_and_says_how_many_mm(panel, scene, app):
    ui = panel.adapt.ui
    assert not ui.startButton.enabled and "training case" in ui.startReason.text
    for name in ("CT a", "CT b"):
        addCase(panel.logic, addCt(scene, name), 9)
    panel.cases.cases.setHeldOut(1, True)
    ui.strategyButton.collapsed = False
    assert ui.nameEdit.text == f"{MODEL}-half-lr" and ui.startButton.enabled, ui.startReason.text
    ui.startButton.click()
    client = panel.logic.client
    wait_for(app, lambda: any(job.verb == "finetune" for job in client.jobs) or client.pump())
    job = next(job for job in client.jobs if job.verb == "finetune")
    assert not ui.runBox.isHidden() and not panel.ui.findButton.enabled
    job.event(event="progress", stage="training", done=5, total=10, seconds_left=3.0)
    job.event(event="metric", epoch=1, step=5, loss=0.4, validation_error_mm=12.0)
    assert panel.adapt.training.curves.hasValidation
    job.end(result=result())
    wait_for(app, lambda: panel.adapt.run is None)
    assert "better on 1 of 1" in ui.verdictLabel.text.lower()
    texts = [[ui.resultTable.item(row, column).text() for column in range(4)] for row in range(2)]
    assert texts == [["CT_b", "21.0", "4.5", "−16.5"], ["mean", "21.0", "4.5", "−16.5"]]
    settle(app)
    assert cut_off(panel.adapt.widget) == []


def test_the_new_model_is_found_in_the_chooser(panel, app):
    placeLevelModel("ours")
    panel.logic.changed.emit()
    panel.adapt.modelWanted.emit("ours")
    assert panel.models.name == "ours"


def test_discarding_keeps_the_corrections(panel, scene, app, home):
    addCase(panel.logic, addCt(scene), 9)
    ui = panel.adapt.ui
    ui.startButton.click()
    client = panel.logic.client
    wait_for(app, lambda: any(job.verb == "finetune" for job in client.jobs) or client.pump())
    ui.cancelButton.click()
    wait_for(app, lambda: panel.adapt.run is None or client.pump())
    assert "Discarded" in ui.errorText.text and len(panel.cases.cases) == 1
    assert not (home / "adaptations" / f"{MODEL}-half-lr").exists()


def test_a_found_level_can_be_corrected_into_a_case(scene, stepped, home):
    ct = addCt(scene)
    answer = found(stepped, ct)
    made = []
    stepped.addL3Case(answer, callback=lambda case, error: made.append(case))
    while not made:
        stepped.client.pump()
    assert made[0].slice == 14 and made[0].description == "CT abdomen, L3 on slice 14" and trunk().ndim == 3
