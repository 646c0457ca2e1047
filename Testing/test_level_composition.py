"""Muscle and fat of a slice: drawn slices with a truth, and the real CT with a model's organ labels."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_slice import dice, draw_slice

from TransferSegLib.errors import InputError
from TransferSegLib.level.axial import axial_slice
from TransferSegLib.level.composition import segment_slice
from TransferSegLib.measuring.body_composition import body_composition

# Least Dice of muscle, subcutaneous and visceral fat.
PATIENTS = {
    "usual": ({}, (0.97, 0.97, 0.97)),
    "lean": ({"fat_mm": 5, "half": (90, 130), "wall_mm": 18}, (0.96, 0.88, 0.95)),
    "obese": ({"fat_mm": 45, "half": (125, 165), "size": 560}, (0.96, 0.97, 0.97)),
    "contrast": ({"contrast": True}, (0.97, 0.97, 0.95)),
    "wasted": ({"wall_mm": 6, "muscle": 25, "marbled": 0.2, "fat_mm": 12, "half": (85, 125)}, (0.93, 0.94, 0.95)),
    "arms beside": ({"arms": "beside", "half": (95, 120), "fat_mm": 15, "size": 640}, (0.97, 0.95, 0.95)),
    "arms touching": ({"arms": "touching", "half": (95, 120), "fat_mm": 15, "size": 640}, (0.97, 0.95, 0.95)),
    "prone": ({"table": -1}, (0.97, 0.97, 0.97)),
    "coarse": ({"size": 170, "step": 2.4}, (0.97, 0.96, 0.97)),
    "fine": ({"size": 1024, "step": 0.4}, (0.97, 0.96, 0.95)),
}


@pytest.mark.parametrize("name", PATIENTS)
def test_drawn_patients(name):
    options, least = PATIENTS[name]
    drawn = draw_slice(**options)
    found = segment_slice(drawn.hu, drawn.spacing)
    overlaps = [dice(found.labels, drawn.truth, value) for value in (1, 2, 3)]
    assert all(overlap >= limit for overlap, limit in zip(overlaps, least)), overlaps
    assert not found.notes


@pytest.mark.parametrize("seed", range(4))
def test_patients_of_random_build(seed):
    rng = np.random.default_rng(seed)
    drawn = draw_slice(
        seed=seed,
        fat_mm=rng.uniform(8, 35),
        wall_mm=rng.uniform(9, 20),
        half=(rng.uniform(90, 120), rng.uniform(125, 160)),
        muscle=rng.uniform(30, 60),
        noise=rng.uniform(5, 20),
        contrast=bool(seed % 2),
        size=540,
    )
    found = segment_slice(drawn.hu, drawn.spacing).labels
    assert (
        dice(found, drawn.truth, 1) > 0.95 and dice(found, drawn.truth, 2) > 0.95 and dice(found, drawn.truth, 3) > 0.95
    )


def test_intermuscular_fat_is_found_in_marbled_muscle():
    drawn = draw_slice(marbled=0.25, noise=8)
    found = segment_slice(drawn.hu, drawn.spacing).labels
    assert np.count_nonzero(found[drawn.truth == 4] == 4) > 0.8 * np.count_nonzero(drawn.truth == 4)


def test_a_cut_body_and_a_spine_alone_are_said():
    drawn = draw_slice(fat_mm=65, half=(125, 165))
    assert any("leaves the field of view" in note for note in segment_slice(drawn.hu, drawn.spacing).notes)
    row, column = np.ogrid[:512, :512]
    circle = np.hypot(row - 300, column - 256) < 90
    spine = np.where(circle, drawn.hu, -1024)[210:391, 166:347]
    assert any("Most of the trunk" in note for note in segment_slice(spine, drawn.spacing).notes)


def test_unusual_areas_and_metal_are_said():
    drawn = draw_slice(half=(60, 80), fat_mm=8, wall_mm=5)
    assert any("Muscle area" in note for note in segment_slice(drawn.hu, drawn.spacing).notes)
    hu = draw_slice().hu
    hu[330:345, 250:265] = 3000
    assert any("Metal" in note for note in segment_slice(hu, (0.8, 0.8)).notes)


def test_what_is_no_slice_is_refused():
    with pytest.raises(InputError, match="no trunk"):
        segment_slice(np.full((64, 64), -1000.0), (1, 1))
    with pytest.raises(InputError, match="finite"):
        segment_slice(np.full((64, 64), np.nan), (1, 1))
    with pytest.raises(InputError, match="spacing"):
        segment_slice(np.zeros((64, 64)), (1, 0))


def test_it_is_quick():
    drawn = draw_slice()
    started = time.process_time()
    segment_slice(drawn.hu, drawn.spacing)
    assert time.process_time() - started < 0.8  # 0.15 s on a free core


def test_real_l3_areas_hang_together(data_folder):
    """One patient: neighbouring slices give like areas, muscle and fat have the HU of living tissue."""
    image = sitk.ReadImage(str(data_folder / "ct_totalsegmentator_tests/example_ct.nii.gz"))
    areas = []
    for index in range(66, 79, 3):
        shown = axial_slice(SimpleNamespace(image=image, axis=2), index)
        measured = body_composition(segment_slice(shown.hu, shown.spacing).labels, shown.hu, shown.spacing)
        areas.append(list(measured["areas_cm2"].values())[:3])
        assert 10 < measured["muscle_density_hu"] < 35
    areas = np.array(areas)
    assert ((areas[:, 0] > 125) & (areas[:, 0] < 155)).all(), areas
    assert (np.abs(np.diff(areas, axis=0)) < 0.18 * areas[:-1]).all(), areas


def test_real_organs_are_no_muscle_and_the_back_is(data_folder):
    """Slices at L2 and L1, with TotalSegmentator's labels of the back's muscles and of organs."""
    folder = data_folder / "ct_totalsegmentator_tests"
    image = sitk.ReadImage(str(folder / "example_ct_sm.nii.gz"))
    truth = sitk.ReadImage(str(folder / "example_seg.nii.gz"))
    back = wrong = organ = seen = 0
    for index in range(4):
        shown = axial_slice(SimpleNamespace(image=image, axis=2), index)
        labels = axial_slice(SimpleNamespace(image=truth, axis=2), index).hu
        muscle = segment_slice(shown.hu, shown.spacing).labels == 1
        autochthon = np.isin(labels, (86, 87, 88, 89)) & (shown.hu >= -29) & (shown.hu <= 150)
        organs = np.isin(labels, (1, 2, 3, 4, 5, 6, 7, 18, 19, 20, 52, 63)) & (shown.hu >= -29) & (shown.hu <= 150)
        back, seen = back + np.count_nonzero(muscle & autochthon), seen + np.count_nonzero(autochthon)
        wrong, organ = wrong + np.count_nonzero(muscle & organs), organ + np.count_nonzero(organs)
    assert back > 0.93 * seen and wrong < 0.04 * organ, (back / seen, wrong / organ)


def test_a_phantom_of_the_project():
    from TransferSegLib.phantoms.ct_phantom import ct_phantom

    truth, hu, spacing = ct_phantom(16, field="abdomen", spacing=(1.2, 1.2, 16.0)).tissues("L3")
    found = segment_slice(hu, spacing)
    assert not found.notes and min(dice(found.labels, truth, value) for value in (1, 2, 3)) > 0.94
