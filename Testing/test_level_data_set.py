"""Level data sets: what a CSV says, and where a level truly is in a scan."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.imaging import Grid, from_array
from TransferSegLib.imaging.scan import read_scan, scan_of
from TransferSegLib.level.data_set import is_level_csv, open_levels
from TransferSegLib.level.truth import read_truth, slice_of_height, true_level
from TransferSegLib.level.vertebral_body import body_centre

UPSIDE = (1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0)
SIDEWAYS = (0.0, 0, -1.0, 1.0, 0, 0, 0, -1.0, 0)


def a_scan(count: int = 40, spacing: float = 3.0, direction: tuple[float, ...] = Grid.direction):
    image = sitk.Image([4, 5, count], sitk.sitkInt16)
    image.SetSpacing((2.0, 2.0, spacing))
    image.SetOrigin((5.0, -7.0, 100.0))
    image.SetDirection(direction)
    return scan_of(image)


def a_vertebra(centre, *, tilt: float = 0.0, step: float = 1.5, size: int = 90) -> tuple[np.ndarray, Grid]:
    """A body 44 x 34 x 28 mm with arch and a spinous process that hangs down behind it; (k, j, i) mask and grid."""
    grid = Grid((size, size, size), (step,) * 3, tuple(np.asarray(centre, float) - step * (size - 1) / 2))
    k, j, i = np.meshgrid(*[(np.arange(size) - (size - 1) / 2) * step] * 3, indexing="ij")
    up = k * np.cos(tilt) + j * np.sin(tilt)
    back = j * np.cos(tilt) - k * np.sin(tilt)
    body = (np.abs(up) <= 14) & ((i / 22) ** 2 + (back / 17) ** 2 <= 1)
    pedicles = (np.abs(up - 5) <= 7) & (np.abs(np.abs(i) - 14) <= 5) & (back > 10) & (back < 32)
    spine = (np.abs(i) <= 3.5) & (np.abs(up + 12) <= 13) & (back >= 30) & (back < 62)
    lamina = (np.abs(i) <= 19) & (np.abs(up) <= 10) & (np.abs(back - 32) <= 3)
    return body | pedicles | spine | lamina, grid


def write_list(folder, text: str, *files: str):
    for name in files:
        sitk.WriteImage(a_scan().image, str(folder / name))
    (folder / "levels.csv").write_text(text, encoding="utf-8")
    return folder / "levels.csv"


def test_a_list_is_read_with_its_defaults(tmp_path):
    path = write_list(
        tmp_path,
        "\ufeffct;Slice;level;note\nsub-1_ses-2.nii.gz;12;l3;x\nb.nii.gz;11.5;L3;\n\n",
        "sub-1_ses-2.nii.gz",
        "b.nii.gz",
    )
    levels = open_levels(path)
    assert is_level_csv(path) and levels.level == "L3"
    assert [case.id for case in levels.cases] == ["sub-1_ses-2", "b"]
    assert [case.patient for case in levels.cases] == ["sub-1", "b"]
    assert [case.slice for case in levels.cases] == [12.0, 11.5]


@pytest.mark.parametrize(
    "text, words",
    [
        ("ct,note\na.nii.gz,1\n", "none of the columns slice, mm, mask, where"),
        ("ct,slice\nnone.nii.gz,1\n", "no such file"),
        ("ct,slice\na.nii.gz,x\n", "slice is 'x'"),
        ("ct,slice,mm\na.nii.gz,1,2\n", "exactly one"),
        ("ct,slice\na.nii.gz,\n", "says nothing"),
        ("ct,where\na.nii.gz,left\n", "write above, below, absent"),
        ("ct,slice,level\na.nii.gz,1,Q9\n", "not a vertebra"),
        ("ct,slice\na.nii.gz,1\na.nii.gz,2\n", "there twice"),
        ("ct,slice\n", "no rows"),
        ("ct,slice\n\n\na.nii.gz,x\n", "line 4: slice is 'x'"),
        ("ct,slice\na.nii.gz,nan\n", "slice is 'nan'"),
        ("ct,slice,label\na.nii.gz,1,nan\n", "label is 'nan'"),
        ("ct,slice,label\na.nii.gz,1,2.5\n", "whole number"),
        ("id,ct,slice\n../../x,a.nii.gz,1\n", "cannot name a picture's file"),
    ],
)
def test_a_faulty_list_is_refused_in_one_line(tmp_path, text, words):
    path = write_list(tmp_path, text, "a.nii.gz")
    with pytest.raises(InputError, match=words) as caught:
        open_levels(path)
    assert "\n" not in caught.value.message


def test_several_levels_need_a_choice(tmp_path):
    path = write_list(tmp_path, "id,ct,slice,level\na,a.nii.gz,12,L3\nb,a.nii.gz,9,T12\n", "a.nii.gz")
    with pytest.raises(UsageError, match="L3, T12"):
        open_levels(path)
    assert [case.id for case in open_levels(path, "t12").cases] == ["b"]
    with pytest.raises(UsageError, match="--level L1"):
        open_levels(path, "L1")


def test_a_readers_list_may_name_a_scan_twice(tmp_path):
    path = write_list(tmp_path, "ct,slice,reader\na.nii.gz,12,A\na.nii.gz,13,B\n", "a.nii.gz")
    assert len(open_levels(path).cases) == 2


@given(st.floats(-0.5, 39.4), st.sampled_from([Grid.direction, UPSIDE]))
@settings(max_examples=40, deadline=None)
def test_slice_and_height_are_two_names_of_one_place(place, direction):
    scan = a_scan(direction=direction)
    mm = float(scan.heights[0] + place * (scan.heights[1] - scan.heights[0]))
    assert slice_of_height(mm, scan) == pytest.approx(place, abs=1e-6)
    assert read_truth(f"{mm}mm", scan, "L3").slice == pytest.approx(place, abs=1e-6)


def test_words_and_places_outside_are_told_apart():
    scan = a_scan()
    assert read_truth("below", scan, "L3").where == "below" and not read_truth("below", scan, "L3").in_view
    assert read_truth(3, scan, "L3").mm == pytest.approx(109.0)
    with pytest.raises(InputError, match="slices 0 to 39"):
        read_truth("40", scan, "L3")
    with pytest.raises(InputError, match=r"reaches from 100\.0 to 217\.0"):
        read_truth("-412.5mm", scan, "L3")
    with pytest.raises(UsageError, match="no such file"):
        read_truth("nowhere.nii.gz", scan, "L3")


@pytest.mark.parametrize("tilt", [-0.35, 0.0, 0.3])
def test_the_middle_is_the_bodys_not_the_whole_vertebras(tilt):
    mask, grid = a_vertebra((10.0, 20.0, 300.0), tilt=tilt)
    centre = body_centre(mask, grid)
    whole = grid.points(np.argwhere(mask)[:, ::-1])
    assert centre[2] == pytest.approx(300.0, abs=1.6)
    assert abs(whole[:, 2].min() + whole[:, 2].max() - 600) > 4  # the process hangs down


def test_a_mask_on_another_grid_than_the_scan(tmp_path):
    mask, grid = a_vertebra((4.0, 0.0, 160.0))
    sitk.WriteImage(from_array(mask.astype(np.uint8), grid), str(tmp_path / "mask.nii.gz"))
    truth = read_truth(tmp_path / "mask.nii.gz", a_scan(), "L3")
    assert truth.mm == pytest.approx(160.0, abs=1.6) and truth.slice == pytest.approx(20.0, abs=0.6)
    mask, grid = a_vertebra((4.0, 0.0, 600.0))
    sitk.WriteImage(from_array(mask.astype(np.uint8), grid), str(tmp_path / "far.nii.gz"))
    with pytest.raises(InputError, match="do not belong together"):
        read_truth(tmp_path / "far.nii.gz", a_scan(), "L3")


@pytest.mark.parametrize("height", [160.0, 217.0 + 20, 100.0 - 20])
def test_a_mask_of_the_whole_patient_says_on_which_side_of_a_part_the_level_lies(tmp_path, height):
    mask, grid = a_vertebra((4.0, 0.0, height))
    sitk.WriteImage(from_array(mask.astype(np.uint8), grid), str(tmp_path / "mask.nii.gz"))
    truth = read_truth(tmp_path / "mask.nii.gz", a_scan(), "L3")
    assert truth.where == ("" if height == 160 else "above" if height > 217 else "below")
    assert truth.in_view == (truth.slice is not None)


@pytest.mark.parametrize("turn", [(0, 1, 2), (2, 1, 0)])
@pytest.mark.parametrize("rows, whole", [((20, 70), True), ((41, 70), False), ((20, 50), False), ((31, 70), True)])
def test_a_vertebra_that_the_mask_cuts_is_no_truth(tmp_path, rows, whole, turn):
    """From row 31 on only the process that hangs down is cut."""
    mask, grid = a_vertebra((4.0, 0.0, 160.0))
    size = (grid.size[0], grid.size[1], rows[1] - rows[0])
    grid = dataclasses.replace(grid, size=size, origin=(*grid.origin[:2], grid.origin[2] + 1.5 * rows[0]))
    image = sitk.PermuteAxes(from_array(mask[slice(*rows)].astype(np.uint8), grid), turn)
    sitk.WriteImage(image, str(tmp_path / "mask.nii.gz"))
    if whole:
        assert read_truth(tmp_path / "mask.nii.gz", a_scan(), "L3").mm == pytest.approx(160.0, abs=1.6)
        return
    with pytest.raises(InputError, match="first or last slice"):
        read_truth(tmp_path / "mask.nii.gz", a_scan(), "L3")


def test_the_real_masks_give_the_middle_of_the_body(data_folder, tmp_path):
    folder = data_folder / "ct_totalsegmentator_tests"
    report = folder / "spine_report" / "example_ct_report"
    (tmp_path / "levels.csv").write_text(
        f"ct,mask,level\n{folder / 'example_ct.nii.gz'},{report / 'totalseg.nii.gz'},L3\n", encoding="utf-8"
    )
    case, scan = open_levels(tmp_path / "levels.csv").cases[0], read_scan(folder / "example_ct.nii.gz")
    truth = true_level(case, scan)
    whole, bodies = (sitk.ReadImage(str(report / f"{name}.nii.gz")) for name in ("totalseg", "totalseg_vertebrae_body"))
    both = (sitk.GetArrayFromImage(whole) == 29) & (sitk.GetArrayFromImage(bodies) > 0)
    body = body_centre(both, Grid.of(whole))
    assert truth.mm == pytest.approx(body[2], abs=1.5) and truth.slice == pytest.approx(74.0, abs=0.5)
    assert read_truth(report / "totalseg.nii.gz", scan, "L2").slice > 80
    with pytest.raises(InputError, match="T12 touches the mask's first or last slice"):
        read_truth(report / "totalseg.nii.gz", scan, "T12")


def test_the_real_crop_with_permuted_axes(data_folder):
    folder = data_folder / "ct_tptbox_l3_crop"
    scan = read_scan(folder / "sub-ct_label-22_ct.nii.gz")
    vertebrae = folder / "sub-ct_seg-vert_label-22_msk.nii.gz"
    truth = read_truth(vertebrae, scan, "L3")
    parts = sitk.ReadImage(str(folder / "sub-ct_seg-subreg_label-22_msk.nii.gz"))
    corpus = np.isin(sitk.GetArrayFromImage(parts), (49, 50)) & (
        sitk.GetArrayFromImage(sitk.ReadImage(str(vertebrae))) == 22
    )
    assert scan.axis == 1
    assert truth.mm == pytest.approx(body_centre(corpus, Grid.of(parts))[2], abs=1.5)
    assert read_truth(vertebrae, scan, "L3", 22) == truth
