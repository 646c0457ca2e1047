"""Tissues of one slice by a segmentation model, run on a slab of the scan around it."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, UsageError
from ..events import Events
from ..imaging import Grid
from ..imaging.scan import Scan, scan_of
from ..level.axial import axial_slice
from ..measuring.body_composition import TISSUES
from ..preparing.normalising import normalise
from .predict import Model, predict_array

BODY_HU = -500
"""Voxels above this belong to the body or the table."""


def tissue_values(model: Model) -> dict[int, int]:
    """The model's label values and the tissues they are; ``UsageError`` for a model that lacks one or is not of CT."""
    card = model.card
    names = {name: value for value, name, *_ in TISSUES}
    found = {label.value: names[key] for label in card.labels if (key := label.name.lower().replace(" ", "_")) in names}
    if tuple(card.roles) != ("ct",) or card.task == "level" or len(found) < len(names):
        raise UsageError(
            f"--composition-model {card.name}: a model of CT with the labels {', '.join(names)} is needed; "
            f"this one has the role {', '.join(card.roles)} and {', '.join(label.name for label in card.labels)}"
        )
    return found


def segment_slab(scan: Scan, index: int, model: Model, *, device: str, events: Events) -> np.ndarray:
    """Labels (rows, columns) of slice ``index`` in display order, values as ``measuring.body_composition`` has them.

    Raises
    ------
    InputError
        When the slab shows no body.
    """
    card, values = model.card, tissue_values(model)
    slab, place = _slab(scan, index, card.window[-1] * card.spacing[-1] if len(card.spacing) > 2 else 0.0)
    work = Grid.of(slab).reoriented(card.orientation).with_spacing(tuple(float(step) for step in card.spacing))
    image = sitk.Resample(slab, work.put_on(sitk.Image(list(work.size), sitk.sitkUInt8)), sitk.Transform(),
                          sitk.sitkLinear, -1024.0, sitk.sitkFloat32)  # fmt: skip
    array = sitk.GetArrayFromImage(image)[None]
    body = array[0] > BODY_HU
    if not body.any():
        raise InputError("the slice shows no body; choose another slice")
    if card.normalisation != "none":  # a model that takes HU as they are knows air by its HU, not as 0
        normalise(array[0], body, kind=card.normalisation, where="ct")
    predicted = predict_array(model, array, body, device=device, events=events).labels
    table = np.zeros(256, np.uint8)
    for value, tissue in values.items():
        table[value] = tissue
    labels = work.put_on(sitk.GetImageFromArray(table[predicted]))
    labels = sitk.Resample(labels, slab, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
    return axial_slice(scan_of(labels), place).hu.astype(np.uint8)


def _slab(scan: Scan, index: int, tall: float) -> tuple[sitk.Image, int]:
    """The slices that a window of ``tall`` mm needs around ``index``, and the place of that slice among them."""
    step = scan.image.GetSpacing()[scan.axis]
    reach = max(int(np.ceil(tall / 2 / step)), 2)
    first, last = max(index - reach, 0), min(index + reach + 1, scan.count)
    size, start = list(scan.image.GetSize()), [0, 0, 0]
    size[scan.axis], start[scan.axis] = last - first, first
    return sitk.RegionOfInterest(scan.image, size, start), index - first
