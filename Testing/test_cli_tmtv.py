"""``transferseg tmtv``: JSON, text, languages, moves, a model, the worker, and every bad input of a PET/CT."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers_cli import call
from helpers_pet import setting, write_pet
from helpers_tmtv import save, spots, worked_example

CT_SPACING = (2.0, 2.0, 2.0)
KEYS = {
    "suv_factor",
    "tmtv_ml",
    "tlg",
    "suv_max",
    "lesions",
    "errors",
    "report",
    "thresholds",
    "physiological",
    "notes",
}


@pytest.fixture
def study(tmp_path):
    """PET in SUV by its sidecar, and a CT of the same place."""
    suv, _ = spots()
    pet = save(tmp_path / "p7" / "pet.nii.gz", suv)
    (tmp_path / "p7" / "pet.json").write_text('{"Units": "SUV"}')
    hu = np.full((24, 32, 35), -1000, np.int16)
    hu[4:20, 4:28, 4:30] = 40
    return {"pet": pet, "ct": save(tmp_path / "p7" / "ct.nii.gz", hu, CT_SPACING)}


def run(capsys, out, *words, **files):
    given = [word for name, path in files.items() for word in (f"--{name.replace('_', '-')}", path)]
    return call(capsys, "tmtv", *given, "--out", out, *words)


def test_json_has_the_contracts_keys_and_stdout_holds_nothing_else(capsys, study, tmp_path):
    answer = run(capsys, tmp_path / "out", "--json", "--physiological", "off", **study)
    assert answer.code == 0, answer.err
    value = answer.value
    assert set(value) >= KEYS and value["errors"] is None and value["suv_factor"] is None
    assert value["suv"]["stated_by"] == "sidecar" and value["count"] == 3
    assert (
        Path(value["report"]).is_file() and json.loads(Path(value["files"]["json"]).read_text())["tlg"] == value["tlg"]
    )


def test_text_says_the_totals_and_the_truth(capsys, tmp_path):
    files = worked_example(tmp_path / "in")
    answer = run(capsys, tmp_path / "out", "--pet-unit", "suv", "--lang", "fr", **files)
    assert answer.code == 0, answer.err
    for words in (
        "TMTV        52.1 ml in 2 lesions",
        "SUVmax      23.13",
        "at 41%",
        "dice 0.558",
        "TP 52.03, FN 82.37",
    ):
        assert words in answer.out, answer.out
    text = (tmp_path / "out" / "in.txt").read_text(encoding="utf-8")
    assert text.startswith("Patient : in\nTolerance : 5\nLesionwise threshold : 50.0%\n")


def test_a_truth_of_which_little_reaches_the_threshold_is_not_all_found(capsys, tmp_path):
    """SUV 4 finds all that counts of the reference, a tenth of it: the figures say what they stand on."""
    suv, boxes = spots()
    truth = np.zeros(suv.shape, np.uint8)
    truth[boxes[0]] = 1
    truth[12:21, 10:20, 10:26] = 1  # 14.4 ml, of which 0.96 ml reach SUV 4
    files = {"pet": save(tmp_path / "c" / "pet.nii.gz", suv), "truth": save(tmp_path / "c" / "t.nii.gz", truth)}
    words = ("--pet-unit", "suv", "--physiological", "off")
    hot = suv >= 4
    whole = 2 * (hot & (truth > 0)).sum() / (hot.sum() + truth.sum())
    value = run(capsys, tmp_path / "out", "--json", *words, **files).value
    assert value["errors"]["dice_raw"] == pytest.approx(whole, abs=1e-4)
    assert whole < 0.3 < 0.99 < value["errors"]["dice"]
    basis = f"both at SUV >= 4.0; the whole reference has {truth.sum() / 100:.1f} ml, of which"
    name = "Dice of the masks as they are (not thresholded)"
    answer = run(capsys, tmp_path / "out", *words, **files)
    assert basis in answer.out and f"{name}: {whole:.3f}" in answer.out
    listing, _, rest = (tmp_path / "out" / "c.txt").read_text().partition("\n\n")
    assert name not in listing and name in rest and "whole reference has" in rest
    page = (tmp_path / "out" / "c.html").read_text()
    assert basis.replace(">", "&gt;") in page and f'{name}</th><td class="right">{whole:.3f}' in page
    table = (tmp_path / "out" / "tmtv.csv").read_text(encoding="utf-8-sig").splitlines()
    row = dict(zip(table[0].split(","), table[1].split(",")))
    assert float(row[name]) == pytest.approx(whole, abs=1e-4)
    save(tmp_path / "set" / "p" / "PET.nii.gz", suv)
    save(tmp_path / "set" / "p" / "mask.nii.gz", truth)
    answer = run(capsys, tmp_path / "out2", *words, data=tmp_path / "set")
    assert "Dice, both at 4.0  Dice, not thresholded" in answer.out and f"{whole:.3f}" in answer.out


def test_options_reach_the_report(capsys, study, tmp_path):
    words = (
        "--threshold",
        "41%",
        "--minimum-ml",
        "0.5",
        "--move",
        "2=bladder",
        "--physiological",
        "off",
        "--id",
        "N N",
    )
    answer = run(capsys, tmp_path / "out", "--json", *words, **study)
    assert answer.code == 0, answer.err
    value = answer.value
    assert value["threshold"] == "41%" and value["below_minimum"]["count"] == 1 and value["patient"] == "N N"
    assert [one["physiological"] for one in value["physiological"]] == ["bladder"]
    assert (tmp_path / "out" / "N_N.html").is_file()


def test_wrong_use_is_code_2_and_writes_nothing(capsys, study, tmp_path):
    for words, files, said in (
        ((), {}, "--pet FILE, or a data set"),
        (("--data", tmp_path / "p7"), {"pet": study["pet"]}, "--pet FILE, or a data set"),
        (("--data", tmp_path), {"ct": study["ct"]}, "--ct: goes with --pet"),
        (("--case", "p7"), study, "--case: goes with --data"),
        (("--threshold", "none"), study, "needs a segmentation"),
        (("--threshold", "many"), study, "threshold"),
        (("--move", "x=lesion"), study, "--move"),
        (("--move", "77=lesion", "--physiological", "off"), study, "no uptake 77"),
        (("--model", "no-such-model"), study, "no such model"),
        (("--model", "brain-unet-phantom"), study, "no PET"),
        (("--model", "l3-cnn4-phantom"), study, "transferseg l3"),
        (("--mask", tmp_path / "none.nii.gz"), study, "no such file"),
        (("--tolerance", "0"), study, "--tolerance"),
    ):
        answer = run(capsys, tmp_path / "out", *words, **files)
        assert answer.code == 2 and said in answer.error, (words, answer.err)
        assert not answer.out and not (tmp_path / "out").exists()


def bad_nifti(folder, study):
    """(files, words, what is said) of bad input in files."""
    suv, _ = spots()
    becquerel = save(folder / "bq" / "pet.nii.gz", 4000 * suv)
    hot = suv.copy()
    hot[5, 5, 5] = 10_000
    extreme = save(folder / "hot" / "pet.nii.gz", hot)
    truth = save(folder / "p7" / "other_grid.nii.gz", np.ones((20, 20, 20), np.uint8))
    import SimpleITK as sitk

    far = sitk.ReadImage(str(study["ct"]))
    far.SetOrigin((5000, 0, 0))
    sitk.WriteImage(far, str(folder / "far.nii.gz"))
    return (
        ({"pet": becquerel}, (), "--pet-unit suv|bqml"),
        ({"pet": becquerel}, ("--pet-unit", "bqml"), "--weight"),
        ({"pet": becquerel}, ("--pet-unit", "counts"), "--pet-unit"),
        ({"pet": study["ct"]}, ("--pet-unit", "suv"), "CT in Hounsfield units"),
        ({"pet": study["pet"], "ct": study["pet"]}, (), "no CT"),
        ({"pet": study["pet"], "ct": folder / "far.nii.gz"}, (), "does not overlap"),
        ({"pet": study["pet"], "truth": truth}, (), "grid"),
        ({"pet": extreme}, ("--pet-unit", "suv"), "10,000"),
    )


def test_bad_files_are_one_clear_line_and_nothing_is_written(capsys, study, tmp_path):
    for files, words, said in bad_nifti(tmp_path, study):
        answer = run(capsys, tmp_path / "out", *words, **files)
        assert answer.code == 2 and said in answer.error, (said, answer.err)
        assert not answer.out and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"Units": "CNTS"}, "count"),
        ({"Units": ""}, "--pet-unit"),
        ({"CorrectedImage": ["NORM", "DECY"]}, "attenuation"),
        ({"PatientWeight": None}, "--weight"),
        ({"RadionuclideTotalDose": None}, "--dose"),
        ({"RadiopharmaceuticalStartTime": None}, "--injected"),
        ({"RadiopharmaceuticalStartTime": "120000"}, "injection is after"),
    ],
)
def test_bad_dicom_is_one_clear_line_and_nothing_is_written(capsys, tmp_path, fields, said):
    write_pet(tmp_path / "pet", edit=_edit(fields))
    answer = run(capsys, tmp_path / "out", pet=tmp_path / "pet")
    assert answer.code == 2 and said in answer.error and "SECRET" not in answer.err, answer.err
    assert not (tmp_path / "out").exists()


def _edit(fields):
    if "RadionuclideTotalDose" not in fields:
        return setting(**fields)

    def edit(item, k):
        del item.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose

    return edit


def test_a_missing_number_entered_by_hand_is_recorded_so(capsys, tmp_path):
    write_pet(tmp_path / "pet" / "s", edit=setting(PatientWeight=None))
    answer = run(
        capsys, tmp_path / "out", "--json", "--weight", "80", "--physiological", "off", pet=tmp_path / "pet" / "s"
    )
    assert answer.code == 0, answer.err
    entries = {one["name"]: one["by_hand"] for one in answer.value["suv"]["inputs"]}
    assert entries["weight"] is True and entries["dose"] is False
    assert "entered by hand" in Path(answer.value["report"]).read_text(encoding="utf-8")


def test_two_patients_are_never_mixed(capsys, tmp_path):
    write_pet(tmp_path / "pet", patient="P1")
    ct = np.random.default_rng(0).integers(-1000, 400, (6, 8, 7))
    write_pet(tmp_path / "ct", ct, patient="P2", edit=setting(Modality="CT", Units=None))
    answer = run(capsys, tmp_path / "out", pet=tmp_path / "pet", ct=tmp_path / "ct")
    assert answer.code == 2 and "another patient" in answer.error and "P2" not in answer.error
    write_pet(tmp_path / "both", patient="P1", series="1.9")
    write_pet(tmp_path / "both", patient="P2", prefix="x", series="1.9")
    answer = run(capsys, tmp_path / "out", pet=tmp_path / "both")
    assert answer.code == 2 and "patient" in answer.error
    assert not (tmp_path / "out").exists()


def test_a_data_set_in_a_shell(capsys, tmp_path):
    suv, _ = spots()
    for name in ("p1", "p2"):
        save(tmp_path / "data" / name / "PET.nii.gz", suv)
    words = ("--pet-unit", "suv", "--physiological", "off")
    answer = run(capsys, tmp_path / "out", *words, data=tmp_path / "data")
    assert answer.code == 0, answer.err
    assert "p1" in answer.out and "tmtv.csv written" in answer.out
    save(tmp_path / "data" / "p3" / "PET.nii.gz", 5000 * suv)
    answer = run(capsys, tmp_path / "out", *words, data=tmp_path / "data")
    assert answer.code == 1 and "left out: p3" in answer.out


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A PET/CT model with new weights."""
    import torch

    from TransferSegLib.networks import build_network, state_to_save
    from TransferSegLib.packages import Card, Label, write_package

    torch.manual_seed(0)
    arguments = {"channels": (4, 6, 8), "middle_kernel": 3}
    card = Card(
        name="petct-test",
        description="a model for tests",
        roles=("pet", "ct"),
        labels=(Label(1, "lesion", 1),),
        network="petct-light",
        arguments=arguments,
        in_channels=5,
        out_channels=2,
        spacing=(4.0, 4.0, 4.0),
        normalisation="petct",
        window=(32, 32, 32),
    )
    folder = tmp_path_factory.mktemp("models") / "petct-test"
    write_package(folder, card, state_to_save("petct-light", build_network("petct-light", 5, 2, arguments)))
    return folder


