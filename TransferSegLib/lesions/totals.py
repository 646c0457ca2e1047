"""Totals of a patient: TMTV, TLG, highest SUV, number of lesions and Dmax."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from ..measuring import greatest_distance
from .lesion import Lesion

NO_LESION = "there is no lesion"
ONE_LESION = "there is one lesion only"


@dataclass(frozen=True)
class Totals:
    """What the lesions come to; uptake named as physiological stands apart and is in no total.

    Attributes
    ----------
    tmtv_ml : float
        Total metabolic tumour volume; 0 without lesions.
    tlg : float
        Total lesion glycolysis, g; 0 without lesions.
    suv_max : float or None
        Highest SUV of any lesion.
    count : int
        Number of lesions.
    dmax_centroid_mm : float or None
        Distance of the two lesions furthest apart, between their centroids; None for fewer than two lesions.
    dmax_voxel_mm : float or None
        Distance of the two lesion voxels furthest apart, between their centres, of one lesion or of two.
    physiological_ml : float
        Volume of the uptake named as physiological.
    physiological_count : int
        Its number of parts.
    undefined : dict
        Figure to the reason why it is None.
    notes : tuple of str
        What to know of the figures: lesions that reach the border of the image, or that may be an organ's uptake.
    """

    tmtv_ml: float
    tlg: float
    suv_max: float | None
    count: int
    dmax_centroid_mm: float | None
    dmax_voxel_mm: float | None
    physiological_ml: float = 0.0
    physiological_count: int = 0
    undefined: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict:
        """All fields as plain JSON types."""
        return asdict(self) | {"notes": list(self.notes)}


def totals(lesions: Sequence[Lesion]) -> Totals:
    """The totals of lesions that ``find_lesions`` found, at once: no voxel is looked at again.

    Dmax is exact: the two voxels furthest apart are corners of the hull of the lesions' hulls.
    """
    counted = [lesion for lesion in lesions if not lesion.physiological]
    apart = [lesion for lesion in lesions if lesion.physiological]
    undefined = {}
    if not counted:
        undefined = dict.fromkeys(("suv_max", "dmax_centroid_mm", "dmax_voxel_mm"), NO_LESION)
    elif len(counted) == 1:
        undefined = {"dmax_centroid_mm": ONE_LESION}
    centroids = np.array([lesion.centroid_mm for lesion in counted])
    return Totals(
        tmtv_ml=math.fsum(lesion.volume_ml for lesion in counted),
        tlg=math.fsum(lesion.tlg for lesion in counted),
        suv_max=max((lesion.suv_max for lesion in counted), default=None),
        count=len(counted),
        dmax_centroid_mm=greatest_distance(centroids) if len(counted) > 1 else None,
        dmax_voxel_mm=greatest_distance(np.concatenate([own.corners_mm for own in counted])) if counted else None,
        physiological_ml=math.fsum(lesion.volume_ml for lesion in apart),
        physiological_count=len(apart),
        undefined=undefined,
        notes=border_notes([lesion.number for lesion in counted if lesion.touches_border]) + suspicion_notes(counted),
    )


def border_notes(numbers: Sequence[int]) -> tuple[str, ...]:
    """The note on the lesions of these numbers, which reach the border of the image."""
    if not numbers:
        return ()
    which = f"lesion {numbers[0]}" if len(numbers) == 1 else "lesions " + ", ".join(map(str, numbers))
    verb, they = ("reaches", "it") if len(numbers) == 1 else ("reach", "they")
    return (f"{which} {verb} the border of the image; what {they} may have beyond it is not counted",)


def suspicion_notes(lesions: Sequence[Lesion]) -> tuple[str, ...]:
    """A note for each organ whose urine or uptake some of the lesions may be: they count until the user moves them."""
    notes = []
    for organ in dict.fromkeys(lesion.suspected for lesion in lesions if lesion.suspected):
        numbers = [lesion.number for lesion in lesions if lesion.suspected == organ]
        one = len(numbers) == 1
        which = f"lesion {numbers[0]}" if one else "lesions " + ", ".join(map(str, numbers))
        what = f"may be urine in the {organ}" if organ in ("bladder", "kidney") else f"may be uptake of the {organ}"
        notes.append(f"{which} {what}, and counts: look, and move it if so")
        if not one:
            notes[-1] = f"{which} {what}, and count: look, and move those that are"
    return tuple(notes)
