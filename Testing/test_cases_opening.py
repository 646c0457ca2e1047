"""Opening case folders: real ones as published, and every wrong kind."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from test_imaging_dicom import write_series

from TransferSegLib.cases import case_from_files, open_case
from TransferSegLib.errors import InputError, UsageError

MRI = ("flair", "t1", "t1gd", "t2")
RNG = np.random.default_rng(0)


def put(folder: Path, *names: str) -> Path:
    """Small images of these names in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(sitk.GetImageFromArray(RNG.integers(0, 9, (4, 4, 4)).astype(np.int16)), str(folder / name))
    return folder


def names(case) -> dict[str, str]:
    return {role: path.name for role, path in case.images.items()}


def test_ms_patient(data_folder):
    case = open_case(data_folder / "ms_open_ms_data" / "patient07", roles=MRI)
    assert names(case) == {"flair": "FLAIR.nii.gz", "t1": "T1.nii.gz", "t1gd": "T1POST.nii.gz", "t2": "T2.nii.gz"}
    assert case.truth.name == "GOLD_STANDARD.nii.gz" and case.id == case.patient == "patient07"
    assert case.ignored == () and case.doubtful == {}


@pytest.mark.parametrize("folder", ["BraTS-GLI-00001-000", "TCGA-DU-7294", "OtherEXampleFromTCIA"])
def test_gliomas(data_folder, folder):
    path = data_folder / "glioma_brainlesion" / folder
    case = open_case(path, roles=MRI)
    ends = ("t2f", "t1n", "t1c", "t2w") if "GLI" in folder else ("fla_bet", "t1_bet", "t1c_bet", "t2_bet")
    assert tuple(name.removesuffix(".nii.gz")[len(folder) + 1 :] for name in names(case).values()) == ends
    assert case.truth is None and case.doubtful == {}
    if "GLI" in folder:
        assert case.patient == "BraTS-GLI-00001"
    else:
        assert case.ignored == ("mav.nii.gz", "simple.nii.gz")
        assert open_case(path, truth_name="mav").truth.name == "mav.nii.gz"


def test_petct_takes_the_mask_of_the_reference_role(data_folder):
    folder = data_folder / "petct_ibsi_sts" / "STS_001"
    both = open_case(folder)
    assert names(both) == {"ct": "CT_image.nii.gz", "pet": "PET_image.nii.gz"} and both.truth.name == "PET_mask.nii.gz"
    assert open_case(folder, roles=["ct"]).truth.name == "CT_mask.nii.gz"
    assert open_case(folder, roles=["ct", "pet"], reference_role="ct").truth.name == "CT_mask.nii.gz"
    assert both.ignored == ("CT_mask.nii.gz",) and both.patient == "STS_001"


def test_several_truths_need_a_name_unless_none_is_wanted(data_folder):
    folder = data_folder / "ct_tptbox_l3_crop"
    with pytest.raises(InputError, match=r"several files could be the truth .*--truth-name"):
        open_case(folder)
    assert open_case(folder, truth_name="seg-vert").truth.name == "sub-ct_seg-vert_label-22_msk.nii.gz"
    case = open_case(folder, with_truth=False)
    assert case.truth is None and names(case) == {"ct": "sub-ct_label-22_ct.nii.gz"} and len(case.ignored) == 3
    with pytest.raises(InputError, match="means several files"):
        open_case(folder, truth_name="msk")


def test_raw_pet_dicom_hides_the_patient(data_folder):
    case = open_case(data_folder / "pet_raw_dicom_sts001" / "STS_001")
    assert list(case.images) == ["pet"] and case.patient.startswith("dicom-")
    assert case.patient not in repr(case)


def test_missing_role_names_role_folder_files_and_option(tmp_path):
    put(tmp_path, "FLAIR.nii.gz", "T1.nii.gz")
    with pytest.raises(InputError) as caught:
        open_case(tmp_path, roles=MRI)
    for word in (str(tmp_path), "no image for role t1gd", "FLAIR.nii.gz, T1.nii.gz", "--image t1gd=FILE"):
        assert word in str(caught.value)
    with pytest.raises(InputError, match="no image with a known role"):
        open_case(put(tmp_path / "x", "brain.nii.gz"))
    with pytest.raises(InputError, match="no such folder"):
        open_case(tmp_path / "nowhere")
    with pytest.raises(InputError, match="a file, not a folder"):
        open_case(tmp_path / "T1.nii.gz")
    with pytest.raises(UsageError, match="role 't3': unknown"):
        open_case(tmp_path, roles=["t3"])


def test_two_files_for_one_role(tmp_path):
    put(tmp_path, "FLAIR.nii.gz", "x_T1.nii.gz", "T1w.nrrd")
    with pytest.raises(InputError, match=r"two files for role t1, T1w.nrrd and x_T1.nii.gz; say --image t1=FILE"):
        open_case(tmp_path)
    case = open_case(tmp_path, assigned={"t1": tmp_path / "T1w.nrrd"})
    assert names(case) == {"flair": "FLAIR.nii.gz", "t1": "T1w.nrrd"} and case.ignored == ("x_T1.nii.gz",)
    assert names(open_case(tmp_path, roles=["flair"])) == {"flair": "FLAIR.nii.gz"}


