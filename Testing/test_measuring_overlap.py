"""Overlap measures: against MONAI and scikit-learn, by hand, and where they are undefined."""

from __future__ import annotations

import numpy as np
import pytest

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.measuring import (
    Counts,
    case_record,
    compare,
    evaluation,
    mean_dice,
    overlap_measures,
    volumes_ml,
)

SPACING = (3.0, 0.9, 0.7)


@pytest.fixture(scope="module")
def maps() -> tuple[np.ndarray, np.ndarray]:
    """A prediction and a truth with labels 1, 2 and 3 that agree in half of the voxels."""
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 4, (9, 11, 10)).astype(np.uint8)
    prediction = np.where(generator.random(truth.shape) < 0.5, truth, generator.integers(0, 4, truth.shape))
    return prediction.astype(np.uint8), truth


def test_dice_is_monais(maps: tuple[np.ndarray, np.ndarray]) -> None:
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    prediction, truth = maps
    one_hot = [torch.from_numpy(np.stack([array == value for value in range(4)])[None]).float() for array in maps]
    expected = metrics.DiceMetric(include_background=False, reduction="none")(*one_hot)[0]
    found = compare(prediction, truth, spacing=SPACING, labels={1: "a", 2: "b", 3: "c"})
    assert [found[name].dice for name in "abc"] == pytest.approx(expected.tolist(), abs=1e-6)


def test_the_other_overlaps_are_scikit_learns(maps: tuple[np.ndarray, np.ndarray]) -> None:
    scores = pytest.importorskip("sklearn.metrics")
    prediction, truth = maps
    found = compare(prediction, truth, spacing=SPACING, labels={2: "b"})["b"]
    pair = (truth.ravel() == 2, prediction.ravel() == 2)
    assert found.jaccard == pytest.approx(scores.jaccard_score(*pair))
    assert found.precision == pytest.approx(scores.precision_score(*pair))
    assert found.recall == pytest.approx(scores.recall_score(*pair))
    confusion = scores.confusion_matrix(*pair)
    assert found.conformity == pytest.approx(1 - (confusion[0, 1] + confusion[1, 0]) / confusion[1, 1])


def test_the_printed_lymphoma_example() -> None:
    """TP 52.03, FP 0.06 and FN 82.37 ml give Dice 0.558, precision 99.88 % and recall 38.71 % (method sheet, 1)."""
    values, undefined = overlap_measures(Counts(5203, 6, 8237))
    assert (values["dice"], values["precision"], values["recall"]) == pytest.approx((0.558, 0.9988, 0.3871), abs=5e-4)
    assert not undefined


def test_volumes_in_ml(maps: tuple[np.ndarray, np.ndarray]) -> None:
    prediction, truth = maps
    found = compare(prediction, truth, spacing=SPACING, labels={1: "a"})["a"]
    voxel_ml = 3.0 * 0.9 * 0.7 / 1000
    assert found.volume_truth_ml == pytest.approx((truth == 1).sum() * voxel_ml)
    assert found.volume_prediction_ml == pytest.approx((prediction == 1).sum() * voxel_ml)
    assert found.false_positive_ml == pytest.approx(((prediction == 1) & (truth != 1)).sum() * voxel_ml)
    for kind in (np.uint8, np.int32):
        volumes = volumes_ml(prediction.astype(kind), voxel_ml, {1: "a", 9: "not there"})
        assert volumes == pytest.approx({"a": found.volume_prediction_ml, "not there": 0.0})


def _one_voxel(*places: tuple[int, int, int]) -> np.ndarray:
    array = np.zeros((5, 5, 5), np.uint8)
    for place in places:
        array[place] = 1
    return array


def test_a_label_absent_from_the_truth_is_undefined_and_its_prediction_a_false_positive() -> None:
    found = compare(_one_voxel((1, 1, 1)), _one_voxel(), spacing=(1, 1, 1), labels={1: "scar"})["scar"]
    scores = ("dice", "jaccard", "precision", "recall", "conformity", "hd", "hd95", "msd", "nsd")
    assert [getattr(found, name) for name in scores] == [None] * 9
    assert set(found.undefined) == set(scores)
    assert all("absent from the truth" in reason for reason in found.undefined.values())
    assert found.false_positive_ml == pytest.approx(0.001)


def test_a_missed_label_has_dice_zero_and_no_distances() -> None:
    found = compare(_one_voxel(), _one_voxel((1, 1, 1)), spacing=(1, 1, 1), labels={1: "scar"})["scar"]
    assert (found.dice, found.jaccard, found.recall, found.nsd) == (0, 0, 0, 0)
    assert set(found.undefined) == {"precision", "conformity", "hd", "hd95", "msd"}
    assert all(getattr(found, name) is None and "prediction" in why for name, why in found.undefined.items())


def test_two_masks_that_do_not_meet_have_no_conformity() -> None:
    found = compare(_one_voxel((0, 0, 0)), _one_voxel((0, 0, 3)), spacing=(1, 1, 2), labels={1: "scar"})["scar"]
    assert (found.dice, found.precision, found.recall) == (0, 0, 0)
    assert found.hd == pytest.approx(6) and list(found.undefined) == ["conformity"]


def test_absent_from_both_is_undefined_not_perfect() -> None:
    found = compare(_one_voxel(), _one_voxel(), spacing=(1, 1, 1), labels={1: "scar"})["scar"]
    assert found.dice is None and found.hd is None and found.false_positive_ml == 0


def test_mean_dice_is_the_mean_of_case_means() -> None:
    cases = [{"tumour": 0.8, "scar": 0.4}, {"tumour": 0.2, "scar": None}, {"tumour": None, "scar": None}]
    assert mean_dice(cases) == pytest.approx((0.6 + 0.2) / 2)
    assert mean_dice([{"tumour": None}]) is None
    assert mean_dice([]) is None


def test_an_evaluation_says_what_is_undefined() -> None:
    measures = compare(_one_voxel((1, 1, 1)), _one_voxel((1, 1, 1)), spacing=(1, 1, 1), labels={1: "a", 2: "b"})
    found = evaluation([case_record("one", measures)])
    case = found["cases"][0]
    assert case["id"] == "one" and case["dice"] == {"a": 1.0, "b": None}
    assert set(case["undefined"]) == {"b"} and "truth" in case["undefined"]["b"]["dice"]
    assert found["mean"]["dice"] == 1.0 and found["mean"]["hd"] == 0.0
    assert "volume_truth_ml" not in found["mean"]


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"truth": np.zeros((4, 5, 5), np.uint8)}, InputError, "truth: its shape"),
        ({"prediction": np.zeros((5, 5, 5), np.float32)}, InputError, "prediction: got 3 axes of float32"),
        ({"spacing": (1, 0, 1)}, InputError, "spacing"),
        ({"spacing": (1, float("nan"), 1)}, InputError, "spacing"),
        ({"tolerance_mm": -1}, UsageError, "tolerance"),
        ({"labels": {0: "background"}}, UsageError, "background"),
        ({"labels": {1: "a", 2: "a"}}, UsageError, "share a name"),
    ],
)
def test_wrong_input_is_named(changes: dict, kind: type[Exception], words: str) -> None:
    arguments = {"spacing": (1, 1, 1), "labels": {1: "a"}, "tolerance_mm": 1.0, **changes}
    prediction, truth = arguments.pop("prediction", _one_voxel()), arguments.pop("truth", _one_voxel())
    with pytest.raises(kind, match=words):
        compare(prediction, truth, **arguments)
