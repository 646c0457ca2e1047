"""DICOM series: real ones, written ones, and every broken kind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, ExplicitVRLittleEndian, generate_uid

from TransferSegLib.errors import InputError
from TransferSegLib.imaging import Grid, is_dicom_folder, list_series, overlap_fraction, read_header, read_image

RNG = np.random.default_rng(0)


def header(modality: str = "MR", description: str = "T1", patient: str = "P1") -> FileDataset:
    """The fields that all written series share."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    item = FileDataset("x", {}, file_meta=meta, preamble=b"\0" * 128)
    item.SOPClassUID, item.Modality, item.SeriesDescription = CTImageStorage, modality, description
    item.PatientName, item.PatientID = "SECRET^NAME", patient
    item.StudyInstanceUID = item.FrameOfReferenceUID = "1.2.3"
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.BitsAllocated = item.BitsStored = 16
    item.HighBit, item.PixelRepresentation = 15, 1
    return item


def write_series(
    folder: Path,
    voxels: np.ndarray,
    *,
    modality: str = "MR",
    description: str = "T1",
    patient: str = "P1",
    frame: str = "1.2.3",
    spacing: tuple[float, float, float] = (3.0, 0.8, 0.6),
    orientation: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
    origin: tuple[float, ...] = (-10, -20, 30),
    slopes: list[float] | None = None,
    prefix: str = "",
) -> list[Path]:
    """Write int16 ``voxels`` (k, j, i) as one file a slice; spacing is (k, j, i). Names follow no order."""
    folder.mkdir(parents=True, exist_ok=True)
    normal = np.cross(orientation[:3], orientation[3:])
    series, paths = generate_uid(), []
    for k, plane in enumerate(voxels):
        item = header(modality, description, patient)
        item.FrameOfReferenceUID, item.SeriesInstanceUID = frame, series
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        item.InstanceNumber, item.Rows, item.Columns = k + 1, *plane.shape
        item.PixelSpacing = [spacing[1], spacing[2]]
        item.ImageOrientationPatient = list(orientation)
        item.ImagePositionPatient = [round(float(v), 6) for v in np.array(origin) + k * spacing[0] * normal]
        item.RescaleSlope, item.RescaleIntercept = (slopes[k] if slopes else 1), 0
        item.PixelData = plane.astype(np.int16).tobytes()
        path = folder / f"{prefix}{(k * 7) % 101:03d}.dcm"
        item.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def alter(path: Path, **fields) -> None:
    """Change header fields of one file."""
    item = pydicom.dcmread(path)
    for name, value in fields.items():
        setattr(item, name, value)
    item.save_as(path)


def refused(path: Path, *words: str) -> str:
    """The one-line message with which a series is refused; it never tells the patient."""
    with pytest.raises(InputError) as caught:
        read_image(path)
    message = str(caught.value)
    assert "\n" not in message and ";" in message and "SECRET" not in message
    assert str(path if path.is_dir() else path.parent) in message
    for word in words:
        assert word in message, message
    return message


@pytest.fixture
def voxels() -> np.ndarray:
    return RNG.integers(-900, 900, (9, 8, 7))


def test_real_ct_series_is_read_as_itk_reads_it(data_folder):
    folder = data_folder / "ct_totalsegmentator_tests" / "example_ct_dicom"
    image = read_image(folder)
    itk = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    assert Grid.of(image).same_as(Grid.of(itk), 1e-6) and read_header(folder) == Grid.of(image)
    assert np.array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(itk))
    seg = read_header(data_folder / "ct_totalsegmentator_tests" / "example_seg_dicom.nii.gz")
    assert seg.reoriented().same_as(Grid.of(image).reoriented()) and overlap_fraction(seg, Grid.of(image)) == 1


def test_real_pet_keeps_each_slices_own_slope(data_folder):
    folder = data_folder / "pet_raw_dicom_sts001" / "STS_001" / "FDG_PET" / "image"
    image = read_image(folder)
    assert image.GetSize() == (128, 128, 267) and image.GetSpacing()[2] == pytest.approx(3.27, abs=1e-4)
    (info,) = list_series(folder)
    assert (info.modality, info.description, info.patient_id) == ("PT", "PET AC", "STS_001")
    assert "STS_001" not in repr(info).replace(str(folder), "")
    array = sitk.GetArrayFromImage(image)
    for path in (folder / "1-050.dcm", folder / "1-200.dcm"):
        item = pydicom.dcmread(path)
        k = round((item.ImagePositionPatient[2] - image.GetOrigin()[2]) / image.GetSpacing()[2])
        assert np.allclose(array[k], item.pixel_array * float(item.RescaleSlope), rtol=1e-5)


def test_real_series_less_one_file(data_folder, tmp_path):
    source = data_folder / "ct_totalsegmentator_tests" / "example_ct_dicom"
    files = sorted(source.iterdir())
    for path in files[:8] + files[9:]:
        shutil.copyfile(path, tmp_path / path.name)
    refused(tmp_path, "missing slices", "about 1", "between", files[7].name)


def test_contours_are_no_image(data_folder):
    folder = data_folder / "pet_raw_dicom_sts001" / "STS_001" / "FDG_PET" / "mask"
    assert is_dicom_folder(folder) and list_series(folder) == []
    refused(folder, "without a DICOM image series")
    with pytest.raises(InputError, match="not a picture"):
        read_image(next(folder.iterdir()))


