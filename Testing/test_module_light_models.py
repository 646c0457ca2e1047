"""The size card in the chooser and the Models panel, and the light model that is proposed without a graphics card."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers_adapt import LABELS, Logic, importable, modelInfo, resourcePath
from helpers_logic import placeModel

from TransferSegLib.packages import SizeRecord, find_package, store_size
from TransferSegLib.processes import machine_name

HERE = SizeRecord(
    machine_name(), "cpu", "float32", "brain MRI", 4_812_345, 9, 3, 2.13, 1290.0, "2026-11-28T10:00:00+00:00"
)
pytestmark = pytest.mark.usefixtures("scene")
TEACHER = "brain-unet-phantom"


def light(name="brain-light", *, origin=None, measured=({"dice": 0.66, "teacher": 0.68},), **changes):
    """A model that was distilled from the shipped one."""
    card = SimpleNamespace(
        task="segmentation",
        reference="flair",
        licence="",
        origin={"distilled_from": TEACHER, "source_sha256": "of these weights"} if origin is None else origin,
        measured_on=measured,
    )
    return modelInfo(name, card=card, **{"weightBytes": 50_000, **changes})


def proposed(*models, teacher=None):
    importable()
    from TransferSegGUI.light_models import lightVersion

    found = lightVersion(teacher or modelInfo(), [modelInfo(), *models])
    return found and found.name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "4.8 million parameters, 2.1 s and 1.3 GB on this computer"),
        ({"parameters": 125_229, "seconds": 0.034}, "125,229 parameters, 0.03 s and 1.3 GB on this computer"),
        ({"peak_mb": None, "seconds": 300.0}, "4.8 million parameters, 5 min on this computer"),
        ({"device": "NVIDIA H200", "peak_mb": 80.0}, "2.1 s and 80 MB on this computer's NVIDIA H200"),
        ({"machine": "Other, 64 cores"}, "2.1 s and 1.3 GB on another one (Other, 64 cores)"),
    ],
)
def test_a_size_card_in_words(changes, words):
    importable()
    from TransferSegGUI.size_words import sizeSentence

    assert words in sizeSentence([replace(HERE, **changes)])
    assert sizeSentence([]) == ""


def test_this_computers_record_goes_before_a_newer_one_of_another():
    importable()
    from TransferSegGUI.size_words import sizeSentence

    other = replace(HERE, machine="Other, 64 cores", seconds=9.0, date="2026-12-01T10:00:00+00:00")
    assert "2.1 s" in sizeSentence([other, HERE])


def test_the_distilled_version_of_the_model_is_proposed():
    assert proposed(light()) == "brain-light"
    assert proposed(light(origin={"distilled_from": TEACHER, "cases": 50})) == "brain-light"


@pytest.mark.parametrize(
    "other",
    [
        light(origin={"source": TEACHER, "strategy": "half-lr"}),
        light(origin={"distilled_from": "another"}),
        light(origin={"distilled_from": TEACHER, "source_sha256": "of a model that had the name before"}),
        light(origin={"source": TEACHER, "pruning": {}}),
        light(offered=False),
        light(available=False),
        light(roles=("flair",)),
        light(labels=LABELS[:2]),
        light(measured=()),
        light(measured=({"dice": 0.60, "teacher": 0.68},)),
        light(origin={"distilled_from": TEACHER, "verdict": "not-measured"}),
        light(weightBytes=600_000),
        light(sizes=(replace(HERE, seconds=5.0),)),
    ],
    ids=lambda model: f"{model.card.origin}"[:40],
)
def test_nothing_else_is_proposed(other):
    teacher = modelInfo(sizes=(HERE,))
    assert proposed(other, teacher=teacher) is None


def test_the_fastest_is_proposed_where_all_were_measured_else_the_smallest():
    small = light("small", weightBytes=10_000, sizes=(replace(HERE, seconds=1.0),))
    quick = light("quick", weightBytes=20_000, sizes=(replace(HERE, seconds=0.2),))
    assert proposed(small, quick) == "quick"
    assert proposed(small, light("quick", weightBytes=20_000)) == "small"


def test_it_says_why_in_one_line():
    importable()
    from TransferSegGUI.light_models import whyProposed

    measured = whyProposed(light(sizes=(replace(HERE, seconds=0.2),)), modelInfo(sizes=(HERE,)))
    assert "“brain-light” is a light version of “brain-unet-phantom”" in measured
    assert "needs 0.2 s instead of 2.1 s on this computer" in measured and "\n" not in measured
    assert "10.0 times smaller" in whyProposed(light(), modelInfo())


@pytest.fixture
def chooser(module, monkeypatch):
    """The Segment panel's, with a light model among the models."""
    from TransferSegGUI.logic import LogicMethods

    infos = module.logic.models()
    teacher = next(info for info in infos if info.name == TEACHER)
    card = replace(teacher.card, name="brain-light", origin={"distilled_from": TEACHER}, measured_on=({"dice": 0.67},))
    lighter = replace(
        teacher, name="brain-light", card=card, sizes=(HERE,), size="4.8 million parameters", weightBytes=9
    )
    monkeypatch.setattr(LogicMethods, "models", lambda self: [teacher, lighter])
    monkeypatch.setattr(LogicMethods, "computesOnCpu", lambda self: module.onCpu)
    module.onCpu = False
    panel = module.widget.frame.segmentPanel
    panel.models.refresh()
    return panel.models


