"""Areas of muscle and fat, muscle density and skeletal muscle index of one axial slice; numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError

MUSCLE, SUBCUTANEOUS, VISCERAL, INTERMUSCULAR = 1, 2, 3, 4

# Label, name, lowest and highest HU that count (Mourtzakis 2008, Mitsiopoulos 1998, Aubrey 2014).
TISSUES = (
    (MUSCLE, "skeletal_muscle", -29.0, 150.0),
    (SUBCUTANEOUS, "subcutaneous_fat", -190.0, -30.0),
    (VISCERAL, "visceral_fat", -150.0, -50.0),
    (INTERMUSCULAR, "intermuscular_fat", -190.0, -30.0),
)
# Heights that a person can have, m.
HEIGHTS_M = (0.4, 2.6)


def body_composition(
    labels: np.ndarray, hu: np.ndarray, spacing: Sequence[float], height_m: float | None = None
) -> dict:
    """Measure a labelled slice, as it was segmented or edited.

    A voxel counts for a tissue when it is labelled so *and* its HU lie in the tissue's range, so that a generous
    brush stroke does not add area; what was labelled and does not count stands in ``outside_range_cm2``.

    Parameters
    ----------
    labels : integer (rows, columns)
        1 skeletal muscle, 2 subcutaneous, 3 visceral, 4 intermuscular fat; other values are ignored.
    hu : (rows, columns)
        Hounsfield units of the same slice.
    spacing : two floats
        mm between rows and between columns.
    height_m : float, optional
        Height of the patient in metres, 0.4 to 2.6; centimetres (170) are refused, never guessed.

    Returns
    -------
    dict
        ``areas_cm2`` and ``outside_range_cm2`` by tissue; ``muscle_density_hu``: mean HU of the counted muscle, None
        without muscle; ``skeletal_muscle_index``: muscle area over height squared, cm2/m2, None without a height.

    Raises
    ------
    InputError
        When the shapes differ, the spacing is not positive or the height is not one in metres.
    """
    labels, hu = np.asarray(labels), np.asarray(hu)
    _check(labels, hu, spacing)
    height = check_height(height_m)
    pixel_cm2 = float(spacing[0]) * float(spacing[1]) / 100
    areas, outside, density = {}, {}, None
    for value, name, low, high in TISSUES:
        values = hu[labels == value].astype(np.float64)
        counted = values[(values >= low) & (values <= high)]
        areas[name] = counted.size * pixel_cm2
        outside[name] = (values.size - counted.size) * pixel_cm2
        if value == MUSCLE and counted.size:
            density = float(counted.mean())
    index = None if height is None else areas["skeletal_muscle"] / height**2
    return {
        "areas_cm2": areas,
        "outside_range_cm2": outside,
        "muscle_density_hu": density,
        "skeletal_muscle_index": index,
    }


def check_height(height_m: float | None) -> float | None:
    """The height in metres, or None; ``InputError`` for what is no height in metres, naming the likely slip."""
    if height_m is None:
        return None
    try:
        height = float(height_m)
    except (TypeError, ValueError):
        raise InputError(f"height {height_m!r}: not a number; give metres, for example 1.70") from None
    if HEIGHTS_M[0] <= height <= HEIGHTS_M[1]:
        return height
    if HEIGHTS_M[0] <= height / 100 <= HEIGHTS_M[1]:
        raise InputError(f"height {height:g}: these are centimetres; give metres, {height / 100:.2f}")
    raise InputError(f"height {height:g}: not the height of a person in metres; give for example 1.70")


def _check(labels: np.ndarray, hu: np.ndarray, spacing: Sequence[float]) -> None:
    if labels.shape != hu.shape or labels.ndim != 2:
        raise InputError(f"labels of shape {labels.shape} and HU of {hu.shape}; give one slice, both on its grid")
    if len(spacing) != 2 or not all(np.isfinite(step) and step > 0 for step in spacing):
        raise InputError(f"spacing: got {tuple(spacing)}; give two positive numbers in mm, between rows and columns")
