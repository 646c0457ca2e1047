"""What a report puts apart, put apart under the thresholds beside it too: an organ is one whatever the threshold."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from ..imaging import Grid
from ..lesions import Lesion, find_lesions, label_map, totals
from .tmtv_uptake import Uptake, least_ml, numbered

RIM_MM = 10.0
"""How far an organ's uptake reaches beyond the voxels that the report puts apart: about twice the resolution of a PET.
With a lower threshold this rim belongs to the organ, what lies further is not known to."""


def with_organs_of(
    uptake: Uptake,
    report: Uptake,
    suv: np.ndarray,
    grid: Grid,
    *,
    by_hand: Sequence[tuple[str, np.ndarray]] = (),
    minimum_ml: float = 0.0,
) -> Uptake:
    """The uptake under one threshold, without counting as lesion what the report (under another) puts apart.

    Of a lesion that holds such voxels they are apart, and within 10 mm of them what lies nearer to them than to the
    report's own lesions; the rest of it stays lesion.

    Parameters
    ----------
    uptake : as `measure_uptake` finds it, before the user's moves
    report : the report's own, after them
    suv : float (k, j, i), on ``grid``
    by_hand : what was put apart by a mask, (organ, bool (k, j, i)); it is apart under every threshold already
    minimum_ml : as `measure_uptake` had it
    """
    organs = _organs(report, suv.shape, by_hand)
    touched = [one for one in uptake.named if not one.physiological and np.any(organs[one.part.box][one.part.mask])]
    if not touched:
        return uptake
    owned = _owned(label_map(touched, suv.shape), organs, label_map(report.counted, suv.shape) > 0, grid)
    kept = [one for one in uptake.named if one not in touched]
    for number in np.unique(owned[owned > 0]):
        name = report.apart[number - 1].physiological
        found = find_lesions(suv, owned == number, grid, rule=None)
        kept += [dataclasses.replace(one, physiological=name) for one in found]
    below: list[Lesion] = []
    for parent in touched:
        rest = np.zeros(suv.shape, bool)
        rest[parent.part.box] = parent.part.mask & (owned[parent.part.box] == 0)
        parts = find_lesions(suv, rest, grid, rule=None) if rest.any() else ()
        for one in parts:
            large = one.volume_ml >= least_ml(uptake.rule, minimum_ml)
            (kept if large else below).append(dataclasses.replace(one, suspected=parent.suspected))
    named = numbered(kept)
    return dataclasses.replace(
        uptake,
        lesions=named,
        named=named,
        totals=totals(named),
        below_count=uptake.below_count + len(below),
        below_ml=uptake.below_ml + float(sum(one.volume_ml for one in below)),
    )


def apart_elsewhere(report: Uptake, beside: Sequence[Uptake]) -> list[str]:
    """A sentence for each threshold that puts apart, as an organ, what the report counts as lesion."""
    notes = []
    for row in beside:
        organs = {
            one.physiological
            for one in row.apart
            for lesion in report.counted
            if row.rule != report.rule and _overlap(one, lesion)
        }
        if organs:
            names = ", ".join(sorted(organ.removeprefix("other:") for organ in organs))
            notes.append(
                f"At the threshold {row.rule} uptake that this report counts as lesion is put apart ({names}): the "
                "volumes side by side are not of the same uptake."
            )
    return notes


def _organs(report: Uptake, shape: tuple[int, ...], by_hand: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """The place in ``report.apart``, from 1, of each voxel that it holds."""
    placed = [dataclasses.replace(one, number=number) for number, one in enumerate(report.apart, 1)]
    organs = label_map(placed, shape)
    for _, mask in by_hand:
        organs[mask] = 0
    return organs


def _owned(labels: np.ndarray, organs: np.ndarray, lesions: np.ndarray, grid: Grid) -> np.ndarray:
    """For each voxel of the labels the organ it belongs to, or 0: the organ's own, and its rim."""
    owned = np.zeros_like(organs)
    step = np.asarray(grid.spacing[::-1], float)
    margin = np.ceil(RIM_MM / step).astype(int) + 1
    held = np.where(labels > 0, organs, 0)
    places = np.argwhere(held)
    box = tuple(
        slice(max(low - edge, 0), high + edge + 1) for low, high, edge in zip(places.min(0), places.max(0), margin)
    )
    far, nearest = ndimage.distance_transform_edt(organs[box] == 0, sampling=step, return_indices=True)
    mine = (labels[box] > 0) & (far <= RIM_MM)
    if lesions[box].any():
        mine &= far < ndimage.distance_transform_edt(~lesions[box], sampling=step)
    owned[box][mine] = organs[box][tuple(nearest)][mine]
    return owned


def _overlap(one: Lesion, other: Lesion) -> bool:
    ends = [(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one.part.box, other.part.box)]
    if any(low >= high for low, high in ends):
        return False
    inside = [
        lesion.part.mask[
            tuple(slice(low - axis.start, high - axis.start) for (low, high), axis in zip(ends, lesion.part.box))
        ]
        for lesion in (one, other)
    ]
    return bool(np.any(inside[0] & inside[1]))
