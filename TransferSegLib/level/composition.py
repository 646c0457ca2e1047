"""Muscle and fat of one axial slice at a lumbar level, by thresholds and anatomy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..measuring.body_composition import INTERMUSCULAR, MUSCLE, SUBCUTANEOUS, TISSUES, VISCERAL
from .composition_body import cut_share, trunk
from .composition_bone import Vertebra, closing, find_vertebra, other_bones
from .composition_notes import BoneCue, bone_cue, level_cues, notes_on
from .composition_psoas import psoas, quadratus
from .composition_wall import inner_surface, muscleness, outer_surface

# Regions are found on a grid of this pixel size, mm; HU are judged on the slice's own pixels.
STEP_MM = 1.5
SKIN_MM = 2.0
# Fat within muscle bundles closer than this counts as intermuscular; along the back's long muscles, mm.
FASCIA_MM, BACK_FASCIA_MM = 4.0, 11.0
# Half the width of a bridge of soft tissue between an organ and a muscle, mm.
APART_MM = 2.0
# A piece of soft tissue that comes this near to the subcutaneous fat is wall, mm.
WALL_MM = 6.0
# Noise (HU, on the working grid) that needs no more smoothing; the largest bright spot that a muscle may hold.
CALM_HU, SPOT_MM2 = 8.0, 100.0
RANGES = {value: (low, high) for value, _, low, high in TISSUES}


@dataclass(frozen=True)
class SliceLabels:
    """A segmented slice.

    Attributes
    ----------
    labels : uint8 (rows, columns)
        1 skeletal muscle, 2 subcutaneous fat, 3 visceral fat, 4 intermuscular fat, 0 the rest.
    notes : tuple of str
        What the reader must know: fat cut off, no vertebra, areas outside what is published.
    """

    labels: np.ndarray
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Regions:
    """Where each tissue may lie, bool (rows, columns) on the working grid."""

    body: np.ndarray
    within: np.ndarray
    cavity: np.ndarray
    psoas: np.ndarray
    bones: np.ndarray
    vertebra: Vertebra


def segment_slice(hu: np.ndarray, spacing: Sequence[float], level: str = "L3") -> SliceLabels:
    """Segment one axial slice.

    Parameters
    ----------
    hu : float (rows, columns)
        Row 0 anterior, column 0 the patient's right (``axial_slice``).
    spacing : two floats
        mm between rows and between columns.
    level : str
        Whose slice it is meant to be, for the notes.

    Raises
    ------
    InputError
        When it is not a slice of numbers with a spacing, or shows no body.
    """
    hu, body, regions = _looked_at(hu, spacing)
    labels = _labels(hu, spacing, regions)
    place = level_cues(_beside(regions), regions.vertebra, STEP_MM, level)
    return SliceLabels(labels, notes_on(labels, hu, spacing, place, cut_share(body, STEP_MM)))


def cue_of_slice(hu: np.ndarray, spacing: Sequence[float], level: str) -> BoneCue | None:
    """What speaks against a slice being that of the level; arguments and errors as of ``segment_slice``."""
    regions = _looked_at(hu, spacing)[2]
    return bone_cue(_beside(regions), regions.vertebra, STEP_MM, level)


def _beside(regions: Regions) -> np.ndarray:
    return regions.bones & regions.within & ~regions.cavity


def _looked_at(hu: np.ndarray, spacing: Sequence[float]) -> tuple[np.ndarray, np.ndarray, Regions]:
    """The checked slice, its trunk and its regions on the working grid."""
    hu = np.asarray(hu, np.float32)
    if hu.ndim != 2 or min(hu.shape) < 16 or not np.isfinite(hu).all():
        raise InputError(f"slice of shape {hu.shape}: not a picture of finite HU; give one axial slice")
    if len(spacing) != 2 or not all(np.isfinite(step) and step > 0 for step in spacing):
        raise InputError(f"spacing: got {tuple(spacing)}; give two positive numbers in mm, between rows and columns")
    small = _working(hu, spacing)
    body = trunk(small, STEP_MM)
    if np.count_nonzero(body) * STEP_MM**2 < 5000:
        raise InputError("no trunk in this slice (less than 50 cm2 above -300 HU); choose another slice")
    return hu, body, _regions(small, body)


def _working(hu: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """The slice smoothed and with pixels of ``STEP_MM``; the outer edges keep their place."""
    limited = np.clip(hu, -1024, 1500)
    sigma = [max(0.45 * STEP_MM / step, 0.3) for step in spacing]
    smooth = ndimage.gaussian_filter(limited, sigma)
    shape = [max(round(n * step / STEP_MM), 8) for n, step in zip(hu.shape, spacing)]
    return _resized(smooth, shape)


def _resized(image: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Linear interpolation to another number of pixels over the same field."""
    image = image.astype(np.float32)
    for axis in (0, 1):
        n, m = image.shape[axis], shape[axis]
        place = np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1)
        low = np.minimum(place.astype(int), max(n - 2, 0))
        share = (place - low).astype(np.float32)
        share = share[:, None] if axis == 0 else share[None]
        image = np.take(image, low, axis) * (1 - share) + np.take(image, np.minimum(low + 1, n - 1), axis) * share
    return image


