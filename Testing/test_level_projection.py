"""Projections of a CT: rows and slices belong together for any grid, and pixels are what they say."""

from __future__ import annotations

import resource
import time
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_scan import places, trunk, trunk_image, write_ct
from hypothesis import given, settings
from hypothesis import strategies as st

from TransferSegLib.errors import UsageError
from TransferSegLib.imaging import Grid, read_scan, resample, scan_of
from TransferSegLib.preparing.projection import ProjectionSpec, project

BOTH = ProjectionSpec(views=("frontal", "lateral"))
MARK = (30.0, 20.0, 140.0)  # LPS place of a dense marker in the trunk, left and behind


@pytest.fixture(scope="module")
def marked() -> sitk.Image:
    image = trunk_image(trunk(lungs=False))
    i, j, k = image.TransformPhysicalPointToIndex(MARK)
    image[i : i + 2, j : j + 2, k : k + 2] = 3000
    return image


def brightest(projection, view: int = 0) -> tuple[float, float]:
    """Row and column of the marker's middle."""
    rows, columns = np.nonzero(projection.pixels[view] > 0.95)
    return float(rows.mean()), float(columns.mean())


def coordinate(projection, view: int, column: float) -> float:
    return projection.centres[view] + (column - (projection.spec.width - 1) / 2) * projection.spec.row_mm


def check_marker(scan, near: float) -> None:
    seen = project(scan, BOTH)
    for view, (axis, middle) in enumerate(((0, MARK[0] + 2), (1, MARK[1] + 2))):
        row, column = brightest(seen, view)
        assert seen.mm_of_row(row) == pytest.approx(MARK[2] + 1.5, abs=near), axis
        assert coordinate(seen, view, column) == pytest.approx(middle, abs=near + 1)


def test_rows_columns_and_slices(marked):
    scan = scan_of(marked)
    seen = project(scan, BOTH)
    assert seen.pixels.shape == (2, 298, 512) and seen.pixels.dtype == np.float32
    assert seen.pixels.min() == 0 and seen.pixels.max() == 1
    check_marker(scan, 2.0)
    assert seen.row_of_slice(scan.count - 1) == 0 and seen.row_of_slice(0) == pytest.approx(seen.rows - 1)
    for k in range(scan.count):
        row = seen.row_of_slice(k)
        assert seen.slice_of_row(row) == k
        assert seen.position_of_row(row) == pytest.approx(tuple(scan.positions[k]))
        assert seen.mm_of_row(row) == pytest.approx(scan.heights[k]) and seen.row_of_mm(scan.heights[k]) == row
    assert seen.slice_of_row(-50) == scan.count - 1 and seen.slice_of_row(9999) == 0
    # The marker is on the patient's left: right of the middle, as films are shown.
    assert brightest(seen)[1] > 255.5


def test_pixels_are_the_clipped_maximum(marked):
    scan = scan_of(marked)
    seen = project(scan, ProjectionSpec(row_mm=3.0, hu=(0, 500), width=130))
    k = 40
    expected = (np.clip(scan.array()[k].max(axis=0), 0, 500) / 500.0).astype(np.float32)
    row = seen.pixels[0, round(seen.row_of_slice(k))]
    columns = (np.arange(-190, 190, 4.0) - seen.centres[0]) / 3.0 + 64.5
    inside = (columns >= 0) & (columns <= 129)
    assert np.allclose(np.interp(columns, np.arange(130), row)[inside], expected[inside], atol=0.15)
    assert np.abs(row - np.interp(np.arange(130), columns, expected, left=0, right=0)).max() < 1e-3


@settings(max_examples=24, deadline=None)
@given(order=st.permutations([0, 1, 2]), flips=st.tuples(*[st.booleans()] * 3))
def test_order_and_direction_of_axes_change_nothing(order, flips):
    image = trunk_image(trunk(tall=120, pixel=8.0, lungs=False), pixel=8.0)
    expected = project(scan_of(image), BOTH)
    turned = sitk.Flip(sitk.PermuteAxes(image, list(order)), list(flips), False)
    seen = project(scan_of(turned), BOTH)
    assert np.allclose(seen.pixels, expected.pixels, atol=1e-5)
    assert seen.top == pytest.approx(expected.top) and seen.centres == pytest.approx(expected.centres)


@pytest.mark.parametrize("angles", [(0.12, 0, 0), (0.5, 0, 0), (0, 0.4, 0), (0, 0, 0.6), (0.4, 0.3, 0.2)])
def test_oblique_grids_keep_heights_and_find_the_slice_at_the_spine(marked, angles):
    turn = np.array(sitk.Euler3DTransform((0, 0, 0), *angles).GetMatrix()).reshape(3, 3)
    size, spacing = (110, 100, 130), (4.0, 4.0, 3.0)
    middle = Grid.of(marked).points([(np.array(marked.GetSize()) - 1) / 2])[0]
    origin = middle - turn @ ((np.array(size) - 1) / 2 * spacing)
    oblique = resample(marked, Grid(size, spacing, tuple(origin), tuple(turn.ravel())), fill=-1024)
    scan = scan_of(oblique)
    seen = project(scan, BOTH)
    spine = np.array([0.0, 55.0, MARK[2]])
    k = scan.grid.indices(spine[None])[0, scan.axis]
    if max(angles) > 0.26:
        check_marker(scan, 5.0)
        assert seen.row_of_mm(MARK[2]) == pytest.approx(seen.row_of_slice(k), abs=12)
        assert abs(seen.slice_of_row(seen.row_of_mm(MARK[2])) - k) < 4
    else:  # rows are slices: the marker's row is the marker's slice
        slices = scan.grid.indices(np.add(MARK, 2)[None])[0, scan.axis]
        assert seen.index_of_row(brightest(seen)[0]) == pytest.approx(slices, abs=1.5)
    assert (np.diff(seen.indices) > 0).all() or (np.diff(seen.indices) < 0).all()