@pytest.mark.parametrize(
    "orientation", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (0.8, 0.6, 0, 0, 0, -1), (-1, 0, 0, 0, 1, 0)]
)
def test_written_series_lies_where_its_headers_say(tmp_path, voxels, orientation):
    paths = write_series(tmp_path / "s", voxels, orientation=orientation)
    image = read_image(tmp_path / "s")
    assert np.array_equal(sitk.GetArrayFromImage(image), voxels)
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    expected = np.array([-10, -20, 30]) + 2 * 0.6 * row + 3 * 0.8 * column + 4 * 3.0 * np.cross(row, column)
    assert np.allclose(image.TransformIndexToPhysicalPoint((2, 3, 4)), expected)
    assert Grid.of(read_image(paths[3])) == Grid.of(image) == read_header(tmp_path / "s")


def test_slopes_that_differ(tmp_path, voxels):
    slopes = [1.0, 0.5, 0.25] * 3
    write_series(tmp_path, voxels, modality="PT", slopes=slopes)
    array = sitk.GetArrayFromImage(read_image(tmp_path))
    assert np.allclose(array, voxels * np.array(slopes)[:, None, None])


def test_missing_and_repeated_and_uneven_slices(tmp_path, voxels):
    paths = write_series(tmp_path / "missing", voxels)
    paths[4].unlink()
    paths[5].unlink()
    refused(tmp_path / "missing", "missing slices, about 2", "39.00 and 48.00 mm")
    paths = write_series(tmp_path / "twice", voxels)
    alter(paths[4], ImagePositionPatient=[-10, -20, 30 + 3 * 3.0])
    refused(tmp_path / "twice", "same place")
    paths = write_series(tmp_path / "uneven", voxels)
    alter(paths[4], ImagePositionPatient=[-10, -20, 30 + 4 * 3.0 + 0.5])
    refused(tmp_path / "uneven", "uneven slice distance")
    paths = write_series(tmp_path / "promised", voxels, modality="PT")
    for path in paths:
        alter(path, NumberOfSlices=9)
    paths[8].unlink()
    refused(tmp_path / "promised", "8 files of the 9")


def test_rounded_positions_are_fine(tmp_path, voxels):
    paths = write_series(tmp_path, voxels)
    alter(paths[4], ImagePositionPatient=[-10.004, -20, 30 + 4 * 3.0 + 0.02])
    assert read_image(tmp_path).GetSpacing()[2] == pytest.approx(3)


def test_gantry_tilt(tmp_path, voxels):
    for k, path in enumerate(write_series(tmp_path, voxels)):
        alter(path, ImagePositionPatient=[-10, -20 + 0.8 * k, 30 + 3.0 * k])
    refused(tmp_path, "gantry tilt of 14.9 degrees")


def test_mixed_orientation_matrix_and_colour(tmp_path, voxels):
    paths = write_series(tmp_path / "plane", voxels)
    alter(paths[5], ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    refused(tmp_path / "plane", "mixed orientation")
    paths = write_series(tmp_path / "pixel", voxels)
    alter(paths[5], PixelSpacing=[0.9, 0.9])
    refused(tmp_path / "pixel", "pixel size")
    for path in write_series(tmp_path / "rgb", voxels):
        alter(path, SamplesPerPixel=3)
    refused(tmp_path / "rgb", "RGB")
    for path in write_series(tmp_path / "nowhere", voxels):
        item = pydicom.dcmread(path)
        del item.ImagePositionPatient
        item.save_as(path)
    refused(tmp_path / "nowhere", "without ImagePositionPatient")


def test_truncated_slice_and_single_slice(tmp_path, voxels, capfd):
    paths = write_series(tmp_path / "cut", np.repeat(np.repeat(voxels, 8, 1), 8, 2))
    paths[2].write_bytes(paths[2].read_bytes()[:-3000])
    refused(tmp_path / "cut", paths[2].name, "truncated")
    write_series(tmp_path / "one", voxels[:1])
    refused(tmp_path / "one", "single DICOM slice")
    assert capfd.readouterr().err == ""


def test_two_series_in_one_folder(tmp_path, voxels):
    first = write_series(tmp_path, voxels, description="T1", prefix="a")
    second = write_series(tmp_path, voxels + 1, description="T2", prefix="b")
    refused(tmp_path, "2 DICOM series", "T1", "T2", "one file")
    assert np.array_equal(sitk.GetArrayFromImage(read_image(first[4])), voxels)
    assert np.array_equal(sitk.GetArrayFromImage(read_image(second[4])), voxels + 1)


def write_enhanced(path: Path, voxels: np.ndarray, *, groups: bool = True) -> None:
    """One multi-frame file, its frames stored in reverse order of place."""
    item = header()
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = item.SeriesInstanceUID = generate_uid()
    item.NumberOfFrames, item.Rows, item.Columns = voxels.shape
    shared, measures, plane = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.8, 0.6], 3
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([plane])
    frames = []
    for k in reversed(range(len(voxels))):
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = [-10, -20, 30 + 3 * k]
        frame.PlanePositionSequence = Sequence([place])
        frames.append(frame)
    if groups:
        item.SharedFunctionalGroupsSequence = Sequence([shared])
        item.PerFrameFunctionalGroupsSequence = Sequence(frames)
    item.PixelData = voxels[::-1].astype(np.int16).tobytes()
    item.save_as(path, enforce_file_format=True)


def test_multi_frame(tmp_path, voxels):
    write_enhanced(tmp_path / "mf.dcm", voxels)
    image = read_image(tmp_path)
    assert np.array_equal(sitk.GetArrayFromImage(image), voxels)
    assert Grid.of(image).same_as(Grid((7, 8, 9), (0.6, 0.8, 3), (-10, -20, 30)), 1e-6)
    write_enhanced(tmp_path / "mf.dcm", voxels, groups=False)
    refused(tmp_path, "multi-frame DICOM without a position")


def test_files_without_the_dicom_mark_are_not_taken(tmp_path, voxels):
    write_series(tmp_path, voxels)
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "readme.txt").write_text("x" * 500)
    assert read_image(tmp_path).GetSize() == (7, 8, 9)
