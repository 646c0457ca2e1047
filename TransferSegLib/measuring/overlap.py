"""Overlap of two masks: Dice, Jaccard, precision, recall and conformity from three voxel counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ABSENT_FROM_TRUTH = "the label is absent from the truth"
NOTHING_PREDICTED = "the prediction has no voxel of this label"
NO_COMMON_VOXEL = "prediction and truth have no voxel in common"


@dataclass(frozen=True)
class Counts:
    """Voxels that are true positive, false positive and false negative."""

    true_positive: int
    false_positive: int
    false_negative: int

    @property
    def truth(self) -> int:
        """Voxels of the truth."""
        return self.true_positive + self.false_negative

    @property
    def prediction(self) -> int:
        """Voxels of the prediction."""
        return self.true_positive + self.false_positive


def count_voxels(prediction: np.ndarray, truth: np.ndarray) -> Counts:
    """Count the voxels of two boolean masks of one shape (any number of axes)."""
    common = int(np.count_nonzero(prediction & truth))
    return Counts(common, int(np.count_nonzero(prediction)) - common, int(np.count_nonzero(truth)) - common)


def overlap_measures(counts: Counts) -> tuple[dict[str, float | None], dict[str, str]]:
    """Overlap measures, and for each undefined one the reason.

    Parameters
    ----------
    counts : Counts
        Voxel counts TP, FP and FN.

    Returns
    -------
    values : dict
        ``dice`` 2TP/(2TP+FP+FN), ``jaccard`` TP/(TP+FP+FN), ``precision`` TP/(TP+FP), ``recall`` TP/(TP+FN),
        ``conformity`` 1-(FP+FN)/TP; None where undefined.
    undefined : dict
        Measure to reason. A label absent from the truth leaves all of them undefined: what was predicted there is a
        volume of false positives, not a score. A label that is there and was missed has Dice, Jaccard and recall 0;
        its precision and conformity are undefined.
    """
    tp, wrong = counts.true_positive, counts.false_positive + counts.false_negative
    values: dict[str, float | None] = dict.fromkeys(("dice", "jaccard", "precision", "recall", "conformity"))
    if counts.truth == 0:
        return values, dict.fromkeys(values, ABSENT_FROM_TRUTH)
    undefined = {}
    values["dice"] = 2 * tp / (2 * tp + wrong)
    values["jaccard"] = tp / (tp + wrong)
    values["recall"] = tp / counts.truth
    if counts.prediction:
        values["precision"] = tp / counts.prediction
    else:
        undefined["precision"] = NOTHING_PREDICTED
    if tp:
        values["conformity"] = 1 - wrong / tp
    else:
        undefined["conformity"] = NO_COMMON_VOXEL if counts.prediction else NOTHING_PREDICTED
    return values, undefined
