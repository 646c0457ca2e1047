"""PET/CT phantoms: seeds, lesions' volumes and SUVs, truth in place, organs where they belong, noise by dose, files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.errors import UsageError
from TransferSegLib.imaging import Grid
from TransferSegLib.phantoms import ORGANS, petct_phantom, write_petct_phantoms

CROP = (5.0, 50.0)


@pytest.fixture(scope="module")
def phantom():
    return petct_phantom(7, pattern="disseminated", lesions=12)


def array(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


def organ_centre(phantom, name: str) -> np.ndarray:
    """LPS centroid (mm) of an organ."""
    inside = np.argwhere(array(phantom.organs) == ORGANS[name])
    return Grid.of(phantom.pet).points(inside[:, ::-1]).mean(0)


def test_lesions_have_the_volumes_and_suvs_they_say(phantom):
    lesions, numbers, suv = phantom.attributes["lesions"], array(phantom.numbers), array(phantom.pet)
    voxel = Grid.of(phantom.pet).voxel_ml
    assert 6 <= len(lesions) <= 12
    for lesion in lesions:
        own = numbers == lesion["number"]
        assert 0.5 <= lesion["volume_ml"] <= 500
        assert own.sum() * voxel == pytest.approx(lesion["volume_ml"], abs=max(1.5 * voxel, 0.1 * lesion["volume_ml"]))
        assert 2.4 <= lesion["suv_max"] <= 31
        assert suv[own].max() == pytest.approx(lesion["suv_max"], rel=0.45)


def test_truth_lies_on_the_pets_grid_and_in_place(phantom):
    pet = Grid.of(phantom.pet)
    for image in (phantom.truth, phantom.numbers, phantom.organs):
        assert Grid.of(image).same_as(pet)
    assert np.array_equal(array(phantom.truth) > 0, array(phantom.numbers) > 0)
    for lesion in phantom.attributes["lesions"]:
        own = np.argwhere(array(phantom.numbers) == lesion["number"])
        assert np.allclose(pet.points(own[:, ::-1]).mean(0), lesion["centre_mm"], atol=0.01)
    assert not Grid.of(phantom.ct).same_as(pet)


def test_a_soft_tissue_lesion_is_seen_on_ct_where_the_truth_is():
    """A lung lesion is soft tissue in air on the CT: at the truth's place in mm, apart from the breath."""
    for seed in range(30, 60):
        made = petct_phantom(seed, pattern="disseminated", lesions=3, crop=(10, 12))
        lesion = max(made.attributes["lesions"], key=lambda one: one["volume_ml"])
        if lesion["site"] != "lung" or lesion["volume_ml"] < 3 or abs(made.attributes["breath_mm"]) > 3:
            continue
        index = made.ct.TransformPhysicalPointToIndex(lesion["centre_mm"])
        assert made.ct[index] > -300
        return
    pytest.fail("no lung lesion among 30 seeds")


def test_organs_lie_where_they_belong(phantom):
    places = {name: organ_centre(phantom, name) for name in ("brain", "heart", "liver", "spleen", "kidney", "bladder")}
    heights = [places[name][2] for name in ("brain", "heart", "liver", "kidney", "bladder")]
    assert heights == sorted(heights, reverse=True)
    middle = organ_centre(phantom, "marrow")[0]
    assert places["liver"][0] < middle < places["spleen"][0] and places["heart"][0] > middle
    suv, organs = array(phantom.pet), array(phantom.organs)
    mean = {name: float(suv[organs == number].mean()) for name, number in ORGANS.items() if (organs == number).any()}
    assert 1.2 < mean["liver"] < 4 and 0.15 < mean["lung"] < 1.1
    assert mean["brain"] > 2 * mean["liver"] and mean["bladder"] > mean["blood"]
    assert float(suv[organs == 0].mean()) < mean["lung"] + 10 * float((array(phantom.truth) > 0).mean())


def test_ct_is_in_hounsfield_units_on_a_grid_of_its_own(phantom):
    ct = array(phantom.ct)
    assert phantom.ct.GetPixelID() == sitk.sitkInt16 and ct.min() >= -1024 and ct.max() > 500
    assert phantom.pet.GetPixelID() == sitk.sitkFloat32 and array(phantom.pet).min() >= 0


def test_noise_falls_with_the_root_of_the_dose():
    """The same crop at 1 and at 16 MBq/kg and one at a dose without noise: four times less noise."""
    low, high, none = (array(petct_phantom(11, crop=CROP, dose=dose).pet) for dose in (1.0, 16.0, 1e9))
    assert float((low - none).std() / (high - none).std()) == pytest.approx(4, rel=0.1)


