"""Guessing roles from file names and series descriptions, English and French."""

from __future__ import annotations

from pathlib import Path

import pytest

from TransferSegLib.cases import guess_role, guess_roles
from TransferSegLib.cases.truths import looks_like_truth
from TransferSegLib.errors import InputError

NAMES = {
    "flair": "FLAIR x-t2f TCGA_fla_bet T2_flair t2flair sub-01_FLAIR sub-01_space-T1w_FLAIR flair_to_t1 FLAIR2T1",
    "t1": "T1 x-t1n t1_bet T1w sub-01_ses-1_T1w T1_pre T1_postop rT1 sag-t1 mprage 3DT1",
    "t1gd": "T1POST t1c t1ce t1gd T1+Gd x-t1c t1c_bet T1_post t1_gd BRATS_T1CE_brain t1_c sub-01_ce-gadolinium_T1w",
    "t2": "T2 x-t2w t2_bet T2_TSE axT2",
    "ct": "CT CT_image sub-ct_label-22_ct patient_TDM",
    "pet": "PET PET_image TEP",
    None: "swi DWI_b1000 ADC mav simple patient1_scan t2star PD brain dti_FA localizer T1map scan_t1234",
}
MR = {
    "flair": ["T2 FLAIR SAG", "SPACE FLAIR", "FLAIR 3D CUBE", "t2_tirm_tra_dark-fluid", "FLAIR gado"],
    "t1": [
        "T1 sans injection", "MPRAGE", "t1_mprage_tra_p2_iso", "AX T1 non injecté", "T1 SE pre contrast",
        "T1 w/o contrast", "T1W_3D_TFE", "AXT1", "T1 avant gado",
    ],
    "t1gd": [
        "AX T1 SE GADO", "3D T1 post gado", "T1 après injection", "T1 post contrast", "T1 +C", "AX T1+C", "AX T1 C+",
        "SAG T1 CE", "3D MPRAGE GADO", "t1_mprage_sag_KM", "AX T1 injecté", "T1 avec gadolinium", "SAG 3D BRAVO +C",
        "T1 AXIAL IV+", "sT1W_3D_TFE GD",
    ],
    "t2": ["coupes axiales T2", "T2 TSE", "CUBE T2", "t2_spc_da-fl_sag", "T2W_TSE", "T2 post gado"],
    None: [
        "AX T2*", "AX T2 GRE", "Ax SWAN", "DIFFUSION b1000", "Localisateur", "3 plans loc", "3-plane loc", "Carto ADC",
        "perfusion DSC", "TOF 3D", "DP FAT SAT", "", "Survey_SHC",
    ],
}  # fmt: skip


@pytest.mark.parametrize("role, name", [(role, name) for role, names in NAMES.items() for name in names.split()])
def test_file_names(role, name):
    guess = guess_role(name)
    assert (guess.role if guess else None) == role
    assert guess is None or not guess.doubtful


@pytest.mark.parametrize("role, text", [(role, text) for role, texts in MR.items() for text in texts])
def test_series_descriptions(role, text):
    guess = guess_role("", description=text, modality="MR")
    assert (guess.role if guess else None) == role
    assert guess is None or not guess.doubtful


@pytest.mark.parametrize(
    "text, modality, role",
    [
        ("TEP", "", "pet"), ("TDM", "", "ct"), ("PET AC", "PT", "pet"), ("CT Body 3.0", "CT", "ct"),
        ("Topogram 0.6", "CT", None), ("PET NAC", "PT", None), ("PET WB CTAC", "PT", "pet"),
        ("TDM portal phase", "CT", "ct"),
        ("Low dose", "CT", "ct"), ("CT", "RTSTRUCT", None),
    ],
)  # fmt: skip
def test_ct_and_pet(text, modality, role):
    guess = guess_role("", description=text, modality=modality)
    assert (guess.role if guess else None) == role


@pytest.mark.parametrize(
    "text, role, word",
    [
        ("apres injection", "t1gd", "not of T1"),
        ("AX T1 FLAIR", "t1", "both T1 and FLAIR"),
        ("T1xyz", "t1", "'xyz'"),
        ("T1 T2 fusion", "t1", "both T1 and T2"),
        ("T1 avant et apres gado", "t1gd", "both of before and of after"),
    ],
)
def test_weak_evidence_is_doubtful_and_says_which(text, role, word):
    guess = guess_role("", description=text, modality="MR")
    assert guess.role == role and guess.doubtful and word in guess.reason


def test_contrast_field_of_dicom_is_weak_evidence():
    assert guess_role("", description="T1 SE", modality="MR", contrast=True).doubtful
    assert guess_role("", description="T1 SE", modality="MR", contrast=True).role == "t1gd"
    sure = guess_role("", description="T1 sans injection", modality="MR", contrast=True)
    assert sure.role == "t1" and not sure.doubtful


def test_guess_roles():
    names = ["a_t1n.nii.gz", "a_t1c.nii.gz", "a_t2f.nii.gz", "notes.nii.gz"]
    images, doubtful, ignored = guess_roles(names)
    assert images == {"t1": Path(names[0]), "t1gd": Path(names[1]), "flair": Path(names[2])}
    assert doubtful == {} and ignored == ("notes.nii.gz",)
    with pytest.raises(InputError, match=r"two files for role t1, T1.nii.gz and a_t1w.nii.gz; say --image t1=FILE"):
        guess_roles(["T1.nii.gz", "a_t1w.nii.gz"])
    images, _, ignored = guess_roles(["T1.nii.gz", "a_t1w.nii.gz", "t2.nii.gz"], wanted=["t2"])
    assert list(images) == ["t2"] and len(ignored) == 2


def test_numbers_follow_the_wanted_order_doubtfully():
    names = [f"x_{n:04d}.nii.gz" for n in range(3)]
    assert guess_roles(names)[0] == {}
    images, doubtful, ignored = guess_roles(names, wanted=["flair", "t1"])
    assert images == {"flair": Path(names[0]), "t1": Path(names[1])} and ignored == (names[2],)
    assert "_0001" in doubtful["t1"]


@pytest.mark.parametrize(
    "name, truth",
    [
        ("GOLD_STANDARD", True), ("seg", True), ("x-seg", True), ("CT_mask", True),
        ("consensus_gt", True), ("gt", True),
        ("label-lesion", True), ("sub-ct_seg-vert_label-22_msk", True), ("ground_truth", True), ("lesion_label", True),
        ("sub-ct_label-22_ct", False), ("length", False), ("height_map", False), ("brain_mask", False), ("mav", False),
        ("segresnet", False), ("T1_brainmask", False),
    ],
)  # fmt: skip
def test_truth_names(name, truth):
    assert looks_like_truth(name) is truth
