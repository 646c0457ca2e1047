"""Surface measures: against DeepMind's surface-distance, MONAI, geometry, and themselves."""

from __future__ import annotations

import importlib
import math
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from TransferSegLib.imaging import read_image, to_array
from TransferSegLib.measuring import compare, element_areas, neighbour_codes, surface_distances

SPACINGS = ((1.0, 1.0, 1.0), (3.0, 0.9, 0.7), (1.0, 2.0, 1.0))

# For the two masks of ``_masks``: area of the truth and of the prediction, mean distance from truth to prediction and
# back, HD, HD95, surface Dice at 1 mm and at 2 mm. Printed by DeepMind's surface-distance 0.1 (PyPI
# surface-distance-based-measures) from compute_surface_distances(truth, prediction, spacing) with
# compute_average_surface_distance, compute_robust_hausdorff and compute_surface_dice_at_tolerance.
REFERENCE = {
    (1.0, 1.0, 1.0): (
        *(826.7388651460888, 775.2151852894199, 1.1012667977728998, 1.320843413067139),
        *(8.660254037844387, 6.4031242374328485, 0.7577649769938217, 0.8515654432159072),
    ),
    (3.0, 0.9, 0.7): (
        *(1497.5875972879762, 1403.484255063318, 1.1831161017613248, 1.5374201236386213),
        *(12.44186481199663, 8.207313811473277, 0.6936444364790875, 0.8235927626356856),
    ),
    (1.0, 2.0, 1.0): (
        *(1454.161038825122, 1325.145240964748, 1.3343624498706963, 1.3615661373941583),
        *(9.055385138137417, 6.708203932499369, 0.750072728218676, 0.8254653855776869),
    ),
}


def _ellipsoid(shape: tuple[int, ...], centre: tuple[int, ...], radii: tuple[int, ...]) -> np.ndarray:
    grid = np.indices(shape).reshape(3, -1)
    return ((((grid.T - centre) / radii) ** 2).sum(1) <= 1).reshape(shape)


def _masks() -> tuple[np.ndarray, np.ndarray]:
    """A prediction and a truth: ellipsoids that overlap, a lesion that was missed, two that were made up."""
    shape = (20, 26, 24)
    truth = _ellipsoid(shape, (9, 12, 11), (6, 8, 7)) | _ellipsoid(shape, (15, 19, 17), (3, 4, 4))
    prediction = _ellipsoid(shape, (10, 13, 11), (6, 7, 8))
    prediction[2:4, 3:5, 3:6] = True
    prediction[0:5, 10:14, 20:24] = True
    return prediction, truth


@pytest.fixture(scope="module")
def deepmind() -> ModuleType:
    """DeepMind's package; what NumPy 2 and SciPy 2 took away from under it is given back for its sake."""
    patch = pytest.MonkeyPatch()
    ndimage = importlib.import_module("scipy.ndimage")
    patch.setattr(np, "Inf", np.inf, raising=False)
    patch.setattr(ndimage, "filters", SimpleNamespace(correlate=ndimage.correlate), raising=False)
    transform = SimpleNamespace(distance_transform_edt=ndimage.distance_transform_edt)
    patch.setattr(ndimage, "morphology", transform, raising=False)
    yield pytest.importorskip("surface_distance", reason="surface-distance-based-measures is not installed")
    patch.undo()


def _deepmind_values(package: ModuleType, prediction: np.ndarray, truth: np.ndarray, spacing: tuple) -> dict:
    distances = package.compute_surface_distances(truth, prediction, spacing)
    to_prediction, to_truth = package.compute_average_surface_distance(distances)
    areas = distances["surfel_areas_gt"].sum(), distances["surfel_areas_pred"].sum()
    return {
        "hd": package.compute_robust_hausdorff(distances, 100),
        "hd95": package.compute_robust_hausdorff(distances, 95),
        "msd": (to_prediction * areas[0] + to_truth * areas[1]) / sum(areas),
        "nsd": package.compute_surface_dice_at_tolerance(distances, 1.0),
    }


def _values(prediction: np.ndarray, truth: np.ndarray, spacing: tuple, tolerance_mm: float = 1.0) -> dict:
    found = compare(prediction, truth, spacing=spacing, labels={1: "x"}, tolerance_mm=tolerance_mm)["x"]
    return {name: getattr(found, name) for name in ("hd", "hd95", "msd", "nsd")}


