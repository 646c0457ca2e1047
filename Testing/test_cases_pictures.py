"""Pictures as cases: case folders, EBHI-Seg's class folders, whose they are, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import small_case
from helpers_pictures import class_set, picture_case, picture_set
from PIL import Image

from TransferSegLib.cases import case_from_files, folds, hold_out, load_case, open_case, open_data_set
from TransferSegLib.cases.patients import patient_of, patient_of_picture
from TransferSegLib.errors import InputError, UsageError


@pytest.mark.parametrize(("role", "components"), [("rgb", 3), ("grey", 1)])
def test_a_case_folder_of_a_picture_and_its_mask(tmp_path, role, components):
    folder = picture_case(tmp_path / "p1", 1)
    case = open_case(folder, roles=[role])
    assert case.images[role].name == "picture.png" and case.truth.name == "mask.png"
    loaded = load_case(case, roles=[role], with_truth=True)
    assert loaded.reference.size == (48, 48, 1)
    assert loaded.images[role].GetNumberOfComponentsPerPixel() == components
    assert set(np.unique(sitk.GetArrayFromImage(loaded.truth))) == {0, 1}


def test_without_roles_a_picture_is_what_it_shows_and_volumes_go_first(tmp_path):
    assert open_data_set(picture_set(tmp_path / "a", 2)).roles == ("rgb",)
    grey = picture_case(tmp_path / "b" / "p1", 1)
    Image.open(grey / "picture.png").convert("L").save(grey / "picture.png")
    assert open_data_set(tmp_path / "b").roles == ("grey",)
    brain = small_case(tmp_path / "c" / "p1")
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(brain / "flair_overview.png")
    case = open_case(brain)
    assert case.images["flair"].name == "FLAIR.nii.gz" and "flair_overview.png" in case.ignored
    assert case.roles == ("flair", "t1", "t1gd", "t2")


def test_several_pictures_and_none_are_said(tmp_path):
    folder = picture_case(tmp_path / "p1", 1)
    (folder / "other.png").write_bytes((folder / "picture.png").read_bytes())
    with pytest.raises(InputError, match=r"several pictures, other.png and picture.png; say --image rgb=FILE"):
        open_case(folder, roles=["rgb"])
    named = open_case(folder, roles=["rgb"], assigned={"rgb": folder / "other.png"})
    assert named.images["rgb"].name == "other.png"
    with pytest.raises(InputError, match="no image for role grey"):
        open_case(small_case(tmp_path / "brain"), roles=["grey"])


def test_a_mask_of_another_size_and_a_picture_for_a_volume_are_refused(tmp_path):
    folder = picture_case(tmp_path / "p1", 1)
    Image.open(folder / "mask.png").resize((40, 48)).save(folder / "mask.png")
    with pytest.raises(InputError, match=r"mask.png: a mask of 40 x 48 pixels, its picture picture.png has 48 x 48"):
        load_case(open_case(folder, roles=["grey"]), with_truth=True)
    with pytest.raises(InputError, match=r"is a picture, flair needs a volume"):
        load_case(case_from_files({"flair": folder / "picture.png"}))
    brain = small_case(tmp_path / "brain")
    with pytest.raises(InputError, match=r"the role rgb needs a picture; give PNG"):
        load_case(case_from_files({"rgb": brain / "T1.nii.gz"}))


NAMES = {
    "Normal": ["GTxc2012436-1-400-001", "GT2014665-1-400-001"],
    "Polyp": ["GTGTXC2012436-1-400-001", "GT2014665-1-400-001", "GT7-1"],
}


def test_class_folders_give_class_patient_and_a_name_of_its_own(tmp_path):
    data = class_set(tmp_path / "set", NAMES)
    (data / "readme.md").write_text("x")
    (data / "Polyp" / "label" / "GT7-1.png").unlink()
    found = open_data_set(data, roles=["grey"])
    assert found.layout == "classes" and found.label_names == {1: "tissue"}
    assert set(found.ignored) == {"readme.md", "GT7-1 (no truth)"}
    assert {case.id: case.class_name for case in found.cases} == {
        "GTxc2012436-1-400-001": "Normal", "Normal GT2014665-1-400-001": "Normal",
        "GTGTXC2012436-1-400-001": "Polyp", "Polyp GT2014665-1-400-001": "Polyp",
    }  # fmt: skip
    assert {case.patient for case in found.cases} == {"GTXC2012436", "GT2014665"}
    assert patient_of_picture("GTGTxc1-2") == patient_of_picture("gtXC1-9") == "GTXC1"
    assert patient_of("GTGTXC2012436-2-400-003") == patient_of("GTxc2012436-1-400-001") == "GTXC2012436"
    for rest, held in folds(found.cases, 2, 0):
        assert not {case.patient for case in rest} & {case.patient for case in held}
    with pytest.raises(UsageError, match="of the same patient"):
        hold_out(found.cases, ["GTxc2012436-1-400-001"])
    assert [case.class_name for case in open_data_set(data / "Normal").cases] == ["Normal"] * 2
    with pytest.raises(InputError, match="holds pictures, the roles flair need other images"):
        open_data_set(data, roles=["flair"])


def test_class_folders_without_labels_serve_as_unlabelled_cases_and_masks_alone_are_said(tmp_path):
    data = class_set(tmp_path / "set", {"Polyp": ["GT1-1-400-001", "GT2-1-400-001", "GT3-1-400-001"]})
    (data / "Polyp" / "image" / "GT3-1-400-001.png").unlink()
    assert open_data_set(data, roles=["grey"]).ignored == ("Polyp/label/GT3-1-400-001.png",)
    (data / "Polyp" / "label" / "GT1-1-400-001.bmp").write_bytes(b"x")
    with pytest.raises(InputError, match=r"GT1-1-400-001.bmp and GT1-1-400-001.png are for one picture; keep one"):
        open_data_set(data, roles=["grey"])
    for mask in (data / "Polyp" / "label").iterdir():
        mask.unlink()
    (data / "Polyp" / "label").rmdir()
    found = open_data_set(data, roles=["grey"], need_truth=False)
    assert [(case.id, case.truth) for case in found.cases] == [("GT1-1-400-001", None), ("GT2-1-400-001", None)]
    with pytest.raises(InputError, match="none of its 2 cases has a truth"):
        open_data_set(data, roles=["grey"])


@pytest.mark.parametrize(("roles", "words"), [(["grey"], "holds volumes, the role grey needs a picture"),
                                              (["ct"], "holds pictures, the role ct needs a volume")])  # fmt: skip
def test_data_of_the_other_kind_are_named_as_such(tmp_path, roles, words):
    small_case(tmp_path / "volumes" / "p1")
    picture_set(tmp_path / "pictures", 1)
    with pytest.raises(InputError, match=words):
        open_data_set(tmp_path / ("volumes" if roles == ["grey"] else "pictures"), roles=roles)


def test_the_shared_pictures_are_414_of_72_patients_in_six_classes(data_folder):
    found = open_data_set(data_folder / "histo_ebhi_seg")
    assert len(found.cases) == 414 and found.roles == ("rgb",) and found.layout == "classes"
    assert len({case.patient for case in found.cases}) == 72 and len({case.class_name for case in found.cases}) == 6
    assert len({case.id for case in found.cases}) == 414
    for case in found.cases[::100]:
        loaded = load_case(case, with_truth=True)
        assert loaded.reference.size == (224, 224, 1)
        truth = sitk.GetArrayFromImage(loaded.truth)
        painted = np.asarray(Image.open(case.truth))
        assert np.array_equal(truth[0], painted > 127)
