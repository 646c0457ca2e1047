"""Body composition of the slice that was found, by anatomy or by a model that the user names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..events import Events
from ..imaging.scan import Scan
from ..level.axial import AxialSlice, axial_slice
from ..measuring.body_composition import body_composition

if TYPE_CHECKING:
    from .predict import Model

TILT = 15.0
"""Degrees from which on it is said that slices lean."""


TURNED = "The slice was measured with front and back exchanged, as the body shows them."


@dataclass(frozen=True)
class MeasuredSlice:
    """A slice, its labels (uint8, rows x columns, 0 where nothing was segmented) and what was measured on it.

    ``measures`` is what ``body_composition`` gives; None where the slice could not be segmented.
    """

    axial: AxialSlice
    labels: np.ndarray
    measures: dict[str, Any] | None
    notes: tuple[str, ...]


def measure_slice(
    scan: Scan,
    index: int,
    *,
    level: str,
    height_m: float | None,
    model: Model | None,
    device: str,
    events: Events,
    turned: bool = False,
) -> MeasuredSlice:
    """Segment and measure one slice; where that fails the notes say why, and nothing is measured.

    Parameters
    ----------
    scan : Scan
    index : int
        Slice along the scan's axis.
    level : str
        The level that it is taken for.
    height_m : float, optional
        Of the patient, for the skeletal muscle index.
    model : Model, optional
        A segmentation model of the tissues, used on a slab around the slice instead of the anatomical rules.
    turned : bool
        Front and back are swapped in the header: the rules look at the slice turned, for they take the back to lie
        below; a model has not learned such a slice, and measures nothing.
    """
    axial = axial_slice(scan, index, turned=turned)
    try:
        if turned and model is not None:
            raise InputError("front and back are swapped in the header; correct it before a model measures")
        if model is None:
            from ..level.composition import segment_slice

            found = segment_slice(axial.hu, axial.spacing, level)
            labels, notes = found.labels, (*((TURNED,) if turned else ()), *found.notes)
        else:
            from .l3_slab import segment_slab

            labels, notes = segment_slab(scan, index, model, device=device, events=events.silent()), ()
    except InputError as error:
        return MeasuredSlice(axial, np.zeros(axial.hu.shape, np.uint8), None, (f"Not measured: {error.message}",))
    events.check()
    if not labels.any():
        return MeasuredSlice(axial, labels, None, (*notes, "Not measured: no muscle or fat was found in the slice"))
    measures = body_composition(labels, axial.hu, axial.spacing, height_m)
    return MeasuredSlice(axial, labels, measures, (*notes, *_tilt_note(scan)))


def _tilt_note(scan: Scan) -> tuple[str, ...]:
    """That the slices lean, where areas grow by it: at 15 degrees by 4 %."""
    if scan.tilt < TILT:
        return ()
    more = 100 / np.cos(np.radians(scan.tilt)) - 100
    return (
        f"The slices are tilted by {scan.tilt:.0f} degrees against the scanner's axial plane: areas are those of the "
        f"tilted slice, up to {more:.0f} % larger than an axial one's.",
    )
