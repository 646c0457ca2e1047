"""A patient drawn on any grid: Hounsfield units, SUV without blur or noise, and which organ lies where."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from .ct_patient import Patient
from .ct_shapes import Painter, Part
from .petct_organs import inner_parts, outer_parts
from .petct_plan import GROUPS, ORGANS
from .torso_soft import paint_soft


@dataclass
class Drawn:
    """What was drawn; everything (k, j, i).

    Attributes
    ----------
    z, y, x : ascending coordinates of the voxel centres, mm
    hu : float32
    suv : float32, activity without blur and noise; None where it was not asked for
    organs : uint8, values of ``petct_plan.ORGANS``; None where it was not asked for
    """

    z: np.ndarray
    y: np.ndarray
    x: np.ndarray
    hu: np.ndarray
    suv: np.ndarray | None
    organs: np.ndarray | None


def draw(
    patient: Patient,
    z: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    *,
    width: float,
    uptake: dict[str, float] | None = None,
    bones: bool = True,
    couch: bool = True,
) -> Drawn:
    """Draw a patient; ``width`` is the mm over which a surface fills a voxel.

    ``uptake`` (SUV by tissue) asks for ``suv`` and ``organs``. Without ``bones`` or ``couch`` these are left out.
    """
    shape = (len(z), len(y), len(x))
    hu = Painter(z, y, x, np.empty(shape, dtype=np.float32), width=width)
    room = paint_soft(hu, patient)
    suv = _base(hu, uptake) if uptake else None
    kept = [None if painter is None else (painter.volume.copy(), painter.labels) for painter in (hu, suv)]
    kept_labels = suv.labels.copy() if suv else None
    for part in (*patient.soft[: patient.organs], *inner_parts(patient)):
        _both(hu, suv, part, uptake)
    np.copyto(hu.volume, kept[0][0], where=~room)
    if suv:
        np.copyto(suv.volume, kept[1][0], where=~room)
        np.copyto(suv.labels, kept_labels, where=~room)
    for part in patient.soft[patient.organs :]:
        _both(hu, suv, part, uptake)
    if bones:
        _bones(hu, suv, patient, uptake)
    for part in outer_parts(patient):
        _both(hu, suv, part, uptake)
    if couch:
        for part in patient.outside:
            hu.paint(part)
    return Drawn(z, y, x, hu.volume, suv.volume if suv else None, suv.labels if suv else None)


def _base(hu: Painter, uptake: dict[str, float]) -> Painter:
    """Activity of the soft body by its HU: air, lung, fat, muscle."""
    value = hu.volume
    classes = np.digitize(value, (-900, -500, -50, 20)).astype(np.uint8)
    suv = np.array([0, uptake["lung"], uptake["fat"], uptake["skin"], uptake["muscle"]], dtype=np.float32)[classes]
    labels = np.array([0, ORGANS["lung"], ORGANS["other"], ORGANS["other"], ORGANS["other"]], dtype=np.uint8)[classes]
    return Painter(hu.z, hu.y, hu.x, suv, labels=labels, width=hu.width)


def _both(hu: Painter, suv: Painter | None, part: Part, uptake: dict[str, float] | None) -> None:
    """Paint a part's HU and, by the organ that it says it is, its uptake."""
    hu.paint(part)
    if suv is not None:
        organ = part.organ or ("fat" if part.hu < -50 else "muscle")
        group = GROUPS.get(organ, organ)
        number = ORGANS.get(group, ORGANS["other"])
        suv.paint(replace(part, hu=uptake[organ], shell=0.0, label=number))


def _bones(hu: Painter, suv: Painter | None, patient: Patient, uptake: dict[str, float] | None) -> None:
    """Bones and metal; where they changed the HU there is marrow: red in the trunk, yellow in the limbs."""
    before = hu.volume.copy() if suv is not None else None
    for part in patient.hard:
        hu.paint(part)
    if suv is None:
        return
    bone = np.abs(hu.volume - before) > 5
    own = (suv.z - patient.shift[2]).astype(np.float32)
    at = patient.outline.at(own)
    across = np.abs(suv.x[None, :] - patient.shift[0]) > at["half"][:, None] * 1.02
    hip = -150 * patient.plan.scale
    limb = (across | (own < hip)[:, None])[:, None, :] & bone
    suv.volume[bone] = uptake["marrow"]
    suv.volume[limb] = uptake["limb"]
    suv.volume[bone & (hu.volume > 2500)] = 0.05
    suv.labels[bone] = ORGANS["marrow"]


def texture(shape: tuple[int, int, int], step: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """Smooth unevenness, unit variance about, (k, j, i) float32, over some 18 mm; ``step`` is (k, j, i) mm."""
    coarse = [max(2, int(np.ceil(n * s / 18)) + 1) for n, s in zip(shape, step)]
    field = rng.standard_normal(coarse, dtype=np.float32)
    for axis, count in enumerate(shape):
        places = np.linspace(0, coarse[axis] - 1, count)
        low = np.minimum(places.astype(int), coarse[axis] - 2)
        share = (places - low).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(3)])
        field = np.take(field, low, axis) * (1 - share) + np.take(field, low + 1, axis) * share
    return field


def blocked(drawn: Drawn, names: tuple[str, ...]) -> np.ndarray:
    """1 where no lesion may lie: outside the body (two millimetres below the skin) and in the organs named."""
    body = ndimage.binary_fill_holes(drawn.organs > 0)
    body = ndimage.binary_erosion(body)
    inside = np.isin(drawn.organs, [ORGANS[name] for name in names])
    return (~body | inside).astype(np.float32)