def test_the_chooser_proposes_it_once_it_is_known_that_there_is_no_gpu(chooser, module):
    label = chooser.ui.modelProposal
    assert chooser.name == TEACHER and label.isHidden()
    module.onCpu = True
    module.logic.deviceKnown.emit()
    assert not label.isHidden() and "is a light version of" in label.text
    label.linkActivated.emit("brain-light")
    assert chooser.name == "brain-light" and label.isHidden()
    assert "Size:</b> 4.8 million parameters" in chooser.ui.modelInfo.text


def test_models_are_read_again_when_a_size_was_measured(module):
    package = find_package(placeModel("measured-model"))
    before = next(i for i in module.logic.models() if i.name == "measured-model")
    assert before.size == "" and before.weightBytes == package.weights.stat().st_size
    store_size(package, HERE)
    store_size(find_package(TEACHER), replace(HERE, parameters=125_229))
    after = {info.name: info for info in module.logic.models()}
    assert after["measured-model"].size.startswith("4.8 million parameters, 2.1 s")
    assert after[TEACHER].size.startswith("125,229 parameters")


@pytest.fixture
def panel(scene, app, tmp_path):
    importable()
    from TransferSegGUI.models_panel import ModelsPanel

    logic = Logic(tmp_path)
    logic.infos = [modelInfo(size="4.8 million parameters, 2.1 s", sizes=(HERE,)), modelInfo("ms", source="user")]
    made = ModelsPanel(logic, resourcePath)
    made.enter()
    yield made
    made.cleanup()


def test_the_models_panel_shows_sizes_and_measures(panel):
    ui = panel.ui
    assert "4.8 million parameters, 2.1 s; brain MRI" in ui.modelDetails.text
    panel.table.select("ms")
    assert "not measured yet" in ui.modelDetails.text
    ui.measureButton.click()
    assert panel.logic.asked == [("measure", "ms")] and ui.workLabel.text.startswith("Measuring ms")
    panel.logic.run.end("125,229 parameters, 1.4 s")
    assert ui.modelsMessage.text == "“ms”: 125,229 parameters, 1.4 s"


@pytest.mark.usefixtures("ready_made_worker")
def test_the_logic_measures_through_the_worker(logic):
    name = placeModel()
    words = logic.measureModel(name)
    assert words.startswith("125,229 parameters, ") and words.endswith("on this computer")
    assert logic.model(name).size == words
