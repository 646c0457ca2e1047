"""``transferseg l3``: text, JSON and exit codes, on files, DICOM folders and the wrong images, and in the worker."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import call
from helpers_level import level_card
from helpers_worker import Worker

from TransferSegLib.networks import build_network
from TransferSegLib.packages import write_package
from TransferSegLib.phantoms.ct_phantom import ct_phantom

KEYS = {
    "answer", "level", "slice_index", "slice_axis", "position_mm", "row", "confidence", "confidence_words", "areas_cm2",
    "muscle_density_hu", "skeletal_muscle_index", "candidates", "message", "notes", "findings", "model", "device",
    "seconds", "picture", "composition", "truth", "error_slices", "error_mm",
}  # fmt: skip
REAL = "ct_totalsegmentator_tests"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    import torch

    torch.manual_seed(0)
    card = level_card("untrained")
    network = build_network(card.network, 1, 1, card.arguments)
    folder = tmp_path_factory.mktemp("models") / "untrained"
    write_package(folder, card, network.state_dict())
    return folder


@pytest.fixture(scope="module")
def ct(tmp_path_factory):
    path = tmp_path_factory.mktemp("ct") / "ct.nii.gz"
    sitk.WriteImage(ct_phantom(3, field="lumbar", spacing=(3.0, 3.0, 4.0)).image, str(path))
    return path


def test_json_has_all_keys_and_code_0_for_every_answer(capsys, ct, model, tmp_path):
    answer = call(capsys, "l3", ct, "--model", model, "--json", "--truth", "10", "--picture", tmp_path / "p.png")
    assert answer.code == 0, answer.err
    value = answer.value
    assert set(value) >= KEYS and value["answer"] in ("found", "uncertain", "not-in-view")
    assert value["truth"]["slice_index"] == 10 and value["model"] == "untrained"
    if value["slice_index"] is not None:
        assert value["error_slices"] == abs(value["slice_index"] - 10)


def test_text_says_slice_position_confidence_and_areas(capsys, ct, model):
    answer = call(capsys, "l3", ct, "--model", model, "--slice", "12", "--height", "1.80")
    assert answer.code == 0, answer.err
    for words in ("slice       12", "mm (LPS)", "skeletal muscle", "cm2/m2", " s on cpu"):
        assert words in answer.out


def test_confidence_is_worded_as_it_is_shown():
    from TransferSegLib.level.confidence import confidence_words, told_confidence

    for confidence in np.linspace(0.6, 0.99, 400):
        least = {"sure": 0.9, "fairly sure": 0.7, "unsure": 0.0}[confidence_words(confidence)]
        assert float(f"{confidence:.2f}") == told_confidence(confidence) >= least
    assert confidence_words(0.8951) == "sure" and confidence_words(0.6951) == "fairly sure"


def test_text_json_and_picture_tell_the_same_numbers():
    from types import SimpleNamespace

    from TransferSegLib.jobs import l3_drawing, l3_result

    measures = {
        "areas_cm2": {"skeletal_muscle": 42.6499},
        "muscle_density_hu": 31.2461,
        "skeletal_muscle_index": 42.651,
    }
    result = SimpleNamespace(measured=SimpleNamespace(measures=measures))
    told = l3_result.told_measures(result)
    assert l3_drawing._figures(result) == [
        f"muscle density {told['muscle_density_hu']:.1f} HU",
        f"skeletal muscle index {told['skeletal_muscle_index']:.1f} cm²/m²",
    ]


def test_a_refusal_keeps_a_file_s_name():
    from TransferSegLib.jobs.l3_reading import sentence_of

    assert sentence_of("/data/One: empty; give a series", "/data/One") == "Empty; give a series."
    assert (
        sentence_of("/data/one/01.dcm: a single slice; give more", "/data/one")
        == "one/01.dcm: a single slice; give more."
    )


def test_wrong_use_is_one_line_and_code_2(capsys, ct, model, tmp_path):
    mask = tmp_path / "mask.nrrd"
    for words, said in (
        (("l3", tmp_path / "none.nii.gz", "--model", model), "no such file"),
        (("l3", ct, "--model", "no-such-model"), "no such model"),
        (("l3", ct, "--model", "brain-unet-phantom"), "finds a level"),
        (("l3", ct, "--model", model, "--height", "180"), "centimetres"),
        (("l3", ct, "--model", model, "--composition", tmp_path / "c.txt"), "format"),
        (("l3", ct, "--model", model, "--composition-model", "brain-unet-phantom"), "skeletal_muscle"),
        (("l3", ct, "--model", model, "--truth", "9999"), "slices 0 to"),
        (("l3", ct, "--model", model, "--truth", mask, "--composition", mask), "is the truth"),
        (("l3", ct, "--model", model, "--truth", tmp_path / "t.png", "--picture", tmp_path / "t.png"), "is the truth"),
    ):
        answer = call(capsys, *words)
        assert answer.code == 2 and said in answer.err, (words, answer.err)
        assert len(answer.err.strip().splitlines()) == 1 and not answer.out


def test_what_is_no_ct_is_an_answer(capsys, model, tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.random.default_rng(0).random((12, 30, 30))), str(tmp_path / "mr.nrrd"))
    answer = call(capsys, "l3", tmp_path / "mr.nrrd", "--model", model, "--json")
    assert answer.code == 0 and answer.value["answer"] == "refused" and answer.value["areas_cm2"] is None
    text = call(capsys, "l3", tmp_path / "mr.nrrd", "--model", model)
    assert text.code == 0 and text.out.startswith("Refused. " + answer.value["message"])


def test_a_named_slice_is_looked_at_too(capsys, ct, model, tmp_path):
    image = sitk.ReadImage(str(ct))
    sitk.WriteImage(image + 1024, str(tmp_path / "raw.nii"))
    value = call(capsys, "l3", tmp_path / "raw.nii", "--model", model, "--slice", "12", "--json").value
    assert value["answer"] == "refused" and "rescale" in value["message"] and value["areas_cm2"] is None
    image.SetSpacing((3.0, 3.0, 12.0))
    sitk.WriteImage(image, str(tmp_path / "gaps.nii"))
    value = call(capsys, "l3", tmp_path / "gaps.nii", "--model", model, "--slice", "12", "--json").value
    assert value["answer"] == "given" and value["areas_cm2"] and any("12.0 mm apart" in note for note in value["notes"])
    sitk.WriteImage(image + 1024, str(tmp_path / "both.nii"))
    assert (
        call(capsys, "l3", tmp_path / "both.nii", "--model", model, "--slice", "12", "--json").value["answer"]
        == "refused"
    )


def test_a_slice_with_front_and_back_swapped_is_measured_turned(ct):
    from TransferSegLib.events import quiet
    from TransferSegLib.imaging import scan_of
    from TransferSegLib.jobs.l3_slice import TURNED, measure_slice

    image = sitk.ReadImage(str(ct))
    about = {"level": "L3", "height_m": None, "model": None, "device": "cpu", "events": quiet(None)}
    right = measure_slice(scan_of(image), 12, **about)
    swapped = sitk.GetImageFromArray(sitk.GetArrayFromImage(image)[:, ::-1])
    swapped.CopyInformation(image)
    turned = measure_slice(scan_of(swapped), 12, turned=True, **about)
    assert turned.measures["areas_cm2"] == right.measures["areas_cm2"] and TURNED in turned.notes
    back = sitk.GetArrayFromImage(turned.axial.put_back(turned.labels))
    assert np.array_equal(back[12, ::-1], sitk.GetArrayFromImage(right.axial.put_back(right.labels))[12])


def test_the_worker_keeps_the_model_open(ct, model):
    worker = Worker()
    try:
        assert worker.do("warm", model=str(model)) == {}
        value = worker.do("l3", ct=str(ct), model=str(model), slice=5)
        assert (value["answer"], value["slice_index"]) == ("given", 5)
        assert worker.do("l3", ct=str(ct), model=str(model))["answer"] != "given"
    finally:
        worker.close()


def test_a_real_dicom_folder_names_the_file_of_the_slice(capsys, data_folder, model):
    folder = data_folder / REAL / "example_ct_dicom"
    answer = call(capsys, "l3", folder, "--model", model, "--json", "--slice", "7")
    assert answer.code == 0, answer.err
    assert (folder / answer.value["slice_file"]).is_file()
    assert call(capsys, "l3", folder, "--model", model, "--json").value["confidence_words"] != "sure"


def test_the_real_wrong_images_are_refused(capsys, data_folder, model):
    for place in (
        f"{REAL}/spine_report/example_ct_report/totalseg.nii.gz",
        "ms_open_ms_data/patient07/FLAIR.nii.gz",
        "petct_ibsi_sts/STS_003/PET_image.nii.gz",
    ):
        answer = call(capsys, "l3", data_folder / place, "--model", model, "--json")
        assert answer.code == 0 and answer.value["answer"] == "refused", place


def test_the_real_truth_is_read_from_a_mask(capsys, data_folder, model):
    folder = data_folder / REAL
    mask = folder / "spine_report" / "example_ct_report" / "totalseg.nii.gz"
    value = call(capsys, "l3", folder / "example_ct.nii.gz", "--model", model, "--truth", mask, "--json").value
    assert 70 <= value["truth"]["slice_index"] <= 79


def test_the_shipped_model_never_finds_a_wrong_vertebra(capsys, data_folder, tmp_path):
    whole = sitk.ReadImage(str(data_folder / REAL / "example_ct.nii.gz"))
    level_mm, count = 316.3, whole.GetSize()[2]
    turned = sitk.Image(whole)
    turned.SetDirection([-value if place in (0, 4) else value for place, value in enumerate(whole.GetDirection())])
    variants = {f"{low}-{high}": whole[:, :, low:high] for low, high in ((0, 62), (0, 78), (50, count), (66, count))}
    variants |= {"whole": whole, "flipped": sitk.Flip(whole, [False, False, True]), "front": turned}
    variants["half"] = sitk.Cast(whole, sitk.sitkFloat32) * 0.5
    for name, image in variants.items():
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii"))
        value = call(capsys, "l3", tmp_path / f"{name}.nii", "--json").value
        right = value["position_mm"] is not None and abs(value["position_mm"][2] - level_mm) <= 10
        assert value["answer"] != "found" or right, (name, value["message"])


def test_the_shipped_model_finds_no_l3_in_legs_and_hips(capsys, data_folder):
    for path in sorted((data_folder / "petct_ibsi_sts").glob("STS_*/CT_image.nii.gz")):
        value = call(capsys, "l3", path, "--json").value
        assert value["answer"] != "found" and value["confidence_words"] in (None, "unsure"), path
        assert "upside down" not in value["message"], path
