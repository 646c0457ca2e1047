"""Projections of phantoms drawn directly, without the soft tissue that they do not show: quick enough to train on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import UsageError
from .ct_field import Field, draw_field
from .ct_patient import Patient, build_patient
from .ct_shapes import Painter

VIEWS = ("frontal", "lateral")
# Parts darker than this (HU) vanish in soft tissue under a projection.
_VISIBLE = 75.0
# In-plane edge of the voxels that are drawn, mm.
_EDGE = 1.4


@dataclass(frozen=True)
class CtProjection:
    """A projection and its truth.

    Attributes
    ----------
    pixels : (views, rows, width) float32 in 0..1; row 0 is the most superior, column 0 the patient's right
        (frontal) or front (lateral)
    rows : level -> row (fractional; below 0 or above the last row where the level lies outside)
    row_mm : size of a pixel, mm
    sides : level -> "" (shown), "above" or "below"
    attributes : what was drawn: field, lumbar count, ...
    """

    pixels: np.ndarray
    rows: dict[str, float]
    row_mm: float
    sides: dict[str, str]
    attributes: dict

    def where(self, level: str) -> str:
        """ "" when the level is shown, "above" or "below" the field, "absent" when the patient has none."""
        return self.sides.get(level, "absent")


def ct_projection(
    seed: int,
    *,
    kind: str = "adult",
    views: tuple[str, ...] = ("frontal",),
    hu: tuple[float, float] = (100.0, 1500.0),
    row_mm: float = 1.0,
    width: int = 512,
    field: str | None = None,
) -> CtProjection:
    """The projection of one phantom, about as ``preparing.project`` makes it of ``ct_phantom(seed)``.

    Parameters
    ----------
    seed, kind, field : as in ``ct_phantom``
    views : "frontal", "lateral" or both, in order
    hu : window that is scaled to 0..1
    row_mm : mm a row and a column
    width : columns; the body lies in their middle

    Raises
    ------
    UsageError
        An unknown kind, field or view.
    """
    for view in views:
        if view not in VIEWS:
            raise UsageError(f"view {view!r}: unknown; choose frontal or lateral")
    patient = build_patient(seed, kind)
    scan = draw_field(patient, field)
    rng = patient.plan.rng(20)
    painter, step = _canvas(scan)
    for part in (*patient.soft, *patient.outside):
        if part.brightest > _VISIBLE:
            painter.paint(part)
    for part in patient.hard:
        painter.paint(part)
    volume = _seen(painter, scan)
    count = max(1, round(scan.thickness / step))
    if count > 1:
        volume = _thick(volume, count)
        step *= volume_step(painter.z, volume)
    levels = patient.levels()
    top = scan.high - row_mm / 2
    pictures = [_view(volume, painter, patient, scan, view, hu, row_mm, width, rng) for view in views]
    rows = {name: (top - z) / row_mm for name, z in levels.items()}
    sides = {name: scan.side(z) for name, z in levels.items()}
    return CtProjection(np.stack(pictures), rows, row_mm, sides, describe(patient, scan))


def describe(patient: Patient, scan: Field) -> dict:
    """What was drawn, as plain JSON types."""
    plan = patient.plan
    keys = ("seed", "kind", "sex", "age", "stature", "bmi", "lumbar", "twelfth", "lumbar_ribs", "phase", "oral", "arms")
    about = {key: getattr(plan, key) for key in keys}
    about |= {"field": scan.name, "thickness": scan.thickness, "diameter": scan.diameter, "noise": scan.noise}
    about |= {"low": scan.low, "high": scan.high, "implants": list(patient.implants), "cracked": dict(plan.cracked)}
    return about


def volume_step(z: np.ndarray, volume: np.ndarray) -> float:
    """How many drawn slices one slice of the thickened volume stands for."""
    return len(z) / len(volume)


def _canvas(scan: Field) -> tuple[Painter, float]:
    """An empty volume over the field, voxels of 1.4 mm in slices of 1.5 to 2.5 mm; and its slice step."""
    step = float(np.clip(scan.thickness, 1.5, 2.0))
    if scan.thickness > 2.5:
        step = scan.thickness / round(scan.thickness / 2.0)
    z = np.arange(scan.low + step / 2, scan.high, step)
    half = scan.diameter / 2
    x = np.arange(scan.centre[0] - half + _EDGE / 2, scan.centre[0] + half, _EDGE)
    y = np.arange(scan.centre[1] - half + _EDGE / 2, scan.centre[1] + half, _EDGE)
    volume = np.full((len(z), len(y), len(x)), 30.0, dtype=np.float32)
    return Painter(z, y, x, volume, width=1.3 * _EDGE), step


def _seen(painter: Painter, scan: Field) -> np.ndarray:
    """The volume inside the reconstruction's circle."""
    if scan.round_edge:
        y, x = painter.y[:, None] - scan.centre[1], painter.x[None, :] - scan.centre[0]
        painter.volume *= ((y * y + x * x) < (scan.diameter / 2) ** 2).astype(np.float32)
    return painter.volume