def _regions(small: np.ndarray, body: np.ndarray) -> Regions:
    within = outer_surface(small, body, STEP_MM)
    vertebra = find_vertebra(small, within, STEP_MM)
    reference = _muscle_hu(small, within, vertebra)
    cavity = inner_surface(small, within, vertebra, reference, STEP_MM)
    bones = other_bones(small, body, STEP_MM) | vertebra.mask
    soft = muscleness(_calmed(small, body), reference)
    side = psoas(np.where(_spots(bones & ~vertebra.mask), 1, soft), vertebra, STEP_MM)
    organs = _organs((small > -10) & within & ~bones, within, cavity, side)
    cavity, side = cavity | organs, side & ~organs
    muscles = (within & ~cavity) | side
    side |= quadratus((soft > 0.6) & within & ~muscles & ~bones & ~organs, muscles, vertebra, STEP_MM)
    return Regions(body, within, cavity, side, bones, vertebra)


def _calmed(small: np.ndarray, body: np.ndarray) -> np.ndarray:
    """The slice smoothed once more where it is noisy."""
    grain = 1.48 * np.median(np.abs(small - ndimage.median_filter(small, 3))[body])
    return small if grain < CALM_HU else ndimage.gaussian_filter(small, min(grain / (2 * CALM_HU), 1.2))


def _spots(bright: np.ndarray) -> np.ndarray:
    """Small bright things with their blurred edge: a ureter with contrast, a calcified vessel on the psoas."""
    parts, _ = ndimage.label(bright)
    small = np.bincount(parts.ravel()) * STEP_MM**2 < SPOT_MM2
    small[0] = False
    return ndimage.binary_dilation(small[parts], iterations=2)


def _organs(soft: np.ndarray, within: np.ndarray, cavity: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Whole organs of which a part was taken for muscle: pieces of soft tissue deep inside, parted by fat."""
    deep = ndimage.distance_transform_edt(soft) * STEP_MM
    pieces, count = ndimage.label(deep > APART_MM)
    if not count:
        return pieces > 0
    size = np.bincount(pieces.ravel(), minlength=count + 1)
    inside = np.bincount(pieces[cavity & ~side], minlength=count + 1)
    wall = ndimage.distance_transform_edt(within) * STEP_MM < WALL_MM
    touching = np.bincount(pieces[wall], minlength=count + 1)
    organ = (inside > 0.6 * size) & (inside < size) & (touching == 0)
    organ[0] = False
    rows, columns = ndimage.distance_transform_edt(pieces == 0, return_distances=False, return_indices=True)
    reached = ndimage.distance_transform_edt(pieces == 0) * STEP_MM <= APART_MM + STEP_MM
    return organ[pieces[rows, columns]] & reached & soft


def _muscle_hu(small: np.ndarray, within: np.ndarray, vertebra: Vertebra) -> float:
    """The HU of the long muscles of the back in this slice, 35 to 75."""
    row, column = np.ogrid[: small.shape[0], : small.shape[1]]
    down, right = (row - vertebra.centre[0]) * STEP_MM, np.abs(column - vertebra.centre[1]) * STEP_MM
    back = within & ~vertebra.mask & (down > 25) & (right > 10) & (right < 70) & (small > 0) & (small < 110)
    return float(np.clip(np.median(small[back]) if np.count_nonzero(back) > 50 else 50, 35, 75))


def _labels(hu: np.ndarray, spacing: Sequence[float], regions: Regions) -> np.ndarray:
    """Thresholds on the slice's own pixels within the regions."""

    def full(mask: np.ndarray) -> np.ndarray:
        return _resized(mask, hu.shape) > 0.5

    depth = ndimage.distance_transform_edt(np.pad(regions.body, 1))[1:-1, 1:-1] * STEP_MM
    flesh = _resized(depth - STEP_MM / 2, hu.shape) > SKIN_MM
    within, bones = full(regions.within), full(regions.bones)
    muscular = (full(regions.within & ~regions.cavity) | full(regions.psoas)) & ~bones & flesh
    cavity = full(regions.cavity) & ~full(regions.psoas) & ~bones
    labels = np.zeros(hu.shape, np.uint8)
    labels[_range(hu, SUBCUTANEOUS) & flesh & ~within] = SUBCUTANEOUS
    labels[_range(hu, VISCERAL) & cavity & within] = VISCERAL
    muscle = _range(hu, MUSCLE) & muscular
    labels[muscle] = MUSCLE
    _label_fat_between(labels, hu, spacing, muscular, regions)
    return labels


def _range(hu: np.ndarray, tissue: int) -> np.ndarray:
    low, high = RANGES[tissue]
    return (hu >= low) & (hu <= high)


def _label_fat_between(
    labels: np.ndarray, hu: np.ndarray, spacing: Sequence[float], muscular: np.ndarray, regions: Regions
) -> None:
    """Fat in the muscle region: intermuscular within the fascia, else what it borders on."""
    small = _resized(labels == MUSCLE, regions.body.shape) > 0.5
    row = np.arange(small.shape[0])[:, None]
    back = row > regions.vertebra.centre[0] + 8 / STEP_MM
    frame = small | (regions.bones & regions.within)
    fascia = (closing(frame, FASCIA_MM / STEP_MM) & ~back) | (closing(frame, BACK_FASCIA_MM / STEP_MM) & back)
    fascia = _resized(fascia & regions.within, hu.shape) > 0.5
    fat = muscular & (labels == 0)
    labels[fat & fascia & _range(hu, INTERMUSCULAR)] = INTERMUSCULAR
    rest = fat & ~fascia
    to_cavity = ndimage.distance_transform_edt(~regions.cavity)
    to_skin = ndimage.distance_transform_edt(regions.within)
    inner = _resized((to_cavity < to_skin).astype(np.float32), hu.shape) > 0.5
    labels[rest & inner & _range(hu, VISCERAL)] = VISCERAL
    labels[rest & ~inner & _range(hu, SUBCUTANEOUS)] = SUBCUTANEOUS