@pytest.mark.parametrize("spacing", SPACINGS)
def test_the_written_values_of_deepmind(spacing: tuple[float, float, float]) -> None:
    truth_area, prediction_area, to_prediction, to_truth, hd, hd95, nsd1, nsd2 = REFERENCE[spacing]
    prediction, truth = _masks()
    distances = surface_distances(prediction, truth, spacing=spacing)
    assert distances.truth_areas.sum() == pytest.approx(truth_area, rel=1e-12)
    assert distances.prediction_areas.sum() == pytest.approx(prediction_area, rel=1e-12)
    msd = (to_prediction * truth_area + to_truth * prediction_area) / (truth_area + prediction_area)
    expected = {"hd": hd, "hd95": hd95, "msd": msd, "nsd": nsd1}
    assert _values(prediction, truth, spacing) == pytest.approx(expected, rel=1e-9)
    assert _values(prediction, truth, spacing, 2.0)["nsd"] == pytest.approx(nsd2, rel=1e-9)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_deepminds_package_itself(deepmind: ModuleType, spacing: tuple[float, float, float]) -> None:
    prediction, truth = _masks()
    expected = _deepmind_values(deepmind, prediction, truth, spacing)
    assert _values(prediction, truth, spacing) == pytest.approx(expected, rel=1e-9)
    from surface_distance import lookup_tables

    areas = np.array(lookup_tables.create_table_neighbour_code_to_surface_area(spacing))
    mirrored = [int(f"{code:08b}"[::-1], 2) for code in range(256)]
    np.testing.assert_allclose(element_areas(spacing)[mirrored], areas, atol=1e-12)


