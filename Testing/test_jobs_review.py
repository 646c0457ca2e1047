"""Faults that reviews found, held so that they stay mended."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import SIDE, call, save, small_case, small_data_set, small_model

from TransferSegLib.cases import case_from_files
from TransferSegLib.training import case_hash

QUICK = ("--epochs", 1, "--steps", 2, "--patch", 32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("models") / "little")


def test_voxels_in_a_file_of_their_own_count_for_the_cache(tmp_path):
    hashes = []
    for name, seed in (("a", 1), ("b", 2)):
        rng = np.random.default_rng(seed)
        folder = tmp_path / name
        folder.mkdir()
        image = sitk.GetImageFromArray(rng.normal(size=(8, 9, 10)).astype(np.float32))
        sitk.WriteImage(image, str(folder / "FLAIR.mhd"))
        hashes.append(case_hash(case_from_files({"flair": folder / "FLAIR.mhd"})))
    assert hashes[0] != hashes[1]


def test_a_subset_of_cases_does_not_change_what_a_value_means(capsys, tmp_path, model):
    data = small_data_set(tmp_path / "set", 2)
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(data / "p2" / "seg.nii.gz")))
    truth[5:8, 15:20, 15:20] = 3
    save(data / "p2" / "seg.nii.gz", truth)
    whole = call(capsys, "evaluate", "--model", model, "--data", data, "--json").value
    one = call(capsys, "evaluate", "--model", model, "--data", data, "--case", "p1", "--json").value
    assert whole["matched"] == one["matched"] == {"label_1": "tumour", "label_3": "oedema"}
    assert whole["cases"][0]["dice"] == one["cases"][0]["dice"]


def test_the_truth_of_the_reference_role_is_used(capsys, tmp_path, model):
    case = small_case(tmp_path / "set" / "p1")
    (case / "seg.nii.gz").unlink()
    for role, size in (("FLAIR", 4), ("T2", 10)):
        mask = np.zeros((SIDE,) * 3, np.uint8)
        mask[15 : 15 + size, 15 : 15 + size, 15 : 15 + size] = 1
        save(case / f"{role}_mask.nii.gz", mask)
    for reference, volume in (("flair", 0.064), ("t2", 1.0)):
        args = ("evaluate", "--model", model, "--data", tmp_path / "set", "--reference", reference, "--json")
        value = call(capsys, *args).value
        assert value["cases"][0]["volume_truth_ml"]["oedema"] == pytest.approx(volume)


def test_segment_never_overwrites_an_input_or_makes_a_truth(capsys, tmp_path, model):
    case = small_case(tmp_path / "p1")
    before = (case / "T2.nii.gz").read_bytes()
    for name, words in (("T2.nii.gz", "one of the case's images"), ("labels.nii.gz", "truth")):
        answer = call(capsys, "segment", "--model", model, case, "--out", case / name)
        assert answer.code == 2 and words in answer.error
    assert (case / "T2.nii.gz").read_bytes() == before and not (case / "labels.nii.gz").exists()
    both = tmp_path / "x.nii.gz"
    answer = call(capsys, "segment", "--model", model, case, "--out", both, "--uncertainty", both)
    assert answer.code == 2 and "two outputs" in answer.error


def test_out_with_a_slash_or_an_empty_folder(capsys, tmp_path, model):
    data = small_data_set(tmp_path / "set", 2)
    (tmp_path / "m").mkdir()
    args = ("finetune", "--from", model, "--data", data, "--strategy", "half-lr", "--out", f"{tmp_path}/m/", *QUICK)
    assert call(capsys, *args).code == 0
    assert (tmp_path / "m" / "models" / "model.pt").is_file() and (tmp_path / "m.run" / "run.json").is_file()


def test_what_is_wrong_is_said_before_anything_is_written(capsys, tmp_path, model):
    data = small_data_set(tmp_path / "set", 2)
    base = ("finetune", "--from", model, "--data", data, "--strategy", "half-lr", "--out", tmp_path / "m", *QUICK)
    for more in (
        ("--source-data", tmp_path / "nowhere"),
        ("--seed", -1),
        ("--feature-bank", -3),
        ("--precision", "float16"),
        ("--roles", "flair", "flair"),
    ):
        assert call(capsys, *base, *more).code == 2, more
        assert not (tmp_path / "m").exists() and not (tmp_path / "m.run").exists(), more


def test_two_truth_labels_may_continue_the_same_label_of_the_source(capsys, tmp_path, model):
    data = small_data_set(tmp_path / "set", 2)
    for number in (1, 2):
        truth = sitk.GetArrayFromImage(sitk.ReadImage(str(data / f"p{number}" / "seg.nii.gz")))
        truth[5:8, 15:20, 15:20] = 2
        save(data / f"p{number}" / "seg.nii.gz", truth)
    more = ("--map", "label_1=oedema", "--map", "label_2=oedema", "--hold-out", "p2")
    args = ("finetune", "--from", model, "--data", data, "--strategy", "half-lr", "--out", tmp_path / "m", *QUICK)
    value = call(capsys, *args, *more, "--json").value
    assert value["before"]["cases"][0]["dice"] == {"label_1": None, "label_2": None}
    assert set(value["after"]["cases"][0]["dice"]) == {"label_1", "label_2"}


def test_case_names_do_not_travel_with_a_package(capsys, tmp_path, model):
    data = small_data_set(tmp_path / "set", 3)
    for number in (1, 2, 3):
        (data / f"p{number}").rename(data / f"Dupont-{number}")
    args = ("finetune", "--from", model, "--data", data, "--strategy", "half-lr", "--out", tmp_path / "m", *QUICK)
    assert call(capsys, *args, "--hold-out", "Dupont-3").code == 0
    for file in (tmp_path / "m").rglob("*"):
        assert not file.is_file() or b"Dupont" not in file.read_bytes(), file


def test_two_models_of_one_name_are_told_apart_by_their_folder(capsys, tmp_path, model, monkeypatch):
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    data = small_data_set(tmp_path / "set", 2)
    for place in ("a", "b"):
        out = tmp_path / place / "ms"
        args = ("finetune", "--from", model, "--data", data, "--strategy", "half-lr", "--out", out, *QUICK)
        assert call(capsys, *args).code == 0
    answer = call(capsys, "models", "show", "ms")
    assert answer.code == 2 and str(tmp_path / "a" / "ms") in answer.error


def test_a_ct_series_is_no_mri(capsys, tmp_path, model, data_folder):
    series = data_folder / "ct_totalsegmentator_tests" / "example_ct_dicom"
    case = small_case(tmp_path / "p1")
    args = ("segment", "--model", model, case, "--image", f"t2={series}", "--out", tmp_path / "o.nii.gz")
    answer = call(capsys, *args)
    assert answer.code == 2 and "CT" in answer.error and "MR" in answer.error