def test_a_model_segments_and_the_threshold_follows(capsys, study, model, tmp_path):
    answer = run(capsys, tmp_path / "out", "--json", "--model", model, "--physiological", "off", **study)
    assert answer.code == 0, answer.err
    value = answer.value
    assert value["segmentation"] == {"kind": "model", "name": "petct-test"} and value["tmtv_ml"] <= value["tmtv_raw_ml"]
    plain = run(
        capsys, tmp_path / "out", "--json", "--model", model, "--threshold", "none", "--physiological", "off", **study
    ).value
    assert plain["threshold"] is None and plain["tmtv_ml"] == pytest.approx(value["tmtv_raw_ml"], abs=1e-3)
    assert [row["rule"] for row in plain["thresholds"]] == ["4.0", "2.5", "41%", None]
    answer = run(capsys, tmp_path / "out2", "--model", model, pet=study["pet"])
    assert answer.code == 2 and "needs the CT" in answer.error and not (tmp_path / "out2").exists()
    answer = run(capsys, tmp_path / "out2", "--model", model, mask=study["pet"], **study)
    assert answer.code == 2 and "give one of them" in answer.error


def test_the_worker_serves_it(study, tmp_path):
    from helpers_worker import Worker

    worker = Worker()
    try:
        args = {"pet": str(study["pet"]), "out": str(tmp_path / "out"), "physiological": "off", "minimum_ml": 0.5}
        value = worker.do("tmtv", **args)
    finally:
        worker.close()
    assert value["count"] == 2 and Path(value["report"]).is_file()
