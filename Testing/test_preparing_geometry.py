"""Geometry round trips of preparing: what was prepared comes back on the reference grid, whatever its axes."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from TransferSegLib.errors import UsageError
from TransferSegLib.imaging import Grid, from_array
from TransferSegLib.preparing import PreparationOptions, prepare_mri, restore_labels, restore_map
from TransferSegLib.preparing.placing import exact_view

AXES = [
    tuple(np.array([[s if r == p else 0 for p, s in zip(order, signs)] for r in range(3)], float).ravel())
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]
QUICK = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
QUIET = PreparationOptions(register="off")


def loaded(images: dict, truth=None, reference_role: str = "flair"):
    """What ``cases.load_case`` would hand over."""
    case = SimpleNamespace(id="made-up", images={}, truth=None)
    reference = Grid.of(images[reference_role])
    return SimpleNamespace(case=case, images=images, reference=reference, reference_role=reference_role, truth=truth)


def rotation(angles: tuple[float, float, float]) -> np.ndarray:
    turn = sitk.Euler3DTransform()
    turn.SetRotation(*angles)
    return np.array(turn.GetMatrix()).reshape(3, 3)


def scene(grid: Grid) -> tuple[sitk.Image, sitk.Image]:
    """A stripped 'brain' (an ellipsoid with texture) and two blobs in it, drawn in physical space on ``grid``."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.size], indexing="ij"), -1).reshape(-1, 3)
    centre = grid.points([(np.array(grid.size) - 1) / 2])[0]
    x, y, z = (grid.points(index) - centre).T
    reach = 0.42 * min(n * s for n, s in zip(grid.size, grid.spacing))
    brain = (x**2 + y**2 + z**2) < reach**2
    image = np.where(brain, 100 + 30 * np.sin(x / 5) + 20 * np.cos(y / 7) + z, 0.0)
    truth = np.zeros(len(x), np.uint8)
    truth[((x - 0.3 * reach) ** 2 + y**2 + z**2) < (0.4 * reach) ** 2] = 1
    truth[((x + 0.4 * reach) ** 2 + (y - 0.2 * reach) ** 2 + z**2) < (0.35 * reach) ** 2] = 4
    shaped = [values.reshape(grid.size).transpose(2, 1, 0) for values in (image.astype(np.float32), truth)]
    return from_array(shaped[0], grid), from_array(shaped[1], grid)


@QUICK
@given(
    direction=st.sampled_from(AXES),
    size=st.tuples(st.integers(18, 30), st.integers(18, 30), st.integers(18, 30)),
    origin=st.tuples(*[st.floats(-300, 300)] * 3),
)
def test_one_millimetre_grids_come_back_bit_for_bit(direction, size, origin):
    grid = Grid(size, (1, 1, 1), origin, direction)
    image, truth = scene(grid)
    prepared = prepare_mri(loaded({"flair": image}, truth), roles=["flair"], options=QUIET)
    assert np.allclose(prepared.grid.matrix, np.eye(3))
    assert prepared.transform is None
    back = restore_labels(prepared.truth, prepared)
    assert Grid.of(back) == grid
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(truth))


@QUICK
@given(
    direction=st.sampled_from(AXES),
    angles=st.tuples(*[st.floats(-0.35, 0.35)] * 3),
    spacing=st.tuples(st.floats(0.6, 1.4), st.floats(0.6, 1.4), st.floats(0.8, 3.0)),
    origin=st.tuples(*[st.floats(-300, 300)] * 3),
)
def test_oblique_anisotropic_grids_come_back_nearly_whole(direction, angles, spacing, origin):
    turned = (rotation(angles) @ np.array(direction).reshape(3, 3)).ravel()
    size = tuple(round(44 / s) for s in spacing)
    grid = Grid(size, spacing, origin, tuple(turned))
    image, truth = scene(grid)
    prepared = prepare_mri(loaded({"flair": image}, truth), roles=["flair"], options=QUIET)
    back = restore_labels(prepared.truth, prepared)
    assert Grid.of(back) == grid
    one, other = sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(truth)
    for value in (1, 4):
        a, b = one == value, other == value
        assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.9
    assert set(np.unique(one)) <= {0, 1, 4}


@QUICK
@given(
    direction=st.sampled_from(AXES),
    angles=st.tuples(*[st.floats(-0.35, 0.35)] * 3),
    spacing=st.tuples(*[st.floats(0.7, 2.5)] * 3),
)
def test_the_work_grid_holds_the_image_at_its_place(direction, angles, spacing):
    turned = tuple((rotation(angles) @ np.array(direction).reshape(3, 3)).ravel())
    grid = Grid(tuple(round(44 / s) for s in spacing), spacing, (12.0, -40.0, 7.0), turned)
    image, _ = scene(grid)
    prepared = prepare_mri(loaded({"flair": image}), roles=["flair"], normalisation="none", options=QUIET)
    inner = np.argwhere(prepared.mask)[::97]
    expected = [image.EvaluateAtPhysicalPoint(p.tolist()) for p in prepared.grid.points(inner[:, ::-1])]
    found = prepared.array[0][tuple(inner.T)]
    # Both are linear interpolations of the same voxels; only points at the image's edge may differ.
    assert np.median(np.abs(found - expected)) < 1e-3
    # An oblique scan keeps its own axes: permuted and flipped, never turned.
    assert np.allclose(np.sort(np.abs(prepared.grid.matrix).ravel()), np.sort(np.abs(grid.matrix).ravel()), atol=1e-9)


@pytest.mark.parametrize("direction", AXES[::7])
def test_maps_come_back_too(direction):
    grid = Grid((20, 24, 22), (1, 1, 1), (5, 6, 7), direction)
    image, _ = scene(grid)
    prepared = prepare_mri(loaded({"flair": image}), roles=["flair"], normalisation="none", options=QUIET)
    back = restore_map(prepared.array[0], prepared, fill=0.0)
    assert Grid.of(back) == grid
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))


def test_a_view_is_refused_where_it_would_not_be_exact():
    grid = Grid((10, 12, 14), (1, 1, 1))
    array = np.arange(10 * 12 * 14).reshape(grid.shape)
    assert exact_view(array, grid, Grid((10, 12, 14), (1, 1, 1), (0.5, 0, 0))) is None
    assert exact_view(array, grid, Grid((10, 12, 14), (1.01, 1, 1))) is None
    assert exact_view(array, grid, Grid((11, 12, 14), (1, 1, 1))) is None
    part = exact_view(array, grid, Grid((4, 12, 14), (1, 1, 1), (3, 0, 0)))
    assert np.array_equal(part, array[:, :, 3:7]) and np.shares_memory(part, array)


def test_a_foreign_array_is_refused():
    image, _ = scene(Grid((20, 20, 20), (1, 1, 1)))
    prepared = prepare_mri(loaded({"flair": image}), roles=["flair"], options=QUIET)
    with pytest.raises(UsageError, match="shape"):
        restore_labels(np.zeros((3, 3, 3), np.uint8), prepared)
