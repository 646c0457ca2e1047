"""Slices of a CT put in order where tilt and uneven steps are told, not refused: each keeps its true place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .grid import Grid
from .stack import Slice

# A step may differ from the usual one by this share before it is worth a word.
_OFF = 0.1


@dataclass(frozen=True)
class LooseStack:
    """Slices in order along their normal.

    Parameters
    ----------
    order : tuple of Slice
        The slices, sorted.
    grid : Grid
        The nominal grid: the first slice's place, the usual step, no tilt.
    positions : (n, 3) array
        LPS centre of each slice, mm, from its own header.
    notes : tuple of str
        Sentences on tilt, uneven steps and gaps.
    """

    order: tuple[Slice, ...]
    grid: Grid
    positions: np.ndarray
    notes: tuple[str, ...]


def loose_stack(slices: Sequence[Slice], folder: Path) -> LooseStack:
    """Sort slices of one plane and matrix by their place.

    Raises
    ------
    InputError
        A single slice, a plane that is not a right angle, or slices at the same place.
    """
    first = slices[0]
    row, column = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    normal = np.cross(row, column)
    if abs(row @ column) > 1e-3 or not 0.99 < np.linalg.norm(normal) < 1.01:
        raise InputError(f"{first.path}: its orientation is singular or not a right angle; export the series again")
    if len(slices) < 2:
        raise InputError(f"{first.path}: a single DICOM slice; give the folder of the whole series")
    normal = normal / np.linalg.norm(normal)
    corners = np.array([part.position for part in slices])
    along = corners @ normal
    turn = np.argsort(along, kind="stable")
    order, corners, along = tuple(slices[n] for n in turn), corners[turn], along[turn]
    usual = float(np.median(np.diff(along)))
    _check_places(order, along, folder)
    row = row / np.linalg.norm(row)
    grid = Grid(
        (first.columns, first.rows, len(order)),
        (first.pixel_spacing[1], first.pixel_spacing[0], usual),
        tuple(corners[0]),
        tuple(np.stack([row, np.cross(normal, row), normal], axis=1).ravel() + 0.0),
    )
    half = grid.steps[:, :2] @ ((np.array(grid.size[:2]) - 1) / 2.0)
    return LooseStack(order, grid, corners + half, (*_tilt(corners, normal, first), *_steps(along, usual)))


def _check_places(order: Sequence[Slice], along: np.ndarray, folder: Path) -> None:
    """Refuse slices at the same place: nothing says which of them is meant."""
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    if usual < 1e-3 or gaps.min() < 1e-2 * usual:
        here = int(np.argmin(gaps))
        raise InputError(
            f"{folder}: several slices at the same place ({order[here].path.name} and {order[here + 1].path.name} at "
            f"{along[here]:.2f} mm), so two series or phases are mixed; export each as its own series"
        )


def _tilt(corners: np.ndarray, normal: np.ndarray, first: Slice) -> list[str]:
    travel = corners - corners[0]
    sideways = travel - np.outer(travel @ normal, normal)
    drift = np.linalg.norm(sideways, axis=1)
    if drift.max() <= 0.5 * min(first.pixel_spacing):
        return []
    angle = np.degrees(np.arctan2(drift[-1], abs(travel[-1] @ normal)))
    straight = np.abs(drift - np.linspace(0, drift[-1], len(drift))).max() < 0.1 * drift.max() + 1.0
    if straight and angle > 0.5:
        return [
            f"The gantry was tilted by {angle:.1f} degrees: slices slide sideways by {drift.max():.0f} mm in all; "
            "each is placed by its own header."
        ]
    return [f"Slices are shifted sideways by up to {drift.max():.0f} mm; each is placed by its own header."]


def _steps(along: np.ndarray, usual: float) -> list[str]:
    gaps = np.diff(along)
    wide = np.flatnonzero(gaps > 1.5 * usual)
    notes = []
    if wide.size:
        here = int(wide[np.argmax(gaps[wide])])
        count = int(sum(max(1, round(gap / usual) - 1) for gap in gaps[wide]))
        notes.append(
            f"About {count} slices are missing: the widest gap is {gaps[here]:.1f} mm, after slice {here} "
            f"(usual step {usual:.2f} mm)."
        )
    uneven = int((np.abs(gaps - usual) > _OFF * usual).sum()) - wide.size
    if uneven:
        notes.append(
            f"The slices are not evenly spaced ({gaps.min():.2f} to {gaps.max():.2f} mm); each is placed by its own "
            "header."
        )
    return notes
