"""Whether the slices of a scan make one even row: enough of them, no gap, none twice, no two series in turns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..imaging.scan import Scan
from .findings import Finding

# Widest step between slices, mm: 10 and a little for rounded headers.
WIDEST_MM = 10.5
# A slice that leans more than this, degrees, crosses two vertebrae.
_STEEPEST = 25.0
_SHORTEST_MM, _SHORT_MM, _TALLEST_MM = 30.0, 120.0, 2300.0


def check_extent(scan: Scan) -> Iterator[Finding]:
    """Single slices, localisers, slabs too thin to hold a vertebra, and gaps."""
    if scan.count == 1:
        yield Finding("single-slice", "The image is a single slice; give the whole series.", True)
        return
    steps = np.abs(np.diff(scan.heights))
    tall = float(np.ptp(scan.heights) + np.median(steps))
    if scan.count <= 3 or min(scan.image.GetSize()) < 4:
        yield Finding(
            "localiser",
            f"The image has only {min(scan.image.GetSize())} slices: a localiser (scout) or part of a series; give the "
            "axial CT series.",
            True,
        )
    elif steps.max() > WIDEST_MM:
        at = int(np.argmax(steps))
        yield Finding("gap", _gap(float(steps[at]), float(np.median(steps)), at), True)
    elif tall < _SHORTEST_MM:
        yield Finding(
            "short",
            f"The scan is only {tall:.0f} mm tall, less than one vertebra; give the whole series, or correct the slice "
            "spacing in the header.",
            True,
        )
    elif tall > _TALLEST_MM:
        yield Finding(
            "spacing",
            f"By its header the scan is {tall / 1000:.1f} m tall, taller than a person; correct the slice spacing.",
            True,
        )
    elif tall < _SHORT_MM:
        yield Finding(
            "short",
            f"The scan is only {tall:.0f} mm tall: too little to count vertebrae in; check the level against a larger "
            "field of view.",
            False,
        )


def check_tilt(scan: Scan) -> Iterator[Finding]:
    """Slices so steep that none is one vertebra's."""
    if scan.tilt > _STEEPEST:
        yield Finding(
            "tilted",
            f"The slices are tilted by {scan.tilt:.0f} degrees against the axial plane, so that each crosses more than "
            "one vertebra; give an axial series, or check the level by eye.",
            False,
        )


def _gap(widest: float, usual: float, at: int) -> str:
    if widest < 1.5 * usual:
        return f"Slices are {usual:.1f} mm apart, too far to find a vertebra between; give a series of at most 10 mm."
    return (
        f"Slices are missing: a gap of {widest:.1f} mm after slice {at} (usual step {usual:.1f} mm); export the whole "
        "series again."
    )


def check_order(scan: Scan, stride: int = 8) -> Iterator[Finding]:
    """Slices that repeat their neighbour, and slices of two series in turns.

    Neighbours of one body differ less than slices two steps apart; where it is the other way about, every
    second slice comes from elsewhere.
    """
    if scan.count < 8:
        return
    voxels = np.moveaxis(scan.array(), 2 - scan.axis, 0)
    every = voxels[:, ::stride, ::stride].astype(np.float32).reshape(scan.count, -1)
    every = np.clip(np.nan_to_num(every), -1024, 1500)
    every = every[:, np.ptp(every, axis=0) > 0]
    if not every.shape[1]:
        return
    one = np.abs(every[1:] - every[:-1]).mean(axis=1)
    two = np.abs(every[2:] - every[:-2]).mean(axis=1)
    flat = np.ptp(every, axis=1) < 1  # empty slices at the ends of a box repeat each other, and may
    same = (one == 0) & ~flat[1:] & ~flat[:-1]
    same[:3] = same[-3:] = False  # repeated by resampling beyond the ends: nothing is shifted
    if same.any():
        yield from _repeated(same, scan)
    if np.median(two) < 0.8 * np.median(one):
        yield Finding(
            "mixed",
            "Slices resemble the next but one more than their neighbours, as if two series were mixed; export each as "
            "its own series.",
            bool(np.median(two) < 0.6 * np.median(one)),
        )


def _repeated(same: np.ndarray, scan: Scan) -> Iterator[Finding]:
    count, first = int(same.sum()), int(np.argmax(same)) + 1
    if count > 0.2 * scan.count:  # as resampling to the nearest slice leaves it
        words = f"{count} of {scan.count} slices repeat their neighbour (thick slices cut thinner?), so heights are "
        words += "known less well than the slice spacing says; give the original series."
    else:
        words = f"{count} slices repeat their neighbour (the first is slice {first}), so heights may be shifted; check "
        words += "that the series is whole and not mixed."
    yield Finding("repeated", words, False)
