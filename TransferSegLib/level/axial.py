"""One slice of a CT as the radiologist sees it (anterior above, patient's right on the left), and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import SimpleITK as sitk

from ..errors import InputError


class ScanLike(Protocol):
    """What is needed of an ``imaging.scan.Scan``."""

    image: sitk.Image
    axis: int


@dataclass(frozen=True)
class AxialSlice:
    """A slice in radiological display order.

    Attributes
    ----------
    hu : float32 (rows, columns)
        Row 0 is the most anterior, column 0 the patient's right.
    spacing : (float, float)
        mm between rows and between columns.
    index : int
        The slice, 0-based, along the scan's axis.
    put_back : callable
        ``put_back(labels)`` with labels (rows, columns) gives a uint8 ``sitk.Image`` on the scan's own grid, zero
        outside the slice; ``InputError`` for another shape or values that are not 0 to 255.
    """

    hu: np.ndarray
    spacing: tuple[float, float]
    index: int
    put_back: Callable[[np.ndarray], sitk.Image]


@dataclass(frozen=True)
class _Turn:
    """How an array slice becomes a display slice: transpose first, then flip rows and columns."""

    transpose: bool
    flip: tuple[bool, bool]

    def to_display(self, plane: np.ndarray) -> np.ndarray:
        """A view of an array slice in display order."""
        plane = plane.T if self.transpose else plane
        return plane[:: -1 if self.flip[0] else 1, :: -1 if self.flip[1] else 1]


def axial_slice(scan: ScanLike, index: int, *, turned: bool = False) -> AxialSlice:
    """Slice ``index`` along the scan's axis.

    Parameters
    ----------
    scan : Scan
        Any orientation; an oblique one is shown along its nearest axes.
    index : int
        0-based along ``scan.axis``.
    turned : bool
        Front and back are swapped in the header: row 0 is then the most anterior by the body itself.

    Raises
    ------
    InputError
        When the scan has no such slice.
    """
    count = scan.image.GetSize()[scan.axis]
    if not 0 <= index < count:
        raise InputError(f"slice {index}: the scan has slices 0 to {count - 1}; name one of them")
    turn, spacing = _turn_of(scan.image, scan.axis)
    if turned:
        turn = _Turn(turn.transpose, (not turn.flip[0], turn.flip[1]))
    plane = _plane(sitk.GetArrayViewFromImage(scan.image), scan.axis, index)
    hu = np.ascontiguousarray(turn.to_display(plane), np.float32)
    return AxialSlice(hu, spacing, int(index), lambda labels: _put_back(labels, scan.image, scan.axis, index, turn))


def _plane(array: np.ndarray, axis: int, index: int) -> np.ndarray:
    """A view of one slice of an array (k, j, i) along image axis ``axis``."""
    return array[(slice(None),) * (2 - axis) + (index,)]


def _turn_of(image: sitk.Image, axis: int) -> tuple[_Turn, tuple[float, float]]:
    """The turn and the (row, column) spacing in mm, from the image's direction."""
    direction = np.array(image.GetDirection()).reshape(3, 3)
    first, second = (other for other in (2, 1, 0) if other != axis)  # the image axes of the plane's rows, columns
    right_left, front_back = np.abs(direction[0]), np.abs(direction[1])
    straight = front_back[first] + right_left[second]
    transpose = bool(front_back[second] + right_left[first] > straight)
    row_axis, column_axis = (second, first) if transpose else (first, second)
    flip = (bool(direction[1, row_axis] < 0), bool(direction[0, column_axis] < 0))
    spacing = image.GetSpacing()
    return _Turn(transpose, flip), (float(spacing[row_axis]), float(spacing[column_axis]))


def _put_back(labels: np.ndarray, image: sitk.Image, axis: int, index: int, turn: _Turn) -> sitk.Image:
    labels = np.asarray(labels)
    array = np.zeros(image.GetSize()[::-1], np.uint8)
    display = turn.to_display(_plane(array, axis, index))
    if labels.shape != display.shape:
        raise InputError(f"labels of shape {labels.shape}: the slice has {display.shape}; pass the slice's own grid")
    if labels.size and (labels.min() < 0 or labels.max() > 255 or (labels != np.rint(labels)).any()):
        raise InputError("labels: not whole numbers from 0 to 255; give a label map")
    display[...] = labels
    out = sitk.GetImageFromArray(array)
    out.CopyInformation(image)
    return out
