"""The notes under an answer: those of the slice that is measured now, and none twice."""

from __future__ import annotations

from helpers_l3 import addCt, finish, found

CUT, DISC, SURE = (
    "The body leaves the field of view.",
    "No rim of a vertebral body was seen in this slice.",
    "The confidence was not calibrated for this model.",
)
LEARNED = "This scan is one of the cases that our-l3 was trained on: its answer says nothing about new scans."


def test_a_training_case_is_said_first_and_stays_said(module, scene, stepped, tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path))
    result = found(stepped, addCt(scene), notes=[LEARNED, CUT, DISC, SURE, "Another."])
    box = module.widget.frame.levelPanel.result
    box.add(result)
    assert box.ui.notesLabel.text.splitlines()[0] == f"• {LEARNED}"
    run = stepped.measureL3(result, 17, callback=lambda value, error: None)
    assert finish(stepped, run, notes=[CUT]).notes == [CUT, LEARNED, SURE]


def test_another_slice_has_its_own_notes(scene, stepped, tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path))
    result = found(stepped, addCt(scene), notes=[DISC, SURE])
    assert stepped.l3Results()[0].notes == [DISC, SURE]
    run = stepped.measureL3(result, 17, callback=lambda value, error: None)
    assert finish(stepped, run, notes=[CUT]).notes == [CUT, SURE]


def test_a_slice_set_by_hand_is_warned_of_too(scene, stepped, tmp_path, monkeypatch):
    from helpers_l3 import placeLevelModel

    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path))
    placeLevelModel()
    marked = stepped.markL3(addCt(scene), 12)
    run = stepped.measureL3(marked, callback=lambda value, error: None)
    assert finish(stepped, run, notes=[CUT]).notes == [CUT]


def test_what_the_message_says_is_not_said_again(module, tmp_path, monkeypatch):
    from TransferSegGUI.level_results import L3Result

    box = module.widget.frame.levelPanel.result
    box.add(L3Result("uncertain", message=f"Uncertain: look. {CUT}", notes=[SURE], findings=[{"sentence": CUT}]))
    assert box.ui.notesLabel.text == f"• {SURE}"
