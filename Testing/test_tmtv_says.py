"""What a TMTV report says beside its figures: what they stand on, what of them is in doubt, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers_cli import call
from helpers_tmtv import save, spots

from TransferSegLib.jobs.tmtv import tmtv
from TransferSegLib.jobs.tmtv_options import TmtvOptions
from TransferSegLib.jobs.tmtv_result import ranges

OFF = ("--pet-unit", "suv", "--physiological", "off")


def files_of(value):
    text, page = (Path(value["files"][name]).read_text(encoding="utf-8") for name in ("text", "page"))
    return " ".join(text.split()), page


@pytest.fixture
def tailed(tmp_path):
    """A focus of SUV 9 with a wide rim of SUV 3.8, which 41 % of its SUVmax would take in."""
    suv = np.full((20, 20, 20), 0.5, np.float32)
    suv[4:16, 4:16, 4:16] = 3.8
    suv[8:12, 8:12, 8:12] = 9
    mask = (suv > 3).astype(np.uint8)
    return {"pet": save(tmp_path / "c" / "pet.nii.gz", suv), "mask": save(tmp_path / "c" / "m.nii.gz", mask)}


@pytest.mark.parametrize(("language", "said"), [("en", "it can shrink them, never grow"), ("fr", "jamais s'étendre")])
def test_without_a_mask_a_share_of_suvmax_says_that_it_cannot_grow(capsys, tailed, tmp_path, language, said):
    pet, label = (
        tailed["pet"],
        {"en": "within SUV &gt;= 4.0 (cannot", "fr": "dans les SUV &gt;= 4.0 (ne peut"}[language],
    )
    options = TmtvOptions(unit="suv", naming="off", language=language)
    alone = tmtv(pet=pet, out=tmp_path / "alone", options=options)
    masked = tmtv(pet=pet, mask=tailed["mask"], out=tmp_path / "masked", options=options)
    rows = [{row["rule"]: row["tmtv_ml"] for row in value["thresholds"]}["41%"] for value in (alone, masked)]
    assert rows == pytest.approx([0.64, 17.28])
    for value, there in ((alone, True), (masked, False)):
        text, page = files_of(value)
        assert (said in text, said in page.replace("&#x27;", "'"), label in page) == (there,) * 3
    for words, there in (((), True), (("--mask", tailed["mask"]), False)):
        answer = call(capsys, "tmtv", "--pet", pet, *words, *OFF, "--out", tmp_path / "shell")
        assert answer.out.count("(within SUV >= 4.0: cannot grow)") == there


@pytest.fixture
def doubtful(tmp_path, monkeypatch):
    """Six lesions, of which the second, fourth and fifth are suspected to be the kidney, by a rule that says so."""
    import dataclasses

    suv = np.full((10, 10, 70), 0.5, np.float32)
    for place in range(6):
        suv[2:7, 2:7, 2 + 10 * place : 10 + 10 * place - place] = 6
    named = {2, 4, 5}

    def rule(lesions, *given):
        return tuple(dataclasses.replace(one, suspected="kidney" if one.number in named else "") for one in lesions)

    monkeypatch.setattr("TransferSegLib.jobs.tmtv_uptake.name_physiological", rule)
    return save(tmp_path / "c" / "pet.nii.gz", suv)


def test_what_may_be_physiological_stands_beside_the_headline(capsys, doubtful, tmp_path):
    words = ("tmtv", "--pet", doubtful, "--pet-unit", "suv", "--out", tmp_path / "out")
    value = call(capsys, *words, "--json").value
    assert value["tmtv_ml"] == pytest.approx(8.25) and value["tmtv_without_suspected_ml"] == pytest.approx(4.25)
    move = {"organ": "kidney", "count": 3, "ml": 4.0, "numbers": [2, 4, 5], "move": "2,4-5=kidney"}
    assert value["suspected"] == [move]
    said = "of which 4.0 ml in 3 lesions may be physiological (kidney); without them 4.2 ml"
    answer = call(capsys, *words)
    first, second, *_ = answer.out.splitlines()
    assert first.startswith("TMTV") and second.strip() == said and "--move 2,4-5=kidney" in answer.out
    for text in files_of(value):
        assert said in text and "--move 2,4-5=kidney" in text
        assert text.index(said) < text.index("may be urine")
    after = call(capsys, *words, "--json", "--move", "2,4-5=kidney").value
    assert after["tmtv_ml"] == value["tmtv_without_suspected_ml"] and after["suspected"] == []
    assert [one["physiological"] for one in after["physiological"]] == ["kidney"] * 3
    french = tmtv(pet=doubtful, out=tmp_path / "fr", options=TmtvOptions(unit="suv", language="fr"))
    assert "dont 4.0 ml dans 3 lésions peut-être physiologiques (rein) ; sans elles 4.2 ml" in files_of(french)[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--move", "4-2=lesion"), "runs backwards"),
        (("--move", "1,,2=lesion"), "--move 3=physiological or 2,8,9-14"),
        (("--move", "1-2-3=lesion"), "--move 3=physiological or 2,8,9-14"),
        (("--move", "1-999999=lesion"), "--move 3=physiological or 2,8,9-14"),
        (("--move", "1-3=brain", "--move", "2=heart"), "2 was given as brain already"),
        (("--move", "2-9=brain"), "no uptake 4"),
    ],
)
def test_moves_that_cannot_be(capsys, tmp_path, words, said):
    pet = save(tmp_path / "c" / "pet.nii.gz", spots()[0])
    answer = call(capsys, "tmtv", "--pet", pet, *OFF, "--out", tmp_path / "out", *words)
    assert answer.code == 2 and said in answer.error and not (tmp_path / "out").exists()


def test_numbers_as_ranges():
    assert ranges([2, 8, 9, 10, 14]) == "2,8-10,14" and ranges([]) == ""


def test_many_tiny_lesions_name_the_option(capsys, tmp_path):
    suv = spots()[0]
    suv[2, 20:26:2, 2:26:6] = 6
    words = ("tmtv", "--pet", save(tmp_path / "c" / "pet.nii.gz", suv), *OFF, "--out", tmp_path / "out")
    said = "13 of 15 lesions are below 0.5 ml (0.14 ml together): --minimum-ml 0.5"
    answer = call(capsys, *words)
    assert f"hint: {said}" in answer.out and said in (tmp_path / "out" / "c.txt").read_text()
    assert "--minimum-ml" not in call(capsys, *words, "--minimum-ml", "0.5").out
    plain = save(tmp_path / "d" / "pet.nii.gz", spots()[0])
    assert "hint" not in call(capsys, "tmtv", "--pet", plain, *OFF, "--out", tmp_path / "out").out


def test_the_rule_of_organs_comes_last(tmp_path):
    pet = save(tmp_path / "c" / "pet.nii.gz", spots()[0])
    text, page = files_of(tmtv(pet=pet, out=tmp_path / "out", options=TmtvOptions(unit="suv")))
    for words in (text, page):
        assert words.index("18-connected") < words.index("Nothing is named unless") < words.index("Not a medical")
        assert words.index("stands at the end") < words.index("18-connected")


def test_one_case_that_cannot_be_used_is_one_line(capsys, tmp_path):
    save(tmp_path / "data" / "p1" / "PET.nii.gz", 5000 * spots()[0])
    answer = call(capsys, "tmtv", "--data", tmp_path / "data", *OFF, "--out", tmp_path / "out")
    assert answer.code == 2 and answer.err.count("the highest SUV") == 1, answer.err


def test_a_number_away_from_its_outline_has_a_line_and_a_dashed_outline_a_white_halo():
    from matplotlib.colors import to_rgb

    from TransferSegLib.reporting.tmtv_mip import APART, LESION, mip_figure
    from TransferSegLib.reporting.tmtv_projecting import View
    from TransferSegLib.reporting.tmtv_words import Words

    suv = np.full((60, 60), 7, np.float32)
    masks = {str(number): np.zeros(suv.shape, bool) for number in range(1, 13)}
    for number in range(1, 12):
        masks[str(number)][28 + number // 4, 25 + number % 4] = True
    masks["12"][45:55, 20:40] = True
    view = View("frontal", suv, masks, (600.0, 600.0))
    lesions = {name: name for name in masks if name != "12"}
    (axes,) = mip_figure([view], lesions, {"12": "12 bladder"}, Words()).axes
    texts = {text.get_text(): text for text in axes.texts}
    assert {*lesions, "12 bladder"} <= set(texts) and texts["12 bladder"].get_color() == APART
    ends = [tuple(line.get_xydata()[-1]) for line in axes.lines]
    pixels = {((25 + n % 4 + 0.5) * 10, (28 + n // 4 + 0.5) * 10) for n in range(1, 12)}
    assert len(ends) >= 2 and set(ends) <= pixels and {line.get_color() for line in axes.lines} == {LESION}
    drawn = [(tuple(one.get_edgecolor()[0][:3]), float(one.get_linewidth()[0])) for one in axes.collections]
    halo, dashes = drawn[:2]
    assert halo[0] == (1, 1, 1) and dashes[0] == to_rgb(APART) and halo[1] > dashes[1]
