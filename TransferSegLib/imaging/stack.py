"""Slices of a DICOM series put into one regular stack, or the reason why they are not one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .grid import Grid

# A slice may sit this share of the slice distance (or of a pixel) off its place: rounded headers.
_OFF = 0.1


@dataclass(frozen=True)
class Slice:
    """Where one slice lies. ``frame`` is its number in a multi-frame file, else None.

    position, row and column vectors in LPS; pixel spacing (between rows, between columns) mm.
    """

    path: Path
    frame: int | None
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_spacing: tuple[float, ...]
    rows: int
    columns: int
    samples: int
    slope: float
    intercept: float


def slice_of(path: Path, header: Any) -> Slice:
    """The slice of a single-frame header."""
    return _slice(path, None, header, header, header, header)


def frames_of(path: Path, header: Any) -> list[Slice]:
    """The frames of an enhanced multi-frame header."""
    shared = (header.get("SharedFunctionalGroupsSequence") or [{}])[0]
    frames = header.get("PerFrameFunctionalGroupsSequence") or []
    if len(frames) != int(header.NumberOfFrames):
        raise InputError(
            f"{path}: multi-frame DICOM without a position for each frame; convert it to single-frame DICOM or NIfTI"
        )

    def group(frame: Any, name: str) -> Any:
        return (frame.get(name) or shared.get(name) or [{}])[0]

    return [
        _slice(
            path,
            number,
            header,
            {**_fields(group(frame, "PlanePositionSequence")), **_fields(group(frame, "PlaneOrientationSequence"))},
            group(frame, "PixelMeasuresSequence"),
            group(frame, "PixelValueTransformationSequence"),
        )
        for number, frame in enumerate(frames)
    ]


def _fields(item: Any) -> dict:
    return {name: item.get(name) for name in ("ImagePositionPatient", "ImageOrientationPatient") if item.get(name)}


def _slice(path: Path, frame: int | None, header: Any, plane: Any, measures: Any, values: Any) -> Slice:
    def numbers(source: Any, name: str, count: int) -> tuple[float, ...]:
        found = tuple(float(v) for v in (source.get(name) or ()))
        if len(found) != count or not np.isfinite(found).all():
            raise InputError(f"{path}: DICOM without {name}, so its place is unknown; export an axial image series")
        return found

    def number(name: str, default: float) -> float:
        found = values.get(name)
        return default if found is None or found == "" else float(found)

    return Slice(
        path=path,
        frame=frame,
        position=numbers(plane, "ImagePositionPatient", 3),
        orientation=numbers(plane, "ImageOrientationPatient", 6),
        pixel_spacing=numbers(measures, "PixelSpacing", 2),
        rows=int(header.Rows),
        columns=int(header.Columns),
        samples=int(header.get("SamplesPerPixel") or 1),
        slope=number("RescaleSlope", 1.0),
        intercept=number("RescaleIntercept", 0.0),
    )


def stack(slices: Sequence[Slice], folder: Path) -> tuple[list[Slice], Grid]:
    """Slices sorted along their normal, and the grid they make.

    Raises
    ------
    InputError
        RGB, mixed orientation or matrix, repeated or missing slices, uneven gaps, gantry tilt.
    """
    first = slices[0]
    _check_alike(slices, first)
    row, column = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    normal = np.cross(row, column)
    if abs(row @ column) > 1e-3 or not 0.99 < np.linalg.norm(normal) < 1.01:
        raise InputError(f"{first.path}: its orientation is singular or not a right angle; export the series again")
    normal = normal / np.linalg.norm(normal)
    positions = np.array([part.position for part in slices])
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    sorted_slices = [slices[n] for n in order]
    if len(slices) < 2:
        raise InputError(f"{first.path}: a single DICOM slice; give the folder of the whole series")
    gap = _regular_gap(sorted_slices, along[order], folder)
    _check_upright(positions[order], normal, first, folder)
    row = row / np.linalg.norm(row)
    grid = Grid(
        (first.columns, first.rows, len(slices)),
        (first.pixel_spacing[1], first.pixel_spacing[0], gap),
        tuple(positions[order[0]]),
        tuple(np.stack([row, np.cross(normal, row), normal], axis=1).ravel() + 0.0),
    )
    return sorted_slices, grid


def _check_alike(slices: Sequence[Slice], first: Slice) -> None:
    for part in slices:
        if part.samples != 1:
            raise InputError(f"{part.path}: an RGB picture; give a scalar (grey) image series")
        if np.abs(np.subtract(part.orientation, first.orientation)).max() > 2e-3:
            raise InputError(
                f"{part.path}: mixed orientation, it lies in another plane than {first.path.name}; "
                "export each orientation as its own series"
            )
        if (part.rows, part.columns) != (first.rows, first.columns) or not np.allclose(
            part.pixel_spacing, first.pixel_spacing, rtol=1e-3
        ):
            raise InputError(
                f"{part.path}: another matrix or pixel size than {first.path.name}; export each as its own series"
            )


def _regular_gap(order: Sequence[Slice], along: np.ndarray, folder: Path) -> float:
    """The distance between slices, mm; refuses repeated, missing and unevenly spaced ones."""
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    if usual < 1e-3 or gaps.min() < 1e-2 * usual:
        here = int(np.argmin(gaps))
        raise InputError(
            f"{folder}: several slices at the same place ({order[here].path.name} and {order[here + 1].path.name} at "
            f"{along[here]:.2f} mm); export each echo, phase or time point as its own series"
        )
    wrong = np.flatnonzero(np.abs(gaps - usual) > _OFF * usual)
    if wrong.size:
        here = int(wrong[0])
        between = f"between {along[here]:.2f} and {along[here + 1]:.2f} mm ({order[here].path.name}, then "
        between += f"{order[here + 1].path.name}; usual distance {usual:.2f} mm)"
        if gaps[here] > 1.5 * usual:
            count = max(1, round(gaps[here] / usual) - 1)
            raise InputError(f"{folder}: missing slices, about {count} {between}; export the whole series again")
        raise InputError(f"{folder}: uneven slice distance {between}; resample it to even slices first")
    return float((along[-1] - along[0]) / (len(along) - 1))


def _check_upright(positions: np.ndarray, normal: np.ndarray, first: Slice, folder: Path) -> None:
    travel = positions - positions[0]
    drift = np.linalg.norm(travel - np.outer(travel @ normal, normal), axis=1)
    if drift.max() > 0.5 * min(first.pixel_spacing):
        angle = np.degrees(np.arctan2(drift[-1], abs(travel[-1] @ normal)))
        raise InputError(
            f"{folder}: slices slide sideways by up to {drift.max():.1f} mm (gantry tilt of {angle:.1f} degrees); "
            "correct the tilt or resample it first"
        )
