"""Whether an exported network says what PyTorch says: the same labels, or the same rows of a level.

The rule for labels: another runtime adds in another order, so that logits differ in their last digits, and a voxel in
which two classes tie may go to either. A voxel is a near-tie where PyTorch's two largest fields (of a sigmoid: a field
and 0) lie within `NEAR_TIE` of the largest field's size; such voxels are counted and may differ, no other may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from ..packages import Card

NEAR_TIE = 1e-3
"""Share of the largest logit below which two classes count as tied."""
ROW_TOLERANCE = 0.05
"""Rows by which an offset may differ: a row is a millimetre or two, an answer a whole slice."""
MAP_TOLERANCE = 1e-3
"""By how much a confidence may differ, of about 1 at the level."""


@dataclass(frozen=True)
class Agreement:
    """How two outputs compare.

    Attributes
    ----------
    largest : float
        Largest absolute difference of logits, rows or confidences.
    wrong : int
        Labels or rows that differ beyond what rounding does.
    near_ties : int
        Labels that differ where two classes tie.
    count : int
        All labels or rows.
    """

    largest: float
    wrong: int
    near_ties: int
    count: int

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            max(self.largest, other.largest),
            self.wrong + other.wrong,
            self.near_ties + other.near_ties,
            self.count + other.count,
        )


NOTHING = Agreement(0.0, 0, 0, 0)


def compare_labels(card: Card, ours: np.ndarray, theirs: np.ndarray) -> Agreement:
    """Logits (n, channels, [k,] j, i) of PyTorch and of a runtime, by the labels that the card makes of them."""
    from ..inference import OutputRule

    if ours.shape != theirs.shape or not np.isfinite(theirs).all():
        return _all_wrong(int(np.prod([ours.shape[0], *ours.shape[2:]])))
    rule, total = OutputRule.of_card(card), NOTHING
    for one, other in zip(ours, theirs):
        total += _case(rule, one, other)
    return total


def _case(rule, one: np.ndarray, other: np.ndarray) -> Agreement:
    fields = [rule.collapse(_volume(logits)) for logits in (one, other)]
    labels = [rule.labels(part) for part in fields]
    differ = labels[0] != labels[1]
    tied = _margin(rule.kind, fields[0]) <= NEAR_TIE * float(fields[0].abs().max())
    wrong = int((differ & ~tied).sum())
    return Agreement(float(np.abs(one - other).max()), wrong, int(differ.sum()) - wrong, differ.size)


def _margin(kind: str, fields: torch.Tensor) -> np.ndarray:
    """By how much the answer of each voxel is decided."""
    if kind == "sigmoid":
        return fields.abs().amin(dim=0).numpy()
    best = fields.topk(2, dim=0).values
    return (best[0] - best[1]).numpy()


def _volume(logits: np.ndarray) -> torch.Tensor:
    import torch

    array = logits[:, None] if logits.ndim == 3 else logits
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def compare_rows(card: Card, ours: np.ndarray, theirs: np.ndarray) -> Agreement:
    """Offsets or confidences of a level of PyTorch and of a runtime."""
    if ours.shape != theirs.shape or not np.isfinite(theirs).all():
        return _all_wrong(ours.size)
    apart = np.abs(ours - theirs)
    allowed = MAP_TOLERANCE if card.output == "confidence-map" else ROW_TOLERANCE
    return Agreement(float(apart.max()), int((apart > allowed).sum()), 0, apart.size)


def _all_wrong(count: int) -> Agreement:
    """An output that cannot be compared: of another shape, or with no numbers in it."""
    return Agreement(float("inf"), count, 0, count)
