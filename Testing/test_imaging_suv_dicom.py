"""SUV from DICOM: the real whole-body PET against the tags by hand, and written GE, Philips and Siemens kinds."""

from __future__ import annotations

import math

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers_pet import FACTOR, HALF_LIFE, activity, drug_of, setting, write_pet

from TransferSegLib.errors import InputError
from TransferSegLib.imaging import FRAME_KEY, read_pet

RAW = "pet_raw_dicom_sts001"


def voxels(pet) -> np.ndarray:
    return sitk.GetArrayFromImage(pet.image)


def given(pet, name: str) -> tuple:
    return next((entry.value, entry.source) for entry in pet.info.inputs if entry.name == name)


@pytest.fixture(scope="module")
def raw_pet(data_folder):
    """The real whole-body PET, from the folder above the one that holds it."""
    return read_pet(data_folder / RAW)


def test_raw_whole_body_pet_against_its_tags(raw_pet, data_folder):
    """Every voxel of some slices and the factor, from the tags by hand: nothing of the library takes part."""
    pet = raw_pet
    files = sorted((data_folder / RAW / "STS_001" / "FDG_PET" / "image").glob("*.dcm"))
    slices = [pydicom.dcmread(file) for file in files[::60]]
    first = slices[0]
    drug = first.RadiopharmaceuticalInformationSequence[0]

    def seconds(text: str) -> float:
        return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])

    assert first.Units == "BQML" and first.DecayCorrection == "START" and first.SeriesTime <= first.AcquisitionTime
    uptake = seconds(first.SeriesTime) - seconds(drug.RadiopharmaceuticalStartTime)
    left = float(drug.RadionuclideTotalDose) * math.exp(-math.log(2) * uptake / float(drug.RadionuclideHalfLife))
    factor = 1000 * float(first.PatientWeight) / left
    assert pet.info.suv_factor == pytest.approx(factor, rel=1e-9)
    assert pet.info.uptake_s == uptake == 2711
    assert pet.info.unit == "bqml" and pet.info.stated_by == "DICOM" and pet.info.notes == ()
    assert pet.image.GetPixelID() == sitk.sitkFloat32 and pet.image.GetMetaData(FRAME_KEY) == first.FrameOfReferenceUID
    for item in slices:
        k = pet.image.TransformPhysicalPointToIndex([float(x) for x in item.ImagePositionPatient])[2]
        own = item.pixel_array * float(item.RescaleSlope) * factor
        assert np.allclose(voxels(pet)[k], own, rtol=1e-4, atol=1e-5)
    assert given(pet, "dose") == (pytest.approx(388.777472), "DICOM") and given(pet, "weight") == (71.0, "DICOM")


def test_raw_whole_body_pet_against_the_published_suv(raw_pet, data_folder):
    """The published SUV crop of the same patient, made by others, agrees on shared voxels."""
    crop = sitk.ReadImage(str(data_folder / "petct_ibsi_sts" / "STS_001" / "PET_image.nii.gz"))
    own = sitk.GetArrayFromImage(sitk.Resample(raw_pet.image, crop, sitk.Transform(), sitk.sitkNearestNeighbor))
    published = sitk.GetArrayFromImage(crop)
    hot = published > 1
    assert hot.sum() > 1000 and np.abs(own[hot] / published[hot] - 1).max() < 1e-3


def test_slopes_differ_from_slice_to_slice(tmp_path):
    slopes = [0.5, 1, 1.5, 2.25, 0.125, 1]
    write_pet(tmp_path, slopes=slopes)
    pet = read_pet(tmp_path)
    assert pet.info.suv_factor == pytest.approx(FACTOR, rel=1e-12)
    assert np.allclose(voxels(pet), activity() * np.array(slopes)[:, None, None] * FACTOR, rtol=1e-5)


def test_headers_are_read_once(tmp_path, monkeypatch):
    write_pet(tmp_path)
    seen, read = [], pydicom.dcmread
    monkeypatch.setattr(pydicom, "dcmread", lambda path, **more: (seen.append(path), read(path, **more))[1])
    read_pet(tmp_path)
    assert len(seen) == len(set(seen)) == 6


def test_values_corrected_to_the_injection_need_no_time(tmp_path):
    write_pet(tmp_path, edit=setting(DecayCorrection="ADMIN", RadiopharmaceuticalStartTime=None, SeriesTime="233000"))
    pet = read_pet(tmp_path)
    assert pet.info.suv_factor == pytest.approx(80e3 / 350e6) and pet.info.uptake_s is None
    assert not any(entry.name == "acquired" for entry in pet.info.inputs)


