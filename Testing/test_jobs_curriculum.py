"""Curricula of an adaptation: where the difficulty comes from, what is recorded, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import call, small_case, small_data_set, small_model
from helpers_petct import write_case
from helpers_tmtv import save, spots

from TransferSegLib.cases import open_data_set
from TransferSegLib.errors import Cancelled, InputError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.jobs import finetune_curriculum
from TransferSegLib.jobs.difficulty import read_difficulty, truth_difficulty
from TransferSegLib.jobs.evaluate import evaluate
from TransferSegLib.jobs.finetune import TrainingOptions, finetune
from TransferSegLib.jobs.level_dispatch import refuse_others
from TransferSegLib.jobs.tmtv import TmtvOptions, tmtv
from TransferSegLib.packages import read_package
from TransferSegLib.storage import sha256
from TransferSegLib.training import LOSSES
from TransferSegLib.training.curricula import CURRICULA

OPTIONS = TrainingOptions(epochs=2, steps=3, patch=32, seed=1)
TAUGHT = replace(OPTIONS, curriculum="default")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return read_package(small_model(tmp_path_factory.mktemp("models") / "little"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small_data_set(tmp_path_factory.mktemp("data") / "set", 3)


def weights(result) -> str:
    return sha256(f"{result['package']}/models/model.pt")


def adapted(model, data, out, options=TAUGHT, **more):
    return finetune(source=model, data=data, strategy_name="half-lr", out=out, options=options, **more)


def test_the_default_is_the_transfer_teacher_and_it_is_recorded(tmp_path, model, data):
    result = adapted(model, data, tmp_path / "m", hold_out_ids=["p3"])
    assert result["curriculum"]["name"] == "transfer-teacher" and result["curriculum"]["difficulty"] == "dice"
    assert result["curriculum"]["start"] == 0.04 and result["curriculum"]["growth"] == 1.9
    run = json.loads((tmp_path / "m.run" / "run.json").read_text())
    assert run["request"]["curriculum"] == {"name": "transfer-teacher", "measure": "dice", "table": {}}
    assert set(run["curriculum"]["difficulty"]) == {"p1", "p2"}  # never the held-out case
    scores = {row["id"]: row["dice"]["oedema"] for row in evaluate(model=model, data=data)["cases"]}
    for name, hard in run["curriculum"]["difficulty"].items():
        assert hard == pytest.approx(1 - scores[name], abs=1e-6)
    card = read_package(result["package"]).card
    assert card.origin["curriculum"] == result["curriculum"] and "curriculum transfer-teacher" in card.origin["text"]
    assert "p1" not in json.dumps(card.origin["curriculum"])
    plain = adapted(model, data, tmp_path / "n", OPTIONS, hold_out_ids=["p3"])
    assert plain["curriculum"] is None and weights(plain) != weights(result)


def test_held_out_cases_and_the_inner_split_take_no_part(tmp_path, model):
    seven = small_data_set(tmp_path / "set", 7)
    result = adapted(model, seven, tmp_path / "m", hold_out_ids=["p7"])
    run = json.loads((tmp_path / "m.run" / "run.json").read_text())
    assert len(run["curriculum"]["difficulty"]) == 5 and "p7" not in run["curriculum"]["difficulty"]
    other = small_data_set(tmp_path / "other", 6)
    small_case(other / "p9", seed=99)
    assert weights(adapted(model, other, tmp_path / "n", hold_out_ids=["p9"])) == weights(result)


@pytest.mark.parametrize("name", ["transfer-teacher", "self-paced", "rl-teacher"])
def test_a_cut_off_adaptation_ends_the_same_and_scores_nothing_twice(tmp_path, model, data, name, monkeypatch):
    options = replace(OPTIONS, curriculum=name, difficulty=None if name == "self-paced" else "dice")
    whole = adapted(model, data, tmp_path / "whole", options)
    events: Events

    def listen(event):
        if event["event"] == "progress" and event["stage"] == "training" and event["done"] == 4:
            events.cancel()

    events = Events(listen)
    with pytest.raises(Cancelled):
        adapted(model, data, tmp_path / "cut", options, events=events)
    monkeypatch.setattr(finetune_curriculum, "score_difficulty", None)
    assert weights(adapted(model, data, tmp_path / "cut", options)) == weights(whole)


def test_every_family_and_loss_trains_from_the_command_line(tmp_path, model, data, capsys):
    seen = set()
    quick = ("--epochs", 1, "--steps", 8, "--patch", 32, "--json")
    for name in [*CURRICULA, "none"]:
        out = tmp_path / name
        words = ("finetune", "--from", model.folder, "--data", data, "--strategy", "half-lr", "--out", out)
        value = call(capsys, *words, *quick, "--curriculum", name).value
        assert (value["curriculum"] or {"name": "none"})["name"] == name
        seen.add(weights(value))
    assert len(seen) >= len(CURRICULA)  # of three cases an order drawn by seed may be another family's
    for name in LOSSES:
        words = ("finetune", "--from", model.folder, "--data", data, "--strategy", "half-lr", "--out", tmp_path / name)
        value = call(capsys, *words, *quick, "--curriculum", "--loss", name).value
        assert value["curriculum"]["name"] == "transfer-teacher"
        assert read_package(value["package"]).card.origin["plan"]["loss"] == name


def test_the_help_knows_every_name(capsys):
    text = " ".join(call(capsys, "finetune", "--help").out.split())
    assert all(name in text for name in [*CURRICULA, *LOSSES])
    assert "left out: every case from the start" in text


def table(folder, text):
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_existing_table_decides_the_order(tmp_path, model, data):
    easy = table(tmp_path, "id,difficulty\np1,3\np2,-1\np3,2\n")
    options = replace(TAUGHT, difficulty=easy)
    first = adapted(model, data, tmp_path / "m", options, hold_out_ids=[])
    run = json.loads((tmp_path / "m.run" / "run.json").read_text())
    assert run["curriculum"]["difficulty"] == {"p1": 3, "p2": -1, "p3": 2} and run["curriculum"]["measure"] == "table"
    # the same order from Dice, and the other way round
    table(tmp_path, "id;dice\np1;0.1\np2;0.9\np3;0.5\n")
    assert weights(adapted(model, data, tmp_path / "n", options, hold_out_ids=[])) == weights(first)
    table(tmp_path, "id;dice\np1;0.9\np2;0.1\np3;0.5\n")
    assert weights(adapted(model, data, tmp_path / "o", options, hold_out_ids=[])) != weights(first)


def test_what_evaluate_wrote_is_a_table(tmp_path, model, data):
    scores = evaluate(model=model, data=data, out=tmp_path / "scores.csv")
    cases = open_data_set(data).cases
    found = read_difficulty(tmp_path / "scores.csv", cases, cases[:2])
    assert found == pytest.approx({row["id"]: 1 - row["dice"]["oedema"] for row in scores["cases"][:2]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,dice\np1,0.5\np2,0.4\n", "p3 has no row"),
        ("id,dice\np1,0.5\np2,0.4\np3,0.3\np4,0.2\n", "p4 is no case"),
        ("id,dice\np1,0.5\np2,0.4\np3,0.3\np3,0.2\n", "p3 has two rows"),
        ("id,dice\np1,0.5\np2,1.4\np3,0.3\n", "p2 has 1.4; give a Dice from 0 to 1"),
        ("id,difficulty\np1,0.5\np2,nan\np3,0.3\n", "p2 has nan; give a number"),
        ("id,difficulty\np1,0.5\np2\np3,0.3\n", "p2 has nothing"),
        ("name,dice\np1,0.5\n", "columns id and difficulty or dice"),
        ("id,dice\n", "no rows"),
        ("", "no rows"),
    ],
)
def test_a_table_that_cannot_be(tmp_path, model, data, text, words):
    with pytest.raises(InputError, match=words):
        adapted(model, data, tmp_path / "m", replace(TAUGHT, difficulty=table(tmp_path, text)), hold_out_ids=[])
    assert not (tmp_path / "m").exists() and not (tmp_path / "m.run").exists()


def test_a_missing_table_names_the_measures(tmp_path, model, data):
    with pytest.raises(InputError, match=r"no such file.*volume"):
        adapted(model, data, tmp_path / "m", replace(TAUGHT, difficulty=tmp_path / "none.csv"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"curriculum": "easy"}, "self-paced"),
        ({"difficulty": "volume"}, "--difficulty: is for a curriculum"),
        ({"curriculum": "random", "difficulty": "volume"}, "needs none"),
        ({"curriculum": "anti", "feature_bank": 4}, "--feature-bank"),
        ({"loss": "mumford-shah-dice-ce", "feature_bank": 4}, "--loss"),
        ({"curriculum": "anti", "difficulty": "suv-max"}, "PET/CT only"),
    ],
)
def test_what_does_not_go_together(tmp_path, model, data, options, words):
    with pytest.raises(UsageError, match=words):
        adapted(model, data, tmp_path / "m", replace(OPTIONS, **options))
    assert not (tmp_path / "m.run").exists()


def test_without_a_model_to_start_from_the_truth_or_a_table_says_what_is_hard(tmp_path, model, data):
    for source in (None, model):
        how = {"source": source, "data": data, "strategy_name": "scratch", "hold_out_ids": [], "out": tmp_path / "m"}
        with pytest.raises(UsageError, match="nothing was learned before"):
            finetune(**how, options=TAUGHT)
    result = finetune(**(how | {"source": None}), options=replace(TAUGHT, difficulty="volume"))
    assert result["curriculum"]["difficulty"] == "volume"


def test_the_truth_says_volume_and_count(tmp_path):
    import numpy as np
    from helpers_cli import save

    truth = np.zeros((10, 10, 10), np.uint8)
    truth[1:3, 1:3, 1:3] = 1
    small_case(tmp_path / "a")
    save(tmp_path / "a" / "seg.nii.gz", np.pad(truth, 15), {"spacing": (1.0, 1.0, 1.0)})
    truth[6:9, 6:9, 6:9] = 1
    small_case(tmp_path / "b")
    save(tmp_path / "b" / "seg.nii.gz", np.pad(truth, 15), {"spacing": (1.0, 1.0, 1.0)})
    cases = open_data_set(tmp_path).cases
    assert truth_difficulty("volume", cases, Events()) == pytest.approx({"a": -0.008, "b": -0.035})
    assert truth_difficulty("lesions", cases, Events()) == {"a": 1, "b": 2}


def heated(folder, peak: float):
    """A PET/CT case whose lesion takes up ``peak`` times as much."""
    write_case(folder, 3)
    pet, mask = (sitk.ReadImage(str(folder / name)) for name in ("PET.nii.gz", "PET_mask.nii.gz"))
    values = sitk.GetArrayFromImage(pet)
    values[sitk.GetArrayViewFromImage(mask) > 0] *= peak
    changed = sitk.GetImageFromArray(values)
    changed.CopyInformation(pet)
    sitk.WriteImage(changed, str(folder / "PET.nii.gz"))


def test_the_highest_suv_says_what_is_hard(tmp_path):
    """Faint lesions are hard; above SUV 30, where the network's window ends, one is as easy as another."""
    for name, peak in (("p0", 1.0), ("p1", 2.0), ("p2", 5.0), ("p3", 0.5), ("p4", 3.0)):
        heated(tmp_path / "data" / name, peak)
    options = TrainingOptions(epochs=1, steps=8, patch=16, curriculum="predefined", difficulty="suv-max")
    result = finetune(source=None, data=tmp_path / "data", strategy_name="scratch", out=tmp_path / "m",
                      hold_out_ids=["p4"], listed=False, options=options)  # fmt: skip
    noted = json.loads((tmp_path / "m.run" / "run.json").read_text())["curriculum"]
    hard = noted["difficulty"]
    assert result["curriculum"]["difficulty"] == noted["measure"] == "suv-max" and set(hard) == {"p0", "p1", "p2", "p3"}
    assert sorted(hard, key=hard.get) == ["p2", "p1", "p0", "p3"]
    assert hard["p2"] == -30 and hard["p1"] == pytest.approx(2 * hard["p0"], rel=0.02) and -10 < hard["p0"] < -8


def test_a_level_model_has_no_curriculum():
    with pytest.raises(UsageError, match="--curriculum"):
        refuse_others({}, TrainingOptions(curriculum="anti"))
    refuse_others({}, TrainingOptions(curriculum="none"))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_table_of_reports_says_what_is_hard(tmp_path, data, language):
    """As the reports' own writer leaves it, with patients that are no case of the data set."""
    suv, boxes = spots()
    for name in ("p1", "p2", "p3", "someone"):
        mask = (suv > 4).astype(np.uint8)
        mask[boxes[0 if name == "p1" else 1]] = 0
        given = {"pet": save(tmp_path / name / "pet.nii.gz", suv), "truth": save(tmp_path / name / "t.nii.gz", mask)}
        options = TmtvOptions(unit="suv", naming="off", language=language)
        value = tmtv(**given, id=name, out=tmp_path / "out", options=options)
    said, cases = [], open_data_set(data).cases
    found = read_difficulty(value["files"]["table"], cases, cases[:2], Events(said.append))
    assert found["p1"] > found["p2"] + 0.1 and 0 < found["p2"] < 1 and set(found) == {"p1", "p2"}
    assert "1 rows are of patients that are no case" in str(said)
