"""CT and pictures to the network's array: window, filters, mean and SD, slices of any axis and back again."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_pictures import picture_set

from TransferSegLib.cases import Case, LoadedCase, load_case, open_case, open_data_set
from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.events import quiet
from TransferSegLib.imaging import Grid, from_array
from TransferSegLib.jobs.new_model import NewModel, input_of
from TransferSegLib.packages import SLICES, Card, Label
from TransferSegLib.preparing import PreparationOptions, prepare_ct, prepare_picture, restore_labels
from TransferSegLib.preparing.ct import denoised, enhanced
from TransferSegLib.training import prepare_loaded, with_statistics

SIZE = (20, 24, 12)
TILT = np.array([[0.96, -0.28, 0], [0.28, 0.96, 0], [0, 0, 1.0]])


def body(grid: Grid) -> np.ndarray:
    """HU (k, j, i): air, fat, and something bright whose place tells all axes apart."""
    hu = np.full(grid.shape, -1000.0, np.float32)
    hu[2:-2, 3:-3, 3:-3] = -80
    hu[3:6, 5:9, 4:13] = 60
    return hu


def loaded_ct(grid: Grid, truth: np.ndarray | None = None) -> LoadedCase:
    image = from_array(body(grid), grid)
    case = Case("a", "a", {"ct": "ct.nii.gz"})
    return LoadedCase(case, {"ct": image}, grid, "ct", None if truth is None else from_array(truth, grid))


def turned(seed: int, tilt: bool) -> Grid:
    """A grid whose axes are permuted and flipped against the patient's, and leaning where wanted."""
    axes = list(itertools.permutations(range(3)))[seed % 6]
    signs = [1 if seed >> n & 1 else -1 for n in range(3)]
    matrix = np.zeros((3, 3))
    for column, (axis, sign) in enumerate(zip(axes, signs)):
        matrix[axis, column] = sign
    matrix = TILT @ matrix if tilt else matrix
    return Grid(SIZE, (1.0, 1.5, 4.0), (3.0, -7.0, 11.0), tuple(matrix.ravel()))


@pytest.mark.parametrize("slices", SLICES)
@pytest.mark.parametrize(("seed", "tilt"), [(0, False), (3, True), (5, False), (10, True)])
def test_slices_of_any_axis_come_back_on_the_scans_own_grid_exactly(slices, seed, tilt):
    grid = turned(seed, tilt)
    truth = (body(grid) > 0).astype(np.uint8)
    loaded = loaded_ct(grid, truth)
    orientation = SLICES[slices]
    own = grid.reoriented(orientation).spacing[:2]
    prepared = prepare_ct(loaded, spacing=own, orientation=orientation)
    across = np.asarray(prepared.grid.direction).reshape(3, 3)[:, 2]
    assert np.argmax(np.abs(across)) == {"axial": 2, "coronal": 1, "sagittal": 0}[slices]
    assert np.array_equal(prepared.array[0] > 0.5, prepared.truth > 0)
    back = restore_labels(prepared.truth, prepared)
    assert Grid.of(back) == grid and np.array_equal(sitk.GetArrayFromImage(back), truth)


def test_two_spacings_leave_the_slices_where_they_are():
    grid = turned(7, False)
    prepared = prepare_ct(loaded_ct(grid), spacing=(0.5, 0.5), orientation="LPS")
    assert prepared.grid.spacing == (0.5, 0.5, grid.reoriented("LPS").spacing[2])


def test_window_mean_and_sd_of_a_ct():
    prepared = prepare_ct(loaded_ct(turned(7, False)), spacing=(1, 1, 1), window=(-100, 100), mean=0.4, sd=0.5,
                          options=PreparationOptions(resample="off"))  # fmt: skip
    assert {round(float(v), 5) for v in np.unique(prepared.array)} == {
        round((v - 0.4) / 0.5, 5) for v in (0.0, 0.1, 0.8)
    }
    assert prepared.mask.all() and prepared.grid.size != SIZE


@pytest.mark.parametrize("kind", ["median", "curvature"])
def test_denoising_takes_noise_and_keeps_an_edge(kind):
    plane = np.zeros((32, 32), np.float32)
    plane[:, 16:] = 0.8
    noisy = plane + np.random.default_rng(0).normal(0, 0.05, plane.shape).astype(np.float32)
    clean = denoised(noisy, kind)
    assert clean.shape == plane.shape and clean.dtype == np.float32
    assert np.abs(clean - plane).mean() < 0.7 * np.abs(noisy - plane).mean()
    assert clean[:, 20:].mean() - clean[:, :12].mean() > 0.75


def test_equalising_spreads_what_is_above_the_window():
    plane = np.zeros((64, 64), np.float32)
    plane[8:56, 8:56] = np.linspace(0.45, 0.55, 48 * 48, dtype=np.float32).reshape(48, 48)
    found = enhanced(plane, "equalise")
    inside = plane > 0
    assert (found[~inside] == 0).all() and np.ptp(found[inside]) > 5 * np.ptp(plane[inside])
    order = np.argsort(plane[inside])
    assert (np.diff(found[inside][order]) >= 0).all()


