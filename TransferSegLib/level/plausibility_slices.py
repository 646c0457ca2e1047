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
# Slices this far apart show other anatomy; how much nearer to a slice one of them must be than its neighbours are, and
# the share of such slices with which the order is wrong: 0 to 0.02 of a body, above 0.8 of what is shuffled or stacked.
# Judged by so many blocks of a slice at least.
_FAR_MM, _ALIKE, _ASTRAY, _FEWEST = 30.0, 0.75, 0.5, 150
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
    empty = flat[1:] | flat[:-1]
    same = (one == 0) & ~empty
    for way in (slice(None), slice(None, None, -1)):  # repeated by resampling beyond the ends: nothing is shifted
        _spare_the_end(same[way], empty[way], scan)
    if same.any():
        yield from _repeated(same, scan)
    turns = float(np.median(two) / max(np.median(one), 1e-6))
    astray = _astray(voxels, flat, scan) if turns >= 0.6 else 0.0
    if astray > _ASTRAY:
        yield Finding(
            "mixed",
            f"{100 * astray:.0f} % of the slices resemble slices far from them more than their neighbours: the slices "
            "are out of order, or two series follow one another in one file; export the series again.",
            True,
        )
    elif turns < 0.8:
        yield Finding(
            "mixed",
            "Slices resemble the next but one more than their neighbours, as if two series were mixed; export each as "
            "its own series.",
            turns < 0.6,
        )


def _spare_the_end(same: np.ndarray, empty: np.ndarray, scan: Scan) -> None:
    """Take the repeats off that touch the first slice, empty ones aside, over a thick slice at most."""
    step = float(np.median(np.abs(np.diff(scan.heights))))
    run = int(np.argmin(np.append(same | empty, False)))
    first = int(np.argmax(same[:run])) if same[:run].any() else run
    same[first : min(run, first + max(3, round(WIDEST_MM / max(step, 1e-3))))] = False


def _astray(voxels: np.ndarray, flat: np.ndarray, scan: Scan) -> float:
    """Share of the slices that resemble one far from them clearly more than the nearer of their neighbours."""
    step = float(np.median(np.abs(np.diff(scan.heights))))
    far = max(3, int(np.ceil(_FAR_MM / max(step, 1e-3))))
    numbers = np.flatnonzero(~flat)
    if len(numbers) < 2 * far or min(voxels.shape[1:]) < 4:
        return 0.0
    rows = _blurred(voxels)
    if rows.shape[1] < _FEWEST:  # of so few numbers, some are alike by chance
        return 0.0
    apart = _distances(rows[numbers])
    between = np.abs(numbers[:, None] - numbers[None])
    near = np.where(between == 1, apart, np.inf).min(axis=1)
    elsewhere = np.where(between >= far, apart, np.inf).min(axis=1)
    judged = np.isfinite(near) & (near > 0)
    return float(np.mean(elsewhere[judged] < _ALIKE * near[judged])) if judged.any() else 0.0


def _blurred(voxels: np.ndarray, sides: int = 24, block: int = 4) -> np.ndarray:
    """Slices as rows (n, m): means over some hundred blocks of voxels, so that noise counts less than anatomy."""
    strides = [max(1, n // (sides * block)) for n in voxels.shape[1:]]
    some = voxels[:, :: strides[0], :: strides[1]].astype(np.float32)
    some = np.clip(np.nan_to_num(some), -1024, 1500)
    for axis in (1, 2):
        some = np.add.reduceat(some, np.arange(0, some.shape[axis] - block + 1, block), axis=axis)
    return some.reshape(len(some), -1) / float(block * block)


def _distances(rows: np.ndarray) -> np.ndarray:
    """Root of the summed squared differences between all rows, (n, n)."""
    rows = (rows - rows.mean(axis=0)).astype(np.float64)
    own = (rows * rows).sum(axis=1)
    return np.sqrt(np.maximum(own[:, None] + own[None] - 2.0 * rows @ rows.T, 0.0))


def _repeated(same: np.ndarray, scan: Scan) -> Iterator[Finding]:
    count, first = int(same.sum()), int(np.argmax(same)) + 1
    if count > 0.2 * scan.count:  # as resampling to the nearest slice leaves it
        words = f"{count} of {scan.count} slices repeat their neighbour (thick slices cut thinner?), so heights are "
        words += "known less well than the slice spacing says; give the original series."
    else:
        words = f"{count} slices repeat their neighbour (the first is slice {first}), so heights may be shifted; check "
        words += "that the series is whole and not mixed."
    yield Finding("repeated", words, False)
