"""The Adapt panel's chooser of the curriculum, and what the worker is told of it."""

# ruff: noqa: F811  (fixtures are imported and then named as arguments)

from __future__ import annotations

import pytest
from helpers_adapt import logic, panel, started  # noqa: F401

from TransferSegLib.training.curricula import CURRICULA


def choose(panel, name: str) -> None:
    selector = panel.ui.curriculumSelector
    selector.setCurrentIndex(selector.findData(name))


def test_plain_order_is_there_first_and_a_choice_is_kept_in_the_scene(panel):
    ui = panel.ui
    assert ui.curriculumSelector.currentData == "none" and "usual choice" in ui.curriculumSentence.text
    choose(panel, "transfer-teacher")
    assert panel._parameterNode.curriculum == "transfer-teacher" and "gets right" in ui.curriculumSentence.text
    panel._parameterNode.curriculum = "none"
    panel._onParameters()
    assert ui.curriculumSelector.currentData == "none"
    panel.curriculum.select("nonsense")
    assert panel.curriculum.name == "none"


@pytest.mark.parametrize("name", ["none", "transfer-teacher"])
def test_start_hands_the_choice_over(panel, logic, name):
    choose(panel, name)
    started(panel, logic)
    assert logic.asked[-1][0] == "adapt" and logic.asked[-1][2]["curriculum"] == name


def test_the_worker_is_told_only_what_differs_from_plain_order(app):
    from TransferSegGUI.curricula import curriculumOptions

    assert curriculumOptions("none", "half-lr") == {}
    assert curriculumOptions("transfer-teacher", "half-lr") == {"curriculum": "transfer-teacher"}
    assert curriculumOptions("anti", "scratch") == {"curriculum": "anti", "difficulty": "volume"}
    assert curriculumOptions("smoothing", "scratch") == {"curriculum": "smoothing"}


def test_every_curriculum_has_plain_words(app):
    from TransferSegGUI import wording
    from TransferSegGUI.curricula import curricula
    from TransferSegGUI.curriculum_box import title

    assert [name for name, _sentence in curricula()] == ["none", *CURRICULA]
    for name in ["none", *CURRICULA]:
        assert wording.curriculumSentence(name).endswith(".") and name in title(name) and title(name) != name