def test_a_slice_is_filtered_alone_as_in_its_volume():
    loaded = loaded_ct(turned(7, False))
    whole = prepare_ct(loaded, spacing=(1, 1.5), denoise="median", contrast="equalise")
    plain = prepare_ct(loaded, spacing=(1, 1.5))
    for number in (0, 3, 5):
        alone = enhanced(denoised(plain.array[0, number], "median"), "equalise")
        assert np.array_equal(alone, whole.array[0, number])


def test_what_is_no_ct_is_refused():
    grid = turned(7, False)
    grey = loaded_ct(grid)
    grey.images["ct"] = from_array(np.clip(body(grid), 0, 255), grid)
    with pytest.raises(InputError, match="no CT of a body in Hounsfield units; give the CT as it was reconstructed"):
        prepare_ct(grey, spacing=(1, 1, 1))
    grey.images["ct"] = from_array(body(grid) / 500, grid)  # values below 0, as an MRI has after some filters
    with pytest.raises(InputError, match="no CT of a body in Hounsfield units"):
        prepare_ct(grey, spacing=(1, 1, 1))
    air = loaded_ct(grid)
    air.images["ct"] = from_array(np.full(grid.shape, -1000.0, np.float32), grid)
    with pytest.raises(InputError, match="shows no body"):
        prepare_ct(air, spacing=(1, 1, 1))
    with pytest.raises(UsageError, match="denoise: 'blur' is not known"):
        prepare_ct(loaded_ct(grid), spacing=(1, 1, 1), denoise="blur")


@pytest.mark.parametrize(("role", "channels"), [("rgb", 3), ("grey", 1)])
def test_the_training_sets_mean_and_sd_stand_in_the_card_and_make_it_0_and_1(tmp_path, role, channels):
    cases = open_data_set(picture_set(tmp_path / "set", 3), roles=[role]).cases
    card = Card("m", "", labels=(Label(1, "tissue", 0),), network="unet2d-4-8", out_channels=1, output="sigmoid",
                **input_of([role], "unet2d-4-8", NewModel()))  # fmt: skip
    assert card.dims == 2 and card.in_channels == channels and card.spacing == (1.0, 1.0)
    how = {"options": PreparationOptions(), "events": quiet(None)}
    card = with_statistics(cases, card, **how)
    assert with_statistics(cases[:1], card, **how) is card, "a card that has its numbers keeps them"
    arrays = [prepare_loaded(load_case(case, roles=[role]), card, **how).array for case in cases]
    together = np.stack(arrays).swapaxes(0, 1).reshape(channels, -1)
    np.testing.assert_allclose(together.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(together.std(axis=1), 1, atol=1e-4)
    Card.from_json(card.to_json(), where="card")


def test_a_picture_is_not_moved_and_its_truth_travels_along(tmp_path):
    case = open_case(picture_set(tmp_path / "set", 1) / "p1", roles=["grey"])
    loaded = load_case(case, roles=["grey"], with_truth=True)
    prepared = prepare_picture(loaded, role="grey")
    values = sitk.GetArrayFromImage(loaded.images["grey"])
    np.testing.assert_allclose(prepared.array[0], values / 255.0, atol=1e-6)
    back = restore_labels(prepared.truth, prepared)
    assert Grid.of(back) == loaded.reference
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(loaded.truth))


@pytest.mark.parametrize(
    ("roles", "network", "wanted", "message"),
    [
        (["rgb"], "unet3d-32-64", {}, "is 3-D, a picture has two dimensions"),
        (["rgb", "grey"], "unet2d-4-8", {}, "takes the role rgb or grey alone"),
        (["ct"], "unet3d-32-64", {"slices": "axial"}, "--slices axial: unet3d-32-64 is a 3-D network"),
        (["ct"], "unet2d-4-8", {"slices": "oblique"}, "choose one of axial, coronal, sagittal"),
        (["grey"], "unet2d-4-8", {"slices": "axial"}, "--slices: a picture has one slice"),
        (["flair"], "unet2d-4-8", {"hu": (0.0, 80.0)}, "--hu: is for models of a CT alone"),
        (["ct"], "unet2d-4-8", {"hu": (80.0, 0.0)}, "the first must be below the second"),
        (["ct"], "unet2d-4-8", {"denoise": "x"}, "--denoise x: unknown; choose one of none, median, curvature"),
        (["ct"], "unet3d-32-64", {"spacing": (1.0, 1.0)}, "--spacing 1 1: give 1 or 3 lengths"),
    ],
)
def test_options_that_do_not_go_together_are_refused(roles, network, wanted, message):
    with pytest.raises(UsageError, match=message):
        input_of(roles, network, NewModel(**wanted))