def test_grams_per_ml_are_suv(tmp_path):
    write_pet(tmp_path, edit=setting(Units="GML", SUVType="BW", RadiopharmaceuticalStartTime=None), slopes=[1e-3] * 6)
    pet = read_pet(tmp_path)
    assert pet.info.unit == "suv" and pet.info.suv_factor is None
    assert np.allclose(voxels(pet), activity() * 1e-3)
    assert pet.info.lean_factor == pytest.approx(9270 / (8780 + 244 * 80 / 1.8**2))
    write_pet(tmp_path / "lean", edit=setting(Units="GML", SUVType="LBMJAMES128"))
    with pytest.raises(InputError, match="LBMJAMES128"):
        read_pet(tmp_path / "lean")


def ge(item, k: int, scan: str = "20240110110000.00", block: int = 0x10) -> None:
    """A GE series stored anew in the evening: its own time is that of the storing."""
    item.Manufacturer, item.SeriesTime = "GE MEDICAL SYSTEMS", "184500"
    item.AcquisitionTime = "110300"
    if block != 0x10:
        item.private_block(0x0009, "OTHER", create=True).add_new(0x0D, "DT", "20240110070000")
    item.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", scan)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("block", [0x10, 0x11])
def test_ge_scan_time_of_a_series_made_later(tmp_path, implicit, block):
    write_pet(tmp_path, edit=lambda item, k: ge(item, k, block=block), implicit=implicit)
    pet = read_pet(tmp_path)
    assert pet.info.suv_factor == pytest.approx(FACTOR, rel=1e-9)
    assert given(pet, "acquired") == ("2024-01-10 11:00:00", "DICOM, GE's private scan time")
    assert any("after the acquisition" in note for note in pet.info.notes)


def test_ge_private_creator_taken_away(tmp_path):
    def edit(item, k):
        ge(item, k)
        del item[0x00090010]

    write_pet(tmp_path, edit=edit)
    assert given(read_pet(tmp_path), "acquired")[1] == "DICOM, GE's private scan time"


def test_ge_private_element_of_another_creator_is_not_taken(tmp_path):
    def edit(item, k):
        ge(item, k)
        item[0x00090010].value = "SOMEBODY"

    write_pet(tmp_path, edit=edit)
    pet = read_pet(tmp_path)
    assert given(pet, "acquired") == ("2024-01-10 11:03:00", "DICOM, earliest acquisition time")


def bed(item, k: int) -> None:
    """Two beds of a Siemens scan begun at 11:00, whose series time was altered; reference times as DICOM defines."""
    start, duration = (0, 240)[k >= 3], 180.0
    rate = math.log(2) / HALF_LIFE
    x = rate * duration
    item.SeriesTime, item.AcquisitionTime = "153000", f"11{start // 60:02d}00"
    item.ActualFrameDuration = str(int(duration * 1000))
    item.FrameReferenceTime = f"{1000 * (start + math.log(x / (1 - math.exp(-x))) / rate):.3f}"


def test_series_time_after_the_acquisition_is_computed_back(tmp_path):
    write_pet(tmp_path / "all", edit=bed)
    pet = read_pet(tmp_path / "all")
    assert pet.info.suv_factor == pytest.approx(FACTOR, rel=1e-6)
    assert given(pet, "acquired")[1] == "DICOM, frame reference times"

    def later_bed(item, k):  # a series that holds the second bed alone: its acquisition is not the scan's start
        bed(item, 5)

    write_pet(tmp_path / "second", edit=later_bed)
    assert read_pet(tmp_path / "second").info.suv_factor == pytest.approx(FACTOR, rel=1e-6)

    def no_reference(item, k):
        bed(item, k)
        del item.FrameReferenceTime

    write_pet(tmp_path / "none", edit=no_reference)
    pet = read_pet(tmp_path / "none")
    assert pet.info.suv_factor == pytest.approx(FACTOR, rel=1e-9)
    assert given(pet, "acquired")[1] == "DICOM, earliest acquisition time"


def test_reference_times_far_from_the_series_time_are_told(tmp_path):
    def edit(item, k):
        bed(item, k)
        item.SeriesTime = "104000"

    write_pet(tmp_path, edit=edit)
    pet = read_pet(tmp_path)
    assert pet.info.uptake_s == 2400 and any("11:00:00" in note for note in pet.info.notes)


def philips(item, to_suv: str | None, to_bqml: str | None, block: int = 0x10) -> None:
    """Counts with the private factors of a Philips scanner."""
    item.Manufacturer, item.Units = "Philips Medical Systems", "CNTS"
    if block != 0x10:
        item.private_block(0x7053, "OTHER", create=True).add_new(0x00, "DS", "77")
    own = item.private_block(0x7053, "Philips PET Private Group", create=True)
    if to_suv is not None:
        own.add_new(0x00, "DS", to_suv)
    if to_bqml is not None:
        own.add_new(0x09, "DS", to_bqml)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("block", [0x10, 0x11])
