"""The three orthogonal slices of a case as they hang on a light box: the patient's right on the picture's left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..imaging import Grid

MARGIN_MM = 6.0
"""How much is left around what the picture shows."""


@dataclass(frozen=True)
class Slice:
    """One slice, ready to be drawn with its first row on top.

    Attributes
    ----------
    name : str
        ``axial``, ``coronal`` or ``sagittal``; ``picture`` for the one slice of a picture.
    position_mm : float
        Place of the slice along the patient's axis that it cuts, in LPS mm.
    grey, labels, truth : (rows, columns)
        The cut through the image, the label map and the truth (None without one).
    size_mm : (width, height)
    sides : (left, right, top, bottom)
        Letters of the patient's sides at the edges.
    """

    name: str
    position_mm: float
    grey: np.ndarray
    labels: np.ndarray
    truth: np.ndarray | None
    size_mm: tuple[float, float]
    sides: tuple[str, str, str, str]


# For each array axis of an LPS image (k to the head, j to the back, i to the left): the view that cuts across it,
# the letters at its edges, and whether its rows run upwards.
_VIEWS = (
    ("axial", ("R", "L", "A", "P"), False),
    ("coronal", ("R", "L", "S", "I"), True),
    ("sagittal", ("A", "P", "S", "I"), True),
)


# A picture has no sides of a patient.
_PICTURE = (("picture", ("", "", "", ""), False),)
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


def of_picture(image: sitk.Image) -> bool:
    """Whether an image is on the grid of a picture: one slice, a pixel a millimetre, at no place of a patient."""
    return image.GetSize()[2:] == (1,) and set(image.GetSpacing()) == {1.0} and set(image.GetOrigin()) == {0.0}


def orthogonal_slices(
    image: sitk.Image, labels: sitk.Image, truth: sitk.Image | None, *, values: Sequence[int]
) -> list[Slice]:
    """Axial, coronal and sagittal slices where the labels cover most, cropped to what there is to see.

    Of a picture that alone; of colours the luminance.

    Parameters
    ----------
    image, labels, truth : SimpleITK.Image
        On one grid of any orientation; an oblique one is shown along its nearest patient axes.
    values : sequence of int
        The label values that count; the others are background.

    Raises
    ------
    InputError
        When the grids differ.
    """
    grid = Grid.of(image)
    for what, other in (("labels", labels), ("truth", truth)):
        if other is not None and not grid.same_as(Grid.of(other)):
            raise InputError(f"{what}: they lie on another grid than the image; resample them to the image's grid")
    oriented = sitk.DICOMOrient(image, "LPS")
    grey = sitk.GetArrayFromImage(oriented).astype(np.float32)
    grey = grey @ _LUMINANCE if grey.ndim == 4 else grey
    views = _PICTURE if of_picture(image) else _VIEWS
    found, true = (None if part is None else _known(part, values) for part in (labels, truth))
    spacing = oriented.GetSpacing()[::-1]
    shown = found if found.any() or true is None else true
    box = _box(grey, (found > 0) if true is None else (found > 0) | (true > 0), spacing)
    slices = []
    for axis, (name, sides, upwards) in enumerate(views):
        place = _fullest(shown > 0, axis, box)
        rows, columns = (other for other in range(3) if other != axis)
        cut = [None if part is None else _cut(part, axis, place, box, upwards) for part in (grey, found, true)]
        height, width = (n * spacing[other] for n, other in zip(cut[0].shape, (rows, columns)))
        slices.append(Slice(name, _position(oriented, axis, place), *cut, (width, height), sides))
    return slices


def _known(image: sitk.Image, values: Sequence[int]) -> np.ndarray:
    array = sitk.GetArrayFromImage(sitk.DICOMOrient(image, "LPS"))
    return np.where(np.isin(array, list(values)), array, 0)


def _box(grey: np.ndarray, labelled: np.ndarray, spacing: tuple[float, ...]) -> tuple[slice, ...]:
    """Where the image differs from its background, or is labelled, with a margin."""
    background = np.percentile(grey, 1)
    seen = (grey > background + 0.02 * (np.percentile(grey, 99.5) - background)) | labelled
    if not seen.any():
        return tuple(slice(0, n) for n in grey.shape)
    box = []
    for axis, step in enumerate(spacing):
        filled = np.flatnonzero(seen.any(axis=tuple(other for other in range(3) if other != axis)))
        margin = int(np.ceil(MARGIN_MM / step))
        box.append(slice(max(int(filled[0]) - margin, 0), min(int(filled[-1]) + margin + 1, grey.shape[axis])))
    return tuple(box)


def _fullest(labelled: np.ndarray, axis: int, box: tuple[slice, ...]) -> int:
    """The slice with most labelled voxels; the middle of the box when there are none."""
    area = labelled.sum(axis=tuple(other for other in range(3) if other != axis))
    return int(area.argmax()) if area.any() else (box[axis].start + box[axis].stop) // 2


def _cut(array: np.ndarray, axis: int, place: int, box: tuple[slice, ...], upwards: bool) -> np.ndarray:
    rows, columns = (box[other] for other in range(3) if other != axis)
    cut = np.take(array, place, axis=axis)[rows, columns]
    return cut[::-1] if upwards else cut


def _position(image: sitk.Image, axis: int, place: int) -> float:
    index = [n // 2 for n in image.GetSize()]
    index[2 - axis] = place
    return image.TransformIndexToPhysicalPoint(index)[2 - axis]
