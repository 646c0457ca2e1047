"""All measures of one segmented case, label by label, with the undefined ones named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from ..errors import InputError, UsageError
from .overlap import ABSENT_FROM_TRUTH, NOTHING_PREDICTED, count_voxels, overlap_measures
from .surface_distances import surface_distances, surface_measures


@dataclass(frozen=True)
class Measures:
    """The measures of one label; None where undefined, with the reason in ``undefined``.

    Attributes
    ----------
    dice, jaccard, precision, recall, conformity : float or None
        Overlap (``overlap.overlap_measures``).
    hd, hd95, msd : float or None
        Hausdorff distance, its 95th percentile and the mean surface distance in mm.
    nsd : float or None
        Normalised surface distance at the tolerance: 0 for a label that was missed, as Dice is.
    volume_truth_ml, volume_prediction_ml, false_positive_ml : float
        Volumes in ml; always defined.
    undefined : dict
        Measure to reason.
    """

    dice: float | None
    jaccard: float | None
    precision: float | None
    recall: float | None
    conformity: float | None
    hd: float | None
    hd95: float | None
    msd: float | None
    nsd: float | None
    volume_truth_ml: float
    volume_prediction_ml: float
    false_positive_ml: float
    undefined: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict:
        """All fields as one plain dict, ready for JSON."""
        return asdict(self)


def compare(
    prediction: np.ndarray,
    truth: np.ndarray,
    *,
    spacing: Sequence[float],
    labels: Mapping[int, str],
    tolerance_mm: float = 1.0,
) -> dict[str, Measures]:
    """Measure a label map against the truth.

    Parameters
    ----------
    prediction, truth : integer or bool (k, j, i)
        Label maps on one grid; of one slice (a picture) surfaces are outlines.
    spacing : 3 floats
        mm along k, j, i.
    labels : dict
        Label value to name, without the background.
    tolerance_mm : float
        Tolerance of the normalised surface distance.

    Returns
    -------
    dict
        Name to ``Measures``, in the order of ``labels``.

    Raises
    ------
    InputError
        When the arrays differ in shape, are not label maps or the spacing is not positive.
    UsageError
        When the tolerance is negative, a label is the background or two labels share a name.
    """
    _check(prediction, truth, spacing, labels, tolerance_mm)
    steps = tuple(float(step) for step in spacing)
    flat = prediction.shape[0] == 1
    return {
        name: _measure(prediction == value, truth == value, steps, float(tolerance_mm), flat)
        for value, name in labels.items()
    }


def _measure(
    prediction: np.ndarray,
    truth: np.ndarray,
    spacing: tuple[float, float, float],
    tolerance_mm: float,
    flat: bool = False,
) -> Measures:
    box = _box(prediction, truth)
    if box is not None:
        prediction, truth = prediction[box], truth[box]
    counts = count_voxels(prediction, truth)
    values, undefined = overlap_measures(counts)
    values |= dict.fromkeys(("hd", "hd95", "msd", "nsd"))
    if counts.truth and counts.prediction:
        apart = surface_distances(prediction, truth, spacing=spacing, flat=flat)
        values |= surface_measures(apart, tolerance_mm=tolerance_mm)
    elif counts.truth:
        values["nsd"] = 0.0
        undefined |= dict.fromkeys(("hd", "hd95", "msd"), NOTHING_PREDICTED)
    else:
        undefined |= dict.fromkeys(("hd", "hd95", "msd", "nsd"), ABSENT_FROM_TRUTH)
    voxel_ml = float(np.prod(spacing)) / 1000
    return Measures(
        **values,
        volume_truth_ml=counts.truth * voxel_ml,
        volume_prediction_ml=counts.prediction * voxel_ml,
        false_positive_ml=counts.false_positive * voxel_ml,
        undefined=undefined,
    )


def _box(prediction: np.ndarray, truth: np.ndarray) -> tuple[slice, ...] | None:
    """The smallest box that holds both masks; None when both are empty."""
    both = prediction | truth
    box = []
    for axis in range(both.ndim):
        filled = np.flatnonzero(both.any(axis=tuple(other for other in range(both.ndim) if other != axis)))
        if filled.size == 0:
            return None
        box.append(slice(int(filled[0]), int(filled[-1]) + 1))
        both = both[(slice(None),) * axis + (box[-1],)]
    return tuple(box)


def _check(
    prediction: np.ndarray,
    truth: np.ndarray,
    spacing: Sequence[float],
    labels: Mapping[int, str],
    tolerance_mm: float,
) -> None:
    if prediction.shape != truth.shape:
        raise InputError(
            f"truth: its shape {truth.shape} is not the prediction's {prediction.shape}; bring both to one grid"
        )
    for what, array in (("prediction", prediction), ("truth", truth)):
        if array.ndim != 3 or array.dtype.kind not in "iub":
            raise InputError(
                f"{what}: got {array.ndim} axes of {array.dtype}, expected a label map of 3 axes and whole numbers"
            )
    if len(spacing) != 3 or not all(np.isfinite(step) and step > 0 for step in spacing):
        raise InputError(f"spacing: got {tuple(spacing)}; give three positive numbers in mm, along k, j and i")
    if not (np.isfinite(tolerance_mm) and tolerance_mm >= 0):
        raise UsageError(f"tolerance: got {tolerance_mm}; give a distance in mm that is not negative")
    if 0 in labels:
        raise UsageError(f"labels: {labels[0]!r} has the value 0, which is the background; leave it out")
    if len(set(labels.values())) != len(labels):
        raise UsageError(f"labels: two values share a name in {dict(labels)}; give each its own name")