def test_a_doubtful_guess_is_refused_or_shown(tmp_path):
    put(tmp_path, "FLAIR.nii.gz", "T1xyz.nii.gz")
    with pytest.raises(InputError, match=r"T1xyz.nii.gz may be t1 .*'xyz'.*not sure; say --image t1=FILE"):
        open_case(tmp_path)
    assert "xyz" in open_case(tmp_path, allow_doubtful=True).doubtful["t1"]
    case = open_case(tmp_path, assigned={"t1": tmp_path / "T1xyz.nii.gz"})
    assert case.doubtful == {} and names(case)["t1"] == "T1xyz.nii.gz"
    put(tmp_path, "T1.nii.gz")  # a sure one wins
    assert names(open_case(tmp_path))["t1"] == "T1.nii.gz"


def test_numbered_files_and_the_only_image(tmp_path):
    put(tmp_path, "x_0000.nii.gz", "x_0001.nii.gz")
    with pytest.raises(InputError, match="only by its number _0000"):
        open_case(tmp_path, roles=["t1", "t2"])
    assert names(open_case(tmp_path, roles=["t1", "t2"], allow_doubtful=True))["t2"] == "x_0001.nii.gz"
    put(tmp_path / "one", "scan.nii.gz")
    with pytest.raises(InputError, match="the one image there"):
        open_case(tmp_path / "one", roles=["ct"])


def test_nested_folders_and_brain_masks(tmp_path):
    put(tmp_path / "sub-01_ses-2", "anat/sub-01_FLAIR.nii.gz", "anat/sub-01_T1w.nii.gz", "anat/brain_mask.nii.gz")
    case = open_case(tmp_path / "sub-01_ses-2")
    assert set(case.images) == {"flair", "t1"} and case.truth is None and case.patient == "sub-01"
    assert case.ignored == ("anat/brain_mask.nii.gz",)


def test_dicom_series_of_a_french_examination(tmp_path):
    voxels = RNG.integers(0, 900, (5, 6, 7))
    series = {"AX T1 SE GADO": "t1gd", "T1 sans injection": "t1", "T2 FLAIR SAG": "flair", "coupes axiales T2": "t2"}
    for number, text in enumerate([*series, "Localisateur", "DIFFUSION b1000"]):
        write_series(tmp_path / "case" / f"SE{number}", voxels + number, description=text, patient="Z-77")
    put(tmp_path / "case", "seg.nii.gz")
    case = open_case(tmp_path / "case", roles=MRI)
    assert {role: path.name for role, path in case.images.items()} == {
        role: f"SE{number}" for number, role in sorted(enumerate(series.values()), key=lambda pair: MRI.index(pair[1]))
    }
    assert case.truth.name == "seg.nii.gz" and len(case.ignored) == 2 and "Localisateur" in " ".join(case.ignored)
    assert "Z-77" not in repr(case) and re.fullmatch(r"dicom-[0-9a-f]{12}", case.patient)
    shutil.copytree(tmp_path / "case" / "SE0", tmp_path / "case" / "SE9")
    with pytest.raises(InputError, match=r"two files for role t1gd, SE0 .*AX T1 SE GADO.* and SE9"):
        open_case(tmp_path / "case", roles=MRI)


def test_all_series_in_one_folder(tmp_path):
    voxels = RNG.integers(0, 900, (5, 6, 7))
    first = write_series(tmp_path / "c", voxels, description="T1", prefix="a", patient="ANONYMOUS")
    second = write_series(tmp_path / "c", voxels, description="T2", prefix="b", patient="ANONYMOUS")
    case = open_case(tmp_path / "c")
    assert case.images["t1"] in first and case.images["t2"] in second and case.patient == "c"
    other = open_case(tmp_path / "c", assigned={"t1gd": first[4]})
    assert other.images == {"t1gd": first[4], "t2": case.images["t2"]}


def test_case_from_files(tmp_path):
    put(tmp_path / "p1", "a.nii.gz", "b.nii.gz")
    case = case_from_files({"flair": tmp_path / "p1/a.nii.gz", "T1": tmp_path / "p1/b.nii.gz"})
    assert case.roles == ("flair", "t1") and case.id == "p1"
    with pytest.raises(InputError, match="given for both flair and t1"):
        case_from_files({"flair": tmp_path / "p1/a.nii.gz", "t1": tmp_path / "p1/a.nii.gz"})
    with pytest.raises(InputError, match="no such file for role t2"):
        case_from_files({"t2": tmp_path / "c.nii.gz"})
    with pytest.raises(InputError, match="no such file for the truth"):
        case_from_files({"t2": tmp_path / "p1/a.nii.gz"}, truth=tmp_path / "t.nii.gz")
    with pytest.raises(InputError, match="--image ROLE=FILE"):
        case_from_files({})
    with pytest.raises(UsageError, match="unknown"):
        case_from_files({"t5": tmp_path / "p1/a.nii.gz"})