def test_philips_counts_with_a_factor_to_suv(tmp_path, implicit, block):
    slopes = [0.5, 1, 1.5, 2, 1, 1]
    write_pet(tmp_path, edit=lambda item, k: philips(item, "0.000551", None, block), slopes=slopes, implicit=implicit)
    pet = read_pet(tmp_path)
    assert pet.info.unit == "cnts" and pet.info.suv_factor == 0.000551
    assert np.allclose(voxels(pet), activity() * np.array(slopes)[:, None, None] * 0.000551, rtol=1e-5)
    assert given(pet, "suv_scale_factor")[0] == 0.000551
    assert not any(entry.name == "dose" for entry in pet.info.inputs)


@pytest.mark.parametrize("to_suv", [None, "0"])
def test_philips_counts_with_a_factor_to_activity(tmp_path, to_suv):
    write_pet(tmp_path, edit=lambda item, k: philips(item, to_suv, "1.75"))
    pet = read_pet(tmp_path)
    assert pet.info.suv_factor == pytest.approx(1.75 * FACTOR) and pet.info.uptake_s == 3600
    assert np.allclose(voxels(pet), activity() * 1.75 * FACTOR, rtol=1e-5)


def test_philips_factors_that_disagree_are_told_and_hand_entries_use_the_activity(tmp_path):
    write_pet(tmp_path, edit=lambda item, k: philips(item, f"{2 * FACTOR:.9f}", "1"))
    pet = read_pet(tmp_path)
    assert pet.info.suv_factor == pytest.approx(2 * FACTOR, rel=1e-4)
    assert any("weight, dose and times would give" in note for note in pet.info.notes)
    assert read_pet(tmp_path, by_hand={"weight_kg": 70}).info.suv_factor == pytest.approx(FACTOR * 70 / 80)
    write_pet(tmp_path / "suv", edit=lambda item, k: philips(item, "0.0005", None))
    with pytest.raises(InputError, match="weight entered by hand has no place"):
        read_pet(tmp_path / "suv", by_hand={"weight_kg": 70})


@pytest.mark.parametrize("implicit", [False, True])
def test_private_creators_taken_away(tmp_path, implicit):
    """By an anonymiser: of a Philips file the group is Philips's still, of another maker's it says nothing."""

    def edit(item, k):
        philips(item, "0.000551", None)
        del item[0x70530010]

    write_pet(tmp_path / "own", edit=edit, implicit=implicit)
    pet = read_pet(tmp_path / "own")
    assert pet.info.suv_factor == 0.000551 and any("private creator" in note for note in pet.info.notes)

    def other(item, k):
        edit(item, k)
        item.Manufacturer = "OTHER"

    write_pet(tmp_path / "other", edit=other, implicit=implicit)
    with pytest.raises(InputError, match="counts"):
        read_pet(tmp_path / "other")


def test_counts_without_factors(tmp_path):
    write_pet(tmp_path, edit=lambda item, k: philips(item, None, None))
    with pytest.raises(InputError, match="counts"):
        read_pet(tmp_path)
    with pytest.raises(InputError, match="leave the option out"):
        read_pet(tmp_path, unit="suv")


def test_by_hand_replaces_and_is_recorded(tmp_path):
    write_pet(tmp_path)
    pet = read_pet(tmp_path, by_hand={"weight_kg": 60, "injected": "10:30", "sex": "m", "dose_mbq": None})
    assert pet.info.suv_factor == pytest.approx(60e3 / (350e6 * 0.5 ** (1800 / HALF_LIFE)))
    assert given(pet, "weight") == (60.0, "by hand") and given(pet, "injected") == ("10:30:00", "by hand")
    assert given(pet, "dose") == (350.0, "DICOM") and given(pet, "sex") == ("M", "by hand")
    for words in ("Weight 60 kg", "80 kg", "10:00:00", "Sex M"):
        assert any(words in note for note in pet.info.notes), words
    assert not read_pet(tmp_path, by_hand={"weight_kg": 80}).info.notes


def test_missing_numbers_by_hand(tmp_path):
    bare = setting(PatientWeight="0", RadionuclideTotalDose="", RadiopharmaceuticalStartTime=None, SeriesTime=None,
                   AcquisitionTime=None, RadionuclideHalfLife=None,
                   Radiopharmaceutical=None)  # fmt: skip
    write_pet(tmp_path, edit=lambda item, k: (bare(item, k), delattr(drug_of(item), "RadionuclideCodeSequence")))
    with pytest.raises(InputError) as caught:
        read_pet(tmp_path)
    for word in ("weight (0 in its DICOM)", "--dose MBQ", "--injected TIME", "--acquired TIME", "--half-life S"):
        assert word in str(caught.value)
    numbers = {"weight_kg": 80, "dose_mbq": 350, "injected": "23:30:00", "acquired": "00:30:00"}
    pet = read_pet(tmp_path, by_hand={**numbers, "half_life_s": HALF_LIFE})
    assert pet.info.suv_factor == pytest.approx(FACTOR) and all(
        entry.source == "by hand" for entry in pet.info.inputs if entry.name not in ("height", "sex")
    )
