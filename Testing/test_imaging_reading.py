"""Reading NIfTI, NRRD and MHA: what is accepted, and one line for whatever is not."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.errors import InputError
from TransferSegLib.imaging import Grid, read_header, read_image, write_image

RNG = np.random.default_rng(0)
VOXELS = RNG.normal(size=(12, 11, 10)).astype(np.float32)


def image(array: np.ndarray = VOXELS) -> sitk.Image:
    return sitk.GetImageFromArray(array)


def refused(path: Path, *words: str, what: str = "image", header: bool = False) -> str:
    """The one-line message with which a file is refused; it names the file and says what to do."""
    with pytest.raises(InputError) as caught:
        read_header(path) if header else read_image(path, what=what)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and ";" in message, message
    for word in words:
        assert word in message, message
    return message


def nifti(path: Path, *, sform=None, qform=None, pixdim=(1, 1, 1, 1), codes=(0, 1)) -> Path:
    """A NIfTI-1 file with exactly this header; codes are (qform, sform)."""
    raw = bytearray(352)
    struct.pack_into("<i", raw, 0, 348)
    struct.pack_into("<8h", raw, 40, 3, *VOXELS.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", raw, 70, 16, 32)
    struct.pack_into("<8f", raw, 76, *pixdim, 0, 0, 0, 0)
    struct.pack_into("<3f", raw, 108, 352, 1, 0)
    struct.pack_into("<2h", raw, 252, *codes)
    struct.pack_into("<6f", raw, 256, *(qform or (0,) * 6))
    struct.pack_into("<12f", raw, 280, *np.ravel(np.eye(3, 4) if sform is None else sform))
    raw[344:348] = b"n+1\0"
    path.write_bytes(bytes(raw) + VOXELS.tobytes())
    return path


@pytest.mark.parametrize("suffix", ["nii.gz", "nii", "nrrd", "mha", "mhd"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_truncated_files_are_refused_without_a_word_on_stderr(tmp_path, capfd, suffix, share):
    path = tmp_path / f"cut.{suffix}"
    sitk.WriteImage(image(), str(path), suffix != "mhd")
    cut = tmp_path / "cut.raw" if suffix == "mhd" else path
    whole = cut.read_bytes()
    cut.write_bytes(whole[: int(len(whole) * share)])
    refused(path)
    assert capfd.readouterr().err == ""


def test_damaged_gzip_is_refused(tmp_path):
    path = tmp_path / "bad.nii.gz"
    write_image(image(), path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    refused(path, "damaged")


def test_concatenated_and_padded_gzip_is_fine(tmp_path):
    plain = nifti(tmp_path / "a.nii").read_bytes()
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(plain[:1000]) + gzip.compress(plain[1000:]) + b"\0" * 512)
    assert np.array_equal(sitk.GetArrayFromImage(read_image(path)), VOXELS)


@pytest.mark.parametrize("name", ["e.nii.gz", "e.nii", "e.nrrd", "e.mha"])
def test_empty_files(tmp_path, name):
    (tmp_path / name).touch()
    refused(tmp_path / name, "empty file")
    (tmp_path / name).write_bytes(b"this is no image, whatever its name says" * 20)
    refused(tmp_path / name)


def test_missing_file_and_unknown_kind(tmp_path):
    refused(tmp_path / "nothing.nii.gz", "no such file")
    (tmp_path / "notes.txt").write_text("hello")
    refused(tmp_path / "notes.txt", "not an image")
    refused(tmp_path, "without a DICOM image series")


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
def test_wrong_dimensions_and_colours(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    sitk.WriteImage(sitk.JoinSeries([image(), image()]), str(path))
    refused(path, "4-D")
    refused(path, "4-D", header=True)
    sitk.WriteImage(image()[:, :, 4], str(path))
    refused(path, "2-D")
    sitk.WriteImage(image()[:, :, 4:5], str(path))
    refused(path, "single slice")
    sitk.WriteImage(sitk.GetImageFromArray(RNG.integers(0, 9, (4, 5, 6, 3)).astype(np.uint8), isVector=True), str(path))
    refused(path, "RGB")


def test_one_volume_of_a_4d_file(tmp_path):
    path = tmp_path / "x.nii.gz"
    sitk.WriteImage(sitk.JoinSeries([image(), image(VOXELS + 5)]), str(path))
    assert np.array_equal(sitk.GetArrayFromImage(read_image(path, channel=1)), VOXELS + 5)
    with pytest.raises(InputError, match="no volume 2"):
        read_image(path, channel=2)
    sitk.WriteImage(sitk.JoinSeries([image()]), str(path))
    assert read_image(path).GetSize() == (10, 11, 12)  # a single volume is 3-D


def test_nan_infinite_and_constant_voxels(tmp_path):
    path = tmp_path / "x.nii.gz"
    for bad in (np.nan, np.inf):
        voxels = VOXELS.copy()
        voxels[3, 4, 5:7] = bad
        for name in ("x.nii.gz", "x.nii", "x.nrrd", "x.mha"):  # ITK itself reads NaN in NIfTI as 0
            sitk.WriteImage(image(voxels), str(tmp_path / name))
            refused(tmp_path / name, "2 voxels are NaN or infinite")
        big = np.repeat(voxels.astype(np.float64), 400, axis=2)  # more than one block
        sitk.WriteImage(image(big), str(path))
        refused(path, "800 voxels are NaN or infinite")
    sitk.WriteImage(image(np.full_like(VOXELS, 7)), str(path))
    refused(path, "every voxel is 7")
    sitk.WriteImage(image(np.zeros(VOXELS.shape, np.uint8)), str(path))
    refused(path, "every voxel is 0")
    assert read_image(path, what="truth").GetSize() == (10, 11, 12)


def test_a_zipped_file_is_not_taken_for_its_unzipped_neighbour(tmp_path):
    for name, value in (("a/x.nii", 1), ("b/x.nii.gz", 2)):
        write_image(image(VOXELS + value), tmp_path / name)
    (tmp_path / "b" / "x.nii.gz").rename(tmp_path / "a" / "x.nii.gz")
    for name, value in (("a/x.nii", 1), ("a/x.nii.gz", 2)):
        assert np.array_equal(sitk.GetArrayFromImage(read_image(tmp_path / name)), VOXELS + np.float32(value))


def test_truth_of_fractions_is_refused(tmp_path):
    path = tmp_path / "seg.nii.gz"
    sitk.WriteImage(image(np.where(VOXELS > 0, 1.5, 0).astype(np.float32)), str(path))
    refused(path, "1.5", what="truth")
    sitk.WriteImage(image(np.where(VOXELS > 0, 3, 0).astype(np.float32)), str(path))
    assert read_image(path, what="truth").GetSize() == (10, 11, 12)


def test_values_below_zero_are_fine(tmp_path):
    write_image(image(), tmp_path / "x.nii.gz")
    assert sitk.GetArrayFromImage(read_image(tmp_path / "x.nii.gz")).min() < 0


SHEAR = [[1, 0.2, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
SINGULAR = [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
NOT_A_NUMBER = [[np.nan, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
MOVED = [[1, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0]]
TWICE = [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0]]


@pytest.mark.parametrize(
    "header, word",
    [
        ({"sform": SHEAR}, "sheared"),
        ({"sform": SHEAR, "codes": (1, 1)}, "sheared"),  # ITK would take the qform in silence
        ({"sform": SINGULAR}, "singular"),
        ({"sform": NOT_A_NUMBER}, "NaN"),
        ({"sform": MOVED, "codes": (1, 2)}, "disagree by 5.00 mm"),  # ITK takes the qform, nibabel the sform
        ({"sform": TWICE}, "disagree"),  # voxel size says 1 mm, sform says 2
        ({"pixdim": (1, 1, 0, 1), "codes": (1, 0)}, "not positive"),
        ({"pixdim": (1, 1, -1, 1), "codes": (1, 0)}, "not positive"),
    ],
)
def test_nifti_geometries_that_cannot_be_trusted(tmp_path, capfd, header, word):
    path = nifti(tmp_path / "x.nii", **header)
    refused(path, word)
    refused(path, word, header=True)
    assert capfd.readouterr().err == ""


def test_nifti_geometries_that_are_fine(tmp_path):
    rounding = [[1, 5e-5, 0, 0.01], [-5e-5, 1, 0, 0], [0, 0, 1, 0]]
    assert read_image(nifti(tmp_path / "a.nii", sform=rounding, codes=(1, 1))).GetSize() == (10, 11, 12)
    # A scanner qform beside an affine to a standard space: the qform holds, as in Slicer.
    grid = read_header(nifti(tmp_path / "b.nii", sform=SHEAR, codes=(1, 4)))
    assert grid.same_as(Grid((10, 11, 12), (1, 1, 1), direction=(-1, 0, 0, 0, -1, 0, 0, 0, 1)))


@pytest.mark.parametrize("matrix, word", [("1 .3 0 0 1 0 0 0 1", "sheared"), ("1 0 0 1 0 0 0 0 1", "singular")])
def test_mha_and_nrrd_directions(tmp_path, matrix, word):
    mha = tmp_path / "x.mha"
    head = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
        f"TransformMatrix = {matrix}\nOffset = 0 0 0\nElementSpacing = 1 1 1\nDimSize = 10 11 12\n"
        "ElementType = MET_FLOAT\nElementDataFile = LOCAL\n"
    )
    mha.write_bytes(head.encode() + VOXELS.tobytes())
    refused(mha, word)
    numbers = matrix.split()
    axes = " ".join(f"({','.join(numbers[3 * n : 3 * n + 3])})" for n in range(3))
    nrrd = tmp_path / "x.nrrd"
    head = (
        "NRRD0004\ntype: float\ndimension: 3\nspace: left-posterior-superior\nsizes: 10 11 12\n"
        f"space directions: {axes}\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n\n"
    )
    nrrd.write_bytes(head.encode() + VOXELS.tobytes())
    refused(nrrd, word)


def test_negative_spacing_is_a_flip(tmp_path):
    path = tmp_path / "x.mha"
    head = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
        "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 -1 1\nDimSize = 10 11 12\n"
        "ElementType = MET_FLOAT\nElementDataFile = LOCAL\n"
    )
    path.write_bytes(head.encode() + VOXELS.tobytes())
    assert np.allclose(read_header(path).points([(0, 3, 0)]), [(0, -3, 0)])


def test_every_real_case_reads(data_folder):
    paths = sorted(data_folder.glob("*/**/*.nii.gz"))
    assert len(paths) > 60
    for path in paths[::4]:
        truth = any(word in path.name for word in ("STANDARD", "mask", "msk", "seg", "mav", "simple"))
        assert Grid.of(read_image(path, what="truth" if truth else "image")) == read_header(path)
