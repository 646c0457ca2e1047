"""Scans: slices at their true places, from files and from every kind of DICOM folder."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from helpers_scan import places, write_ct
from hypothesis import given, settings
from hypothesis import strategies as st
from test_imaging_dicom import write_enhanced

from TransferSegLib.errors import InputError
from TransferSegLib.imaging import Grid, read_image, read_scan, scan_of

RNG = np.random.default_rng(3)
EVEN = np.arange(12) * 3.0 + 40


@pytest.fixture
def voxels() -> np.ndarray:
    return RNG.integers(-900, 900, (12, 8, 7)).astype(np.int16)


def refused(path, *words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_scan(path)
    message = str(caught.value)
    assert ";" in message and "SECRET" not in message
    for word in words:
        assert word in message, message


def test_even_series_is_read_as_read_image_reads_it(tmp_path, voxels):
    write_ct(tmp_path, voxels, places(EVEN))
    scan, image = read_scan(tmp_path), read_image(tmp_path)
    assert scan.grid.same_as(Grid.of(image)) and np.array_equal(scan.array(), sitk.GetArrayViewFromImage(image))
    assert scan.modality == "CT" and scan.notes == () and scan.axis == 2 and not scan.superior_first
    assert np.allclose(scan.heights, EVEN) and scan.even and len(set(scan.files)) == 12
    item = pydicom.dcmread(tmp_path / scan.files[5])
    assert float(item.ImagePositionPatient[2]) == scan.heights[5]


def test_tilt_is_told_and_every_slice_is_at_its_header_s_place(tmp_path, voxels):
    tilt = np.radians(12)
    corners = places(EVEN)  # the table moves along the body, the plane leans
    write_ct(tmp_path, voxels, corners, orientation=(1, 0, 0, 0, round(np.cos(tilt), 8), round(np.sin(tilt), 8)))
    with pytest.raises(InputError, match="gantry tilt"):
        read_image(tmp_path)
    scan = read_scan(tmp_path)
    assert "tilted by 12.0 degrees" in scan.notes[0] and not scan.even
    half = 4.0 * np.array([3.0, 3.5 * np.cos(tilt), 3.5 * np.sin(tilt)])
    assert np.allclose(scan.positions, corners + half, atol=1e-4)
    assert np.array_equal(scan.array(), voxels)


def test_uneven_slices_and_gaps_are_told(tmp_path, voxels):
    heights = EVEN.copy()
    heights[7:] += 9
    heights[3] += 0.7
    write_ct(tmp_path, voxels, places(heights))
    scan = read_scan(tmp_path)
    assert np.allclose(scan.heights, heights)
    assert "About 3 slices are missing" in scan.notes[0] and "12.0 mm, after slice 6" in scan.notes[0]
    assert "not evenly spaced" in scan.notes[1]
    assert scan.image.GetSpacing()[2] == pytest.approx(3.0)


def test_scouts_reports_and_saved_pictures_are_left_out(tmp_path, voxels):
    write_ct(tmp_path, voxels, places(EVEN))
    scout = RNG.integers(0, 99, (2, 20, 9)).astype(np.int16)
    write_ct(
        tmp_path,
        scout[:1],
        places(EVEN[:1]),
        prefix="scout",
        orientation=(1, 0, 0, 0, 0, -1),
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    write_ct(tmp_path, scout, places(EVEN[:2]), prefix="unnamed", orientation=(0, 1, 0, 0, 0, -1))
    (dose,) = write_ct(tmp_path, scout[:1], places(EVEN[:1]), prefix="dose", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    item = pydicom.dcmread(dose)
    del item.ImagePositionPatient, item.ImageOrientationPatient
    item.save_as(dose)
    write_ct(tmp_path, voxels[:5], places(EVEN[:5]), prefix="pet", Modality="PT")
    (tmp_path / "readme.txt").write_text("not DICOM")
    scan = read_scan(tmp_path)
    assert np.array_equal(scan.array(), voxels) and scan.modality == "CT"
    (note,) = scan.notes
    for words in (
        "1 localiser",
        "2 scouts or stray pictures",
        "1 picture without a position",
        "5 pictures of no CT",
    ):
        assert words in note, note


def test_scouts_within_the_series_itself_and_copies(tmp_path, voxels):
    paths = write_ct(tmp_path, voxels, places(EVEN), uid="1.2.9")
    write_ct(tmp_path, voxels[:1], places(EVEN[:1]), prefix="s", uid="1.2.9", orientation=(1, 0, 0, 0, 0, -1))
    shutil.copy(paths[2], tmp_path / "copy.dcm")
    scan = read_scan(tmp_path)
    assert scan.count == 12 and "1 copy of a slice" in scan.notes[0]


def test_two_series_one_file_decides(tmp_path, voxels):
    write_ct(tmp_path, voxels, places(EVEN), prefix="a")
    other = write_ct(tmp_path, voxels[:9] + 1, places(EVEN[:9]), prefix="b")
    refused(tmp_path, "2 image series in one folder", "give one file")
    assert read_scan(other[4]).count == 9


def test_axial_series_is_taken_beside_a_coronal_one(tmp_path, voxels):
    write_ct(tmp_path, voxels[:9] + 1, places(EVEN[:9]), prefix="b", orientation=(1, 0, 0, 0, 0, -1))
    write_ct(tmp_path, voxels, places(EVEN), prefix="a")
    scan = read_scan(tmp_path)
    assert scan.count == 12 and "9 pictures in another plane" in scan.notes[0]


@pytest.mark.parametrize(
    ("plane", "orientation", "axis"), [("coronal", (1, 0, 0, 0, 0, -1), 1), ("sagittal", (0, 1, 0, 0, 0, -1), 0)]
)
def test_pictures_of_another_plane_are_cut_across(tmp_path, voxels, plane, orientation, axis):
    corners = np.tile([-100.0, -80.0, 60.0], (12, 1))
    corners[:, axis] += EVEN
    write_ct(tmp_path / "even", voxels, corners, orientation=orientation)
    scan = read_scan(tmp_path / "even")
    assert scan.axis == 1 and scan.count == 8 and scan.superior_first and scan.even
    assert np.allclose(scan.heights, 60 - 4.0 * np.arange(8))
    assert scan.files == () and f"{plane} pictures" in scan.notes[0]
    image = sitk.Image(scan.image)
    assert np.allclose(scan.positions, scan_of(image).positions)
    corners[6:, axis] += 9
    write_ct(tmp_path / "gap", voxels, corners, orientation=orientation)
    refused(tmp_path / "gap", plane, "not evenly spaced", "axial series")


def test_mixed_series_under_one_identifier(tmp_path, voxels):
    write_ct(tmp_path / "kernels", voxels, places(EVEN), prefix="a", uid="1.2.9", ConvolutionKernel="B30f")
    write_ct(tmp_path / "kernels", voxels, places(EVEN + 1), prefix="b", uid="1.2.9", ConvolutionKernel="B60s")
    refused(tmp_path / "kernels", "two series mixed", "B30f", "B60s")
    write_ct(tmp_path / "phases", voxels, places(EVEN), prefix="a", uid="1.2.9")
    write_ct(tmp_path / "phases", voxels, places(EVEN), prefix="b", uid="1.2.9")
    refused(tmp_path / "phases", "same place", "mixed")
    write_ct(tmp_path / "sizes", voxels, places(EVEN), prefix="a", uid="1.2.9")
    write_ct(tmp_path / "sizes", voxels[:, :6], places(EVEN + 1), prefix="b", uid="1.2.9")
    refused(tmp_path / "sizes", "different matrix or plane mixed")


def test_slabs_of_two_kernels_one_above_the_other_are_one_scan(tmp_path, voxels):
    write_ct(tmp_path, voxels, places(EVEN), prefix="a", uid="1.2.9", ConvolutionKernel="B30f")
    write_ct(tmp_path, voxels, places(EVEN + 36), prefix="b", uid="1.2.9", ConvolutionKernel="B60s")
    assert read_scan(tmp_path).count == 24


def test_nothing_to_read(tmp_path, voxels):
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "without DICOM")
    refused(tmp_path / "none.nii.gz", "no such file")
    write_ct(tmp_path / "scout", voxels[:1], places(EVEN[:1]), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    refused(tmp_path / "scout", "localiser", "axial CT")
    write_ct(tmp_path / "single", voxels[:1], places(EVEN[:1]))
    refused(tmp_path / "single", "a single DICOM slice")
    image = sitk.GetImageFromArray(voxels[:1])
    sitk.WriteImage(image, str(tmp_path / "flat.nii.gz"))
    refused(tmp_path / "flat.nii.gz", "single slice")


def test_multi_frame(tmp_path, voxels):
    write_enhanced(tmp_path / "mf.dcm", voxels)
    scan = read_scan(tmp_path / "mf.dcm")
    assert np.array_equal(scan.array(), voxels) and np.allclose(scan.heights, 30 + 3 * np.arange(12))
    write_enhanced(tmp_path / "mf.dcm", voxels, groups=False)
    refused(tmp_path, "without a position")


def test_study_folder_and_stated_modality(tmp_path, voxels):
    write_ct(tmp_path / "study" / "series1", voxels, places(EVEN))
    assert read_scan(tmp_path / "study").count == 12
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(tmp_path / "x.nii.gz"))
    assert read_scan(tmp_path / "x.nii.gz").modality == ""
    (tmp_path / "x.json").write_text(json.dumps({"Modality": "MR"}))
    assert read_scan(tmp_path / "x.nii.gz").modality == "MR"


@settings(max_examples=30, deadline=None)
@given(order=st.permutations([0, 1, 2]), flips=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
def test_any_order_of_axes_has_true_heights(order, flips):
    image = sitk.Image([5, 6, 7], sitk.sitkInt16)
    matrix = np.zeros((3, 3))
    matrix[order, range(3)] = flips
    image.SetDirection(tuple(matrix.ravel()))
    image.SetSpacing((1.5, 2.0, 2.5))
    scan = scan_of(image)
    assert matrix[2, scan.axis] != 0 and scan.count == image.GetSize()[scan.axis]
    assert np.allclose(np.abs(np.diff(scan.heights)), image.GetSpacing()[scan.axis])
    index = [2, 3, 3]
    index[scan.axis] = 1
    assert scan.heights[1] == pytest.approx(image.TransformIndexToPhysicalPoint(index)[2])
    assert scan.superior_first == (matrix[2, scan.axis] < 0) and scan.even


def test_real_dicom_and_crop(data_folder):
    folder = data_folder / "ct_totalsegmentator_tests" / "example_ct_dicom"
    scan = read_scan(folder)
    assert scan.count == 20 and scan.modality == "CT" and np.allclose(np.diff(scan.heights), 2.0)
    crop = read_scan(data_folder / "ct_tptbox_l3_crop" / "sub-ct_label-22_ct.nii.gz")
    assert crop.axis == 1 and crop.count == 47 and crop.superior_first
    pet = read_scan(data_folder / "pet_raw_dicom_sts001")
    assert pet.modality == "PT" and pet.count == 267
