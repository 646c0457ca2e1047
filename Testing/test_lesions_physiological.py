"""Normal uptake named apart: on phantoms and the shared whole-body PET; nothing is named in doubt."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.imaging import Grid, resample
from TransferSegLib.lesions import find_lesions, label_map
from TransferSegLib.lesions.body_plan import upright, upright_indices, upright_step
from TransferSegLib.lesions.physiological import ORGANS, name_physiological, rule_in_words
from TransferSegLib.phantoms import ORGANS as NUMBERS
from TransferSegLib.phantoms import petct_phantom


@pytest.fixture(scope="module")
def phantom():
    return petct_phantom(600)


def parts(phantom) -> tuple[np.ndarray, np.ndarray, Grid, tuple]:
    suv, grid = sitk.GetArrayFromImage(phantom.pet), Grid.of(phantom.pet)
    ct = sitk.GetArrayFromImage(sitk.Resample(phantom.ct, phantom.pet, sitk.Transform(), sitk.sitkLinear, -1024))
    return suv, ct, grid, find_lesions(suv, None, grid, rule="4.0")


def truth_of(lesion, phantom) -> str:
    """What most of a lesion is in the phantom."""
    where = tuple(lesion.part.indices().T)
    if sitk.GetArrayViewFromImage(phantom.truth)[where].mean() > 0.3:
        return "lesion"
    counts = np.bincount(sitk.GetArrayViewFromImage(phantom.organs)[where], minlength=13)
    return max(ORGANS, key=lambda name: counts[NUMBERS[name]])


def test_brain_and_bladder_are_named_and_the_tumour_is_not(phantom):
    suv, ct, grid, lesions = parts(phantom)
    for density in (ct, None):
        named = name_physiological(lesions, None, suv, density, grid)
        found = {truth_of(lesion, phantom): lesion for lesion in named if lesion.volume_ml > 5}
        bladder = found["bladder"]
        assert found["brain"].physiological == "brain"
        sure = density is not None or bladder.suv_max >= 40
        assert (bladder.physiological, bladder.suspected) == (("bladder", "") if sure else ("", "bladder"))
        assert all(not lesion.physiological for lesion in named if truth_of(lesion, phantom) == "lesion")


def test_the_label_map_stands_in_for_parts(phantom):
    from dataclasses import replace

    suv, ct, grid, lesions = parts(phantom)
    large = lesions[:4]
    labels = label_map(large, suv.shape)
    bare = [replace(lesion, part=None) for lesion in large]
    with_parts, with_labels = (name_physiological(own, labels, suv, ct, grid) for own in (large, bare))
    assert [one.physiological for one in with_parts] == [one.physiological for one in with_labels]


def test_flipped_and_permuted_grids_give_the_same_names(phantom):
    suv, ct, grid, lesions = parts(phantom)
    turned = grid.reoriented("SRA")
    pet, density = (
        sitk.GetArrayFromImage(resample(image, turned)) for image in (phantom.pet, put(ct.astype(np.float32), grid))
    )
    plain = name_physiological(lesions, None, suv, ct, grid)
    other = name_physiological(find_lesions(pet, None, turned, rule="4.0"), None, pet, density, turned)
    tell = [
        sorted((round(one.volume_ml, 1), one.physiological) for one in own if one.volume_ml > 5)
        for own in (plain, other)
    ]
    assert tell[0] == tell[1] and any(name for _, name in tell[0])


def put(array: np.ndarray, grid: Grid) -> sitk.Image:
    return grid.put_on(sitk.GetImageFromArray(array))


@pytest.mark.parametrize("code", ["LPS", "RAS", "SRA", "PIL"])
def test_upright_turns_every_orientation(code):
    grid = Grid((5, 6, 7), (1.0, 2.0, 3.0)).reoriented(code)
    height = grid.points(np.argwhere(np.ones(grid.shape))[:, ::-1])[:, 2].reshape(grid.shape)
    left = grid.points(np.argwhere(np.ones(grid.shape))[:, ::-1])[:, 0].reshape(grid.shape)
    assert (np.diff(upright(height, grid), axis=0) > 0).all() and (np.diff(upright(left, grid), axis=2) > 0).all()
    assert np.allclose(upright_step(grid), (3, 2, 1))
    some = np.argwhere(height > 8)
    assert np.allclose(upright(height, grid)[tuple(upright_indices(some, grid).T)], height[tuple(some.T)])


def test_nothing_is_named_in_a_crop():
    made = petct_phantom(11, crop=(5, 50))
    suv, ct, grid, _ = parts(made)
    lesions = find_lesions(suv, None, grid, rule="2.5")
    assert lesions and not any(one.physiological for one in name_physiological(lesions, None, suv, ct, grid))


def test_no_lesions_no_names():
    grid = Grid((4, 4, 4), (4.0, 4.0, 4.0))
    assert name_physiological((), None, np.zeros(grid.shape), None, grid) == ()


def test_the_rule_is_told_in_both_languages():
    for lang, words in (("en", ORGANS), ("fr", ("cerveau", "vessie", "rein", "cœur"))):
        text = " ".join(rule_in_words(lang))
        assert all(word in text for word in words)


STEP = 5.0


def body() -> tuple[np.ndarray, np.ndarray, Grid, tuple]:
    """A plain body of ellipses: SUV 0.7, 40 HU, lungs, skull and spine; legs that part; arrays (k, j, i), up, LPS."""
    shape = (208, 56, 96)
    z, y, x = np.mgrid[: shape[0], : shape[1], : shape[2]] * STEP
    x, y = x - 240, y - 140

    def oval(centre, radii):
        return ((x - centre) / radii[0]) ** 2 + (y / radii[1]) ** 2 <= 1

    inside = oval(0, (180, 115)) & (z >= 130) & (z < 800)
    inside |= (oval(-90, (75, 85)) | oval(90, (75, 85))) & (z < 130)
    inside |= oval(0, (60, 65)) & (z >= 800) & (z < 860)
    head = oval(0, (80, 100)) & (z >= 860)
    inside |= head
    suv = np.where(inside, 0.7, 0.0).astype(np.float32)
    ct = np.where(inside, 40, -1000).astype(np.float32)
    ct[head & ~oval(0, (70, 90))] = 900
    for side in (-1, 1):
        lung = ((x - side * 90) / 65) ** 2 + (y / 80) ** 2 + ((z - 650) / 110) ** 2 <= 1
        suv[lung], ct[lung] = 0.3, -850
    ct[(x / 20) ** 2 + ((y - 50) / 20) ** 2 <= 1] = 300
    return suv, ct, Grid(shape[::-1], (STEP,) * 3), (x, y, z)


def put_in(array: np.ndarray, at: tuple, centre: tuple, radii: tuple, value: float) -> None:
    array[sum(((own - c) / r) ** 2 for own, c, r in zip(at, centre, radii)) <= 1] = value


KIDNEYS = tuple(((side * 60, 35, 430), (28, 28, 55), 3.6) for side in (-1, 1))
TUMOURS = {
    "two retroperitoneal masses": (((40, 30, 400), (20, 20, 30), 14.0), ((-45, 30, 400), (18, 18, 28), 9.0)),
    "a mass in the left kidney": (*KIDNEYS, ((52, 30, 400), (22, 22, 40), 14.0)),
    "a central pelvic mass": (((0, -5, 210), (18, 18, 18), 12.0),),
}


@pytest.mark.parametrize("with_ct", [True, False])
@pytest.mark.parametrize("name", TUMOURS)
@pytest.mark.parametrize("fat", [False, True])
def test_tumours_where_a_kidney_or_bladder_would_be_stay_lesions(name, with_ct, fat):
    from TransferSegLib.lesions import totals

    suv, ct, grid, at = body()
    if fat:  # around everything in the belly
        put_in(ct, at, (0, 0, 350), (150, 90, 190), -100)
    for centre, radii, value in TUMOURS[name]:
        put_in(suv, at, centre, radii, value)
        put_in(ct, at, centre, radii, 40)
    lesions = find_lesions(suv, None, grid, rule="4.0")
    named = name_physiological(lesions, None, suv, ct if with_ct else None, grid)
    assert lesions and not any(one.physiological for one in named)
    organ = "bladder" if "pelvic" in name else "kidney"
    suspects = [one for one in named if one.suspected == organ]
    assert suspects or (with_ct and fat)
    found = totals(named)
    assert found.tmtv_ml == pytest.approx(sum(one.volume_ml for one in lesions)) and found.tmtv_ml > 20
    for one in suspects:
        assert any(str(one.number) in note and f"may be urine in the {organ}" in note for note in found.notes)


def test_the_note_on_a_suspect_goes_with_the_users_word():
    from TransferSegLib.jobs.tmtv_uptake import measure_uptake, move_of, with_moves

    suv, _, grid, at = body()
    put_in(suv, at, *TUMOURS["a central pelvic mass"][0])
    found = measure_uptake(suv, grid)
    assert found.totals.notes == ("lesion 1 may be urine in the bladder, and counts: look, and move it if so",)
    for word, count in (("lesion", 1), ("bladder", 0)):
        moved = with_moves(found, grid, [move_of(found, 1, word)])
        assert moved.totals.count == count and moved.totals.notes == ()


def test_urine_in_both_kidneys_is_told_with_a_ct_only():
    suv, ct, grid, at = body()
    put_in(ct, at, (0, 0, 350), (150, 90, 190), -100)
    for centre, radii, value in KIDNEYS:
        put_in(suv, at, centre, radii, value)
        put_in(ct, at, centre, radii, 40)
        put_in(suv, at, centre, (10, 10, 18), 15.0)
    lesions = find_lesions(suv, None, grid, rule="4.0")
    assert [one.physiological for one in name_physiological(lesions, None, suv, ct, grid)] == ["kidney"] * 2
    without = name_physiological(lesions, None, suv, None, grid)
    assert [(one.physiological, one.suspected) for one in without] == [("", "kidney")] * 2
    put_in(ct, at, KIDNEYS[0][0], KIDNEYS[0][1], -100)  # one kidney alone
    assert not any(one.physiological for one in name_physiological(lesions, None, suv, ct, grid))


def test_the_shared_whole_body_pet(data_folder):
    """No CT there: brain, bladder (SUVmax above 40) and heart are named; kidneys are suspected only."""
    from TransferSegLib.imaging.pet import read_pet

    folder = data_folder / "pet_raw_dicom_sts001" / "STS_001" / "FDG_PET" / "image"
    image = read_pet(folder).image
    suv, grid = sitk.GetArrayFromImage(image), Grid.of(image)
    named = name_physiological(find_lesions(suv, None, grid, rule="4.0"), None, suv, None, grid)
    assert {"brain", "bladder", "heart"} == {one.physiological for one in named} - {""}
    assert {"kidney"} == {one.suspected for one in named} - {""}
    tumour = [one for one in named if one.centroid_mm[2] < grid.origin[2] + 130 and one.volume_ml > 2]
    assert tumour and not any(one.physiological for one in tumour)
