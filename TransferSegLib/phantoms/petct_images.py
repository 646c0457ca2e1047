"""The CT of a PET/CT phantom, its axes, and what both images have in common."""

from __future__ import annotations

import numpy as np

from .ct_field import Field
from .ct_patient import Patient
from .ct_phantom import scanned
from .petct_anatomy import Drawn, draw, texture
from .petct_lesions import Shaped
from .petct_plan import Scanner
from .petct_signal import Axes

_SLAB = 48  # CT slices drawn at once
_LIGHT = 3.9  # mm, in the plane of a light CT


def body_box(patient: Patient, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest (z, y, x) of trunk, head and arms between the ends of ``z``, mm."""
    own = np.arange(z[0], z[-1] + 1, 10.0) - patient.shift[2]
    at = patient.outline.at(own)
    arms = 272 if patient.plan.arms == "up" else 300 + 25 * patient.plan.fat
    wide = max(float(at["half"].max()) + 15, arms * patient.plan.scale)
    x, y = (patient.shift[n] + patient.turn[n, 2] * own for n in (0, 1))
    low = np.array([z[0], (at["front"] + y).min() - 40, x.min() - wide])
    return low, np.array([z[-1], (at["back"] + y).max() + 45, x.max() + wide])


def ct_axes(patient: Patient, scanner: Scanner, pet: Axes, *, light: bool, cropped: bool) -> Axes:
    """The CT's grid: a block that covers a cropped PET, else the body (light) or the whole field of view."""
    edge, step = scanner.ct_spacing[0], scanner.ct_spacing[2]
    if light:
        edge *= max(1, round(_LIGHT / edge))
    ends = [(axis[0] - s / 2, axis[-1] + s / 2) for axis, s in zip((pet.z, pet.y, pet.x), pet.step)]
    if light and not cropped:
        low, high = body_box(patient, pet.z)
        ends = [ends[0], *((max(a, b), min(c, d)) for (a, c), b, d in zip(ends[1:], low[1:], high[1:]))]
    elif not cropped:
        half = scanner.ct_diameter / 2
        ends = [ends[0], *((sum(pair) / 2 - half, sum(pair) / 2 + half) for pair in ends[1:])]
    z = pet.z if scanner.same_planes else _spread(ends[0], step)
    return Axes(z, _spread(ends[1], edge), _spread(ends[2], edge))


def _spread(ends: tuple[float, float], step: float) -> np.ndarray:
    count = max(2, round((ends[1] - ends[0]) / step))
    return (ends[0] + ends[1]) / 2 + (np.arange(count) - (count - 1) / 2) * step


def drawing_width(axes: Axes) -> float:
    """Width (mm) over which a surface fills a voxel of a grid."""
    return max(float(axes.step[2]), 0.9) * 0.8 + 0.2 * min(float(axes.step[0]), 5.0)


def anatomy(patient: Patient, uptake: dict[str, float], pet: Axes, heights: np.ndarray, ct: Axes | None) -> Drawn:
    """The activity: on the grid of the CT where that is light (``ct``), else on one twice as fine as the PET's."""
    if ct is None:
        low, high = body_box(patient, heights)
        margin = pet.step / 2
        low = np.maximum(low, [heights[0], pet.y[0] - margin[1], pet.x[0] - margin[2]])
        high = np.minimum(high, [heights[-1], pet.y[-1] + margin[1], pet.x[-1] + margin[2]])
        y, x = (_spread((low[n], max(high[n], low[n] + 20)), pet.step[n] / 2) for n in (1, 2))
        ct = Axes(_spread((heights[0] - margin[0], heights[-1] + margin[0]), pet.step[0]), y, x)
    drawn = draw(patient, ct.z, ct.y, ct.x, width=drawing_width(ct), uptake=uptake)
    step = tuple(float(v) for v in ct.step)
    drawn.suv *= 1 + np.float32(0.07) * texture(drawn.suv.shape, step, patient.plan.rng(49))
    return drawn


def ct_volume(
    patient: Patient, scanner: Scanner, axes: Axes, lesions: list[Shaped], hu: np.ndarray | None
) -> np.ndarray:
    """The CT with its lesions, (k, j, i) int16 HU; ``hu`` is what was drawn on these axes already, if so."""
    volume = np.empty(axes.shape, dtype=np.int16)
    fat = patient.plan.fat
    noise = scanner.ct_noise * (3.0 / (axes.step[0] + 0.5)) ** 0.35 * (1 + 0.8 * fat**2)
    noise *= (min(1.0, 1.6 / axes.step[2])) ** 0.5  # a coarse pixel is a mean of fine ones
    middle = (float(axes.x.mean()), float(axes.y.mean()))
    diameter = float(max(np.ptp(axes.x), np.ptp(axes.y)))
    scan = Field("petct", axes.z[0], axes.z[-1], axes.step[0], diameter, middle, False, noise, scanner.ct_blur)
    for start in range(0, len(axes.z), _SLAB):
        part = slice(start, start + _SLAB)
        z = axes.z[part]
        slab = hu[part] if hu is not None else draw(patient, z, axes.y, axes.x, width=drawing_width(axes)).hu
        own = Axes(z, axes.y, axes.x)
        for place, lesion in enumerate(lesions):
            _paint(slab, own, lesion, patient.plan.rng(2000 + place), drawing_width(axes), patient.plan.phase)
        volume[part] = scanned(slab, patient, scan, float(axes.step[2]), (axes.y, axes.x), start)
    return volume


def _paint(hu: np.ndarray, axes: Axes, lesion: Shaped, rng: np.random.Generator, width: float, phase: str) -> None:
    """A lesion's look on CT: soft tissue that its dead core darkens; bone lytic, sclerotic or as before."""
    low, high = lesion.reach()
    where = axes.around(low, high, width)
    if any(s.start >= s.stop for s in where):
        return
    share, pattern = lesion.on(axes.z[where[0]], axes.y[where[1]], axes.x[where[2]], width)
    block = hu[where]
    tone = float(rng.uniform(28, 50)) + (20 if phase in ("venous", "late") else 0)
    look = rng.random()
    if lesion.wish.tissue == "bone":
        if look < 0.35:
            return
        block += share * ((tone if look < 0.7 else rng.uniform(350, 800)) - block)
    elif lesion.wish.tissue == "organ":
        block -= share * np.float32(rng.uniform(3, 30))
    else:
        dead = np.clip((0.5 - pattern) / 0.3, 0, 1) if lesion.wish.necrosis else 0.0
        block += share * (tone - 22 * dead - block)