def test_the_point_spread_loses_contrast_of_small_structures():
    """The PET changes by no more from voxel to voxel than its point spread allows."""
    made = petct_phantom(11, crop=CROP, dose=1e9)
    suv, sigma = array(made.pet), made.attributes["fwhm"] / 2.3548
    step = made.pet.GetSpacing()[2]
    steepest = np.abs(np.diff(suv, axis=0)).max() / (suv.max() - suv.min())
    assert 0.02 < steepest < 2.5 * step / (sigma * np.sqrt(2 * np.pi))


def test_same_seed_same_phantom_in_another_process(tmp_path):
    code = (
        "import sys, SimpleITK as sitk, hashlib\n"
        "from TransferSegLib.phantoms import petct_phantom\n"
        "p = petct_phantom(11, kind='other', crop=(5, 50))\n"
        "data = b''.join(sitk.GetArrayFromImage(i).tobytes() for i in (p.pet, p.ct, p.truth))\n"
        "print(hashlib.sha256(data).hexdigest())"
    )
    root = Path(__file__).resolve().parent.parent
    found = [subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True) for _ in range(2)]
    assert found[0].stdout == found[1].stdout and len(found[0].stdout.strip()) == 64, found[0].stderr


def test_crops_show_one_whole_mass_with_random_margins():
    sizes = set()
    for seed in (11, 14, 17):
        made = petct_phantom(seed, crop=CROP)
        truth = array(made.truth) > 0
        inside = np.argwhere(
            array(made.numbers) == max(made.attributes["lesions"], key=lambda one: one["volume_ml"])["number"]
        )
        step = np.array(made.pet.GetSpacing())[::-1]
        for margin in (inside.min(0) * step, (np.array(truth.shape) - 1 - inside.max(0)) * step):
            assert (margin >= CROP[0] - 1.5 * step).all() and (margin <= CROP[1] + 1.5 * step).all()
        sizes.add(truth.shape)
        grids = Grid.of(made.ct), Grid.of(made.pet)
        assert np.abs(grids[0].corners() - grids[1].corners()).max() < 6
    assert len(sizes) == 3


def test_a_necrotic_core_is_cold_and_belongs_to_the_truth():
    for seed in range(11, 40):
        made = petct_phantom(seed, crop=CROP, pattern="mass", dose=1e9)
        lesion = max(made.attributes["lesions"], key=lambda one: one["volume_ml"])
        if lesion["necrosis"] > 0.25 and lesion["volume_ml"] > 80:
            own = array(made.pet)[array(made.numbers) == lesion["number"]]
            assert np.percentile(own, 5) < 0.5 * lesion["suv_max"] and lesion["suv_max"] > 2.4
            return
    pytest.fail("no necrotic mass among 29 seeds")


def test_kinds_differ():
    one, other = (petct_phantom(11, kind=kind, crop=CROP) for kind in ("adult", "other"))
    assert one.attributes["uptake"] != other.attributes["uptake"] and one.attributes["fwhm"] != other.attributes["fwhm"]


def test_written_cases_are_read_as_petct_with_the_truth(tmp_path):
    from TransferSegLib.cases import open_data_set

    folder = write_petct_phantoms(tmp_path / "set", 2, seed=5, crop=CROP)
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert names == ["petct-adult-0001", "petct-adult-0002"]
    assert json.loads((folder / names[0] / "PET.json").read_text()) == {"Units": "SUV"}
    found = open_data_set(folder, reference_role="pet")
    assert sorted(case.id for case in found.cases) == names
    for case in found.cases:
        assert set(case.images) == {"pet", "ct"} and case.truth is not None
    drawn = json.loads((folder / "phantoms.json").read_text())["cases"]
    assert all(drawn[name]["lesions"] for name in names)


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "child"},
        {"lesions": 26},
        {"pattern": "odd"},
        {"dose": 0},
        {"crop": (9, 5)},
        {"crop": (5, 9), "lesions": 0},
    ],
)
def test_bad_options_are_named(options):
    with pytest.raises(UsageError, match=r"\S"):
        petct_phantom(1, **options)


def test_no_lesions_when_none_are_asked_for(tmp_path):
    with pytest.raises(UsageError, match="count 0"):
        write_petct_phantoms(tmp_path, 0)
    assert not any(tmp_path.iterdir())
