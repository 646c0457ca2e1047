"""Data sets in every layout, and splits that keep patients whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from test_cases_opening import put

from TransferSegLib.cases import Case, fold_session, folds, hold_out, load_case, open_data_set, split_by_patient
from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.imaging import to_array

BRATS = ("t1n", "t1c", "t2w", "t2f", "seg")


def describe(folder: Path, **content) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps(content))


def test_ms_folder_is_two_patients(data_folder):
    data = open_data_set(data_folder / "ms_open_ms_data")
    assert data.layout == "folders" and [case.id for case in data.cases] == ["patient07", "patient19"]
    assert data.roles == ("flair", "t1", "t1gd", "t2") and data.label_names is None
    assert data.ignored == ("LICENSE.txt", "README.md", "patient_info.csv")


def test_gliomas_without_and_with_a_named_truth(data_folder):
    folder = data_folder / "glioma_brainlesion"
    with pytest.raises(InputError, match=r"none of its 3 cases has a truth .*--truth-name"):
        open_data_set(folder)
    assert len(open_data_set(folder, need_truth=False).cases) == 3
    data = open_data_set(folder, truth_name="mav")
    assert {case.truth.name for case in data.cases} == {"mav.nii.gz"} and len(data.cases) == 2
    assert data.ignored == ("LICENSE", "BraTS-GLI-00001-000 (no truth)")


def test_a_truth_is_asked_for_by_name_only_where_a_file_could_be_one(tmp_path):
    for name in ("a", "b"):
        for file in ("flair.nii.gz", "t1.nii.gz", "brainmask.nii.gz", "notes.txt"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file).write_bytes(b"x")
    with pytest.raises(InputError) as told:
        open_data_set(tmp_path, roles=["flair"])
    assert str(told.value).endswith("gt or gold_standard); give cases with truths") and "--" not in told.value.message
    with pytest.raises(InputError, match=r"give cases with truths \(others: --unlabelled\)"):
        open_data_set(tmp_path, roles=["flair"], without_truth="others: --unlabelled")
    (tmp_path / "b" / "reader2.nii.gz").write_bytes(b"x")
    with pytest.raises(
        InputError, match=r"say --truth-name NAME where one of these is \(reader2.nii.gz\), or give cases"
    ):
        open_data_set(tmp_path, roles=["flair"])


def test_sarcomas(data_folder):
    data = open_data_set(data_folder / "petct_ibsi_sts")
    assert len(data.cases) == 12 and {case.truth.name for case in data.cases} == {"PET_mask.nii.gz"}
    assert len({case.patient for case in data.cases}) == 12


def test_brats_layout_and_labels_of_both_forms(tmp_path):
    for name in ("BraTS-GLI-00001-000", "BraTS-GLI-00001-001", "BraTS-GLI-00002-000"):
        put(tmp_path / name, *[f"{name}-{end}.nii.gz" for end in BRATS])
    data = open_data_set(tmp_path)
    assert data.layout == "brats" and len(data.cases) == 3 and all(case.truth for case in data.cases)
    assert [case.patient for case in data.cases] == ["BraTS-GLI-00001"] * 2 + ["BraTS-GLI-00002"]
    for labels in ({"background": 0, "tumour": 1, "oedema": 2}, {"0": "background", "1": "tumour", "2": "oedema"}):
        describe(tmp_path, labels=labels)
        assert open_data_set(tmp_path).label_names == {1: "tumour", 2: "oedema"}
    describe(tmp_path, labels={"whole": [1, 2], "core": 1})
    with pytest.raises(InputError, match=r"dataset.json: label 'whole' is a region"):
        open_data_set(tmp_path)
    (tmp_path / "dataset.json").write_text("{oops")
    with pytest.raises(InputError, match=r"dataset.json: cannot be understood"):
        open_data_set(tmp_path)


def test_a_case_that_lacks_a_role(tmp_path):
    put(tmp_path / "a", "T1.nii.gz", "T2.nii.gz", "seg.nii.gz")
    put(tmp_path / "b", "T1.nii.gz", "seg.nii.gz")
    with pytest.raises(InputError, match="case b has no image for role t2, a has"):
        open_data_set(tmp_path)
    with pytest.raises(InputError, match=r"no image for role t2 .*--image t2=FILE"):
        open_data_set(tmp_path, roles=["t1", "t2"])
    assert len(open_data_set(tmp_path, roles=["t1"]).cases) == 2


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="no such folder or list"):
        open_data_set(tmp_path / "x")
    with pytest.raises(InputError, match="no case in it"):
        open_data_set(tmp_path)


def test_nnunet_layout(tmp_path):
    put(tmp_path / "imagesTr", *[f"c{n}_{k:04d}.nii.gz" for n in (1, 2) for k in (0, 1)])
    put(tmp_path / "labelsTr", "c1.nii.gz", "c2.nii.gz")
    put(tmp_path / "imagesTs", "c9_0000.nii.gz")
    describe(tmp_path, channel_names={"0": "T2", "1": "T1ce"}, labels={"background": 0, "tumour": 1})
    data = open_data_set(tmp_path)
    assert data.layout == "nnunet" and data.roles == ("t1gd", "t2") and data.label_names == {1: "tumour"}
    first = data.cases[0]
    assert first.images["t2"].name == "c1_0000.nii.gz" and first.images["t1gd"].name == "c1_0001.nii.gz"
    assert first.truth == tmp_path / "labelsTr" / "c1.nii.gz" and data.ignored == ("imagesTs",)
    (tmp_path / "imagesTr" / "c2_0001.nii.gz").unlink()
    with pytest.raises(InputError, match="c2: no image for role t1gd"):
        open_data_set(tmp_path)
    assert len(open_data_set(tmp_path, roles=["t2"]).cases) == 2


def test_nnunet_channels_without_a_role(tmp_path):
    put(tmp_path / "imagesTr", "c1_0000.nii.gz", "c1_0001.nii.gz")
    put(tmp_path / "labelsTr", "c1.nii.gz")
    describe(tmp_path, channel_names={"0": "zscore", "1": "T1"}, labels={"tumour": 1})
    with pytest.raises(InputError, match=r"channel 0 is called 'zscore', so its role is not sure"):
        open_data_set(tmp_path, roles=["flair", "t1"])
    data = open_data_set(tmp_path, roles=["flair", "t1"], allow_doubtful=True)
    assert list(data.cases[0].doubtful) == ["flair"]


def test_decathlon_layout_splits_4d_images(tmp_path):
    volumes = np.random.default_rng(0).integers(1, 99, (4, 3, 4, 5)).astype(np.int16)
    (tmp_path / "imagesTr").mkdir()
    image = sitk.JoinSeries([sitk.GetImageFromArray(volume) for volume in volumes])
    sitk.WriteImage(image, str(tmp_path / "imagesTr" / "BRATS_001.nii.gz"))
    put(tmp_path / "labelsTr", "BRATS_001.nii.gz")
    describe(
        tmp_path,
        modality={"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        labels={"0": "background", "1": "edema"},
        training=[{"image": "./imagesTr/BRATS_001.nii.gz", "label": "./labelsTr/BRATS_001.nii.gz"}],
    )
    data = open_data_set(tmp_path)
    assert (
        data.layout == "decathlon" and data.roles == ("flair", "t1", "t1gd", "t2") and data.label_names == {1: "edema"}
    )
    loaded = load_case(data.cases[0], roles=["t2", "t1"])
    assert np.array_equal(to_array(loaded.images["t2"]), volumes[3])
    assert np.array_equal(to_array(loaded.images["t1"]), volumes[1])
    (tmp_path / "imagesTr" / "BRATS_001.nii.gz").unlink()
    with pytest.raises(InputError, match=r"listed in dataset.json but not there"):
        open_data_set(tmp_path)


def test_list_files(tmp_path):
    put(tmp_path / "x", "a.nii.gz", "b.nii.gz", "s.nii.gz", "c.nii.gz")
    table = tmp_path / "list.csv"
    table.write_text("id;patient;FLAIR;t1ce;age;truth\nk1;p1;x/a.nii.gz;x/b.nii.gz;33;x/s.nii.gz\n")
    data = open_data_set(table)
    (case,) = data.cases
    assert (case.id, case.patient, case.roles, case.truth.name) == ("k1", "p1", ("flair", "t1gd"), "s.nii.gz")
    assert data.ignored == ("column 'age'",) and data.layout == "list"
    table.write_text("id,flair,truth\nk1,x/a.nii.gz,x/s.nii.gz\nk2,x/nowhere.nii.gz,x/s.nii.gz\n")
    with pytest.raises(InputError, match=r"list.csv line 3: .*nowhere.nii.gz does not exist"):
        open_data_set(table)
    table.write_text("id,flair,truth\nk1,x/a.nii.gz,x/s.nii.gz\nk1,x/c.nii.gz,x/s.nii.gz\n")
    with pytest.raises(InputError, match="2 cases are called k1"):
        open_data_set(table)
    table.write_text("id,flair\nk1,x/a.nii.gz\n")
    with pytest.raises(InputError, match="line 2: no truth"):
        open_data_set(table)
    with pytest.raises(InputError, match="line 2: no image for role t2"):
        open_data_set(table, roles=["t2"], need_truth=False)
    table.write_text("")
    with pytest.raises(InputError, match="an empty list"):
        open_data_set(table)


def test_plain_list_of_folders(tmp_path):
    for name in ("a", "b", "c"):
        put(tmp_path / name, "T1.nii.gz", "seg.nii.gz")
    (tmp_path / "two.txt").write_text("# the good ones\na\nc\n")
    assert [case.id for case in open_data_set(tmp_path / "two.txt").cases] == ["a", "c"]


def test_sessions_fold_into_patients():
    folded = {
        "BraTS-GLI-00001-001": "BraTS-GLI-00001", "sub-01_ses-2": "sub-01", "P7_visit3": "P7", "x_followup": "x",
        "STS_001": "STS_001", "TCGA-DU-7294": "TCGA-DU-7294", "patient07": "patient07", "BRATS_001": "BRATS_001",
        "BraTS2021_00012": "BraTS2021_00012",
    }  # fmt: skip
    assert {name: fold_session(name) for name in folded} == folded


def cases(*patients: str) -> list[Case]:
    return [Case(id=f"c{n}", patient=patient, images={}) for n, patient in enumerate(patients)]


def test_split_by_patient():
    some = cases(*"aabbccddeeffgghhiijj")
    rest, held = split_by_patient(some, fraction=0.2, seed=3)
    assert len(held) == 4 and not {c.patient for c in rest} & {c.patient for c in held}
    assert split_by_patient(some[::-1], fraction=0.2, seed=3)[1] == held[::-1]
    assert len({tuple(c.id for c in split_by_patient(some, fraction=0.2, seed=s)[1]) for s in range(12)}) > 3
    assert split_by_patient(some, fraction=0, seed=0) == (some, [])
    assert split_by_patient(cases("a", "a"), fraction=0.5, seed=0)[1] == []
    with pytest.raises(UsageError, match="fraction"):
        split_by_patient(some, fraction=1.0, seed=0)


def test_hold_out():
    some = cases("a", "b", "c", "c")
    rest, held = hold_out(some, ["c1"])
    assert [c.id for c in held] == ["c1"] and len(rest) == 3
    with pytest.raises(UsageError, match=r"--hold-out c7: no case of that name"):
        hold_out(some, ["c7"])
    with pytest.raises(UsageError, match="every case"):
        hold_out(some, ["c0", "c1", "c2", "c3"])
    with pytest.raises(UsageError, match="c3 is of the same patient"):
        hold_out(some, ["c2"])
    assert hold_out(some, []) == (some, [])


def test_folds():
    some = cases(*"aabcdeefgh")
    parts = folds(some, 4, seed=1)
    assert sorted(c.id for _, held in parts for c in held) == sorted(c.id for c in some)
    for rest, held in parts:
        assert not {c.patient for c in rest} & {c.patient for c in held} and len(rest) + len(held) == len(some)
    with pytest.raises(UsageError, match="9 folds"):
        folds(some, 9, seed=0)
