"""Grids and resampling: geometry round trips on oblique, permuted, flipped and anisotropic grids."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.imaging import Grid, from_array, overlap_fraction, read_image, resample, to_array, write_image


@st.composite
def grids(draw, oblique: bool = True) -> Grid:
    """Any right-handed or mirrored grid: permuted and flipped axes, anisotropic, optionally oblique."""
    size = draw(st.tuples(*[st.integers(2, 7)] * 3))
    spacing = draw(st.tuples(*[st.floats(0.3, 6.0)] * 3))
    origin = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    matrix = np.eye(3)[:, list(draw(st.permutations(range(3))))] * np.array(
        draw(st.tuples(*[st.sampled_from([1, -1])] * 3))
    )
    if oblique:
        turn = sitk.Euler3DTransform()
        turn.SetRotation(*draw(st.tuples(*[st.floats(-0.6, 0.6)] * 3)))
        matrix = np.array(turn.GetMatrix()).reshape(3, 3) @ matrix
    return Grid(size, spacing, origin, tuple(matrix.ravel()))


def numbered(grid: Grid) -> sitk.Image:
    """An image whose voxels are all different."""
    return from_array(np.arange(np.prod(grid.size), dtype=np.float32).reshape(grid.shape) + 1, grid)


@given(grids(), st.tuples(*[st.floats(-3, 9)] * 3))
@settings(max_examples=60, deadline=None)
def test_index_to_point_and_back_agrees_with_itk(grid, index):
    point = grid.points([index])[0]
    itk = grid.image().TransformContinuousIndexToPhysicalPoint(index)
    assert np.allclose(point, itk, atol=1e-6)
    assert np.allclose(grid.indices([point])[0], index, atol=1e-6)


@given(grids(), st.sampled_from(["LPS", "RAS", "SAL", "PIR"]))
@settings(max_examples=60, deadline=None)
def test_reoriented_keeps_every_voxel_where_it_is(grid, code):
    image, turned = numbered(grid), grid.reoriented(code)
    moved = resample(image, turned)
    for index in itertools.islice(itertools.product(*map(range, turned.size)), 0, None, 5):
        there = image.TransformPhysicalPointToIndex(moved.TransformIndexToPhysicalPoint(index))
        assert image.GetPixel(there) == moved.GetPixel(index)
    assert turned.reoriented(code) == turned or turned.reoriented(code).same_as(turned)


def test_reoriented_agrees_with_itk_orienter():
    grid = Grid((3, 4, 5), (1, 2, 3), (7, -8, 9), (0, 0, -1, 1, 0, 0, 0, -1, 0))
    for code in ("LPS", "RAS", "AIL"):
        assert grid.reoriented(code).same_as(Grid.of(sitk.DICOMOrient(numbered(grid), code)), 1e-6)


@given(grids())
@settings(max_examples=60, deadline=None)
def test_there_and_back_through_a_permuted_grid_is_bit_identical(grid):
    image = numbered(grid)
    for kind in ("linear", "nearest", "gaussian-label"):
        back = resample(resample(image, grid.reoriented("RSA"), interpolation=kind), grid, interpolation=kind)
        assert Grid.of(back) == grid
        assert np.array_equal(to_array(back), to_array(image))


@given(grids(), st.tuples(*[st.integers(-3, 4)] * 3), st.tuples(*[st.integers(2, 9)] * 3))
@settings(max_examples=60, deadline=None)
def test_crop_and_pad_agree_with_itk(grid, start, size):
    image, target = numbered(grid), grid.cropped(start, size).reoriented("SRP")
    ours = to_array(resample(image, target, fill=-5))
    itk = sitk.Resample(
        image, list(target.size), sitk.Transform(3, sitk.sitkIdentity), sitk.sitkNearestNeighbor,
        target.origin, target.spacing, target.direction, -5.0,
    )  # fmt: skip
    assert np.array_equal(ours, to_array(itk))


@given(grids())
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_write_and_read_keep_grid_and_values(tmp_path_factory, suffix, grid):
    path = tmp_path_factory.mktemp("w") / f"image{suffix}"
    write_image(numbered(grid), path)
    back = read_image(path)
    # NIfTI keeps directions as float32 quaternions: 1e-4 of a voxel.
    assert Grid.of(back).same_as(grid, 1e-3 if suffix == ".nii.gz" else 1e-6)
    assert np.array_equal(to_array(back), to_array(numbered(grid)))


@given(grids(), st.floats(0.4, 3.0))
@settings(max_examples=40, deadline=None)
def test_with_spacing_covers_the_same_field_of_view(grid, spacing):
    new = grid.with_spacing((spacing,) * 3)
    assert np.allclose(new.corners().mean(axis=0), grid.corners().mean(axis=0), atol=1e-6)
    lengths, old = np.array(new.size) * new.spacing, np.array(grid.size) * grid.spacing
    assert (lengths > old - 2e-3 * spacing).all() and (lengths < old + spacing + 1e-6).all()
    assert grid.with_spacing(grid.spacing) is grid


def test_linear_resampling_of_a_ramp_is_exact_inside():
    grid = Grid((20, 20, 20), (1, 1, 2), (5, 6, 7))
    points = grid.points(np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"), -1).reshape(-1, 3))
    ramp = (points @ [1.0, 2.0, 3.0]).reshape(grid.size).T
    fine = grid.cropped((5, 5, 5), (8, 8, 8)).with_spacing((0.7, 0.7, 0.7))
    result = to_array(resample(from_array(ramp, grid), fine))
    for index in [(0, 0, 0), (3, 4, 5), (7, 2, 9)]:
        assert result[index[::-1]] == pytest.approx(fine.points([index])[0] @ [1, 2, 3], abs=1e-9)


def test_transform_maps_points_of_the_grid_to_points_of_the_image():
    grid = Grid((6, 6, 6), (1, 1, 1))
    array = np.zeros(grid.shape, np.float32)
    array[2, 3, 4] = 1
    moved = to_array(resample(from_array(array, grid), grid, transform=sitk.TranslationTransform(3, (1, 0, 0))))
    assert np.argwhere(moved == 1).tolist() == [[2, 3, 3]]


def test_gaussian_labels_make_no_new_values():
    array = np.zeros((12, 12, 12), np.uint8)
    array[3:9, 3:9, 3:6], array[3:9, 3:9, 6:9] = 1, 4
    grid = Grid((12, 12, 12), (1, 1, 1))
    result = to_array(resample(from_array(array, grid), grid.with_spacing((0.7,) * 3), interpolation="gaussian-label"))
    assert set(np.unique(result)) == {0, 1, 4}


def test_overlap_fraction():
    a = Grid((10, 10, 10), (1, 1, 1))
    assert overlap_fraction(a, a) == 1
    assert overlap_fraction(a, a.cropped((5, 0, 0), (10, 10, 10))) == pytest.approx(0.5)
    assert overlap_fraction(a, a.cropped((2, 2, 2), (3, 3, 3))) == 1
    assert overlap_fraction(a, a.cropped((10, 0, 0), (10, 10, 10))) == 0
    assert overlap_fraction(a, a.reoriented("RAS")) == 1


def test_voxel_ml_shape_and_same_as():
    grid = Grid((4, 5, 6), (1.0, 2.0, 5.0))
    assert grid.shape == (6, 5, 4) and grid.voxel_ml == pytest.approx(0.01)
    assert grid.same_as(Grid((4, 5, 6), (1, 2, 5), (0.005, 0, 0)))
    assert not grid.same_as(Grid((4, 5, 6), (1, 2, 5), (0.02, 0, 0)))
    assert not grid.same_as(Grid((4, 5, 7), (1, 2, 5)))


def test_wrong_use_is_refused():
    grid = Grid((4, 5, 6), (1, 2, 5))
    with pytest.raises(InputError, match="orientation 'LRS'"):
        grid.reoriented("LRS")
    with pytest.raises(InputError, match="spacing"):
        grid.with_spacing((1, 0, 1))
    with pytest.raises(InputError, match="shape"):
        from_array(np.zeros((4, 5, 6)), grid)
    with pytest.raises(UsageError, match="cubic"):
        resample(grid.image(), grid, interpolation="cubic")
