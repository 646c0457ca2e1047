"""What a reader must know about a segmented slice, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from ..measuring.body_composition import body_composition
from .composition_bone import Vertebra

# What is published at L3 for adults of all builds (muscle: Martin 2013, Prado 2008; density: Aubrey 2014).
MUSCLE_CM2, DENSITY_HU = (60.0, 250.0), (0.0, 60.0)
# More lateral bones than this are ribs: at L3 the tips of the 11th and 12th at most.
RIBS = 5
# Above this share of its outline on the edge of the picture, a trunk cannot be measured.
MOSTLY_CUT = 0.45
# A lateral bone of this length in the slice is no rib, mm.
ILIAC_MM = 50.0


def notes_on(
    labels: np.ndarray, hu: np.ndarray, spacing: Sequence[float], place: tuple[str, ...], cut: tuple[float, float]
) -> tuple[str, ...]:
    """Sentences about a labelled slice.

    ``place`` is what ``level_cues`` says, ``cut`` what ``cut_share`` does.
    """
    if cut[1] > MOSTLY_CUT:
        return (
            "Most of the trunk's outline lies outside the field of view (a picture of the spine alone?): the areas "
            "are not those of the whole slice; use a reconstruction with the whole trunk.",
        )
    notes = list(place)
    if cut[0] > 15:
        notes.append(
            f"The body leaves the field of view along {cut[0] / 10:.0f} cm of its outline: subcutaneous fat, and "
            "perhaps muscle, is cut off and the areas are too small."
        )
    measured = body_composition(labels, hu, spacing)
    area, density = measured["areas_cm2"]["skeletal_muscle"], measured["muscle_density_hu"]
    if not MUSCLE_CM2[0] <= area <= MUSCLE_CM2[1]:
        notes.append(
            f"Muscle area {area:.0f} cm2 lies outside {MUSCLE_CM2[0]:.0f} to {MUSCLE_CM2[1]:.0f} cm2, what is "
            "published for adults; check the segmentation."
        )
    if density is not None and not DENSITY_HU[0] <= density <= DENSITY_HU[1]:
        notes.append(
            f"Muscle density {density:.0f} HU lies outside {DENSITY_HU[0]:.0f} to {DENSITY_HU[1]:.0f} HU, what is "
            "published for adults; check the segmentation and the contrast phase."
        )
    if _metal(hu, spacing):
        notes.append("Metal in this slice: streaks shift HU, the areas beside it are uncertain.")
    return tuple(notes)


def level_cues(bones: np.ndarray, vertebra: Vertebra, step: float) -> tuple[str, ...]:
    """Sentences where the bones of a slice are not those at mid-height of L3."""
    notes = []
    if not vertebra.found:
        notes.append("No rim of a vertebral body was seen in this slice (a disc?); check the areas by eye.")
    column = np.arange(bones.shape[1])[None]
    parts, count = ndimage.label(bones & (np.abs(column - vertebra.centre[1]) * step > 60))
    boxes = ndimage.find_objects(parts)
    lengths = np.array([np.hypot(*(edge.stop - edge.start for edge in box)) * step for box in boxes])
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:] * step**2
    ribs = np.count_nonzero((sizes > 25) & (lengths < ILIAC_MM))
    if (lengths >= ILIAC_MM).any():
        notes.append("Long bones lie beside the spine (iliac crests?): this slice is probably below L3.")
    elif ribs >= RIBS:
        notes.append(
            f"{ribs} ribs are cut: this slice is probably above L3, and liver or kidney may count as muscle; check "
            "the areas by eye."
        )
    return tuple(notes)


def _metal(hu: np.ndarray, spacing: Sequence[float]) -> bool:
    return np.count_nonzero(hu > 2200) * spacing[0] * spacing[1] > 20
