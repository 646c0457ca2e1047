"""CT phantoms with a true spine: the volume in Hounsfield units, its levels and its tissues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..errors import UsageError
from .ct_field import Field, draw_field
from .ct_patient import Patient, build_patient
from .ct_projection import describe
from .ct_shapes import Painter
from .torso_soft import paint_soft

# Slices drawn at once: bounds the memory of a long scan.
_SLAB = 48


@dataclass(frozen=True)
class CtPhantom:
    """A CT and the truth about it.

    Attributes
    ----------
    image : int16 HU, axial, LPS
    levels : name -> LPS z (mm) of the vertebral body's middle height, or None when the patient has no such vertebra;
        also given where the level lies outside the scan
    vertebrae : uint8 on the image's grid, TotalSegmentator v2 numbers (sacrum 25, S1 26, L5..L1 27..31, T12.. 32..)
    attributes : what was drawn, plain JSON types
    """

    image: sitk.Image
    levels: dict[str, float | None]
    vertebrae: sitk.Image
    attributes: dict
    _sides: dict[str, str]
    _tissues: Callable[[int], np.ndarray]
    _organ: Callable[[str], sitk.Image]

    def where(self, level: str) -> str:
        """ "" when the level is shown, "above" or "below" the field, "absent" when the patient has none."""
        return self._sides.get(level, "absent")

    def slice_of(self, level: str) -> int | None:
        """Slice nearest to a level, None where it is not shown."""
        if self.where(level):
            return None
        step, first = self.image.GetSpacing()[2], self.image.GetOrigin()[2]
        return int(np.clip(round((self.levels[level] - first) / step), 0, self.image.GetSize()[2] - 1))

    def tissues(self, level: str) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
        """True composition of the level's slice.

        Returns
        -------
        labels : (rows, columns) uint8: 1 skeletal muscle, 2 subcutaneous, 3 visceral, 4 intermuscular fat
        hu : (rows, columns) float32, the slice of the image
        spacing : (row, column) mm

        Raises
        ------
        UsageError
            The level is not in the scan.
        """
        index = self.slice_of(level)
        if index is None:
            raise UsageError(f"level {level}: it is {self.where(level)} in this phantom; ask for one that is shown")
        hu = sitk.GetArrayViewFromImage(self.image)[index].astype(np.float32)
        spacing = self.image.GetSpacing()
        return self._tissues(index), hu, (spacing[1], spacing[0])

    def organ(self, name: str) -> sitk.Image:
        """Where an organ lies, uint8 on the image's grid: what is drawn over it is not part of it.

        Raises
        ------
        UsageError
            The phantom has no part of that name (``liver``, ``spleen``, ``kidney``, ...).
        """
        return self._organ(name)


def ct_phantom(
    seed: int,
    *,
    kind: str = "adult",
    field: str | None = None,
    spacing: tuple[float, float, float] | None = None,
    quick: bool = True,
) -> CtPhantom:
    """A seeded CT phantom of the trunk.

    Parameters
    ----------
    seed : the same number gives the same patient and scan
    kind : "adult", or "other": another mix of builds, ages, contrast, postures, kernels
    field : one of ``ct_field.FIELDS``; None draws one, and some of them miss L3
    spacing : (i, j, k) mm; None draws it
    quick : a matrix of 256 instead of 512 where the spacing is drawn

    Raises
    ------
    UsageError
        An unknown kind or field, or a spacing that is not positive.
    """
    patient = build_patient(seed, kind)
    scan = draw_field(patient, field)
    if spacing is not None and (len(spacing) != 3 or min(spacing) <= 0):
        raise UsageError(f"spacing {spacing}: three positive numbers (i, j, k; mm) are needed")
    z, y, x = _axes(scan, spacing, 256 if quick else 512)
    volume = np.empty((len(z), len(y), len(x)), dtype=np.int16)
    labels = np.zeros(volume.shape, dtype=np.uint8)
    for start in range(0, len(z), _SLAB):
        part = slice(start, start + _SLAB)
        painter = _drawn(patient, scan, z[part], y, x, labels=labels[part])
        volume[part] = scanned(painter.volume, patient, scan, x[1] - x[0], (y, x), start)
    image, mask = (_image(array, (z, y, x)) for array in (volume, labels))

    def tissues(index: int) -> np.ndarray:
        found = np.zeros((1, len(y), len(x)), dtype=np.uint8)
        _drawn(patient, scan, z[index : index + 1], y, x, tissues=found)
        return found[0] * ~(scan.outside(y, x) if scan.round_edge else np.zeros(found[0].shape, dtype=bool))

    def organ(name: str) -> sitk.Image:
        known = sorted({part.organ for part in patient.soft if part.organ})
        if name not in known:
            raise UsageError(f"organ {name}: the phantom has none of that name; ask for one of {', '.join(known)}")
        found = np.zeros(volume.shape, dtype=np.uint8)
        for start in range(0, len(z), _SLAB):
            part = slice(start, start + _SLAB)
            _drawn(patient, scan, z[part], y, x, tissues=found[part], organ=name)
            if scan.round_edge:
                found[part, scan.outside(y, x)] = 0
        return _image(found, (z, y, x))

    levels = {name: None for name in ("L5", "L6")} | patient.levels()
    lowest, highest = z[0] - (z[1] - z[0]) / 2, z[-1] + (z[1] - z[0]) / 2
    sides = {n: "above" if v > highest else "below" if v < lowest else "" for n, v in patient.levels().items()}
    attributes = describe(patient, scan) | {"spacing": [float(v) for v in image.GetSpacing()]}
    return CtPhantom(image, levels, mask, attributes, sides, tissues, organ)


def _axes(scan: Field, spacing: tuple | None, matrix: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voxel centres along k, j and i, ascending, mm."""
    edge = scan.diameter / matrix
    steps = (edge, edge, scan.thickness) if spacing is None else spacing
    middles = (*scan.centre, (scan.low + scan.high) / 2)
    extents = (scan.diameter, scan.diameter, scan.high - scan.low)
    axes = []
    for step, middle, extent in zip(steps, middles, extents):
        count = max(2, round(extent / step))
        axes.append(middle + (np.arange(count) - (count - 1) / 2) * step)
    return axes[2], axes[1], axes[0]


