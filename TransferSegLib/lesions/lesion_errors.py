"""The errors of a patient's lesions: the record that a report prints, with the source's listing field by field."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..measuring import LesionCounts

COUNTS = ("approach1", "approach2", "approach2_dice", "suvmax_voxel")


@dataclass(frozen=True)
class LesionErrors:
    """How a prediction's lesions differ from the true ones; None where undefined, the reason in ``undefined``.

    "Thresholded" is what the rule (SUV >= 4 by default) leaves of a mask. Everything is measured on thresholded masks
    but the fields whose names say ``raw``. Attributes stand in the order of the source's listing.

    Attributes
    ----------
    patient : str
        As the caller names it.
    tolerance_mm : float
        Tolerance of NSD and BJI.
    lesionwise : float
        Least share, 0 to 1, at which approach 2 matches a predicted and a true lesion.
    threshold : str
        The rule in words.
    suv_max : float or None
        Highest SUV in the true lesions.
    mean_distance_mm, hausdorff_mm : float or None
        Mean of both directed mean distances between the surfaces, weighted by their areas, and the greatest.
    dice, nsd, bji : float or None
        Overlap, normalised surface distance and boundary Jaccard index. For a truth of which nothing was predicted all
        three are 0; without a truth they are undefined.
    tmtv_predicted_raw_ml, tmtv_predicted_ml, tmtv_true_ml : float
        TMTV of the prediction, not thresholded and thresholded, and of the truth.
    fp_raw_ml, fp_ml, fn_ml, tp_ml : float
        Voxel-wise volumes. True positive is what both thresholded masks hold; ``fp_raw_ml`` is what the prediction
        before thresholding holds beside the thresholded truth.
    precision, recall : float or None
        TP/(TP+FP) and TP/(TP+FN), 0 to 1.
    approach1, approach2 : LesionCounts
        Lesions found by any overlap, and where at least ``lesionwise`` of a predicted lesion lies in a true one.
    approach2_dice : LesionCounts
        Approach 2 by the Dice of a predicted and a true lesion.
    suvmax_voxel : LesionCounts
        Lesions whose voxel of highest SUV the prediction contains.
    hd95_mm : float or None
        95th percentile of the surface distances.
    tmtv_true_raw_ml : float
        Volume of the truth, not thresholded.
    dice_raw : float or None
        Dice of the two masks as they are, neither thresholded; undefined where both are empty.
    fpv_ml, fnv_ml : float
        autoPET's volumes: predicted lesions that meet no true one, true lesions that no predicted one meets.
    undefined : dict
        Field to the reason why it is None.
    notes : tuple of str
        What to know of the figures: lesions that reach the border of the image, a truth below the threshold.
    """

    patient: str
    tolerance_mm: float
    lesionwise: float
    threshold: str
    suv_max: float | None
    mean_distance_mm: float | None
    hausdorff_mm: float | None
    dice: float | None
    nsd: float | None
    bji: float | None
    tmtv_predicted_raw_ml: float
    tmtv_predicted_ml: float
    tmtv_true_ml: float
    fp_raw_ml: float
    fp_ml: float
    fn_ml: float
    tp_ml: float
    precision: float | None
    recall: float | None
    approach1: LesionCounts
    approach2: LesionCounts
    approach2_dice: LesionCounts
    suvmax_voxel: LesionCounts
    hd95_mm: float | None
    tmtv_true_raw_ml: float
    dice_raw: float | None
    fpv_ml: float
    fnv_ml: float
    undefined: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict:
        """All fields as plain JSON types; the counts as dicts, with their shares."""
        counts = {name: getattr(self, name).as_dict() for name in COUNTS}
        return vars(self) | counts | {"undefined": dict(self.undefined), "notes": list(self.notes)}
