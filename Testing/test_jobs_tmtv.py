"""tmtv from files to the report: the worked example, the JSON contract, real PETs, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_tmtv import SPACING, save, spots, worked_example

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.jobs.tmtv import tmtv
from TransferSegLib.jobs.tmtv_options import TmtvOptions
from TransferSegLib.jobs.tmtv_set import tmtv_set

SUV = TmtvOptions(unit="suv", naming="off")
FRENCH = """\
Patient : CLIPS 1
Tolerance : 5
Lesionwise threshold : 50.0%
Max SUV : 23.13
Distance moyenne (mm) : *
Distance de Hausdorff (mm) : *
Dice : 0.558
NSD à 5mm : *
BJI à 5mm : *
TMTV calculé par TMTV-NET (non seuillé) : 94.2
TMTV calculé par TMTV-NET (seuillé) : 52.1
TMTV réel (seuillé à 4) ml : 134.4
TMTV FP non seuillé ml : 42.18
TMTV FP seuillé ml : 0.06
TMTV FN ml : 82.37
TMTV TP ml : 52.03
Précision % : 99.88
Recall % : 38.71
Approche 1
Nombre de lésions TP : 1 / 1 (100.0%)
Nombre de lésions FN : 0 / 1 (0.0%)
Nombre de prédictions FP : 1 / 2 (50.0%)
Approche 2
Nombre de lésions TP : 1 / 1 (100.0%)
Nombre de lésions FN : 0 / 1 (0.0%)
Nombre de prédictions FP : 1 / 2 (50.0%)
"""
ENGLISH = ("Max SUV: 23.13", "Dice: 0.558", "TMTV predicted (not thresholded) ml: 94.2",
           "TMTV predicted (thresholded) ml: 52.1", "Real TMTV (thresholded at 4) ml: 134.4",
           "TMTV FP not thresholded ml: 42.18", "TMTV FP thresholded ml: 0.06", "TMTV FN ml: 82.37",
           "TMTV TP ml: 52.03", "Precision %: 99.88", "Recall %: 38.71",
           "Number of predictions FP: 1 / 2 (50.0%)")  # fmt: skip


def text_of(value):
    return Path(value["files"]["text"]).read_text(encoding="utf-8")


def test_the_worked_example_to_the_printed_digit(tmp_path):
    files = worked_example(tmp_path / "in")
    options = TmtvOptions(unit="suv", language="fr")
    value = tmtv(**files, out=tmp_path / "out", id="CLIPS 1", options=options)
    lines = text_of(value).splitlines()
    for printed, wanted in zip(lines, FRENCH.splitlines()):
        name, _, figure = wanted.partition(" : ")
        assert printed == wanted or (figure == "*" and printed.startswith(f"{name} : ")), (printed, wanted)
    value = tmtv(**files, out=tmp_path / "out", id="CLIPS 1", options=TmtvOptions(unit="suv"))
    text = text_of(value).splitlines()
    assert set(ENGLISH) <= set(text)
    errors = value["errors"]
    assert (errors["tp_ml"], errors["fn_ml"], errors["fp_ml"]) == (52.03, 82.37, 0.06)
    assert value["tmtv_ml"] == 52.09 and value["tmtv_raw_ml"] == 94.21
    assert errors["dice"] == pytest.approx(2 * 52.03 / (2 * 52.03 + 82.37 + 0.06), abs=1e-4)


def test_the_json_contract_and_the_files(tmp_path):
    suv, boxes = spots()
    pet = save(tmp_path / "case" / "pet.nii.gz", suv)
    value = tmtv(pet=pet, out=tmp_path / "out", options=SUV)
    assert set(value) >= {"suv_factor", "tmtv_ml", "tlg", "suv_max", "lesions", "errors", "report", "thresholds", "suv"}
    assert value["suv_factor"] is None and value["errors"] is None and value["patient"] == "case"
    assert value["tmtv_ml"] == pytest.approx(1.6 + 0.96 + 0.02) and value["suv_max"] == 9
    assert value["tlg"] == pytest.approx(1.6 * 9 + 0.96 * 6 + 0.02 * 5, abs=1e-3)
    assert [one["number"] for one in value["lesions"]] == [1, 2, 3]
    assert value["suv"]["stated_by"] == "user" and value["suv"]["unit"] == "suv"
    assert [row["rule"] for row in value["thresholds"]] == ["4.0", "2.5", "41%"]
    assert json.loads(json.dumps(value)) == value
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} >= {
        "case.txt", "case.html", "case.pdf", "case.json", "case_lesions.nii.gz", "tmtv.csv",
    }  # fmt: skip
    assert value["report"] == str(out / "case.html") and (out / "case.pdf").read_bytes()[:5] == b"%PDF-"
    labels = sitk.ReadImage(value["files"]["lesions"])
    assert labels.GetSpacing() == SPACING and labels.GetSize() == sitk.ReadImage(str(pet)).GetSize()
    numbers = sitk.GetArrayFromImage(labels)
    assert all((numbers[box] == number).all() for number, box in enumerate(boxes, 1))
    assert np.count_nonzero(numbers) == 160 + 96 + 2
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_small_lesions_moves_and_thresholds(tmp_path):
    suv, _ = spots()
    pet = save(tmp_path / "case" / "pet.nii.gz", suv)
    options = TmtvOptions(unit="suv", naming="off", minimum_ml=0.5, moves=((2, "bladder"),), rule="2.5")
    value = tmtv(pet=pet, out=tmp_path / "out", options=options)
    assert value["below_minimum"] == {"count": 1, "ml": 0.02}
    assert [one["number"] for one in value["lesions"]] == [1] and value["tmtv_ml"] == 1.6
    (apart,) = value["physiological"]
    assert apart["physiological"] == "bladder" and apart["moved"] and value["moved"] == [{"number": 2, "to": "bladder"}]
    assert {row["rule"]: row["count"] for row in value["thresholds"]} == {"4.0": 1, "2.5": 1, "41%": 1}
    apart = sitk.GetArrayFromImage(sitk.ReadImage(value["files"]["physiological"]))
    assert set(np.unique(apart)) == {0, 2}
    text = text_of(value)
    assert "bladder" in text and "1 lesions below 0.5 ml, 0.02 ml together" in text
    value = tmtv(pet=pet, out=tmp_path / "out", options=SUV)
    assert value["tmtv_ml"] == pytest.approx(2.58) and not (tmp_path / "out" / "case_physiological.nii.gz").exists()


def test_one_table_for_all_patients(tmp_path):
    suv, _ = spots()
    for name, factor in (("b", 1.0), ("a", 2.0)):
        pet = save(tmp_path / name / "pet.nii.gz", factor * suv)
        tmtv(pet=pet, out=tmp_path / "out", options=SUV)
    with open(tmp_path / "out" / "tmtv.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["Patient"] for row in rows] == ["a", "b"]
    assert [float(row["Max SUV"]) for row in rows] == [18, 9] and rows[0]["Dice"] == ""
    tmtv(pet=pet, out=tmp_path / "out", options=TmtvOptions(unit="suv", naming="off", language="fr"))
    with open(tmp_path / "out" / "tmtv.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert len(rows) == 2 and rows[1]["TMTV calculé par TMTV-NET (seuillé)"] == "2,58"
    openpyxl = pytest.importorskip("openpyxl", reason="the workbook needs openpyxl (the extra excel)")
    sheet = openpyxl.load_workbook(tmp_path / "out" / "tmtv.xlsx").active
    assert sheet.max_row == 3 and sheet["A1"].value == "Patient" and sheet["D2"].value == 18


def test_the_table_of_patients_of_other_settings_has_headings_that_are_true_of_all(tmp_path):
    files = worked_example(tmp_path / "in")
    tmtv(**files, out=tmp_path / "out", id="A", options=TmtvOptions(unit="suv"))
    with open(tmp_path / "out" / "tmtv.csv", encoding="utf-8-sig", newline="") as file:
        assert {"NSD at 5mm", "Real TMTV (thresholded at 4) ml"} <= set(next(csv.reader(file)))
    other = TmtvOptions(unit="suv", rule="41%", tolerance_mm=10, lesionwise="dice", minimum_ml=0.05)
    tmtv(**files, out=tmp_path / "out", id="B", options=other)
    with open(tmp_path / "out" / "tmtv.csv", encoding="utf-8-sig", newline="") as file:
        a, b = csv.DictReader(file)
    assert not [name for name in a if "5mm" in name or "10mm" in name or "at 4" in name]
    assert float(a["Real TMTV (thresholded) ml"]) == 134.4 and a["NSD"] and b["BJI"]
    for name, wanted in (
        ("Tolerance", ("5", "10")),
        ("threshold", ("4.0", "41%")),
        ("threshold of the errors", ("4.0", "41%")),
        ("least volume of a lesion ml", ("0", "0.05")),
        ("approach 2 by", ("precision", "dice")),
    ):
        assert (a[name], b[name]) == wanted


def test_the_reading_rule_stands_beside_its_suv_and_is_applied_to_the_truth_too(tmp_path):
    suv, boxes = spots()
    suv[14:20, 3:13, 10:16] = 7  # 3.6 ml
    truth = np.zeros(suv.shape, np.uint8)
    truth[14:20, 3:13, 10:16] = truth[boxes[0]] = 1
    files = {"pet": save(tmp_path / "c" / "pet.nii.gz", suv), "truth": save(tmp_path / "c" / "truth.nii.gz", truth)}
    value = tmtv(**files, out=tmp_path / "out", options=TmtvOptions(unit="suv", naming="off", rule="reading"))
    rows = {row["rule"]: (row["tmtv_ml"], row["count"]) for row in value["thresholds"]}
    assert rows["reading"] == (3.6, 1) and rows["4.0"] == (6.18, 4) and value["threshold"] == "reading"
    errors = value["errors"]
    assert (errors["dice"], errors["fn_ml"], errors["tmtv_true_ml"]) == (1, 0, 3.6)
    text = text_of(value)
    for words in (
        "Real TMTV (thresholded at SUV 4, 3 ml) ml: 3.6",
        "reading rule (SUV >= 4.0, lesions of at least 3 ml) (this report)",
        "The least volume of 3 ml is applied to the reference too.",
    ):
        assert words in text
    options = TmtvOptions(unit="suv", naming="off", rule="reading", language="fr")
    assert "règle de lecture" in text_of(tmtv(**files, out=tmp_path / "out", options=options))


def test_a_report_is_not_written_over_another_patients(tmp_path):
    suv, _ = spots()
    first, second = (save(tmp_path / name / "case" / "pet.nii.gz", suv) for name in "ab")
    tmtv(pet=first, out=tmp_path / "out", options=SUV)
    tmtv(pet=first, out=tmp_path / "out", options=SUV)
    with pytest.raises(InputError, match=r"another PET;.*--id"):
        tmtv(pet=second, out=tmp_path / "out", options=SUV)
    tmtv(pet=second, out=tmp_path / "out", id="second", options=SUV)


def test_the_same_relative_path_elsewhere_is_another_pet(tmp_path, monkeypatch):
    suv, _ = spots()
    first, second = (save(tmp_path / name / "baseline" / "pet.nii.gz", suv) for name in "ab")
    monkeypatch.chdir(first.parent)
    tmtv(pet="pet.nii.gz", out=tmp_path / "out", options=SUV)
    written = (tmp_path / "out" / "baseline.json").read_bytes()
    monkeypatch.chdir(second.parent)
    with pytest.raises(InputError, match="another PET"):
        tmtv(pet="pet.nii.gz", out=tmp_path / "out", options=SUV)
    assert (tmp_path / "out" / "baseline.json").read_bytes() == written
    assert tmtv(pet=first, out=tmp_path / "out", options=SUV)["pet"] == str(first.resolve())
    tmtv(pet=Path("..", "..", "a", "baseline", "pet.nii.gz"), out=tmp_path / "out", options=SUV)


def test_nothing_is_left_of_a_report_that_fails(tmp_path, monkeypatch):
    suv, _ = spots()
    pet = save(tmp_path / "case" / "pet.nii.gz", suv)

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("TransferSegLib.jobs.tmtv_outputs.write_image", full)
    with pytest.raises(Exception, match="disk is full"):
        tmtv(pet=pet, out=tmp_path / "out", options=SUV)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept")
    with pytest.raises(Exception, match="disk is full"):
        tmtv(pet=pet, out=tmp_path / "out", options=SUV)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("which", ["truth", "prediction", "both"])
def test_empty_masks_are_reported_and_never_scored(tmp_path, which):
    suv, boxes = spots()
    mask = np.zeros(suv.shape, np.uint8)
    mask[boxes[0]] = 1
    empty = np.zeros_like(mask)
    files = {
        "pet": save(tmp_path / "c" / "pet.nii.gz", suv),
        "mask": save(tmp_path / "c" / "m.nii.gz", empty if which != "truth" else mask),
        "truth": save(tmp_path / "c" / "t.nii.gz", empty if which != "prediction" else mask),
    }
    value = tmtv(**files, out=tmp_path / "out", options=SUV)
    assert any("no voxel that counts" in note or "has a voxel that counts" in note for note in value["notes"])
    assert value["tmtv_ml"] == (1.6 if which == "truth" else 0)
    assert value["errors"]["dice"] == (0 if which == "prediction" else None)
    assert value["errors"]["fp_ml"] == (1.6 if which == "truth" else 0)
    text = text_of(value)
    assert ("Dice: 0.000" if which == "prediction" else "Dice: –") in text


def joined(folder):
    """A lesion of SUV 25 and an organ of SUV 50, one component by a faint bridge: PET, masks of either and of both."""
    suv = np.full((20, 20, 40), 0.5, np.float32)
    lesion, organ, rim = (np.zeros(suv.shape, bool) for _ in range(3))
    lesion[5:15, 5:15, 5:13], organ[5:15, 5:15, 24:32], rim[5:15, 5:15, 32:34] = True, True, True
    bridge = np.zeros_like(lesion)
    bridge[9:11, 9:11, 13:24] = True
    suv[lesion], suv[organ], suv[rim], suv[bridge] = 25, 50, 15, 6
    lesion[5:15, 5:15, 5:7], suv[5:15, 5:15, 5:7] = True, 12  # below 41 % of the organ's, above that of its own
    masks = {"all": lesion | organ | rim | bridge, "lesion": lesion, "organ": organ}
    return {"pet": save(folder / "p" / "pet.nii.gz", suv)} | {
        name: save(folder / "p" / f"{name}.nii.gz", mask.astype(np.uint8)) for name, mask in masks.items()
    }


def test_a_share_of_suvmax_is_taken_once_also_for_the_errors(tmp_path):
    files = joined(tmp_path)
    given = {"pet": files["pet"], "mask": files["all"], "truth": files["lesion"], "out": tmp_path / "out"}
    options = TmtvOptions(unit="suv", rule="41%", moves=((1, "bladder"),))
    value = tmtv(**given, options=options)
    errors = value["errors"]
    assert [one["suv_max"] for one in value["lesions"]] == [25] and value["tmtv_ml"] == 6
    assert errors["tmtv_predicted_ml"] == value["tmtv_ml"] == errors["tp_ml"] and errors["fp_ml"] == 0
    assert errors["fn_ml"] == 2 and errors["tmtv_predicted_raw_ml"] == value["tmtv_raw_ml"]


def test_uptake_put_apart_and_moved_back_is_a_lesion_everywhere(tmp_path):
    files = joined(tmp_path)
    truth = sum(sitk.ReadImage(str(files[name])) for name in ("lesion", "organ"))
    sitk.WriteImage(truth, str(tmp_path / "p" / "both.nii.gz"))
    given = {"pet": files["pet"], "mask": files["lesion"], "truth": tmp_path / "p" / "both.nii.gz"}
    for moves, ml in (((), 8), (((2, "lesion"),), 16)):
        options = TmtvOptions(unit="suv", moves=moves)
        value = tmtv(**given, apart={"bladder": files["organ"]}, out=tmp_path / "out", options=options)
        assert value["tmtv_ml"] == value["tmtv_raw_ml"] == ml
        assert value["errors"]["tp_ml"] == value["errors"]["tmtv_predicted_ml"] == value["tmtv_ml"]
        assert (value["errors"]["fn_ml"], value["errors"]["approach1"]["true_positive"]) == (16 - ml, ml // 8)


def test_a_lesion_on_the_border_is_said(tmp_path):
    suv = np.full((20, 20, 20), 0.5, np.float32)
    suv[0:4, 5:9, 5:9] = 7
    value = tmtv(pet=save(tmp_path / "c" / "pet.nii.gz", suv), out=tmp_path / "out", options=SUV)
    assert value["lesions"][0]["touches_border"] and any("border" in note for note in value["notes"])
    assert "1*" in text_of(value)


def test_the_shared_whole_body_pet_from_dicom(data_folder, tmp_path):
    folder = data_folder / "pet_raw_dicom_sts001" / "STS_001" / "FDG_PET" / "image"
    # Twice the weight that the header says, so that the factor is twice what it gives (2.429e-4).
    options = TmtvOptions(naming="off", by_hand={"weight_kg": "142"})
    value = tmtv(pet=folder, out=tmp_path / "out", options=options)
    assert value["patient"] == "STS_001" and value["suv"]["unit"] == "bqml" and value["suv"]["stated_by"] == "DICOM"
    assert value["suv_factor"] == pytest.approx(2 * 2.429e-4, rel=1e-3)
    assert value["count"] > 3 and 10 < value["suv_max"] == value["pet_suv_max"] < 200
    by_hand = {one["name"]: one["by_hand"] for one in value["suv"]["inputs"]}
    assert by_hand.items() >= {"weight": True, "dose": False, "injected": False, "half_life": False}.items()
    assert "entered by hand" in text_of(value)


def test_a_sarcoma_case_with_its_mask_as_truth(data_folder, tmp_path):
    case = data_folder / "petct_ibsi_sts" / "STS_002"
    given = {"pet": case / "PET_image.nii.gz", "ct": case / "CT_image.nii.gz", "truth": case / "PET_mask.nii.gz"}
    with pytest.raises(InputError, match=r"--pet-unit suv\|bqml"):
        tmtv(**given, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    value = tmtv(**given, out=tmp_path / "out", options=SUV)
    suv, truth = (sitk.GetArrayFromImage(sitk.ReadImage(str(given[name]))) for name in ("pet", "truth"))
    hot, true = suv >= 4, (truth > 0) & (suv >= 4)
    dice = 2 * (hot & true).sum() / (hot.sum() + true.sum())
    assert value["patient"] == "STS_002" and value["errors"]["dice"] == pytest.approx(dice, abs=1e-4)
    assert value["suv_max"] == pytest.approx(suv.max(), abs=1e-4)


def test_a_data_set_gets_a_report_each_and_one_table(tmp_path):
    suv, boxes = spots()
    truth = np.zeros(suv.shape, np.uint8)
    truth[boxes[0]] = 1
    for name in ("p1", "p2", "p3"):
        save(tmp_path / "data" / name / "PET.nii.gz", suv if name != "p3" else 3000 * suv)
        (tmp_path / "data" / name / "PET.json").write_text('{"Units": "SUV"}')
        if name != "p2":
            save(tmp_path / "data" / name / "mask.nii.gz", truth)
    value = tmtv_set(data=tmp_path / "data", out=tmp_path / "out", options=TmtvOptions(naming="off"))
    assert [case["patient"] for case in value["cases"]] == ["p1", "p2"]
    assert [bool(case["errors"]) for case in value["cases"]] == [True, False]
    assert [case["id"] for case in value["failed"]] == ["p3"] and "SUV" in value["failed"][0]["message"]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"p1.html", "p2.html", "tmtv.csv"} <= names and not any(name.startswith("p3") for name in names)
    with open(value["table"], encoding="utf-8-sig", newline="") as file:
        assert [row["Patient"] for row in csv.DictReader(file)] == ["p1", "p2"]


def test_the_older_report_of_a_case_that_fails_now_is_in_no_table(tmp_path):
    suv, _ = spots()
    for name in ("p1", "p2"):
        save(tmp_path / "data" / name / "PET.nii.gz", suv)
        (tmp_path / "data" / name / "PET.json").write_text('{"Units": "SUV"}')
    how = {"data": tmp_path / "data", "out": tmp_path / "out", "options": TmtvOptions(naming="off")}
    tmtv_set(**how)
    save(tmp_path / "data" / "p2" / "PET.nii.gz", 3000 * suv)
    value = tmtv_set(**how)
    assert [case["id"] for case in value["failed"]] == ["p2"] and "--weight" not in value["failed"][0]["message"]
    with open(value["table"], encoding="utf-8-sig", newline="") as file:
        assert [row["Patient"] for row in csv.DictReader(file)] == ["p1"]
    assert not list((tmp_path / "out").glob("p2*"))
    assert {"p2.json", "p2.html", "p2.txt", "p2_lesions.nii.gz"} <= {
        path.name for path in (tmp_path / "out" / "earlier").iterdir()
    }


def test_options_that_cannot_be(tmp_path):
    suv, _ = spots()
    pet = save(tmp_path / "case" / "pet.nii.gz", suv)
    for options, said in (
        ({"rule": "warm"}, "threshold"),
        ({"rule": None}, "needs a segmentation"),
        ({"language": "de"}, "--lang"),
        ({"minimum_ml": -1.0}, "--minimum-ml"),
        ({"tolerance_mm": 0.0}, "--tolerance"),
        ({"lesionwise": "iou"}, "--lesionwise"),
        ({"lesionwise_share": 1.5}, "--lesionwise-threshold"),
        ({"naming": "maybe"}, "--physiological"),
        ({"unit": "kbq"}, "--pet-unit"),
        ({"moves": ((9, "brain"),)}, "no uptake 9"),
        ({"by_hand": {"weight_kg": "heavy"}}, "--weight"),
    ):
        with pytest.raises(UsageError, match=said):
            tmtv(pet=pet, out=tmp_path / "out", options=TmtvOptions(**({"unit": "suv", "naming": "off"} | options)))
    with pytest.raises(UsageError, match="holds the images"):
        tmtv(pet=pet, out=pet.parent, options=SUV)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case"]
