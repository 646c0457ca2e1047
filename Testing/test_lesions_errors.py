"""The errors of a patient's lesions: the printed example, plain computations, and what is undefined and why."""

from __future__ import annotations

import dataclasses
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.imaging import Grid
from TransferSegLib.lesions import (
    RULES,
    LesionErrors,
    Threshold,
    apply_threshold,
    compare_lesions,
    find_lesions,
    totals,
)
from TransferSegLib.measuring import compare

GRID = Grid((30, 28, 26), (2.0, 2.5, 3.0))
DISTANCES = ("mean_distance_mm", "hausdorff_mm", "hd95_mm")


def case(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prediction, truth and SUV: smooth lesions, some of which only one of the masks has."""
    generator = np.random.default_rng(seed)
    noise = [ndimage.gaussian_filter(generator.standard_normal(GRID.shape), 2.0) for _ in range(3)]
    truth = noise[0] > 0.5 * noise[0].max()
    prediction = np.roll(truth & (noise[1] < 0.1), 1, 1) | (noise[1] > 0.8 * noise[1].max())
    suv = (1 + 6 * ndimage.gaussian_filter((truth | prediction).astype(float), 1.0) + noise[2] / noise[2].std()).clip(0)
    return prediction, truth, suv.astype(np.float32)


def test_the_printed_example_of_the_listing() -> None:
    """TP 52.03, FN 82.37, FP 0.06 ml and 42.18 ml of it before thresholding, in voxels of 0.01 ml."""
    grid = Grid((100, 100, 30), (2.0, 2.0, 2.5))
    assert grid.voxel_ml == pytest.approx(0.01)
    numbers = np.arange(300_000).reshape(grid.shape)
    truth = (numbers >= 10_000) & (numbers < 10_000 + 5203 + 8237)
    thresholded = (numbers >= 10_000 - 6) & (numbers < 10_000 + 5203)
    cold = (numbers >= 200_000) & (numbers < 200_000 + 4212)
    suv = np.where(truth | thresholded, 23.13, 1.0).astype(np.float32)
    found = compare_lesions(thresholded | cold, truth, suv, grid)
    printed = {
        "Max SUV": f"{found.suv_max:.2f}",
        "Dice": f"{found.dice:.3f}",
        "precision": f"{100 * found.precision:.2f}",
        "recall": f"{100 * found.recall:.2f}",
        "TMTV": f"{found.tmtv_predicted_ml:.1f} {found.tmtv_true_ml:.1f}",
        "TP FN": f"{found.tp_ml:.2f} {found.fn_ml:.2f}",
        "FP": f"{found.fp_raw_ml:.2f} {found.fp_ml:.2f}",
    }
    assert printed == {
        **{"Max SUV": "23.13", "Dice": "0.558", "precision": "99.88", "recall": "38.71", "TMTV": "52.1 134.4"},
        **{"TP FN": "52.03 82.37", "FP": "42.18 0.06"},
    }
    assert (found.tolerance_mm, found.lesionwise, found.threshold) == (5.0, 0.5, "SUV >= 4.0")
    assert found.tmtv_predicted_raw_ml == pytest.approx(52.03 + 42.18)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("rule", [*RULES, Threshold(suv=4.0, least_ml=0.3)], ids=str)
def test_errors_by_plain_computations(rule: str | Threshold, seed: int) -> None:
    prediction, truth, suv = case(seed)
    found = compare_lesions(prediction, truth, suv, GRID, rule=rule, tolerance_mm=2.0)
    p, g = (apply_threshold(suv, mask, rule, GRID) for mask in (prediction, truth))
    assert rule in RULES or label(g).max() < label(truth & (suv >= 4)).max()
    assert 0 < (p & g).sum() < min(p.sum(), g.sum()) and p.sum() < prediction.sum()
    plain = compare(p, g, spacing=GRID.spacing[::-1], labels={1: "lesion"}, tolerance_mm=2.0)["lesion"]
    values = {name: getattr(found, name) for name in ("dice", "precision", "recall", "nsd", *DISTANCES)}
    assert values == pytest.approx(
        {name: getattr(plain, name) for name in ("dice", "precision", "recall", "nsd")}
        | {"mean_distance_mm": plain.msd, "hausdorff_mm": plain.hd, "hd95_mm": plain.hd95}
    )
    volumes = {
        "tmtv_predicted_raw_ml": prediction,
        "tmtv_predicted_ml": p,
        "tmtv_true_ml": g,
        "tmtv_true_raw_ml": truth,
        "fp_raw_ml": prediction & ~g,
        "fp_ml": p & ~g,
        "fn_ml": g & ~p,
        "tp_ml": p & g,
        "fpv_ml": np.isin(label(p), np.unique(label(p)[p & g]), invert=True) & p,
        "fnv_ml": np.isin(label(g), np.unique(label(g)[p & g]), invert=True) & g,
    }
    assert {name: getattr(found, name) for name in volumes} == pytest.approx(
        {name: mask.sum() * GRID.voxel_ml for name, mask in volumes.items()}
    )
    assert found.suv_max == suv[g].max() and found.undefined == {}
    assert found.dice_raw == pytest.approx(2 * (prediction & truth).sum() / (prediction.sum() + truth.sum()))
    assert found.approach1.truths == label(g).max() and found.approach1.predictions == label(p).max()
    assert found.approach2.true_positive <= found.approach1.true_positive
    assert found.suvmax_voxel.true_positive <= found.approach1.true_positive


def label(mask: np.ndarray) -> np.ndarray:
    return ndimage.label(mask, ndimage.generate_binary_structure(3, 2))[0]


def test_every_field_of_the_listing_is_there_and_writes_as_json() -> None:
    found = compare_lesions(*case(), GRID, patient="number 7", lesionwise=0.4)
    written = json.loads(json.dumps(found.as_dict()))
    assert set(written) == {entry.name for entry in dataclasses.fields(LesionErrors)}
    assert written["patient"] == "number 7" and written["lesionwise"] == 0.4
    share = found.approach1.true_positive / found.approach1.truths
    assert written["approach1"]["true_positive_share"] == pytest.approx(share)


def test_any_kind_of_mask_gives_the_same() -> None:
    prediction, truth, suv = case()
    expected = compare_lesions(prediction, truth, suv, GRID)
    assert compare_lesions(prediction.astype(np.uint8) * 255, truth.astype(np.int32) * 5, suv, GRID) == expected
    stepped = [np.asfortranarray(array) for array in (prediction, truth, suv)]
    assert compare_lesions(*stepped, GRID) == expected


@pytest.mark.parametrize(
    ("empty", "values", "undefined", "words"),
    [
        ("truth", {}, {"suv_max", "dice", "precision", "recall", "nsd", "bji", *DISTANCES}, "the truth has no voxel"),
        (
            "prediction",
            {"dice": 0, "recall": 0, "nsd": 0, "bji": 0},
            {"precision", *DISTANCES},
            "the prediction has no",
        ),
        ("both", {}, {"suv_max", "dice", "precision", "recall", "nsd", "bji", *DISTANCES}, "neither truth nor predict"),
    ],
)
@pytest.mark.parametrize("below", [False, True], ids=["no voxel", "all below the threshold"])
def test_what_is_undefined_says_why(empty: str, values: dict, undefined: set, words: str, below: bool) -> None:
    prediction, truth, suv = case()
    suv = np.full_like(suv, 9)
    for name, mask in (("prediction", prediction), ("truth", truth)):
        if empty in (name, "both"):
            if below:
                suv[mask] = 3
            mask[...] = mask & below
    if below and empty != "both":
        (truth if empty == "prediction" else prediction)[suv < 4] = False
    found = compare_lesions(prediction, truth, suv, GRID)
    assert {name: getattr(found, name) for name in values} == values
    undefined = undefined | ({"dice_raw"} if empty == "both" and not below else set())
    assert set(found.undefined) == undefined and all(getattr(found, name) is None for name in undefined)
    assert all(reason.startswith(words) and "SUV >= 4.0" in reason for reason in found.undefined.values())
    assert found.tp_ml == 0 and found.approach1.true_positive == 0
    shares = found.approach2.true_positive_share, found.approach2.false_positive_share
    assert shares == {"truth": (None, 1.0), "prediction": (0.0, None), "both": (None, None)}[empty]
    told = any("none of which counts" in note for note in found.notes)
    assert told == (below and empty != "prediction")


def test_lesions_on_the_border_are_noted() -> None:
    prediction, truth, suv = case()
    for mask in (prediction, truth):
        mask[[0, -1]] = mask[:, [0, -1]] = mask[:, :, [0, -1]] = False
    assert compare_lesions(prediction, truth, suv, GRID).notes == ()
    truth[0, 3:6, 3:6] = True
    suv[0, 3:6, 3:6] = 9
    (note,) = compare_lesions(prediction, truth, suv, GRID).notes
    assert "1 of" in note and "true lesions" in note and "border" in note


SMALL = arrays.arrays(bool, (4, 5, 6))


@settings(max_examples=40, deadline=None)
@given(prediction=SMALL, truth=SMALL, hot=SMALL, axes=st.permutations(range(3)))
def test_errors_do_not_depend_on_how_the_grid_lies(
    prediction: np.ndarray, truth: np.ndarray, hot: np.ndarray, axes: list[int]
) -> None:
    suv = np.where(hot, 6.0, 2.0)
    spacing = np.array([5.0, 3.0, 2.0])
    found = compare_lesions(prediction, truth, suv, Grid((6, 5, 4), tuple(spacing[::-1])))
    turned = [array.transpose(axes)[::-1] for array in (prediction, truth, suv)]
    other = compare_lesions(*turned, Grid(turned[0].shape[::-1], tuple(spacing[axes][::-1])))
    for name, value in vars(found).items():
        expected = pytest.approx(value) if isinstance(value, float) else value
        assert getattr(other, name) == expected, name
    total = found.tp_ml + found.fp_ml, found.tp_ml + found.fn_ml, found.tp_ml + found.fp_raw_ml
    assert total == pytest.approx((found.tmtv_predicted_ml, found.tmtv_true_ml, found.tmtv_predicted_raw_ml))
    assert found.fpv_ml <= found.fp_ml + 1e-9 and found.fnv_ml <= found.fn_ml + 1e-9


@settings(max_examples=20, deadline=None)
@given(truth=SMALL.filter(np.any))
def test_a_perfect_prediction(truth: np.ndarray) -> None:
    found = compare_lesions(truth, truth, np.full(truth.shape, 5.0), Grid((6, 5, 4), (2.0, 3.0, 5.0)))
    assert (found.dice, found.precision, found.recall, found.nsd, found.bji) == (1, 1, 1, 1, 1)
    assert (found.mean_distance_mm, found.hausdorff_mm, found.fp_ml, found.fn_ml, found.fnv_ml) == (0, 0, 0, 0, 0)
    for counts in (found.approach1, found.approach2, found.approach2_dice, found.suvmax_voxel):
        assert (counts.true_positive, counts.false_negative, counts.false_positive) == (counts.truths, 0, 0)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"tolerance_mm": 0}, UsageError, "tolerance"),
        ({"tolerance_mm": float("nan")}, UsageError, "tolerance"),
        ({"lesionwise": 50}, UsageError, "lesion-wise"),
        ({"rule": "hot"}, UsageError, "threshold 'hot'"),
        ({"truth": np.zeros((3, 3, 3), bool)}, InputError, "truth: its shape"),
        ({"prediction": np.zeros(GRID.shape)}, InputError, "prediction: got float64"),
        ({"suv": np.full(GRID.shape, 10_000.0)}, InputError, "10000"),
    ],
    ids=["tolerance", "nan", "percent", "rule", "shape", "float", "Bq/ml"],
)
def test_wrong_input_is_named(changes: dict, kind: type[Exception], words: str) -> None:
    arguments = dict(zip(("prediction", "truth", "suv"), case())) | changes
    with pytest.raises(kind, match=words):
        compare_lesions(grid=GRID, **arguments)


def test_memory_is_that_of_the_lesions_not_of_the_volume() -> None:
    """Beside its arguments a report needs less than the two masks, though its largest lesions are not small."""
    shape = (160, 200, 240)
    truth, prediction = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for place in ((10, 20, 30), (60, 150, 200), (120, 30, 40), (130, 150, 180)):
        truth[tuple(slice(start, start + 24) for start in place)] = 1
        prediction[tuple(slice(start + 3, start + 26) for start in place)] = 1
    suv = np.full(shape, 6, np.float32)
    grid = Grid(shape[::-1], (2.0, 2.0, 2.0))
    compare_lesions(prediction, truth, suv, grid)
    tracemalloc.start()
    try:
        found = compare_lesions(prediction, truth, suv, grid)
        totals(find_lesions(suv, truth, grid))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.approach2.true_positive == 4
    assert peak < truth.nbytes + prediction.nbytes, f"{peak / 1e6:.1f} MB"