def test_deepminds_package_on_real_lesions(deepmind: ModuleType, data_folder: Path) -> None:
    folder = data_folder / "ms_open_ms_data" / "patient07"
    truth = to_array(read_image(folder / "GOLD_STANDARD.nii.gz", what="truth")) > 0
    flair = to_array(read_image(folder / "FLAIR.nii.gz"))
    prediction = flair > np.quantile(flair, 0.9995)
    expected = _deepmind_values(deepmind, prediction, truth, (1, 1, 1))
    assert expected["hd"] > 5
    assert _values(prediction, truth, (1, 1, 1)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_monai_on_the_same_surface_elements(spacing: tuple[float, float, float]) -> None:
    """MONAI's surface Dice and edge distances, told to use sub-voxel edges, follow the same definition."""
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    pair = [torch.from_numpy(mask)[None, None].float() for mask in _masks()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nsd = metrics.compute_surface_dice(
            *pair, class_thresholds=[1.0], include_background=True, spacing=spacing, use_subvoxels=True
        )
        _, distances, _ = metrics.utils.get_edge_surface_distance(
            pair[0][0, 0].bool(), pair[1][0, 0].bool(), spacing=list(spacing), use_subvoxels=True, symmetric=True
        )
    found = _values(*_masks(), spacing)
    assert found["nsd"] == pytest.approx(float(nsd), abs=1e-5)
    assert found["hd"] == pytest.approx(max(float(directed.max()) for directed in distances), abs=1e-4)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_monais_voxel_surfaces_differ_by_less_than_a_voxel(spacing: tuple[float, float, float]) -> None:
    """MONAI's default surface is the outermost voxels' centres: the same for shifted boxes, near for other masks."""
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")

    def monais(masks: tuple[np.ndarray, np.ndarray]) -> dict:
        pair = [torch.from_numpy(mask)[None, None].float() for mask in masks]
        options = {"include_background": True, "spacing": list(spacing)}
        mean = metrics.compute_average_surface_distance(*pair, symmetric=True, **options)
        return {
            "hd": float(metrics.compute_hausdorff_distance(*pair, **options)),
            "hd95": float(metrics.compute_hausdorff_distance(*pair, percentile=95, **options)),
            "msd": float(mean),
        }

    truth = np.zeros((12, 14, 13), bool)
    truth[3:8, 4:9, 3:9] = True
    shifted = np.roll(truth, (2, 1), (0, 2))
    expected = math.hypot(2 * spacing[0], spacing[2])
    assert monais((shifted, truth))["hd"] == pytest.approx(expected, rel=1e-5)
    assert _values(shifted, truth, spacing)["hd"] == pytest.approx(expected, rel=1e-9)
    found, other = _values(*_masks(), spacing), monais(_masks())
    diagonal = math.hypot(*spacing)
    assert all(abs(found[name] - other[name]) < diagonal for name in other), (found, other)


def test_areas_of_known_surfaces() -> None:
    areas = element_areas((3.0, 2.0, 1.0))
    assert areas[0] == areas[255] == 0
    assert areas[0b00001111] == pytest.approx(2 * 1)  # the layer k = 0 is inside: a face across k
    assert areas[0b00110011] == pytest.approx(3 * 1)
    assert areas[0b01010101] == pytest.approx(3 * 2)
    corner = np.linalg.norm([2 * 1, 3 * 1, 3 * 2]) / 8  # a triangle through the middles of three edges
    assert areas[1] == pytest.approx(corner)
    np.testing.assert_allclose(areas, areas[::-1], err_msg="inside and outside change places")


def test_area_of_a_ball() -> None:
    """A staircase of voxel surface elements is a little rougher than the ball it stands for, never smoother."""
    ball = _ellipsoid((64, 64, 64), (32, 32, 32), (25, 25, 25))
    area = element_areas((1.0, 1.0, 1.0))[neighbour_codes(ball)].sum()
    assert 1.0 < area / (4 * math.pi * 25**2) < 1.12


def test_one_voxel_is_an_octahedron() -> None:
    codes = neighbour_codes(np.ones((1, 1, 1), bool))
    assert codes.shape == (2, 2, 2) and sorted(codes.ravel().tolist()) == [1, 2, 4, 8, 16, 32, 64, 128]
    assert element_areas((1.0, 1.0, 1.0))[codes].sum() == pytest.approx(math.sqrt(3))


@pytest.mark.parametrize("step", [0.1, 0.7, 0.9, 1.1, 3.3])
@pytest.mark.parametrize("shift", [1, 2, 3])
def test_the_tolerance_counts_a_distance_that_is_just_equal(step: float, shift: int) -> None:
    truth = np.zeros((4, 4, 40), bool)
    truth[..., 10:20] = True
    shifted = np.roll(truth, shift, 2)
    assert _values(shifted, truth, (5, 5, step), round(shift * step, 3))["nsd"] == 1.0
    assert _values(shifted, truth, (5, 5, step), shift * step - 0.001)["nsd"] < 1.0


def test_search_tree_and_distance_map_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    from TransferSegLib.measuring import surface_distances as room

    found = {}
    for dense in (-1.0, 2.0):
        monkeypatch.setattr(importlib.import_module(room.__module__), "DENSE", dense)
        found[dense] = _values(*_masks(), (3.0, 0.9, 0.7))
    assert found[-1.0] == pytest.approx(found[2.0], rel=1e-12)


SMALL = arrays.arrays(bool, (5, 6, 4)).filter(np.any)


@settings(max_examples=40, deadline=None)
@given(first=SMALL, second=SMALL, axes=st.permutations(range(3)), flip=st.integers(0, 2), pad=st.integers(0, 3))
def test_measures_do_not_depend_on_how_the_grid_lies(
    first: np.ndarray, second: np.ndarray, axes: list[int], flip: int, pad: int
) -> None:
    spacing = np.array([3.0, 0.9, 0.7])
    expected = compare(first, second, spacing=spacing, labels={1: "x"})["x"].as_dict()
    turned = [np.pad(np.flip(mask.transpose(axes), flip), pad) for mask in (first, second)]
    found = compare(*turned, spacing=spacing[axes], labels={1: "x"})["x"].as_dict()
    assert found.pop("undefined") == expected.pop("undefined")
    assert found == {name: None if value is None else pytest.approx(value) for name, value in expected.items()}
    swapped = compare(second, first, spacing=spacing, labels={1: "x"})["x"]
    assert (swapped.hd, swapped.msd, swapped.nsd) == pytest.approx([expected[name] for name in ("hd", "msd", "nsd")])
