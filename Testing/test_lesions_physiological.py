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
        found = {truth_of(lesion, phantom): lesion.physiological for lesion in named if lesion.volume_ml > 5}
        assert found["brain"] == "brain" and found["bladder"] == "bladder"
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


def test_the_shared_whole_body_pet(data_folder):
    """No CT there: brain, bladder, heart and kidneys are named, the thigh tumour is not."""
    from TransferSegLib.imaging.pet import read_pet

    folder = data_folder / "pet_raw_dicom_sts001" / "STS_001" / "FDG_PET" / "image"
    image = read_pet(folder).image
    suv, grid = sitk.GetArrayFromImage(image), Grid.of(image)
    named = name_physiological(find_lesions(suv, None, grid, rule="4.0"), None, suv, None, grid)
    assert {"brain", "bladder", "heart", "kidney"} == {one.physiological for one in named} - {""}
    tumour = [one for one in named if one.centroid_mm[2] < grid.origin[2] + 130 and one.volume_ml > 2]
    assert tumour and not any(one.physiological for one in tumour)