def _drawn(patient: Patient, scan: Field, z, y, x, labels=None, tissues=None, organ: str = "") -> Painter:
    """The noise-free volume of some slices; a slice is drawn at its middle, its edges blurred by its thickness.

    With ``organ`` the tissues are 1 where that organ lies and 0 elsewhere.
    """

    def told(part):
        return replace(part, tissue=int(part.organ == organ)) if organ else part

    volume = np.empty((len(z), len(y), len(x)), dtype=np.float32)
    step = float(x[1] - x[0])
    painter = Painter(z, y, x, volume, labels, tissues, width=max(step, 0.9) * 0.8 + 0.2 * min(scan.thickness, 5.0))
    room = paint_soft(painter, patient)
    if organ:
        painter.tissues[:] = 0
    before = [None if array is None else array.copy() for array in (painter.volume, painter.tissues)]
    for part in patient.soft[: patient.organs]:
        painter.paint(told(part))
    for array, kept in zip((painter.volume, painter.tissues), before):
        if array is not None:
            np.copyto(array, kept, where=~room)
    for part in (*patient.soft[patient.organs :], *patient.hard, *patient.outside):
        painter.paint(told(part))
    return painter


def scanned(volume: np.ndarray, patient: Patient, scan: Field, edge: float, axes: tuple, start: int) -> np.ndarray:
    """Noise that grows towards the middle of the body, the kernel's blur, streaks of metal, the circle's edge."""
    rng = np.random.default_rng([patient.plan.seed, 77, start])
    body = volume > -300
    metal = volume > 2500
    noise = rng.standard_normal(volume.shape, dtype=np.float32)
    blur = max(scan.blur / edge, 0.25)
    beams = ndimage.zoom(rng.standard_normal([n // 4 + 2 for n in volume.shape], dtype=np.float32), 4, order=1)
    beams = beams[tuple(slice(n) for n in volume.shape)]
    volume *= np.where((volume > 110) & ~metal, 1 + np.float32(0.08) * beams, np.float32(1))
    for n in range(len(volume)):
        grain = ndimage.gaussian_filter(noise[n], blur) * np.float32(2 * np.sqrt(np.pi) * blur)
        inside = np.float32(0.55 + 0.45 * min(1.0, body[n].mean() * 2.2))
        strength = np.where(body[n], np.float32(scan.noise) * inside, np.float32(scan.noise * 0.35))
        if metal[n].any():
            rows = ndimage.gaussian_filter1d(metal[n].any(1).astype(np.float32), 3)
            strength = strength * (1 + 6 * rows[:, None])
        volume[n] = ndimage.gaussian_filter(volume[n], scan.blur / edge * 0.5) + grain * strength
    if scan.round_edge:
        volume[:, scan.outside(*axes)] = -1024
    return np.rint(np.clip(volume, -1024, 3071)).astype(np.int16)


def _image(array: np.ndarray, axes: tuple) -> sitk.Image:
    """(k, j, i) array with ascending LPS axes -> image."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([float(axis[1] - axis[0]) for axis in axes[::-1]])
    image.SetOrigin([float(axis[0]) for axis in axes[::-1]])
    return image