def _thick(volume: np.ndarray, count: int) -> np.ndarray:
    """Means of ``count`` neighbouring slices; what is left over at the end is dropped into the last."""
    whole = max(1, len(volume) // count)
    used = volume[: whole * count] if len(volume) >= count else volume
    return used.reshape(whole, -1, *volume.shape[1:]).mean(1) if len(volume) >= count else used.mean(0, keepdims=True)


def _view(volume, painter: Painter, patient: Patient, scan: Field, view: str, hu, row_mm, width, rng) -> np.ndarray:
    """One view, (rows, width) float32 in 0..1."""
    axis, across = (1, painter.x) if view == "frontal" else (2, painter.y)
    picture = volume.max(axis)[::-1]
    picture = _textured(picture, scan, rng)
    picture = np.maximum(picture, _grain(picture, painter, patient, scan, axis, rng))
    rows = max(1, round((scan.high - scan.low) / row_mm))
    step = len(painter.z) / len(volume) * (painter.z[1] - painter.z[0])
    source = ((np.arange(rows) + 0.5) * row_mm) / step - 0.5
    middle = patient.place(np.array([0, np.mean(patient.outline.at(np.array([120.0]))["middle"]), 120.0]))
    centre = middle[0] if view == "frontal" else middle[1]
    column = (centre + (np.arange(width) - (width - 1) / 2) * row_mm - across[0]) / _EDGE
    inside = (column > -0.5) & (column < len(across) - 0.5)
    picture = resampled(resampled(picture, source, 0), column, 1) * inside
    return np.clip((picture - hu[0]) / (hu[1] - hu[0]), 0, 1).astype(np.float32)


def _textured(picture: np.ndarray, scan: Field, rng: np.random.Generator) -> np.ndarray:
    """Bone is uneven (beams, density) and its maximum carries noise of its own."""
    coarse = ndimage.zoom(rng.normal(0, 1, (len(picture) // 9 + 2, picture.shape[1] // 9 + 2)), 9, order=1)
    fine = rng.normal(0, 1, picture.shape)
    field = 0.07 * coarse[: len(picture), : picture.shape[1]] + 0.07 * ndimage.gaussian_filter(fine, 0.6)
    picture = picture * (1 + field).astype(np.float32)
    lift = scan.noise * (0.9 + 0.5 * rng.normal(0, 1, picture.shape)) * (picture > 60)
    return ndimage.gaussian_filter1d(picture + lift, 0.25 + 0.3 * scan.blur, axis=1).astype(np.float32)


def resampled(picture: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation along one axis at fractional indices, ends repeated."""
    places = np.clip(places, 0, picture.shape[axis] - 1)
    low = np.minimum(places.astype(int), max(picture.shape[axis] - 2, 0))
    high = np.minimum(low + 1, picture.shape[axis] - 1)
    share = (places - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
    return np.take(picture, low, axis) * (1 - share) + np.take(picture, high, axis) * share


def _grain(picture, painter: Painter, patient: Patient, scan: Field, axis: int, rng) -> np.ndarray:
    """The largest of the noise along each ray through the body: what soft tissue looks like under a maximum."""
    own = painter.z[:: max(1, len(painter.z) // len(picture))][: len(picture)] - patient.shift[2]
    at = patient.outline.at(own[::-1])
    along = painter.x if axis == 1 else painter.y
    centre = patient.shift[0] if axis == 1 else at["middle"][:, None] + patient.shift[1]
    depth = (at["back"] - at["front"])[:, None] if axis == 1 else 2 * at["half"][:, None]
    half = at["half"][:, None] if axis == 1 else (at["back"] - at["front"])[:, None] / 2
    inside = np.clip(1 - (np.abs(along[None, :] - centre) / half) ** 2.4, 0, 1) ** (1 / 2.4)
    path = np.minimum(depth * inside, scan.diameter)
    count = np.maximum(path / _EDGE, 1.0)
    sigma = scan.noise * (0.45 + 0.55 * inside)
    expected = np.sqrt(2 * np.log(count + 1e-6) + 1e-6)
    gumbel = rng.gumbel(0, 1, picture.shape) / np.maximum(expected, 1.0)
    tissue = 45 + sigma * (expected + gumbel)
    tissue = ndimage.gaussian_filter1d(tissue, 0.4, axis=1)
    return np.where(path > 4, tissue, -1000.0).astype(np.float32)