def test_tilted_and_uneven_dicom_rows_follow_the_true_heights(tmp_path):
    hu = trunk(tall=120, lungs=False)
    hu[20, 30:33, 50:52] = 3000
    heights = 10 + np.arange(40) * 3.0
    heights[25:] += 8
    lean = np.radians(20)
    orientation = (1, 0, 0, 0, round(np.cos(lean), 8), round(np.sin(lean), 8))
    write_ct(tmp_path, hu, places(heights), orientation=orientation)
    scan = read_scan(tmp_path)
    seen = project(scan, ProjectionSpec())
    assert seen.slice_of_row(brightest(seen)[0]) == 20
    for k in (0, 20, 24, 25, 39):
        assert seen.mm_of_row(seen.row_of_slice(k)) == pytest.approx(scan.heights[k])
    assert seen.slice_of_row(seen.row_of_slice(24) - 2) == 24 and seen.slice_of_row(seen.row_of_slice(25) + 2) == 25


def test_body_is_centred_whatever_the_table_and_one_arm(marked):
    centre = project(scan_of(marked), BOTH).centres
    hu = sitk.GetArrayFromImage(marked)
    hu[:, 63:64, [10, 11, 83, 84]] = 700  # rails of the table
    hu[:30, 30:36, 2:8] = 900  # one arm beside the pelvis
    moved = project(scan_of(trunk_image(hu)), BOTH).centres
    assert abs(moved[0] - centre[0]) < 40 and abs(centre[0]) < 8
    empty = scan_of(sitk.Image(20, 20, 20, sitk.sitkInt16))
    assert project(empty).centres == (9.5,) and not project(empty).pixels.any()


def test_number_types_padding_and_nan_do_not_matter(marked):
    expected = project(scan_of(marked), BOTH).pixels
    for kind in (sitk.sitkInt32, sitk.sitkFloat32, sitk.sitkFloat64):
        assert np.array_equal(project(scan_of(sitk.Cast(marked, kind)), BOTH).pixels, expected)
    hu = sitk.GetArrayFromImage(marked).astype(np.float32)
    hu[:, :4] = np.nan
    hu[:, :, :4] = -3024
    assert np.allclose(project(scan_of(trunk_image(hu)), BOTH).pixels, expected)


def test_rows_coarser_than_slices_are_means(marked):
    fine, coarse = (project(scan_of(marked), ProjectionSpec(row_mm=mm, width=int(512 / mm))) for mm in (1.0, 6.0))
    assert coarse.pixels.mean() == pytest.approx(fine.pixels.mean(), rel=0.1)
    assert coarse.pixels.max() < fine.pixels.max()


def test_spec_from_a_card_and_wrong_specs():
    card = SimpleNamespace(projection={"views": ["lateral"], "hu": [50, 900]}, spacing=(2.0, 2.0), window=(100, 256))
    assert ProjectionSpec.of_card(card) == ProjectionSpec(("lateral",), (50.0, 900.0), 2.0, 256)
    for wrong in ({"views": ()}, {"views": ("axial",)}, {"hu": (5, 5)}, {"row_mm": 0}, {"width": 0}):
        with pytest.raises(UsageError):
            ProjectionSpec(**wrong)


def test_single_slice_and_short_scan():
    image = sitk.Image(16, 16, 2, sitk.sitkInt16) + 500
    seen = project(scan_of(image), BOTH)
    assert seen.rows == 2 and seen.slice_of_row(0) == 1
    assert project(scan_of(image[:, :, :1])).rows == 1


def test_a_large_scan_is_quick_and_no_copy_is_made():
    voxels = np.random.default_rng(0).integers(-1000, 1200, (150, 512, 512), dtype=np.int16)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((0.8, 0.8, 4.0))
    del voxels
    scan = scan_of(image)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    project(scan, BOTH)
    taken = time.process_time() - start
    assert taken < 1.0  # measured 0.02 s on an idle core, of CPU time, 0.06 s for 600 slices
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 75  # MB: half the volume


def test_real_scan_and_its_permuted_crop(data_folder):
    scan = read_scan(data_folder / "ct_totalsegmentator_tests" / "example_ct.nii.gz")
    seen = project(scan, BOTH)
    assert seen.pixels.shape == (2, 334, 512) and abs(seen.centres[0]) < 20
    assert seen.position_of_row(seen.row_of_slice(72)) == pytest.approx(tuple(scan.positions[72]))
    crop = read_scan(data_folder / "ct_tptbox_l3_crop" / "sub-ct_label-22_ct.nii.gz")
    seen = project(crop, BOTH)
    assert seen.pixels.shape == (2, 70, 512) and seen.slice_of_row(0) == 0
    columns = np.flatnonzero(seen.pixels[0].any(axis=0))
    assert 90 < np.ptp(columns) < 112
