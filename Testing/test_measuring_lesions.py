"""Measures of lesions: matching, boundary Jaccard, Dmax, SUVpeak by plain computations; HD and NSD against MONAI."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from scipy.spatial.distance import cdist, pdist

from TransferSegLib.errors import UsageError
from TransferSegLib.measuring import (
    LesionCounts,
    LesionPairs,
    Part,
    by_hottest_voxel,
    components,
    element_areas,
    greatest_distance,
    hull_corners,
    lesion_volumes_apart,
    outermost_voxels,
    surface_distances,
    suv_peak,
    uptake,
)

SPACINGS = ((1.0, 1.0, 1.0), (3.0, 0.9, 0.7), (5.0, 4.0, 4.0))
SMALL = arrays.arrays(bool, (5, 6, 4)).filter(np.any)


def blobs(seed: int, shape: tuple[int, int, int] = (26, 30, 28), level: float = 0.55) -> np.ndarray:
    """A smooth random mask of several lesions."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 2.0)
    return noise > level * noise.max()


def pair(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A prediction and a truth that share lesions and have some of their own."""
    truth = blobs(seed)
    prediction = np.roll(ndimage.binary_dilation(truth & ~blobs(seed + 1, level=0.1)), 1, 2) | blobs(
        seed + 2, level=0.8
    )
    return prediction, truth


def surface_points(mask: np.ndarray) -> dict[tuple, int]:
    """Corners between voxels where the mask changes, with the code of their eight voxels, one by one."""
    padded, found = np.pad(mask, 1), {}
    for corner in itertools.product(*(range(n + 1) for n in mask.shape)):
        inside = [padded[tuple(np.add(corner, step))] for step in itertools.product((0, 1), repeat=3)]
        if any(inside) and not all(inside):
            found[corner] = sum(int(value) << bit for bit, value in enumerate(inside))
    return found


def plain_surfaces(prediction: np.ndarray, truth: np.ndarray, spacing: tuple) -> dict[str, float]:
    """Every surface measure at 5 mm from all distances between all points."""
    corners = [surface_points(mask) for mask in (prediction, truth)]
    areas = [element_areas(spacing)[list(own.values())] for own in corners]
    places = [np.array(list(own)) * spacing for own in corners]
    apart = cdist(*places)
    near = apart.min(axis=1), apart.min(axis=0)
    scores = [sum(1 - (d / 5) ** 2 for d in own if d < 5) for own in near]
    lacking = [len(own) - score for own, score in zip(near, scores)]
    total = areas[0].sum() + areas[1].sum()
    return {
        "hd": max(own.max() for own in near),
        "msd": sum((own * area).sum() for own, area in zip(near, areas)) / total,
        "nsd": sum(area[own <= 5 + 1e-9].sum() for own, area in zip(near, areas)) / total,
        "bji": sum(scores) / (sum(scores) + sum(lacking)),
    }


@pytest.mark.parametrize("spacing", SPACINGS)
def test_surface_measures_by_all_pairs_of_points(spacing: tuple[float, float, float]) -> None:
    prediction, truth = (mask[:14, :16, :15] for mask in pair(5))
    assert prediction.any() and truth.any()
    found = surface_distances(prediction, truth, spacing=spacing)
    values = {"hd": found.percentile(100), "msd": found.mean(), "nsd": found.within(5.0)}
    values["bji"] = found.boundary_jaccard(5.0)
    expected = plain_surfaces(prediction, truth, spacing)
    assert values == pytest.approx(expected, rel=1e-9) and expected["hd"] > 1 and expected["bji"] < 0.999


@settings(max_examples=30, deadline=None)
@given(first=SMALL, second=SMALL)
def test_boundary_jaccard_is_symmetric_and_a_share(first: np.ndarray, second: np.ndarray) -> None:
    spacing = (3.0, 0.9, 0.7)
    found = surface_distances(first, second, spacing=spacing)
    value = found.boundary_jaccard(2.0)
    assert 0 <= value <= 1 and found.boundary_jaccard(3.0) >= value
    assert surface_distances(second, first, spacing=spacing).boundary_jaccard(2.0) == pytest.approx(value)
    assert (value == 1) == np.array_equal(surface_points(first).keys(), surface_points(second).keys()) or value < 1
    assert surface_distances(first, first, spacing=spacing).boundary_jaccard(2.0) == 1


def test_boundary_jaccard_of_a_shifted_plane_and_its_tolerance() -> None:
    truth = np.zeros((1, 1, 40), bool)
    truth[..., :20] = True
    moved = np.zeros_like(truth)
    moved[..., :22] = True
    found = surface_distances(moved, truth, spacing=(1, 1, 1))
    # 84 and 92 of the points lie in both; the truth's end is 2 mm from the other, the prediction's 1 and 2 mm.
    assert len(found.truth_areas) == 84 and len(found.prediction_areas) == 92
    expected = plain_surfaces(moved, truth, (1, 1, 1))["bji"]
    assert found.boundary_jaccard(5.0) == pytest.approx(expected)
    assert found.boundary_jaccard(5.0) != pytest.approx(found.within(5.0) / (2 - found.within(5.0)), abs=1e-3)
    for tolerance in (0, -1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="tolerance"):
            found.boundary_jaccard(tolerance)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_monai_on_voxel_surfaces_and_on_elements(spacing: tuple[float, float, float]) -> None:
    """HD and NSD are MONAI's by default on voxels, and with sub-voxel edges on surface elements, to 1e-3."""
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    masks = pair()
    tensors = [torch.from_numpy(mask)[None, None].float() for mask in masks]
    options = {"include_background": True, "spacing": list(spacing)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hd = float(metrics.compute_hausdorff_distance(*tensors, **options))
        nsd, fine = (
            float(metrics.compute_surface_dice(*tensors, class_thresholds=[2.0], use_subvoxels=own, **options))
            for own in (False, True)
        )
    voxels = surface_distances(*masks, spacing=spacing, voxels=True)
    elements = surface_distances(*masks, spacing=spacing)
    assert hd > 3 and 0.05 < nsd < 0.99
    assert (voxels.percentile(100), voxels.within(2.0)) == pytest.approx((hd, nsd), abs=1e-3)
    assert elements.within(2.0) == pytest.approx(fine, abs=1e-3)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_voxel_surfaces_are_medpys(spacing: tuple[float, float, float]) -> None:
    """As MedPy defines HD and ASSD: border voxels by erosion, distance maps; the mean of both directed means."""
    masks = pair(3)
    borders = [mask ^ ndimage.binary_erosion(mask) for mask in masks]
    maps = [ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders]
    directed = maps[1][borders[0]], maps[0][borders[1]]
    found = surface_distances(*masks, spacing=spacing, voxels=True)
    assert found.percentile(100) == pytest.approx(max(own.max() for own in directed))
    means = found.prediction_distances.mean(), found.truth_distances.mean()
    assert means == pytest.approx([own.mean() for own in directed])


def plain_counts(prediction: np.ndarray, truth: np.ndarray, suv: np.ndarray) -> dict[str, tuple]:
    """(found, made up) of each approach, by loops over whole label maps."""
    structure = ndimage.generate_binary_structure(3, 2)
    (p, n_p), (g, n_g) = (ndimage.label(mask, structure) for mask in (prediction, truth))
    tests = {
        "any": lambda a, b: (a & b).any(),
        "precision": lambda a, b: (a & b).sum() / a.sum() >= 0.5,
        "dice": lambda a, b: 2 * (a & b).sum() / (a.sum() + b.sum()) >= 0.5,
        "hottest": lambda a, b: a[np.unravel_index(np.argmax(np.where(b, suv, -1)), suv.shape)],
    }
    found = {}
    for name, test in tests.items():
        table = np.array([[test(p == a, g == b) for b in range(1, n_g + 1)] for a in range(1, n_p + 1)])
        found[name] = (int(table.any(axis=0).sum()), int((~table.any(axis=1)).sum()))
    return found


@pytest.mark.parametrize("seed", [0, 3, 8, 21])
def test_lesion_matching_by_plain_loops(seed: int) -> None:
    prediction, truth = pair(seed)
    suv = np.random.default_rng(seed).random(truth.shape)
    predictions, truths = components(prediction), components(truth)
    pairs = LesionPairs.of(predictions, truths)
    counts = {
        "any": pairs.any_overlap(),
        "precision": pairs.by_precision(0.5),
        "dice": pairs.by_dice(0.5),
        "hottest": by_hottest_voxel(predictions, truths, suv),
    }
    found = {name: (own.true_positive, own.false_positive) for name, own in counts.items()}
    assert found == plain_counts(prediction, truth, suv)
    for own in counts.values():
        assert (own.truths, own.predictions) == (len(truths), len(predictions))
        assert own.true_positive + own.false_negative == own.truths
    apart = [
        sum(own.voxels for own in some if not other[own.box][own.mask].any())
        for some, other in ((predictions, truth), (truths, prediction))
    ]
    assert lesion_volumes_apart(predictions, truths, 0.5) == (apart[0] * 0.5, apart[1] * 0.5)


def row(*runs: tuple[int, int]) -> list[Part]:
    mask = np.zeros((1, 1, 60), bool)
    for first, last in runs:
        mask[..., first:last] = True
    return components(mask)


def test_each_approach_has_its_own_idea_of_found() -> None:
    """A tip in the lesion, a lesion inside a blanket, two lesions under one prediction, one cut in two."""
    tip = LesionPairs.of(row((9, 19)), row((0, 10)))
    assert [own.true_positive for own in (tip.any_overlap(), tip.by_precision(), tip.by_dice())] == [1, 0, 0]
    within = LesionPairs.of(row((4, 6)), row((0, 10)))
    assert [own.true_positive for own in (within.any_overlap(), within.by_precision(), within.by_dice())] == [1, 1, 0]
    blanket = LesionPairs.of(row((0, 20)), row((0, 9), (10, 19)))
    assert blanket.any_overlap() == LesionCounts(2, 0, 0, 2, 1)
    assert blanket.by_precision() == LesionCounts(0, 2, 1, 2, 1)
    assert blanket.by_dice() == LesionCounts(2, 0, 0, 2, 1)
    cut = LesionPairs.of(row((0, 2), (5, 10)), row((0, 10)))
    assert cut.by_precision() == LesionCounts(1, 0, 0, 1, 2)
    assert cut.by_dice() == LesionCounts(1, 0, 1, 1, 2)


def test_a_share_that_is_just_reached_counts() -> None:
    half = LesionPairs.of(row((5, 15)), row((0, 10)))
    assert half.by_precision(0.5).true_positive == half.by_dice(0.5).true_positive == 1
    tenths = LesionPairs.of(row((0, 10)), row((3, 20)))
    assert tenths.by_precision(0.7).true_positive == 1 and tenths.by_precision(0.701).true_positive == 0
    for share in (0, -0.5, 1.5, float("nan")):
        with pytest.raises(UsageError, match="lesion-wise"):
            half.by_precision(share)


def test_no_lesions_have_no_shares() -> None:
    nothing = LesionPairs.of([], [])
    assert nothing.any_overlap() == LesionCounts(0, 0, 0, 0, 0)
    counts = LesionPairs.of([], row((0, 3))).any_overlap()
    assert counts.as_dict() == {
        **{"true_positive": 0, "false_negative": 1, "false_positive": 0, "truths": 1, "predictions": 0},
        **{"true_positive_share": 0.0, "false_negative_share": 1.0, "false_positive_share": None},
    }
    assert by_hottest_voxel(row((0, 3)), [], np.ones((1, 1, 60))) == LesionCounts(0, 0, 1, 0, 1)


def test_one_of_several_hottest_voxels_is_enough() -> None:
    suv = np.zeros((1, 1, 60))
    suv[..., [2, 8]] = 7
    assert by_hottest_voxel(row((7, 12)), row((0, 10)), suv).true_positive == 1
    suv[..., 2] = 7.1
    assert by_hottest_voxel(row((7, 12)), row((0, 10)), suv) == LesionCounts(0, 1, 1, 1, 1)


@settings(max_examples=40, deadline=None)
@given(mask=arrays.arrays(bool, (6, 7, 5)).filter(np.any), spacing=st.sampled_from(SPACINGS))
def test_the_farthest_voxels_by_all_pairs(mask: np.ndarray, spacing: tuple[float, float, float]) -> None:
    points = np.argwhere(mask) * spacing
    expected = float(pdist(points).max()) if len(points) > 1 else 0.0
    parts = components(mask)
    corners = np.concatenate([hull_corners(outermost_voxels(part) * np.array(spacing)) for part in parts])
    assert greatest_distance(corners) == pytest.approx(expected) == greatest_distance(points)


@pytest.mark.parametrize("flat", ["ball", "tilted plane", "plane", "line", "one place"])
def test_hulls_of_many_points_in_any_number_of_dimensions(flat: str) -> None:
    points = np.random.default_rng(1).standard_normal((900, 3)) * 40
    points = {
        "ball": points,
        "tilted plane": points[:, :2] @ np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 1.0]]),
        "plane": points * (1, 0, 1),
        "line": points[:, :1] * np.array([1.0, 2.0, -0.7]) + 5,
        "one place": np.full((900, 3), 7.25),
    }[flat]
    assert greatest_distance(points) == pytest.approx(float(pdist(points).max()), rel=1e-12, abs=1e-9)
    assert len(hull_corners(points)) < 200


