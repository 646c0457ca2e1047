"""Compare a prediction's lesions with the true ones: every error of the report from two masks and the SUV."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import UsageError
from ..imaging import Grid
from ..measuring import (
    Counts,
    LesionPairs,
    Part,
    by_hottest_voxel,
    common_voxels,
    components,
    overlap_measures,
    separate_parts,
    surface_distances,
    voxels_of,
)
from .checks import check_mask, check_suv
from .lesion import touches_border
from .lesion_errors import LesionErrors
from .threshold import Threshold, threshold_of, threshold_parts

_DISTANCES = ("mean_distance_mm", "hausdorff_mm", "hd95_mm")
_SURFACES = (*_DISTANCES, "nsd", "bji")
_OVERLAPS = ("dice", "precision", "recall")


def compare_lesions(
    prediction: np.ndarray,
    truth: np.ndarray,
    suv: np.ndarray,
    grid: Grid,
    *,
    tolerance_mm: float = 5.0,
    lesionwise: float = 0.5,
    rule: str | float | Threshold = "4.0",
    counted: np.ndarray | None = None,
    patient: str = "",
) -> LesionErrors:
    """Every error of a prediction, as the source lists them.

    Memory beyond the arguments is that of the largest lesions, not of the volume.

    Parameters
    ----------
    prediction, truth : bool or integer (k, j, i)
        Lesion masks; what is not 0 is lesion. Physiological uptake is no part of them.
    suv : (k, j, i)
        Standardised uptake values by body weight, g/ml.
    grid : Grid
        Where the voxels of all three lie.
    tolerance_mm : float
        Tolerance of NSD and BJI, above 0.
    lesionwise : float
        Least share at which approach 2 matches, above 0 and at most 1.
    rule : str, float or Threshold
        What both masks are thresholded by, as ``threshold_of`` reads it.
    counted : bool or integer (k, j, i), optional
        What of the prediction counts where that is known already: a share of SUVmax taken once more, of what is left
        after something was put apart, would be another threshold.
    patient : str
        Name for the record.

    Raises
    ------
    InputError
        When masks or SUV are not on the grid, or the values cannot be SUV.
    UsageError
        When tolerance, share or rule are none.
    """
    threshold = threshold_of(rule)
    if not (np.isfinite(tolerance_mm) and tolerance_mm > 0):
        raise UsageError(f"tolerance: got {tolerance_mm}; give a positive distance in mm")
    check_suv(suv, grid)
    given = ((prediction, "prediction"), (truth, "truth"), *([] if counted is None else [(counted, "counted mask")]))
    for mask, what in given:
        check_mask(mask, grid, what)
    raw = [separate_parts(mask) for mask in (prediction, truth)]
    predicted, true = (threshold_parts(parts, suv, threshold, grid.voxel_ml) for parts in raw)
    predicted = predicted if counted is None else separate_parts(counted)
    lesions = components(predicted), components(true)
    pairs = LesionPairs.of(*lesions)
    surfaces, undefined = _surfaces(predicted, true, grid, tolerance_mm, threshold)
    overlaps, reasons = _overlaps(pairs, threshold)
    no_suv = {} if true else {"suv_max": _reason(bool(predicted), False, threshold)}
    no_masks = {} if any(raw) else {"dice_raw": _reason(False, False, threshold)}
    return LesionErrors(
        patient=patient,
        tolerance_mm=float(tolerance_mm),
        lesionwise=float(lesionwise),
        threshold=threshold.words,
        suv_max=max((float(suv[part.box][part.mask].max()) for part in true), default=None),
        approach1=pairs.any_overlap(),
        approach2=pairs.by_precision(lesionwise),
        approach2_dice=pairs.by_dice(lesionwise),
        suvmax_voxel=by_hottest_voxel(*lesions, suv),
        undefined=no_suv | undefined | reasons | no_masks,
        dice_raw=_dice(*raw),
        notes=_notes(lesions, raw[1], threshold, suv.shape),
        **surfaces,
        **overlaps,
        **_volumes(pairs, raw, true, grid.voxel_ml),
    )


def _volumes(pairs: LesionPairs, raw: Sequence[list[Part]], true: list[Part], voxel_ml: float) -> dict[str, float]:
    common, predicted, actual = pairs.common_voxels(), int(pairs.predicted.sum()), int(pairs.true.sum())
    apart = pairs.apart_voxels()
    raw_predicted = voxels_of(raw[0])
    counts = {
        "tmtv_predicted_raw_ml": raw_predicted,
        "tmtv_predicted_ml": predicted,
        "tmtv_true_ml": actual,
        "tmtv_true_raw_ml": voxels_of(raw[1]),
        "fp_raw_ml": raw_predicted - common_voxels(raw[0], true),
        "fp_ml": predicted - common,
        "fn_ml": actual - common,
        "tp_ml": common,
        "fpv_ml": apart[0],
        "fnv_ml": apart[1],
    }
    return {name: count * voxel_ml for name, count in counts.items()}


def _dice(one: list[Part], other: list[Part]) -> float | None:
    """Dice of two masks as they are; None where both are empty."""
    sizes = voxels_of(one) + voxels_of(other)
    return 2 * common_voxels(one, other) / sizes if sizes else None


def _overlaps(pairs: LesionPairs, threshold: Threshold) -> tuple[dict[str, float | None], dict[str, str]]:
    common, predicted, actual = pairs.common_voxels(), int(pairs.predicted.sum()), int(pairs.true.sum())
    values, undefined = overlap_measures(Counts(common, predicted - common, actual - common))
    reason = _reason(bool(predicted), bool(actual), threshold)
    return {name: values[name] for name in _OVERLAPS}, {name: reason for name in _OVERLAPS if name in undefined}


def _surfaces(
    predicted: list[Part], true: list[Part], grid: Grid, tolerance_mm: float, threshold: Threshold
) -> tuple[dict[str, float | None], dict[str, str]]:
    if not true:
        return dict.fromkeys(_SURFACES), dict.fromkeys(_SURFACES, _reason(bool(predicted), False, threshold))
    if not predicted:
        # By their definitions: nothing of the truth's surface has a predicted one within the tolerance.
        values = dict.fromkeys(_DISTANCES) | {"nsd": 0.0, "bji": 0.0}
        return values, dict.fromkeys(_DISTANCES, _reason(False, True, threshold))
    distances = surface_distances(predicted, true, spacing=grid.spacing[::-1])
    return {
        "mean_distance_mm": distances.mean(),
        "hausdorff_mm": distances.percentile(100),
        "hd95_mm": distances.percentile(95),
        "nsd": distances.within(tolerance_mm),
        "bji": distances.boundary_jaccard(tolerance_mm),
    }, {}


def _reason(predicted: bool, true: bool, threshold: Threshold) -> str:
    """Why a figure is undefined, from which of the thresholded masks hold anything."""
    if not predicted and not true:
        return f"neither truth nor prediction has a voxel that counts ({threshold.words})"
    return f"the {'prediction' if true else 'truth'} has no voxel that counts ({threshold.words})"


def _notes(
    lesions: Sequence[list[Part]], raw_truth: list[Part], threshold: Threshold, shape: tuple[int, ...]
) -> tuple[str, ...]:
    notes = []
    for what, parts in zip(("predicted", "true"), lesions):
        cut = sum(touches_border(part, shape) for part in parts)
        if cut:
            notes.append(f"{cut} of {len(parts)} {what} lesions reach the border of the image and may be cut off there")
    if raw_truth and not lesions[1]:
        notes.append(f"the truth holds lesions, none of which counts ({threshold.words})")
    return tuple(notes)
