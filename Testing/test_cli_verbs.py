"""Every verb does its job, prints one JSON value, and returns the design's exit codes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import call, small_case, small_data_set, small_model

from TransferSegLib.imaging import Grid
from TransferSegLib.storage import sha256

QUICK = ("--epochs", 1, "--steps", 3, "--patch", 32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("models") / "little")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small_data_set(tmp_path_factory.mktemp("data") / "set")


def test_segment_gives_a_label_map_on_the_input_grid(capsys, tmp_path, model):
    grid = {"spacing": (1.0, 1.0, 1.0), "origin": (10.0, -20.0, 5.0), "direction": (0, 1, 0, -1, 0, 0, 0, 0, 1)}
    case = small_case(tmp_path / "p", grid=grid)
    out = tmp_path / "labels.nii.gz"
    extra = ("--uncertainty", tmp_path / "u.nii.gz", "--picture", tmp_path / "p.png")
    answer = call(capsys, "segment", "--model", model, case, "--out", out, "--json", *extra)
    assert answer.code == 0, answer.err
    value = answer.value
    assert {"output", "roles", "volumes_ml", "device", "seconds"} <= set(value)
    assert set(value["roles"]) == {"flair", "t1", "t1gd", "t2"}
    labels = sitk.ReadImage(str(out))
    assert Grid.of(labels).same_as(Grid.of(sitk.ReadImage(str(case / "FLAIR.nii.gz"))))
    array = sitk.GetArrayFromImage(labels)
    assert labels.GetPixelID() == sitk.sitkUInt8 and set(np.unique(array)) <= {0, 1, 3}
    assert value["volumes_ml"]["oedema"] == pytest.approx((array == 3).sum() / 1000)
    entropy = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "u.nii.gz")))
    assert entropy.max() > 0 and entropy.min() >= 0 and entropy.max() <= 1
    assert (tmp_path / "p.png").stat().st_size > 5000


def test_segment_by_named_files_gives_the_same(capsys, tmp_path, model, data):
    images = [
        x
        for r, f in (("flair", "FLAIR"), ("t1", "T1"), ("t1gd", "T1GD"), ("t2", "T2"))
        for x in ("--image", f"{r}={data / 'p1' / f}.nii.gz")
    ]
    call(capsys, "segment", "--model", model, *images, "--out", tmp_path / "a.nii.gz")
    answer = call(capsys, "segment", "--model", model, data / "p1", "--out", tmp_path / "b.nrrd")
    assert answer.code == 0 and "oedema" in answer.out and " ml" in answer.out
    a, b = (sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / n))) for n in ("a.nii.gz", "b.nrrd"))
    assert np.array_equal(a, b)


def test_reference_chooses_the_grid_of_the_result(capsys, tmp_path, model):
    case = small_case(tmp_path / "p")
    t2 = sitk.ReadImage(str(case / "T2.nii.gz"))
    t2 = sitk.Resample(t2, (20, 20, 20), sitk.Transform(), sitk.sitkLinear, (0.5, 0.5, 0.5), (2, 2, 2))
    sitk.WriteImage(t2, str(case / "T2.nii.gz"))
    out = tmp_path / "o.nii.gz"
    args = ("segment", "--model", model, case, "--out", out, "--reference", "t2", "--register", "off")
    assert call(capsys, *args).code == 0
    assert sitk.ReadImage(str(out)).GetSize() == (20, 20, 20)


def test_evaluate_matches_labels_and_leaves_absent_ones_undefined(capsys, tmp_path, model, data):
    table = tmp_path / "m.csv"
    answer = call(capsys, "evaluate", "--model", model, "--data", data, "--out", table, "--json")
    assert answer.code == 0, answer.err
    value = answer.value
    assert [case["id"] for case in value["cases"]] == ["p1", "p2", "p3"]
    for case in value["cases"]:
        assert case["dice"]["tumour"] is None and case["dice"]["oedema"] is not None
    assert value["mean"]["dice"] == pytest.approx(np.mean([case["dice"]["oedema"] for case in value["cases"]]))
    rows = list(csv.DictReader(table.open()))
    undefined = [r for r in rows if r["label"] == "tumour" and r["measure"] == "dice"]
    assert len(undefined) == 3 and all(r["value"] == "" and r["undefined"] for r in undefined)
    mapped = call(capsys, "evaluate", "--model", model, "--data", data, "--map", "lesion=tumour", "--json").value
    assert mapped["cases"][0]["dice"]["oedema"] is None and mapped["cases"][0]["dice"]["tumour"] is not None
    assert "mean Dice over" in call(capsys, "evaluate", "--model", model, "--data", data).out


def test_finetune_reports_before_after_verdict_and_its_run(capsys, tmp_path, model, data):
    out = tmp_path / "adapted"
    answer = call(
        capsys, "finetune", "--from", model, "--data", data, "--strategy", "freeze-encoder", "--hold-out", "p3",
        "--out", out, "--json", *QUICK,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    value = answer.value
    assert value["verdict"] in ("better", "worse", "no-difference") and value["total"] == 125_229
    assert value["trainable"] == value["total"] - value["frozen"] == 125_229 - 18_640
    assert [case["id"] for case in value["after"]["cases"]] == ["p3"]
    assert list(value["before"]["cases"][0]["dice"]) == list(value["after"]["cases"][0]["dice"]) == ["lesion"]
    run = json.loads((tmp_path / "adapted.run" / "run.json").read_text())
    assert run["finished"] and set(run["request"]["training"]) == {"p1", "p2"}
    assert (tmp_path / "adapted.run" / "report.pdf").read_bytes()[:4] == b"%PDF"
    again = call(capsys, "evaluate", "--model", out, "--data", data, "--case", "p3", "--json").value
    assert again["mean"]["dice"] == pytest.approx(value["after"]["mean"]["dice"], abs=1e-9)
    unadapted = call(capsys, "evaluate", "--model", model, "--data", data, "--case", "p3", "--json").value
    assert unadapted["mean"]["dice"] == pytest.approx(value["before"]["mean"]["dice"], abs=1e-9)
    listed = {row["name"]: row for row in call(capsys, "models", "list", "--json").value}
    assert listed["adapted"]["offered"] == (value["verdict"] != "worse")


def test_the_same_seed_gives_the_same_model(capsys, tmp_path, model, data):
    digests = []
    for name in ("a", "b"):
        args = ("--from", model, "--data", data, "--strategy", "half-lr", "--out", tmp_path / name, "--seed", 7, *QUICK)
        assert call(capsys, "finetune", *args).code == 0
        digests.append(sha256(tmp_path / name / "models" / "model.pt"))
    assert digests[0] == digests[1]


def test_from_nothing_takes_roles_and_labels_from_the_data(capsys, tmp_path, data):
    args = ("--from", "none", "--strategy", "scratch", "--data", data, "--out", tmp_path / "n", "--json", *QUICK)
    value = call(capsys, "finetune", *args).value
    assert value["before"] is None and value["after"] is None and value["verdict"] == "not-measured"
    card = call(capsys, "models", "show", tmp_path / "n", "--json").value
    assert card["roles"] == ["flair", "t1", "t1gd", "t2"] and [label["name"] for label in card["labels"]] == ["lesion"]


def test_fewer_roles_and_a_new_label_transfer_what_fits(capsys, tmp_path, model, data):
    args = ("--from", model, "--data", data, "--strategy", "half-lr", "--roles", "flair", "t2", "--map", "lesion=none")
    value = call(capsys, "finetune", *args, "--out", tmp_path / "n", "--json", *QUICK).value
    adapted = {row["name"]: row for row in value["transferred"]["adapted"]}
    assert adapted["model.0.conv.weight"]["target"] == [4, 2, 3, 3, 3]
    assert adapted["model.2.conv.weight"]["target"] == [8, 6, 3, 3, 3]


def test_forgetting_is_measured_on_the_source_task(capsys, tmp_path, model, data):
    args = ("--from", model, "--data", data, "--strategy", "half-lr", "--source-data", data, "--out", tmp_path / "n")
    value = call(capsys, "finetune", *args, "--json", *QUICK).value
    unadapted = call(capsys, "evaluate", "--model", model, "--data", data, "--json").value["mean"]["dice"]
    assert value["forgotten"]["before"] == pytest.approx(unadapted)
    assert isinstance(value["forgotten"]["after"], float)


def test_models_groups_prints_the_published_shares(capsys):
    value = call(capsys, "models", "groups", "unet", "--json").value
    assert value["total"] == value["registered"] == 125_229
    assert value["groupings"]["poster"]["freeze-both"]["frozen_percent"] == pytest.approx(77.3, abs=0.1)
    value = call(capsys, "models", "groups", "dynunet", "--json").value
    assert (value["total"], value["registered"]) == (16_546_341, 33_092_517)
    text = call(capsys, "models", "groups", "segresnet").out
    assert "poster" in text and "anatomical" in text


def test_models_verify_says_what_is_wrong(capsys, tmp_path, model):
    assert call(capsys, "models", "verify", model).code == 0
    broken = small_model(tmp_path / "broken")
    (broken / "models" / "model.pt").write_bytes(b"x")
    answer = call(capsys, "models", "verify", broken, "--json")
    assert answer.code == 2 and not answer.value[0]["ok"] and "hash" in answer.value[0]["problem"]


def test_doctor_tells_device_versions_and_models(capsys):
    value = call(capsys, "doctor", "--json").value
    assert value["device"] and value["packages"]["torch"] and "home" in value
    assert "device:" in call(capsys, "doctor").out


def test_json_is_all_that_stands_on_stdout():
    command = [sys.executable, "-m", "TransferSegLib", "models", "groups", "unet", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)["network"] == "unet" and done.stdout.count("\n") == 1


@pytest.mark.parametrize("verb", ["segment", "finetune", "evaluate", "models", "demo", "doctor"])
def test_help_has_an_example(capsys, verb):
    answer = call(capsys, verb, "--help")
    assert answer.code == 0 and f"transferseg {verb}" in answer.out.split("Example:")[1]
