"""The case that a model's time and memory are measured on: made, of a usual size, picked by the model's roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..cases import of_pictures
from ..errors import UsageError
from ..packages import Card

MRI_MM = {"L": 240.0, "P": 240.0, "S": 155.0}
BRAIN_MM = {"L": 66.0, "P": 84.0, "S": 64.0}
"""Half axes of an ellipsoid of 1.5 l, as a brain in BraTS has."""
CT_MM = {"L": 360.0, "P": 360.0, "S": 300.0}
BODY_MM = {"L": 500.0, "P": 400.0, "S": 800.0}
"""PET/CT, cropped to the body from the neck to the thighs."""
SCAN_MM, SLICE, PICTURE_SIDE, MARGIN = 600.0, 512, 224, 2
_AXES = {"R": "L", "A": "P", "I": "S"}


@dataclass(frozen=True)
class StandardCase:
    """A case as preparation hands it to the network.

    Attributes
    ----------
    text : str
        What it stands for, in words.
    array : float32 (channel, k, j, i), of a level model (view, row, width)
    mask : bool (k, j, i) or None
    """

    text: str
    array: np.ndarray
    mask: np.ndarray | None = None


def standard_case(card: Card, *, seed: int = 0) -> StandardCase:
    """The standard case of a model's roles, at its spacing; noise, as time does not depend on the values.

    Brain MRI of 240 x 240 x 155 voxels of 1 mm, cropped to an ellipsoid of 1.5 l as preparation does; a PET/CT of
    500 x 400 x 800 mm; a CT of 512 x 512 voxels on 360 x 360 x 300 mm, or one slice of it for a network that works on
    slices; a picture of 224 x 224 pixels; the projection of a CT of 600 mm for a level model.

    Raises
    ------
    UsageError
        There is no standard case for these roles.
    """
    roles, noise = set(card.roles), np.random.default_rng(seed)
    if card.task == "level":
        views, rows, width = card.in_channels, round(SCAN_MM / card.spacing[0]), card.window[1]
        array = noise.random((views, rows, width), np.float32)
        return StandardCase(f"projection of a CT of {SCAN_MM:.0f} mm: {views} x {rows} x {width} pixels", array)
    if of_pictures(card.roles):
        return _full(f"{'colour' if 'rgb' in roles else 'grey'} picture", card, (1, PICTURE_SIDE, PICTURE_SIDE), noise)
    if roles == {"ct"} and card.dims == 2:
        return _full("one slice of a CT", card, (1, SLICE, SLICE), noise)
    if roles == {"ct"}:
        return _full("CT of 512 x 512 voxels on 360 x 360 x 300 mm", card, shape_of(card, CT_MM), noise)
    if roles == {"pet", "ct"}:
        return _full("PET/CT of a body, 500 x 400 x 800 mm", card, shape_of(card, BODY_MM), noise)
    if roles <= {"flair", "t1", "t1gd", "t2"}:
        return _brain(card, noise)
    raise UsageError(
        f"{card.name}: there is no standard case for the roles {', '.join(card.roles)}; it is not measured"
    )


def shape_of(card: Card, millimetres: dict[str, float]) -> tuple[int, int, int]:
    """Voxels (k, j, i) of a volume of that size at a model's spacing; slices are 1 mm apart where it leaves them."""
    return tuple(max(round(mm / step), 1) for mm, step in zip(_kji(card, millimetres), _spacing(card)))


def brain_mask(card: Card) -> np.ndarray:
    """An ellipsoid of 1.5 l in the middle of its own bounding box and a margin; bool (k, j, i)."""
    half = [mm / step for mm, step in zip(_kji(card, BRAIN_MM), _spacing(card))]
    axes = [np.arange(-(int(h) + MARGIN), int(h) + MARGIN + 1, dtype=np.float32) / h for h in half]
    k, j, i = (np.square(axis) for axis in axes)
    return k[:, None, None] + j[:, None] + i <= 1


def _brain(card: Card, noise: np.random.Generator) -> StandardCase:
    mask = brain_mask(card)
    array = noise.standard_normal((card.in_channels, *mask.shape), np.float32)
    array *= mask
    count = len(card.roles)
    text = f"brain MRI, {count} sequence{'s' * (count != 1)} of 240 x 240 x 155 voxels"
    return StandardCase(f"{text} (1 mm, a brain of {_litres(mask, card):.1f} l)", array, mask)


def _full(text: str, card: Card, shape: Sequence[int], noise: np.random.Generator) -> StandardCase:
    array = noise.random((card.in_channels, *shape), np.float32)
    voxels = " x ".join(str(n) for n in (shape[::-1] if shape[0] > 1 else shape[:0:-1]))
    text = f"{text}, {card.in_channels} channel{'s' * (card.in_channels != 1)} of {voxels}"
    return StandardCase(text, array, np.ones(tuple(shape), bool))


def _kji(card: Card, millimetres: dict[str, float]) -> list[float]:
    """Millimetres along k, j, i of a model's orientation."""
    return [millimetres[_AXES.get(letter, letter)] for letter in reversed(card.orientation)]


def _spacing(card: Card) -> list[float]:
    """The spacing along k, j, i."""
    return list(reversed((*card.spacing, 1.0)[:3]))


def _litres(mask: np.ndarray, card: Card) -> float:
    return float(mask.sum()) * float(np.prod(_spacing(card))) / 1e6
