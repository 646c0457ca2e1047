"""The l3 job: four honest answers, the slice on the original's own axis, what is measured and written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_level import level_card, oracle

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.imaging.scan import read_scan, scan_of
from TransferSegLib.jobs.l3 import find_l3
from TransferSegLib.level.answer import answer_of
from TransferSegLib.level.composition_bone import Vertebra
from TransferSegLib.level.composition_notes import bone_cue
from TransferSegLib.level.finding import find_level, weights_mark
from TransferSegLib.level.findings import Finding
from TransferSegLib.level.second_looks import second_looks, steadiness, stretched
from TransferSegLib.phantoms.ct_phantom import ct_phantom


@pytest.fixture(scope="module")
def phantom():
    return ct_phantom(3, field="abdomen-pelvis", spacing=(2.0, 2.0, 4.0))


@pytest.fixture(scope="module")
def ct(phantom, tmp_path_factory):
    path = tmp_path_factory.mktemp("l3") / "ct.nrrd"
    sitk.WriteImage(phantom.image, str(path))
    return path


def test_a_found_slice_is_measured_drawn_and_held_against_the_truth(phantom, ct, tmp_path):
    index = phantom.slice_of("L3")
    files = {name: tmp_path / f"{name}.{end}" for name, end in
             (("picture", "png"), ("projection", "png"), ("composition", "nii.gz"))}  # fmt: skip
    model = oracle(read_scan(ct), index)
    value = find_l3(ct=ct, model=model, truth=index, height_m=1.7, **files)
    assert (value["answer"], value["slice_index"], value["error_slices"]) == ("found", index, 0)
    assert value["position_mm"][2] == pytest.approx(
        phantom.image.TransformIndexToPhysicalPoint((0, 0, index))[2], abs=0.01
    )
    assert value["areas_cm2"]["skeletal_muscle"] > 50
    assert value["skeletal_muscle_index"] == pytest.approx(value["areas_cm2"]["skeletal_muscle"] / 1.7**2, abs=0.05)
    labels = sitk.ReadImage(str(files["composition"]))
    assert labels.GetSize() == phantom.image.GetSize() and labels.GetOrigin() == pytest.approx(
        phantom.image.GetOrigin()
    )
    array = sitk.GetArrayFromImage(labels)
    assert array[index].any() and not np.delete(array, index, axis=0).any()
    plain = sitk.GetArrayFromImage(sitk.ReadImage(str(files["projection"])))
    assert plain.shape == (value["projection"]["rows"], value["projection"]["width"])
    assert files["picture"].stat().st_size > 50_000


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flip", [False, True])
def test_the_slice_is_counted_along_the_axis_of_the_series(phantom, order, flip, tmp_path):
    image = sitk.PermuteAxes(phantom.image, order)
    axis = order.index(2)
    if flip:
        image = sitk.Flip(image, [axis == place for place in range(3)])
    path = tmp_path / "turned.nrrd"
    sitk.WriteImage(image, str(path))
    index = phantom.slice_of("L3")
    wanted = image.GetSize()[axis] - 1 - index if flip else index
    value = find_l3(ct=path, model=oracle(read_scan(path), wanted), truth=f"{phantom.levels['L3']}mm")
    assert (value["slice_index"], value["slice_axis"]) == (wanted, "ijk"[axis])
    assert value["error_mm"] <= 2.1
    assert value["position_mm"][2] == pytest.approx(phantom.levels["L3"], abs=2.1)


def test_a_level_that_is_not_in_view_has_no_slice_and_no_areas(ct, tmp_path):
    value = find_l3(ct=ct, model=oracle(read_scan(ct), None), truth="below", picture=tmp_path / "p.png")
    assert (value["answer"], value["side"], value["slice_index"], value["areas_cm2"]) == (
        "not-in-view",
        "below",
        None,
        None,
    )
    assert value["truth"]["where"] == "below" and value["error_mm"] is None
    assert (tmp_path / "p.png").is_file()


def test_a_level_seen_in_the_mirrored_picture_only_looks_upside_down(phantom, ct):
    scan = read_scan(ct)
    index = phantom.slice_of("L3")
    found = find_level(oracle(scan, index, upside_down=True), scan)
    answer = answer_of(found, scan, "L3")
    assert found.upside_down and answer.answer == "uncertain" and "upside down" in answer.message
    assert answer.place.slice_index == pytest.approx(index, abs=1) and answer.confidence <= 0.5


def test_no_scan_looks_upside_down_whose_spacing_or_spine_is_in_doubt(phantom, ct):
    scan = read_scan(ct)
    found = find_level(oracle(scan, phantom.slice_of("L3"), upside_down=True), scan)
    odd = answer_of(found, scan, "L3", [Finding("front-back", "The spine lies at the front.", False)])
    assert "upside down" in odd.message and "at the front" in odd.message
    for kind in ("spacing", "size", "short", "spine-unseen", "values"):
        answer = answer_of(found, scan, "L3", [Finding(kind, "Something is odd.", False)])
        assert "upside down" not in answer.message and "odd" in answer.message and answer.answer != "found"


def test_bones_of_another_level_make_a_row_uncertain(phantom, ct):
    scan = read_scan(ct)
    index = phantom.slice_of("L4")
    found = find_level(oracle(scan, index), scan)
    answer = answer_of(found, scan, "L3")
    assert answer.answer == "uncertain" and answer.place.slice_index == index
    assert "probably below L3" in answer.message and answer.confidence <= 0.5
    assert "probably" not in answer_of(found, scan, "L1").message


def test_ribs_lie_before_the_spine_too_and_are_slender():
    vertebra = Vertebra(np.zeros((200, 300), bool), (110.0, 150.0), 25.0, True)
    bones = np.zeros((200, 300), bool)
    for row, column in ((60, 40), (60, 260), (110, 20), (110, 280), (150, 50), (150, 250)):
        bones[row : row + 8, column : column + 10] = True
    assert bone_cue(bones, vertebra, 1.5).side == "above"
    assert bone_cue(np.roll(bones, 60, axis=0) & (np.arange(200)[:, None] > 90), vertebra, 1.5) is None
    bones[110:145, 20:24] = bones[110:145, 280:284] = True  # hip bones
    assert bone_cue(bones, vertebra, 1.5).side == "below"
    assert bone_cue(bones, vertebra, 1.5, "T12") is None


def test_without_second_looks_nothing_is_found(phantom, ct):
    scan = read_scan(ct)
    found = find_level(oracle(scan, phantom.slice_of("L3")), scan, quick=True)
    assert found.located.answer == "uncertain" and found.located.row is not None


def test_a_confidence_is_calibrated_only_for_the_weights_that_it_was_fitted_to():
    from TransferSegLib.level import finding
    from TransferSegLib.packages import find_package

    card = find_package("l3-cnn4-phantom").card
    assert len(weights_mark(card)) > 12 and finding._knows(card, None), "run benchmarks/l3_confidence.py --write"
    assert not finding._knows(replace(card, weights_sha256="0" * 64), None)
    assert not finding._knows(replace(card, weights_sha256=""), None)


def test_a_fatal_finding_refuses_and_with_another_nothing_is_found(phantom, ct):
    scan = read_scan(ct)
    found = find_level(oracle(scan, phantom.slice_of("L3")), scan)
    assert answer_of(found, scan, "L3").answer == "found"
    fatal = answer_of(found, scan, "L3", [Finding("gap", "A gap of 30 mm.", True)])
    assert (fatal.answer, fatal.candidates, fatal.message) == ("refused", (), "A gap of 30 mm.")
    odd = answer_of(found, scan, "L3", [Finding("front-back", "The spine lies at the front.", False)])
    assert odd.answer == "uncertain" and odd.words == "unsure" and "front" in odd.message


def test_what_is_no_ct_is_refused_and_what_cannot_be_read_is_an_error(phantom, ct, tmp_path):
    model = oracle(read_scan(ct), 5)
    noise = sitk.GetImageFromArray(np.random.default_rng(0).normal(100, 30, (20, 40, 40)).astype(np.float32))
    sitk.WriteImage(noise, str(tmp_path / "mr.nrrd"))
    sitk.WriteImage(phantom.image[:, :, :1], str(tmp_path / "single.nrrd"))
    (tmp_path / "text.nii.gz").write_text("no image")
    for name in ("mr.nrrd", "single.nrrd"):
        value = find_l3(ct=tmp_path / name, model=model, picture=tmp_path / "x.png")
        assert (value["answer"], value["slice_index"], value["areas_cm2"]) == ("refused", None, None), name
        assert value["message"]
    for name in ("text.nii.gz", "nowhere.nii.gz"):
        with pytest.raises(InputError):
            find_l3(ct=tmp_path / name, model=model)


def test_a_slice_that_the_user_names_is_measured_as_given(phantom, ct, tmp_path):
    model = oracle(read_scan(ct), 5)
    index = phantom.slice_of("L4")
    value = find_l3(ct=ct, model=model, slice_index=index, picture=tmp_path / "g.png")
    assert (value["answer"], value["slice_index"], value["confidence"]) == ("given", index, None)
    assert value["areas_cm2"]["skeletal_muscle"] > 0
    with pytest.raises(UsageError, match="--slice"):
        find_l3(ct=ct, model=model, slice_index=9999)


def test_options_are_checked_before_work(ct, tmp_path):
    model = oracle(read_scan(ct), 5)
    with pytest.raises(InputError, match="centimetres"):
        find_l3(ct=ct, model=model, height_m=172)
    with pytest.raises(UsageError, match="is the CT"):
        find_l3(ct=ct, model=model, composition=ct)
    with pytest.raises(UsageError, match="two outputs"):
        find_l3(ct=ct, model=model, picture=tmp_path / "a.png", projection=tmp_path / "a.png")
    for step in (0, 90):
        with pytest.raises(UsageError, match="--step"):
            find_l3(ct=tmp_path / "not-read.nii.gz", model=model, step=step)


def test_a_constant_or_nan_network_ends_in_an_honest_answer(phantom):
    import torch

    from TransferSegLib.jobs.predict import Model

    for value in (float("nan"), 50.0, float("inf")):

        class Stuck(torch.nn.Module):
            def dense(self, x, step, value=value):
                return torch.full((1, (x.shape[2] - 100) // step + 1), value)

        scan = scan_of(phantom.image)
        answer = answer_of(find_level(Model(level_card(), Stuck()), scan), scan, "L3")
        assert answer.answer in ("uncertain", "not-in-view") and not answer.candidates


def test_second_looks_come_back_to_the_same_rows():
    pixels = np.zeros((2, 200, 40), np.float32)
    pixels[:, 120] = 1
    looks = list(second_looks(pixels, ("frontal", "lateral")))
    assert len(looks) == 9
    for changed, back in looks:
        assert back(float(np.argmax(changed[1].sum(axis=1)))) == pytest.approx(120, abs=1)
    assert stretched(pixels, 1.5).shape[1] == pytest.approx(299, abs=1)
    assert steadiness(100, [104, None, 95, 130], 1.0) == 0.5


def test_with_wrong_lengths_nothing_is_said_of_the_field_of_view():
    from TransferSegLib.level.answer import _doubted
    from TransferSegLib.level.located import nowhere

    sure = nowhere("not-in-view", 0.978, "L3 is not in the field of view")
    for kind in ("size", "spacing"):
        assert _doubted(sure, "L3", [Finding(kind, "Wrong; mend it.", False)]).answer == "uncertain"
    assert _doubted(sure, "L3", [Finding("front-back", "Odd; mend it.", False)]).answer == "not-in-view"


def test_where_vertebrae_cannot_be_counted_only_a_known_side_is_told():
    from TransferSegLib.level.answer import _doubted
    from TransferSegLib.level.located import nowhere

    short = [Finding("short", "Only 70 mm tall; give more.", False)]
    for side, answer in ((None, "uncertain"), ("below", "not-in-view")):
        sure = nowhere("not-in-view", 0.978, "no row of the scan looks like L3", side=side)
        assert _doubted(sure, "L3", short).answer == answer
