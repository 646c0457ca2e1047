"""Solid shapes in millimetres and the painter that draws each inside its own bounding box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

Depth = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Part:
    """One piece of anatomy.

    Attributes
    ----------
    origin : (3,) patient position (x left, y posterior, z up) of the local origin, mm
    axes : (3, 3) rows are the local axes u, v, w in patient coordinates
    low, high : (3,) local box outside of which nothing is drawn, mm
    depth : local u, v, w (broadcastable, float32) -> mm below the surface, positive inside
    hu : of the inside
    shell_hu, shell : HU and thickness (mm) of the outer layer (cortical bone); 0 mm = none
    label : vertebra number written to the label map; 0 leaves it
    tissue : body-composition value written to the tissue map; -1 leaves it
    organ : what it is for a PET's uptake (``petct_plan.Uptake``); "" leaves that to its HU
    """

    origin: np.ndarray
    axes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    depth: Depth
    hu: float
    shell_hu: float = 0.0
    shell: float = 0.0
    label: int = 0
    tissue: int = 0
    organ: str = ""

    @property
    def brightest(self) -> float:
        """The highest HU that it holds."""
        return max(self.hu, self.shell_hu if self.shell else -1024.0)

    def moved(self, turn: np.ndarray, shift: np.ndarray) -> Part:
        """The part after x -> turn @ x + shift."""
        return replace(self, origin=turn @ self.origin + shift, axes=self.axes @ turn.T)

    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest patient coordinates of the local box."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        centre = self.origin + middle @ self.axes
        reach = half @ np.abs(self.axes)
        return centre - reach, centre + reach


IDENTITY = np.eye(3)


def frame(direction: np.ndarray, hint: np.ndarray) -> np.ndarray:
    """Right-handed axes (rows u, v, w) with w along ``direction`` and v as near to ``hint`` as can be."""
    w = direction / np.linalg.norm(direction)
    v = hint - w * (hint @ w)
    if np.linalg.norm(v) < 1e-3:
        hint = np.roll(hint, 1)
        v = hint - w * (hint @ w)
    v = v / np.linalg.norm(v)
    return np.stack([np.cross(v, w), v, w])


def ellipsoid(centre, radii, hu: float, *, axes: np.ndarray = IDENTITY, power: float = 2.0, **more) -> Part:
    """(Super)ellipsoid with radii along its axes."""
    a, b, c = (np.float32(1 / r) for r in radii)
    size, half = np.float32(min(radii)), np.asarray(radii, dtype=float) + 3

    def depth(u, v, w):
        if power != 2.0:
            return (1 - (abs(u * a) ** power + abs(v * b) ** power + abs(w * c) ** power) ** (1 / power)) * size
        p, q, r = (u * a) ** 2, (v * b) ** 2, (w * c) ** 2
        square = p + q + r + np.float32(1e-6)
        norm = np.sqrt(square)
        return (1 - norm) * norm / np.sqrt(p * (a * a) + q * (b * b) + r * (c * c) + np.float32(1e-9))

    return Part(np.asarray(centre, dtype=float), axes, -half, half, depth, hu, **more)


def bar(start, end, radii, hu: float, *, flat: float = 1.0, hint=(0.0, 1.0, 0.0), **more) -> Part:
    """Tapered rod with round ends from ``start`` to ``end``; ``flat`` is its extent along v over that along u."""
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    length = float(np.linalg.norm(end - start)) + 1e-6
    first, last = radii if isinstance(radii, tuple) else (radii, radii)
    big = max(first, last) + 3
    low = np.array([-big, -big * max(flat, 0.4), -big])
    high = np.array([big, big * max(flat, 0.4), length + big])
    slope, squeeze = np.float32((last - first) / length), np.float32(1 / flat)

    def depth(u, v, w):
        along = np.clip(w, 0, np.float32(length))
        beyond = w - along
        radial = np.sqrt(u * u + (v * squeeze) ** 2 + beyond * beyond)
        return (np.float32(first) + slope * along - radial) * np.float32(min(1.0, flat))

    return Part(start, frame(end - start, np.asarray(hint, dtype=float)), low, high, depth, hu, **more)


def tube(points, radii, hu: float, **more) -> list[Part]:
    """A chain of rods through ``points`` (n, 3); ``radii`` is one number or n numbers."""
    points = np.asarray(points, dtype=float)
    radii = np.broadcast_to(np.asarray(radii, dtype=float), len(points))
    steps = range(len(points) - 1)
    return merged([bar(points[i], points[i + 1], (radii[i], radii[i + 1]), hu, **more) for i in steps])


def merged(parts: list[Part]) -> list[Part]:
    """One hollow piece out of overlapping ones: all outsides first, then all insides, so that no wall lies within."""
    hollow = [part for part in parts if part.shell > 0]
    outer = [replace(part, hu=part.shell_hu, shell=0.0) if part.shell > 0 else part for part in parts]
    return outer + [replace(part, depth=_inset(part.depth, part.shell), shell=0.0, label=0) for part in hollow]


def _inset(depth: Depth, by: float) -> Depth:
    return lambda u, v, w: depth(u, v, w) - np.float32(by)


def block(centre, half, hu: float, *, axes: np.ndarray = IDENTITY, rounding: float = 2.0, **more) -> Part:
    """Box with rounded edges; ``half`` are its half edges."""
    a, b, c = (np.float32(max(h - rounding, 0.0)) for h in half)
    reach = np.asarray(half, dtype=float) + 3

    def depth(u, v, w):
        p, q, r = abs(u) - a, abs(v) - b, abs(w) - c
        outer = np.sqrt(np.maximum(p, 0) ** 2 + np.maximum(q, 0) ** 2 + np.maximum(r, 0) ** 2)
        return np.float32(rounding) - outer - np.minimum(np.maximum(np.maximum(p, q), r), 0)

    return Part(np.asarray(centre, dtype=float), axes, -reach, reach, depth, hu, **more)


def plate(corners, thick: float, hu: float, *, bulge: float = 0.0, **more) -> Part:
    """Thin triangle between three ``corners``; ``bulge`` lifts its middle out of the plane, mm."""
    a, b, c = (np.asarray(p, dtype=float) for p in corners)
    normal = np.cross(b - a, c - a)
    axes = frame(b - a, normal)
    middle = (a + b + c) / 3
    flat = [axes @ (p - middle) for p in (a, b, c)]
    sides = []
    for p, q, r in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        along = (flat[q] - flat[p]) / np.linalg.norm(flat[q] - flat[p])
        inward = np.array([-along[2], 0, along[0]])
        inward *= np.sign(inward @ (flat[r] - flat[p]))
        sides.append((np.float32(inward[0]), np.float32(inward[2]), np.float32(-(inward @ flat[p]))))
    reach = np.abs(np.stack(flat)).max(0) + (3, abs(bulge) + thick + 3, 3)
    size = np.float32(max(min(s[2] for s in sides), 1.0))

    def depth(u, v, w):
        edge = np.minimum.reduce([x * u + z * w + k for x, z, k in sides])
        lift = np.float32(bulge) * np.clip(edge / size, 0, 1)
        return np.minimum(np.float32(thick / 2) - abs(v - lift), edge)

    return Part(middle, axes, -reach, reach, depth, hu, **more)


@dataclass
class Painter:
    """A voxel grid that parts are drawn on.

    Attributes
    ----------
    z, y, x : ascending patient coordinates of the voxel centres along k, j and i, mm
    volume : (k, j, i) float32 HU
    labels, tissues : (k, j, i) uint8 or None
    width : mm over which a surface fills a voxel
    """

    z: np.ndarray
    y: np.ndarray
    x: np.ndarray
    volume: np.ndarray
    labels: np.ndarray | None = None
    tissues: np.ndarray | None = None
    width: float = 2.0

    def paint(self, part: Part) -> None:
        """Blend a part over what is there, by the share of each voxel that it fills."""
        low, high = part.box()
        where = tuple(
            slice(*np.searchsorted(axis, (low[n] - self.width, high[n] + self.width)))
            for axis, n in ((self.z, 2), (self.y, 1), (self.x, 0))
        )
        if any(piece.start >= piece.stop for piece in where):
            return
        z = (self.z[where[0]] - part.origin[2]).astype(np.float32)[:, None, None]
        y = (self.y[where[1]] - part.origin[1]).astype(np.float32)[None, :, None]
        x = (self.x[where[2]] - part.origin[0]).astype(np.float32)[None, None, :]
        local = [np.float32(a[0]) * x + (np.float32(a[1]) * y + np.float32(a[2]) * z) for a in part.axes]
        self._blend(part, part.depth(*local), where)

    def _blend(self, part: Part, depth: np.ndarray, where: tuple) -> None:
        scale = np.float32(1 / self.width)
        share = np.clip(depth * scale + np.float32(0.5), 0, 1)
        value = np.float32(part.hu)
        block = self.volume[where]
        if part.shell > 0:
            inner = np.clip((depth - np.float32(part.shell)) * scale + np.float32(0.5), 0, 1)
            paint = share * np.float32(part.shell_hu) + inner * np.float32(part.hu - part.shell_hu)
            block *= 1 - share
            block += paint
        else:
            block += share * (value - block)
        if self.labels is not None and part.label:
            self.labels[where][share > 0.5] = part.label
        if self.tissues is not None and part.tissue >= 0:
            self.tissues[where][share > 0.5] = part.tissue
