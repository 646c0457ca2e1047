"""Which lesions were found: predicted and true components matched in four ways, and the volumes of the unmatched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from .parts import Part, overlaps

_KINDS = ("true_positive", "false_negative", "false_positive")


@dataclass(frozen=True)
class LesionCounts:
    """How many lesions were found, missed and made up.

    Attributes
    ----------
    true_positive, false_negative : int
        True lesions that were found and that were missed; ``truths`` together.
    false_positive : int
        Predicted lesions that answer to no true one, of ``predictions``.
    truths, predictions : int
        How many lesions there are.
    """

    true_positive: int
    false_negative: int
    false_positive: int
    truths: int
    predictions: int

    def as_dict(self) -> dict:
        """The counts and, 0 to 1 or None, their shares, as plain JSON types."""
        return vars(self) | {f"{name}_share": getattr(self, f"{name}_share") for name in _KINDS}

    @property
    def true_positive_share(self) -> float | None:
        """Found true lesions of all true lesions, 0 to 1; None where there are none."""
        return self.true_positive / self.truths if self.truths else None

    @property
    def false_negative_share(self) -> float | None:
        """Missed true lesions of all true lesions, 0 to 1; None where there are none."""
        return self.false_negative / self.truths if self.truths else None

    @property
    def false_positive_share(self) -> float | None:
        """Made-up predicted lesions of all predicted lesions, 0 to 1; None where there are none."""
        return self.false_positive / self.predictions if self.predictions else None


@dataclass(frozen=True)
class LesionPairs:
    """The voxels of predicted and of true lesions, and of every pair that overlaps.

    Attributes
    ----------
    predicted, true : int64 (predicted lesions,), (true lesions,)
        Voxels of each lesion.
    pairs : int64 (pairs, 3)
        Place of the predicted lesion, of the true lesion, voxels in common (at least 1).
    """

    predicted: np.ndarray
    true: np.ndarray
    pairs: np.ndarray

    @classmethod
    def of(cls, predictions: Sequence[Part], truths: Sequence[Part]) -> LesionPairs:
        """From the components of a prediction and of a truth on one grid."""
        sizes = [np.array([part.voxels for part in parts], np.int64) for parts in (predictions, truths)]
        pairs = np.array(list(overlaps(predictions, truths)), np.int64).reshape(-1, 3)
        return cls(*sizes, pairs)

    def any_overlap(self) -> LesionCounts:
        """Approach 1: a true lesion is found when any predicted voxel lies in it.

        A predicted lesion is a false positive when it has no voxel in any true lesion.
        """
        return self._counts(np.ones(len(self.pairs), bool))

    def by_precision(self, least: float = 0.5) -> LesionCounts:
        """Approach 2: a pair matches when at least this share of the predicted lesion lies in the true one.

        The share is |P and G| / |P| of one predicted and one true lesion. A true lesion is found when a predicted one
        matches it, a predicted one is a false positive when it matches none.
        """
        _check_share(least)
        return self._counts(self.pairs[:, 2] >= least * self.predicted[self.pairs[:, 0]] * _ROUNDING)

    def by_dice(self, least: float = 0.5) -> LesionCounts:
        """Approach 2 with Dice: a pair matches when 2 |P and G| / (|P| + |G|) is at least this."""
        _check_share(least)
        both = self.predicted[self.pairs[:, 0]] + self.true[self.pairs[:, 1]]
        return self._counts(2 * self.pairs[:, 2] >= least * both * _ROUNDING)

    def apart_voxels(self) -> tuple[int, int]:
        """Voxels of the predicted lesions that overlap no true one, and of the true ones that no predicted overlaps."""
        unmatched = [
            np.delete(sizes, np.unique(self.pairs[:, column]))
            for column, sizes in enumerate((self.predicted, self.true))
        ]
        return int(unmatched[0].sum()), int(unmatched[1].sum())

    def common_voxels(self) -> int:
        """Voxels that prediction and truth have in common."""
        return int(self.pairs[:, 2].sum())

    def _counts(self, matches: np.ndarray) -> LesionCounts:
        return _counts(self.pairs[matches, 0], self.pairs[matches, 1], len(self.predicted), len(self.true))


def by_hottest_voxel(predictions: Sequence[Part], truths: Sequence[Part], suv: np.ndarray) -> LesionCounts:
    """The third criterion: a true lesion is found when the prediction contains its voxel of highest SUV.

    Of several equally high voxels, one is enough. A predicted lesion is a false positive when it contains no true
    lesion's.

    Parameters
    ----------
    predictions, truths : sequences of Part
        The components of both masks.
    suv : (k, j, i)
        Standardised uptake values on the masks' grid.
    """
    hottest = []
    for part in truths:
        values = suv[part.box]
        hottest.append(part.keep(values == values[part.mask].max()))
    found = np.array([pair[:2] for pair in overlaps(predictions, hottest)], np.int64).reshape(-1, 2)
    return _counts(found[:, 0], found[:, 1], len(predictions), len(truths))


def lesion_volumes_apart(predictions: Sequence[Part], truths: Sequence[Part], voxel_ml: float) -> tuple[float, float]:
    """autoPET's false-positive and false-negative volume in ml.

    The volume of the predicted components that overlap no true voxel, and of the true components that no predicted
    voxel overlaps (Gatidis et al. 2022, doi:10.1038/s41597-022-01718-3): not the voxel-wise false positives and
    negatives, which also count the rims of lesions that were found.
    """
    false_positive, false_negative = LesionPairs.of(predictions, truths).apart_voxels()
    return false_positive * voxel_ml, false_negative * voxel_ml


_ROUNDING = 1 - 1e-12
"""A share that equals the limit counts as reaching it, however the product is rounded."""


def _counts(predicted: np.ndarray, true: np.ndarray, predictions: int, truths: int) -> LesionCounts:
    found, answering = len(np.unique(true)), len(np.unique(predicted))
    return LesionCounts(found, truths - found, predictions - answering, truths, predictions)


def _check_share(least: float) -> None:
    if not 0 < least <= 1:
        raise UsageError(f"lesion-wise threshold: got {least}; give a share above 0 and at most 1, for example 0.5")
