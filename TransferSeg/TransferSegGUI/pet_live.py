"""A PET in memory, so that totals follow a threshold, a move or an edit at once; safe in any thread."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .pet_reporting import DEFAULTS, comparing

LESION = "lesion"
MOST_KNOWN = 32
"""Measurements that are kept, one a threshold and report; a slider meets the same ones again."""


@dataclass(frozen=True)
class Taken:
    """Copies of the images, made on the main thread: ``pet`` and ``ct`` (or None) are ``exchange.Snapshot``."""

    pet: Any
    ct: Any
    factor: float


@dataclass(frozen=True)
class Drawn:
    """Outlines as they were edited: ``kinds`` uint8 (k, j, i), 1 is lesion, 2 and on the ``organs`` in turn."""

    kinds: np.ndarray
    organs: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """What was measured: the uptake, that under the standing thresholds, the errors (or None), the projection."""

    uptake: Any
    beside: tuple[Any, ...]
    errors: Any
    picture: Picture


@dataclass(frozen=True)
class Picture:
    """The projection from the front: ``rgb`` bytes (rows, columns, 3); ``marks`` {number: (row, column)} of uptake."""

    rgb: np.ndarray
    marks: dict[int, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Live:
    """SUV float32 (k, j, i) on ``grid`` (world, LPS); ``raw`` a model's mask, ``ct`` HU on the same grid, or None.

    ``reporting`` is as ``pet_reporting.checked`` gives it.
    """

    suv: np.ndarray
    grid: Any
    raw: np.ndarray | None
    ct: np.ndarray | None
    _known: dict[tuple, Any] = field(default_factory=dict, repr=False)
    reporting: Mapping[str, Any] = field(default_factory=lambda: DEFAULTS)

    @staticmethod
    def of(taken: Taken, raw: np.ndarray | None = None) -> Live:
        """From copies of the images."""
        from TransferSegLib.imaging import from_array
        from TransferSegLib.preparing.petct import ct_on

        grid = gridOf(taken.pet)
        suv = taken.pet.array.astype(np.float32)
        if taken.factor != 1.0:
            suv *= np.float32(taken.factor)
        ct = None
        if taken.ct is not None:
            ct = ct_on(from_array(taken.ct.array, gridOf(taken.ct)), grid)
        return Live(suv, grid, raw, ct)

    def by(self, reporting: Mapping[str, Any]) -> Live:
        """The same images under other options of the report."""
        return dataclasses.replace(self, reporting=reporting)

    def measure(
        self,
        rule: str | None,
        moves: Sequence[tuple[Sequence[int], str]],
        *,
        naming: bool,
        drawn: Drawn | None = None,
        truth: np.ndarray | None = None,
    ) -> Measured:
        """Lesions and totals.

        Parameters
        ----------
        rule : threshold; None takes the mask as it is. Of edited outlines the standing thresholds only.
        moves : (voxel i, j, k, what it is) in turn
        drawn : outlines that the user edited, in place of threshold and mask
        truth : bool (k, j, i), to compare with
        """
        from TransferSegLib.lesions import RULES

        if drawn is not None:
            uptake = self._edited(drawn, None)
            beside = tuple(self._edited(drawn, one) for one in RULES)
        else:
            uptake = self._uptake(rule, naming, moves)
            beside = tuple(self._beside(one, uptake, naming, moves) for one in RULES)
        return Measured(uptake, beside, self._errors(uptake, beside[0], drawn, truth), self._picture(uptake))

    def label(self, uptake: Any) -> np.ndarray:
        """The numbers of all uptake as a label map (k, j, i)."""
        from TransferSegLib.lesions import label_map

        return label_map(uptake.lesions, self.suv.shape)

    def voxel(self, pointLps: Sequence[float]) -> list[int]:
        """The voxel i, j, k at a place."""
        return [round(float(value)) for value in self.grid.indices([pointLps])[0]]

    def _uptake(self, rule: str | None, naming: bool, moves: Sequence[tuple[Sequence[int], str]]) -> Any:
        """Measured once a threshold; moves are applied to what is known, which takes no time."""
        return self._moved(self._measured(rule, naming), moves)

    def _beside(self, rule: str, report: Any, naming: bool, moves: Sequence[tuple[Sequence[int], str]]) -> Any:
        """The same under a standing threshold, where what ``report`` puts apart stays apart, as in a report."""
        from TransferSegLib.jobs.tmtv_carried import with_organs_of

        if rule == report.rule:
            return report
        apart = tuple(one.physiological for one in report.lesions)
        key = (rule, naming, self.reporting["minimum_ml"], report.rule, apart)
        row = self._kept(key, lambda: with_organs_of(self._measured(rule, naming), report, self.suv, self.grid))
        return self._moved(row, moves)

    def _measured(self, rule: str | None, naming: bool) -> Any:
        from TransferSegLib.jobs.tmtv_uptake import measure_uptake

        least = self.reporting["minimum_ml"]
        how = {"segmentation": self.raw, "ct": self.ct, "naming": naming, "minimum_ml": least}
        return self._kept((rule, naming, least), lambda: measure_uptake(self.suv, self.grid, rule=rule, **how))

    def _kept(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key not in self._known:
            found = make()
            while len(self._known) >= MOST_KNOWN:
                self._known.pop(next(iter(self._known)), None)
            self._known[key] = found
        return self._known[key]

    def _moved(self, uptake: Any, moves: Sequence[tuple[Sequence[int], str]]) -> Any:
        from TransferSegLib.jobs.tmtv_uptake import Move, with_moves

        there = [Move(tuple(self.grid.points([voxel])[0]), to) for voxel, to in moves]
        return with_moves(uptake, self.grid, there)

    def _edited(self, drawn: Drawn, rule: str | None) -> Any:
        """Lesions and organs each by themselves: they may touch, and are not to grow together then."""
        from TransferSegLib.jobs.tmtv_uptake import Uptake
        from TransferSegLib.lesions import find_lesions, totals

        found = list(find_lesions(self.suv, drawn.kinds == 1, self.grid, rule=rule))
        for value, organ in enumerate(drawn.organs, 2):
            apart = find_lesions(self.suv, drawn.kinds == value, self.grid, rule=rule)
            found += [dataclasses.replace(one, physiological=organ) for one in apart]
        order = sorted(found, key=lambda one: (bool(one.physiological), -one.voxels))
        numbered = tuple(dataclasses.replace(one, number=number) for number, one in enumerate(order, 1))
        return Uptake(numbered, numbered, totals(numbered), rule)

    def _errors(self, uptake: Any, default: Any, drawn: Drawn | None, truth: np.ndarray | None) -> Any:
        """As the report computes them: the mask before the threshold, without what does not count."""
        if truth is None:
            return None
        from TransferSegLib.jobs.tmtv_counted import before_threshold
        from TransferSegLib.lesions import compare_lesions, label_map

        mask = before_threshold(uptake, self.suv, self.raw) if drawn is None else drawn.kinds == 1
        thresholded = default if uptake.rule is None else uptake
        counted = label_map(thresholded.counted, self.suv.shape) > 0
        how = {"tolerance_mm": self.reporting["tolerance_mm"], "lesionwise": self.reporting["lesionwise_share"]}
        how |= {"rule": comparing(self.reporting, uptake.rule), "counted": counted}
        return compare_lesions(mask, truth, self.suv, self.grid, **how)

    def _picture(self, uptake: Any) -> Picture:
        """Inverted grey, lesions in red and what stands apart in blue; pixels as high as wide."""
        from TransferSegLib.reporting.tmtv_projecting import project

        masks = {"lesion": np.zeros(self.suv.shape, bool), "apart": np.zeros(self.suv.shape, bool)}
        for one in uptake.lesions:
            masks["apart" if one.physiological else "lesion"][one.part.box] |= one.part.mask
        marked = [str(one.number) for one in uptake.lesions[:MOST_MARKS]]
        front = project(self.suv, self.label(uptake), marked, masks, self.grid)[0]
        rgb, stretch = _coloured(front)
        marks = {}
        for name in marked:
            row, column = np.argwhere(front.masks[name]).mean(axis=0)
            marks[int(name)] = (float(row) * stretch, float(column))
        return Picture(rgb, marks)


def gridOf(image: Any) -> Any:
    """The library's grid of a snapshot."""
    from TransferSegLib.imaging import Grid

    steps = image.ijkToLps[:3, :3]
    spacing = np.linalg.norm(steps, axis=0)
    return Grid(image.array.shape[::-1], spacing, image.ijkToLps[:3, 3], (steps / spacing).reshape(-1))


GREY_TOP = 7.0
MOST_MARKS = 60
LESION_RGB, APART_RGB = (200, 16, 46), (0, 114, 178)
STRENGTH = 0.6


def _coloured(view: Any) -> tuple[np.ndarray, float]:
    """RGB bytes, and by how much the rows were stretched to make pixels square."""
    grey = 255 * (1 - np.clip(view.suv / GREY_TOP, 0, 1))
    picture = np.repeat(grey[..., None], 3, axis=2)
    for name, colour in (("apart", APART_RGB), ("lesion", LESION_RGB)):
        inside = view.masks[name]
        picture[inside] = (1 - STRENGTH) * picture[inside] + STRENGTH * np.array(colour)
    wide, high = view.pixel_mm
    heights = np.arange(max(round(len(picture) * high / wide), 1)) * wide / high
    rows = np.minimum(heights.astype(int), len(picture) - 1)
    return np.ascontiguousarray(picture[rows].astype(np.uint8)), high / wide
