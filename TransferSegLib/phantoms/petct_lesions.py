"""Lesions of a PET/CT phantom shaped to an exact volume: lobed, uneven, with necrotic cores, clear of organs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from .ct_patient import Patient
from .petct_anatomy import Drawn, blocked
from .petct_sites import VOLUMES, Wish, Wishes

_GAP = 10.0  # mm between two lesions, so that each is one component on the coarsest PET grid


@dataclass(frozen=True)
class Shaped:
    """One lesion in the CT's frame, sampled on a fine cube of its own.

    Attributes
    ----------
    wish : what was drawn; its ``volume`` is the one that was reached
    low : (3,) position (z, y, x) of the cube's first voxel, mm; step : mm
    level : (k, j, i) float32, mm below the surface, positive inside
    pattern : (k, j, i) float32, uptake over that of the hottest part, 0 to 1
    """

    wish: Wish
    low: np.ndarray
    step: float
    level: np.ndarray
    pattern: np.ndarray

    @property
    def radius(self) -> float:
        """Of the smallest sphere around the centre that holds it, mm."""
        inside = np.argwhere(self.level > 0) * self.step + self.low
        return float(np.sqrt(((inside - self.centre) ** 2).sum(1).max()))

    @property
    def centre(self) -> np.ndarray:
        """Centroid (z, y, x), mm."""
        return np.argwhere(self.level > 0).mean(0) * self.step + self.low

    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest (z, y, x) of the cube, mm."""
        return self.low, self.low + (np.array(self.level.shape) - 1) * self.step

    def on(self, z: np.ndarray, y: np.ndarray, x: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
        """Share of each voxel that the lesion fills and its uptake pattern, on a grid; ``width`` as in ``draw``."""
        where = np.meshgrid(*((axis - edge) / self.step for axis, edge in zip((z, y, x), self.low)), indexing="ij")
        depth = ndimage.map_coordinates(self.level, where, order=1, mode="constant", cval=-99.0)
        pattern = ndimage.map_coordinates(self.pattern, where, order=1, mode="nearest")
        return np.clip(depth / np.float32(width) + np.float32(0.5), 0, 1), pattern


def shape_lesions(patient: Patient, wishes: Wishes, coarse: Drawn, field: tuple[float, float]) -> list[Shaped]:
    """As many of the wishes as were wanted, each where it fits; ``field`` is the lowest and highest z of the PET."""
    found: list[Shaped] = []
    walls = blocked(coarse, ("brain", "bladder", "kidney", "heart"))
    main = False
    for place, wish in enumerate(wishes.lesions):
        if len(found) >= wishes.number:
            break
        if wish.main and main:
            continue
        made = _made(patient, wish, place, coarse, walls, field)
        if made is not None and all(_apart(made, other) for other in found):
            found.append(made)
            main = main or wish.main
    return found


def _apart(a: Shaped, b: Shaped) -> bool:
    """Whether two lesions keep their distance."""
    rough = float(np.linalg.norm(a.centre - b.centre))
    if rough > a.radius + b.radius + _GAP:
        return True
    inside = np.argwhere(a.level > 0) * a.step + a.low
    index = np.round((inside - b.low) / b.step).astype(int)
    near = max(1, int(np.ceil(_GAP / b.step)))
    grown = ndimage.distance_transform_edt(np.pad(b.level <= 0, near, constant_values=True)) * b.step < _GAP
    index += near
    fits = ((index >= 0) & (index < grown.shape)).all(1)
    return not grown[tuple(index[fits].T)].any()


def _made(patient: Patient, wish: Wish, place: int, coarse: Drawn, walls: np.ndarray, field: tuple) -> Shaped | None:
    rng = patient.plan.rng(1000 + place)
    radius = (3 * wish.volume * 1000 / (4 * np.pi)) ** (1 / 3)
    if wish.beside:
        wish = replace(wish, centre=_against(patient, wish, radius, rng))
    centre = np.asarray(wish.centre)[::-1]
    if not field[0] + 6 < centre[0] < field[1] - 6:
        return None
    free = _free(coarse, walls)
    if wish.tissue == "lung" and _organ(coarse, centre) != 9:
        return None
    made = grow(rng, wish, centre, free)
    if made is None:
        return None
    heights = np.flatnonzero((made.level > 0).any((1, 2))) * made.step + made.low[0]
    return made if field[0] + 4 < heights[0] and heights[-1] < field[1] - 4 else None


def _organ(coarse: Drawn, centre: np.ndarray) -> int:
    index = [
        int(np.clip(np.searchsorted(axis, v), 0, len(axis) - 1))
        for axis, v in zip((coarse.z, coarse.y, coarse.x), centre)
    ]
    return int(coarse.organs[tuple(index)])


def _against(patient: Patient, wish: Wish, radius: float, rng: np.random.Generator) -> np.ndarray:
    """A place whose sphere just reaches the organ's wall: beside or behind the bladder, before or beside the heart."""
    organ = next(part for part in patient.soft if part.organ == wish.beside)
    around = rng.uniform(-0.35, np.pi + 0.35) * (1 if wish.beside == "bladder" else -1)
    way = np.array([np.cos(around), np.sin(around), rng.uniform(-0.3, 0.5)])
    way /= np.linalg.norm(way)
    for far in np.arange(10.0, 160.0, 2.0):
        local = organ.axes @ (way * far)
        if float(organ.depth(*(np.float32(v).reshape(1) for v in local))[0]) < -0.8 * radius - 1:
            break
    return organ.origin + way * far


def _free(coarse: Drawn, walls: np.ndarray) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Whether points (z, y, x grids of a cube) may be lesion."""

    def free(z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        axes = ((coarse.z, z), (coarse.y, y), (coarse.x, x))
        where = np.meshgrid(*((own - axis[0]) / (axis[1] - axis[0]) for axis, own in axes), indexing="ij")
        return ndimage.map_coordinates(walls, where, order=1, mode="constant", cval=1.0) < 0.5

    return free


def grow(rng: np.random.Generator, wish: Wish, centre: np.ndarray, free: Callable) -> Shaped | None:
    """A lobed body around ``centre`` (z, y, x; mm) that has the wished volume within a few per cent; None: no room."""
    volume = float(np.clip(wish.volume, *VOLUMES)) * 1000
    radius = (3 * volume / (4 * np.pi)) ** (1 / 3)
    step = float(np.clip(radius / 6, 0.7, 2.5))
    stretch = rng.uniform(0.8, 1.25, 3)
    if wish.site in ("thigh", "arm"):
        stretch[0] *= 1.4  # along the limb
    stretch /= stretch.prod() ** (1 / 3)
    half = radius * stretch * 1.75 + 3 * step
    axes = [np.arange(-h, h + step, step) for h in half]
    depth = _depth(rng, axes, radius, stretch, wish)
    allowed = free(*(axis + c for axis, c in zip(axes, centre)))
    middle = tuple(int(np.argmin(np.abs(axis))) for axis in axes)
    if not allowed[middle]:
        return None
    level, reached = _levelled(depth, allowed, middle, volume / step**3)
    if level is None or reached * step**3 < 0.75 * volume or reached * step**3 < VOLUMES[0] * 1000:
        return None
    pattern = _pattern(rng, axes, level * step, radius, wish)
    low = np.array([axis[0] for axis in axes]) + centre
    return Shaped(replace(wish, volume=reached * step**3 / 1000), low, step, (level * step).astype(np.float32), pattern)


def _depth(rng: np.random.Generator, axes: list, radius: float, stretch: np.ndarray, wish: Wish) -> np.ndarray:
    """Depth (mm) below the surface of some fused lobes with a bumpy skin."""
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    lobes = 1 if wish.volume < 4 else int(rng.integers(1, 4 if wish.site in ("thigh", "arm") else 6))
    depth = None
    for n in range(lobes):
        away = (rng.normal(0, 0.35, 3) * radius * stretch) if n else np.zeros(3)
        size = radius * (1.0 if n == 0 else rng.uniform(0.5, 0.95))
        parts = [((c - a) / s) ** 2 for c, a, s in zip((z, y, x), away, stretch)]
        own = size - np.sqrt(sum(parts))
        depth = own if depth is None else np.maximum(depth, own) + np.maximum(3 - abs(depth - own), 0) ** 2 / 12
    return depth + _waves(rng, (z, y, x), 1.6 * radius, 5) * radius * rng.uniform(0.04, 0.13)


def _waves(rng: np.random.Generator, points: tuple, length: float, count: int) -> np.ndarray:
    """A smooth random field of about unit variance: plane waves of about ``length`` mm."""
    total = 0.0
    for _ in range(count):
        way = rng.normal(0, 1, 3)
        way *= 2 * np.pi / (np.linalg.norm(way) * length * rng.uniform(0.6, 1.3))
        total = total + np.cos(sum(w * p for w, p in zip(way, points)) + rng.uniform(0, 2 * np.pi))
    return total * np.sqrt(2 / count)


def _levelled(depth: np.ndarray, allowed: np.ndarray, middle: tuple, count: float) -> tuple[np.ndarray | None, int]:
    """Depth in voxels below the surface that encloses ``count`` voxels in one piece, and how many it encloses."""
    usable = np.where(allowed, depth, -np.inf)
    wanted_count, best = count, None
    for _ in range(6):
        rank = int(np.clip(round(wanted_count), 1, np.isfinite(usable).sum()))
        edge = -np.partition(-usable.ravel(), rank - 1)[rank - 1]
        pieces, _ = ndimage.label(usable >= edge)
        if not pieces[middle]:
            return None, 0
        best = pieces == pieces[middle]
        if best.sum() > 0.97 * count or rank == np.isfinite(usable).sum():
            break
        wanted_count += 1.2 * (count - best.sum())
    if (
        best[0].any()
        or best[-1].any()
        or best[:, 0].any()
        or best[:, -1].any()
        or best[..., 0].any()
        or best[..., -1].any()
    ):
        return None, 0
    inner, outer = ndimage.distance_transform_edt(best), ndimage.distance_transform_edt(~best)
    return np.where(best, inner - 0.5, 0.5 - outer), int(best.sum())


def _pattern(rng: np.random.Generator, axes: list, level: np.ndarray, radius: float, wish: Wish) -> np.ndarray:
    """Uptake over the hottest: uneven, and low in a ragged core of the wished share."""
    points = np.meshgrid(*axes, indexing="ij", sparse=True)
    field = _waves(rng, points, max(radius * 0.9, 12.0), 7)
    pattern = 1 + wish.uneven * field
    inside = level > 0
    if wish.necrosis > 0:
        ragged = level + 0.22 * radius * _waves(rng, points, radius * 1.1, 5)
        edge = np.quantile(ragged[inside], 1 - wish.necrosis)
        soft = np.clip((ragged - edge) / 4.0 + 0.5, 0, 1)
        pattern = pattern * (1 - soft * (1 - rng.uniform(0.06, 0.25)))
    pattern = np.clip(pattern, 0.05, None)
    return (pattern / pattern[inside].max()).clip(0, 1).astype(np.float32)
