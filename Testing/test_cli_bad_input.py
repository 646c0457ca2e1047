"""Bad input: one line that names the file and what to do, exit code 1 or 2, nothing half-written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import SIDE, call, save, small_case, small_data_set, small_model

from TransferSegLib.packages import Label

QUICK = ("--epochs", 1, "--steps", 2, "--patch", 32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("models") / "little")


@pytest.fixture
def case(tmp_path):
    return small_case(tmp_path / "case")


@pytest.fixture
def data(tmp_path):
    return small_data_set(tmp_path / "set")


def refused(answer, *words: str, code: int = 2) -> str:
    assert answer.code == code, (answer.code, answer.err)
    assert answer.out == ""
    for word in words:
        assert word in answer.error, answer.error
    assert "Traceback" not in answer.err
    return answer.error


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")}


def segment(capsys, model, case, *more):
    """Segment, and hold that a refusal leaves nothing behind."""
    before = files(case.parent)
    out = case.parent / "out.nii.gz"
    answer = call(capsys, "segment", "--model", model, case, "--out", out, *more)
    assert answer.code == 0 or files(case.parent) == before
    return answer


def array(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_a_missing_role(capsys, model, case):
    (case / "T2.nii.gz").unlink()
    refused(segment(capsys, model, case), "t2", str(case), "--image")


def test_two_files_for_one_role(capsys, model, case):
    shutil.copy(case / "T2.nii.gz", case / "T2_again.nii.gz")
    refused(segment(capsys, model, case), "T2.nii.gz", "T2_again.nii.gz")


def test_sequences_that_do_not_overlap(capsys, model, case):
    save(case / "T2.nii.gz", array(case / "T2.nii.gz"), {"origin": (500.0, 0.0, 0.0)})
    refused(segment(capsys, model, case), "T2.nii.gz", "overlap")


@pytest.mark.parametrize("kind", ["4-D", "RGB", "empty", "flat"])
def test_images_that_are_no_scalar_volume(capsys, model, case, kind):
    path = case / "T2.nii.gz"
    if kind == "4-D":
        sitk.WriteImage(sitk.JoinSeries([sitk.ReadImage(str(path))] * 2), str(path))
    elif kind == "RGB":
        sitk.WriteImage(sitk.GetImageFromArray(np.ones((9, 9, 9, 3), np.uint8), isVector=True), str(path))
    elif kind == "empty":
        path.write_bytes(b"")
    else:
        save(path, np.random.default_rng(0).normal(size=(1, SIDE, SIDE)).astype(np.float32))
    refused(segment(capsys, model, case), "T2.nii.gz")


@pytest.mark.parametrize("value", [np.nan, np.inf, 5.0])
def test_nan_infinite_or_constant_images(capsys, model, case, value):
    image = array(case / "T2.nii.gz")
    if value == 5.0:
        image[:] = value
    else:
        image[3, 4, 5] = value
    save(case / "T2.nii.gz", image)
    refused(segment(capsys, model, case), "T2.nii.gz")


@pytest.mark.parametrize(
    "direction",
    [
        "1 0 0 0 1 0 0 0 0",
        "1 0 0 1 0 0 0 0 1",
        "1 0.3 0 0 1 0 0 0 1",
    ],
)
def test_a_singular_or_sheared_direction(capsys, model, case, direction):
    (case / "T2.nii.gz").unlink()
    voxels = array(case / "T1.nii.gz")
    head = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        f"TransformMatrix = {direction}\nOffset = 0 0 0\nElementSpacing = 1 1 1\nDimSize = {SIDE} {SIDE} {SIDE}\n"
        "ElementType = MET_FLOAT\nElementDataFile = LOCAL\n"
    )
    (case / "T2.mha").write_bytes(head.encode() + voxels.tobytes())
    refused(segment(capsys, model, case), "T2.mha", "direction")


def test_a_truncated_file(capsys, model, case):
    whole = (case / "T2.nii.gz").read_bytes()
    (case / "T2.nii.gz").write_bytes(whole[: len(whole) // 2])
    refused(segment(capsys, model, case), "T2.nii.gz")


def test_a_file_that_is_not_there(capsys, model, case):
    refused(segment(capsys, model, case, "--image", "t2=/nowhere/x.nii.gz"), "/nowhere/x.nii.gz")


@pytest.mark.parametrize("option", [("--image", "t9=a"), ("--image", "t2"), ("--reference", "ct"), ("--device", "tpu")])
def test_options_that_mean_nothing(capsys, model, case, option):
    refused(segment(capsys, model, case, *option), option[1].split("=")[0])


def test_a_gpu_where_there_is_none(capsys, model, case):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    refused(segment(capsys, model, case, "--device", "cuda"), "cuda", "cpu")


def test_an_output_that_cannot_be_written(capsys, model, case, tmp_path):
    (tmp_path / "file").write_text("x")
    out = tmp_path / "file" / "labels.nii.gz"
    refused(call(capsys, "segment", "--model", model, case, "--out", out), str(out), code=1)
    refused(call(capsys, "segment", "--model", model, case, "--out", tmp_path / "labels.doc"), "labels.doc")


def test_a_full_disk_leaves_no_half_written_label_map(capsys, model, case, tmp_path, monkeypatch):
    from TransferSegLib.imaging import writing

    def full(image, path, *rest):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.sitk, "WriteImage", full)
    before = files(tmp_path)
    refused(call(capsys, "segment", "--model", model, case, "--out", tmp_path / "l.nii.gz"), "disk is full", code=1)
    assert files(tmp_path) == before


def test_different_frames_of_reference(capsys, model, case, data_folder, tmp_path):
    import pydicom

    series = data_folder / "ct_totalsegmentator_tests" / "example_ct_dicom"
    images = []
    for role in ("flair", "t1", "t1gd", "t2"):
        folder = tmp_path / f"dicom-{role}"
        folder.mkdir()
        uid = pydicom.uid.generate_uid()
        for file in sorted(series.iterdir()):
            slice_ = pydicom.dcmread(file)
            slice_.SeriesInstanceUID = uid
            slice_.FrameOfReferenceUID = uid
            slice_.save_as(folder / file.name)
        images += ["--image", f"{role}={folder}"]
    answer = call(capsys, "segment", "--model", model, *images, "--out", tmp_path / "o.nii.gz")
    refused(answer, "frame")
    assert not (tmp_path / "o.nii.gz").exists()


def test_truth_with_an_unknown_value(capsys, model, data):
    truth = array(data / "p2" / "seg.nii.gz")
    truth[2, 2, 2] = 9
    save(data / "p2" / "seg.nii.gz", truth)
    (data / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "lesion": 1}}))
    error = refused(call(capsys, "evaluate", "--model", model, "--data", data), "seg.nii.gz", "9")
    assert "p2" in error


def test_truth_on_another_grid(capsys, model, data):
    save(data / "p2" / "seg.nii.gz", array(data / "p2" / "seg.nii.gz")[:-4], None)
    refused(call(capsys, "evaluate", "--model", model, "--data", data), "seg.nii.gz", "grid")


def test_truth_label_that_the_model_has_not(capsys, tmp_path, data):
    strange = small_model(tmp_path / "strange", labels=(Label(7, "vessel", 1),))
    refused(call(capsys, "evaluate", "--model", strange, "--data", data), "lesion", "vessel", "--map")


def finetune(capsys, model, data, *more, strategy="half-lr"):
    out = data.parent / "adapted"
    answer = call(
        capsys, "finetune", "--from", model, "--data", data, "--strategy", strategy, "--out", out, *QUICK, *more
    )
    if answer.code:
        assert not out.exists() and not Path(f"{out}.run").exists()
        assert not list(data.parent.glob(".writing*"))
    return answer


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--hold-out", "p9"), ("p9", "p1")),
        (("--hold-out", "p1", "p2", "p3"), ("every",)),
        (("--cases", "9"), ("--cases 9",)),
        (("--patch", "30"), ("--patch 30", "16")),
        (("--epochs", "0"), ("epochs",)),
        (("--map", "plaque=oedema"), ("plaque", "lesion")),
        (("--map", "lesion=vessel"), ("vessel", "oedema")),
        (("--network", "dynunet"), ("dynunet",)),
        (("--curriculum", "easy"), ("easy",)),
        (("--loss", "hinge"), ("hinge", "dice-ce")),
    ],
)
def test_trainings_that_cannot_be(capsys, model, data, more, words):
    refused(finetune(capsys, model, data, *more), *words)


@pytest.mark.parametrize("name", ["freeze-all", "from-level:0", "from-level:9", "from-level:x"])
def test_strategies_that_do_not_exist(capsys, model, data, name):
    refused(finetune(capsys, model, data, strategy=name), name.split(":")[0])


def test_nothing_to_start_from(capsys, data):
    answer = call(
        capsys, "finetune", "--from", "none", "--data", data, "--strategy", "half-lr", "--out", data.parent / "o"
    )
    refused(answer, "scratch")
    refused(call(capsys, "segment", "--model", "no-such", data / "p1", "--out", data.parent / "o.nii.gz"), "no-such")


def test_a_label_that_no_case_has(capsys, model, data):
    (data / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "lesion": 1, "ghost": 2}}))
    refused(finetune(capsys, model, data), "ghost")


def test_truths_without_any_foreground(capsys, model, data):
    for truth in data.glob("*/seg.nii.gz"):
        save(truth, np.zeros((SIDE,) * 3, np.uint8))
    refused(finetune(capsys, model, data), "background")


def test_an_existing_package_is_not_overwritten(capsys, model, data):
    (data.parent / "adapted").mkdir()
    (data.parent / "adapted" / "precious.txt").write_text("x")
    args = ("--from", model, "--data", data, "--strategy", "half-lr", "--out", data.parent / "adapted", *QUICK)
    refused(call(capsys, "finetune", *args), "exists already", code=1)
    assert (data.parent / "adapted" / "precious.txt").read_text() == "x"


def test_wrong_use_is_one_line_with_code_2(capsys):
    for arguments in ((), ("segment",), ("no-such-verb",), ("models", "groups", "no-such-network")):
        answer = call(capsys, *arguments)
        assert answer.code == 2 and answer.err.strip().count("\n") == 0, answer.err