def plain_peak(mask: np.ndarray, suv: np.ndarray, spacing: tuple) -> float:
    """Highest mean of the voxels within 6.2035 mm of any voxel of the mask, one by one."""
    places = np.indices(suv.shape).reshape(3, -1).T * spacing
    radius = (1000 * 0.75 / math.pi) ** (1 / 3)
    near = cdist(np.argwhere(mask) * spacing, places) <= radius
    return float((near @ suv.ravel().astype(float) / near.sum(axis=1)).max())


@pytest.mark.parametrize("slab", [4_000_000, 200])
@pytest.mark.parametrize("spacing", [(2.0, 1.65, 1.65), (3.27, 4.07, 4.07), (14.0, 13.0, 13.0)])
def test_suv_peak_by_plain_means(spacing: tuple, slab: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("TransferSegLib.measuring.lesion_uptake._SLAB_VOXELS", slab)
    generator = np.random.default_rng(4)
    suv = generator.gamma(2.0, 2.0, (15, 14, 16)).astype(np.float32)
    for mask in (generator.random(suv.shape) < 0.02, np.indices(suv.shape).max(axis=0) < 5):
        parts = components(mask)
        assert any(any(axis.start == 0 for axis in part.box) for part in parts)
        for part in parts:
            own = np.zeros_like(mask)
            own[part.box] = part.mask
            peak = suv_peak(part, suv, spacing)
            assert peak == pytest.approx(plain_peak(own, suv, spacing), rel=1e-9)
            assert peak <= suv.max() and (spacing[0] < 14 or peak == pytest.approx(suv[own].max()))


def test_the_peak_need_not_lie_on_the_hottest_voxel() -> None:
    suv = np.ones((9, 9, 30))
    suv[4, 4, 4] = 20
    suv[2:7, 2:7, 18:25] = 12
    (part,) = components(np.ones(suv.shape, bool))
    assert suv_peak(part, suv, (3, 3, 3)) == pytest.approx(12)


def test_uptake_of_a_lesion() -> None:
    suv = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    mask = suv > 20
    (part,) = components(mask)
    assert uptake(part, suv, 0.25) == pytest.approx({"suv_max": 23.0, "suv_mean": 22.0, "tlg": 66 * 0.25})
