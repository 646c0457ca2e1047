"""Where the level truly is in a scan: from a slice number, a height in mm, or a mask of vertebrae."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, UsageError
from ..imaging import Grid, read_image, to_array
from .vertebra_labels import find_label
from .vertebral_body import body_centre, is_cut

if TYPE_CHECKING:
    from ..imaging.scan import Scan
    from .data_set import LevelCase

WHERE = ("above", "below", "absent")


@dataclass(frozen=True)
class TrueLevel:
    """The true place of a level.

    Attributes
    ----------
    slice : float or None
        Slice index along the scan's axis, 0-based, fractions between slices; None where it is not in the scan.
    mm : float or None
        Height, LPS S in mm.
    where : str
        Empty where the scan shows the level; ``above`` or ``below`` (the level lies above or below what the scan
        shows), ``absent`` where it is only known not to be there.
    """

    slice: float | None = None
    mm: float | None = None
    where: str = ""

    @property
    def in_view(self) -> bool:
        """Whether the scan shows the level."""
        return not self.where


def true_level(case: LevelCase, scan: Scan) -> TrueLevel:
    """The truth of a case of a level data set, in its scan; raises as `read_truth` does."""
    if case.where:
        return TrueLevel(where=case.where)
    if case.slice is not None:
        return _at_slice(case.slice, scan, f"{case.ct}: slice {case.slice:g}")
    if case.mm is not None:
        return _at_height(case.mm, scan, f"{case.ct}: {case.mm:g} mm")
    return _in_mask(case.mask, scan, case.level, case.label)


def read_truth(truth: str | Path | float, scan: Scan, level: str, label: int | None = None) -> TrueLevel:
    """The truth that a user names.

    Parameters
    ----------
    truth : path, number or text
        A mask file (of the whole patient too, where the scan shows a part); a slice number along the scan's axis
        (0-based); a height such as ``-412.5mm`` (LPS S); or one of ``above``, ``below``, ``absent``.
    level : str
        Name of the level, ``L3``.
    label : int, optional
        Its value in the mask. Without it: the only label there is, or the one that TotalSegmentator (v1, v2) or VerSe
        give the level, where the order of the neighbours tells which.

    Raises
    ------
    InputError
        A mask that cannot be read, has nothing in common with the scan, lacks the level or cuts it; a place outside
        the scan.
    UsageError
        Text that is neither a file nor a number, or a mask whose labels need ``--truth-label``.
    """
    text = str(truth).strip()
    if text in WHERE:
        return TrueLevel(where=text)
    number, unit = (text[:-2], "mm") if text.lower().endswith("mm") else (text, "")
    try:
        value = float(number)
    except ValueError:
        if not Path(text).exists():
            raise UsageError(
                f"--truth {text}: no such file; give a mask, a slice number, a height such as -412.5mm, "
                f"or {', '.join(WHERE)}"
            ) from None
        return _in_mask(Path(text), scan, level, label)
    place = _at_height if unit else _at_slice
    return place(value, scan, f"--truth {text}")


def slice_of_height(mm: float, scan: Scan) -> float:
    """Slice index, continuous, at a height (LPS S, mm); straight on beyond the scan's ends."""
    heights, numbers = scan.heights, np.arange(scan.count, dtype=float)
    if scan.count < 2:
        return 0.0
    if scan.superior_first:
        heights, numbers = heights[::-1], numbers[::-1]
    here = int(np.clip(np.searchsorted(heights, mm) - 1, 0, scan.count - 2))
    share = (mm - heights[here]) / (heights[here + 1] - heights[here])
    return float(numbers[here] + share * (numbers[here + 1] - numbers[here]))


def _at_slice(value: float, scan: Scan, what: str) -> TrueLevel:
    if not -0.5 <= value <= scan.count - 0.5:
        raise InputError(f"{what}: the scan has the slices 0 to {scan.count - 1}; correct the number")
    return TrueLevel(value, float(np.interp(value, np.arange(scan.count), scan.heights)))


def _at_height(mm: float, scan: Scan, what: str) -> TrueLevel:
    low, high = float(scan.heights.min()), float(scan.heights.max())
    place = slice_of_height(mm, scan)
    if not -0.5 <= place <= scan.count - 0.5:
        raise InputError(f"{what}: the scan reaches from {low:.1f} to {high:.1f} mm (LPS S); correct the height")
    return TrueLevel(place, mm)


def _in_mask(path: Path, scan: Scan, level: str, label: int | None) -> TrueLevel:
    """The middle of the vertebral body in a mask, on whatever grid it has."""
    image = read_image(path, what="truth")
    labels, grid = to_array(image), Grid.of(image)
    value, where = find_label(labels, grid, level, label, what=str(path))
    if value is None:
        return TrueLevel(where=where)
    mask = labels == value
    centre = body_centre(mask, grid)
    if is_cut(mask, grid, centre):
        raise InputError(
            f"{path}: its {level} touches the mask's first or last slice and may be cut, so its middle is not known; "
            "give the slice or the height instead, or leave the scan out"
        )
    place = _slice_of_point(centre, scan)
    if not -0.5 <= place <= scan.count - 0.5:
        if not _overlap(grid, scan.grid):
            raise InputError(f"{path}: lies outside the scan; the mask and the CT do not belong together")
        return TrueLevel(where="above" if centre[2] > scan.heights.mean() else "below")
    return TrueLevel(place, float(np.interp(place, np.arange(scan.count), scan.heights)))


def _overlap(one: Grid, other: Grid) -> bool:
    """Whether the boxes of two grids, upright in the patient, have a part in common."""
    (low, high), (start, end) = ((c.min(axis=0), c.max(axis=0)) for c in (one.corners(), other.corners()))
    return bool((np.maximum(low, start) <= np.minimum(high, end)).all())


def _slice_of_point(point: np.ndarray, scan: Scan) -> float:
    """Continuous slice index of a point (LPS mm): where the slice planes meet it, also in an oblique scan."""
    normal = scan.grid.matrix[:, scan.axis]
    along, numbers = scan.positions @ normal, np.arange(scan.count, dtype=float)
    # Planes, not heights: a tilted slice meets the spine above or below its own centre.
    reach, step = float(point @ normal), np.diff(along)
    if scan.count < 2 or (step == 0).any():
        return slice_of_height(float(point[2]), scan)
    if along[0] > along[-1]:
        along, numbers = along[::-1], numbers[::-1]
    here = int(np.clip(np.searchsorted(along, reach) - 1, 0, scan.count - 2))
    share = (reach - along[here]) / (along[here + 1] - along[here])
    return float(numbers[here] + share * (numbers[here + 1] - numbers[here]))
