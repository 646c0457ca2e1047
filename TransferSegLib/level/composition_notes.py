"""What a reader must know about a segmented slice, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..measuring.body_composition import body_composition
from .composition_bone import Vertebra, closing

# What is published at L3 for adults of all builds (muscle: Martin 2013, Prado 2008; density: Aubrey 2014).
MUSCLE_CM2, DENSITY_HU = (60.0, 250.0), (0.0, 60.0)
# More lateral bones than this are ribs: at L3 the tips of the 11th and 12th at most.
RIBS = 5
# Above this share of its outline on the edge of the picture, a trunk cannot be measured.
MOSTLY_CUT = 0.45
# A lateral bone of this length in the slice is no rib, mm.
ILIAC_MM = 50.0
# Nor are two of this length; and a rib, 15 mm high and at a slope of 30 degrees, is cut over this length at most, mm.
PAIR_MM, RIB_MM = 40.0, 30.0
# Beside the spine from here on; gaps in one bone; and in front of the vertebral body from here on, where no hip bone is
# at the height of the crests, mm.
BESIDE_MM, MERGE_MM, FRONT_MM = 60.0, 4.0, 20.0


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


@dataclass(frozen=True)
class BoneCue:
    """What bones beside the spine say of a slice: that it lies ``above`` or ``below`` L3, and in words."""

    side: str
    sentence: str


def level_cues(bones: np.ndarray, vertebra: Vertebra, step: float, level: str = "L3") -> tuple[str, ...]:
    """Sentences where the bones of a slice are not those at mid-height of L3; nothing of bones for another level."""
    notes = []
    if not vertebra.found:
        notes.append("No rim of a vertebral body was seen in this slice (a disc?); check the areas by eye.")
    cue = bone_cue(bones, vertebra, step, level)
    return (*notes, cue.sentence) if cue is not None else tuple(notes)


def bone_cue(bones: np.ndarray, vertebra: Vertebra, step: float, level: str = "L3") -> BoneCue | None:
    """Iliac crests or many ribs beside the spine; None without, and for another level than L3.

    Parameters
    ----------
    bones : bool (rows, columns)
        Row 0 anterior, square pixels of ``step`` mm.
    """
    if level != "L3":
        return None
    column = np.arange(bones.shape[1])[None]
    beside = np.abs(column - vertebra.centre[1]) * step > BESIDE_MM
    # The crest is cut into pieces where it is thin: what lies this near together is one bone.
    parts, _ = ndimage.label(closing(bones & beside, MERGE_MM / step) & beside)
    found = [
        _Bone.of(parts[box] == number, box, vertebra, step) for number, box in enumerate(ndimage.find_objects(parts), 1)
    ]
    found = [bone for bone in found if bone.size > 25]
    behind = [bone for bone in found if bone.front > -FRONT_MM]
    pair = sum(bone.length >= PAIR_MM for bone in behind) >= 2
    if pair or any(bone.length >= ILIAC_MM for bone in behind):
        return BoneCue("below", "Long bones lie beside the spine (iliac crests?): this slice is probably below L3.")
    slender = all(bone.length <= RIB_MM for bone in found)
    if len(found) >= RIBS and slender and any(bone.front <= -FRONT_MM for bone in found):
        return BoneCue(
            "above",
            f"{len(found)} ribs are cut: this slice is probably above L3, and liver or kidney may count as muscle; "
            "check the areas by eye.",
        )
    return None


@dataclass(frozen=True)
class _Bone:
    """A bone beside the spine: area (mm2), length (mm), and how far behind the vertebral body's middle it lies (mm)."""

    size: float
    length: float
    front: float

    @staticmethod
    def of(mask: np.ndarray, box: tuple[slice, slice], vertebra: Vertebra, step: float) -> _Bone:
        rows = np.nonzero(mask)[0] + box[0].start
        length = np.hypot(*(edge.stop - edge.start for edge in box)) * step
        return _Bone(mask.sum() * step**2, float(length), float((rows.mean() - vertebra.centre[0]) * step))


def _metal(hu: np.ndarray, spacing: Sequence[float]) -> bool:
    return np.count_nonzero(hu > 2200) * spacing[0] * spacing[1] > 20
