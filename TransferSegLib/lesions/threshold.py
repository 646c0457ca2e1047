"""The rules by which uptake counts as lesion: fixed SUV, a share of each lesion's SUVmax, the public reading rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..imaging import Grid
from ..measuring import Part, components, put_together, separate_parts
from .checks import check_mask

RULES = ("4.0", "2.5", "41%")
"""The thresholds that a report shows side by side; the first is the default."""
SEED_SUV = 4.0
"""Without a mask, a share of SUVmax is taken of the lesions that this SUV delineates."""
_ROUNDING = 1 - 1e-9


@dataclass(frozen=True)
class Threshold:
    """A rule: which voxels of a lesion count.

    Attributes
    ----------
    suv : float or None
        Lowest SUV that counts, g/ml; None where ``share`` is given.
    share : float or None
        Lowest share of the lesion's own SUVmax that counts, above 0 and at most 1.
    least_ml : float
        Lesions (18-connected, after thresholding) that are smaller do not count, ml.
    """

    suv: float | None = None
    share: float | None = None
    least_ml: float = 0.0

    def __post_init__(self) -> None:
        given = [value for value in (self.suv, self.share) if value is not None]
        fine = len(given) == 1 and all(np.isfinite(value) and value > 0 for value in given)
        if not fine or (self.share or 0) > 1 or not (np.isfinite(self.least_ml) and self.least_ml >= 0):
            raise UsageError(f"threshold: got {self}; give a positive SUV or a share of SUVmax up to 1, and ml from 0")

    @property
    def name(self) -> str:
        """As the user writes it: ``4.0``, ``41%``, ``reading``."""
        if self == READING:
            return "reading"
        name = f"{self.share * 100:g}%" if self.share is not None else f"{float(self.suv)}"
        return f"{name}, >= {self.least_ml:g} ml" if self.least_ml else name

    @property
    def words(self) -> str:
        """The rule for a report."""
        words = f"SUV >= {self.share * 100:g} % of the lesion's SUVmax" if self.share is not None else None
        words = words or f"SUV >= {float(self.suv)}"
        return f"{words}, lesions of at least {self.least_ml:g} ml" if self.least_ml else words


READING = Threshold(suv=4.0, least_ml=3.0)
"""The public reading rule for lymphoma: SUV >= 4 and lesions of at least 3 cm3 (Boellaard et al. 2024)."""


def threshold_of(rule: str | float | Threshold) -> Threshold:
    """The rule that a name stands for: ``4.0`` or any SUV, ``41%`` or any share of SUVmax, ``reading``."""
    if isinstance(rule, Threshold):
        return rule
    text = str(rule).strip().lower()
    if text == "reading":
        return READING
    try:
        if text.endswith("%"):
            return Threshold(share=float(text[:-1]) / 100)
        return Threshold(suv=float(text))
    except (ValueError, UsageError):
        raise UsageError(
            f"threshold {rule!r}: not a rule; give an SUV such as 4.0 or 2.5, a share of SUVmax such as 41%, or reading"
        ) from None


def apply_threshold(
    suv: np.ndarray, mask: np.ndarray | None, rule: str | float | Threshold, grid: Grid | None = None
) -> np.ndarray:
    """The voxels of a mask that a rule counts.

    Parameters
    ----------
    suv : (k, j, i)
        Standardised uptake values, g/ml.
    mask : bool or integer (k, j, i), or None
        Where lesions may be; None for the whole image. A share of SUVmax then applies to the lesions of SUV >= 4.0:
        each keeps what reaches the share of its own SUVmax, and none grows into its surroundings.
    rule : str, float or Threshold
        As ``threshold_of`` reads it.
    grid : Grid, optional
        Needed by rules that ask for a least volume.

    Returns
    -------
    bool (k, j, i)

    Raises
    ------
    InputError
        When the mask is not one on the SUV's grid.
    UsageError
        When the rule is none, or asks for a volume and there is no grid.
    """
    threshold = threshold_of(rule)
    if threshold.least_ml and grid is None:
        raise UsageError(f"threshold {threshold.name}: asks for a volume; give the grid too")
    if mask is not None:
        check_mask(mask, Grid(suv.shape[::-1], (1, 1, 1)), "mask")
    return put_together(counted_parts(suv, mask, threshold, grid.voxel_ml if grid else 0.0), suv.shape)


def counted_parts(suv: np.ndarray, mask: np.ndarray | None, threshold: Threshold, voxel_ml: float) -> list[Part]:
    """As ``apply_threshold``, as separate parts and without checks."""
    if mask is None:
        mask = suv >= (SEED_SUV if threshold.suv is None else threshold.suv)
    return threshold_parts(separate_parts(mask), suv, threshold, voxel_ml)


def threshold_parts(parts: Sequence[Part], suv: np.ndarray, threshold: Threshold, voxel_ml: float) -> list[Part]:
    """What a rule leaves of separate parts; parts without a voxel are dropped."""
    kept = [_above(part, suv, threshold) for part in parts]
    if threshold.least_ml:
        kept = [_large(part, threshold.least_ml * _ROUNDING / voxel_ml) for part in kept]
    return [part for part in kept if part.mask.any()]


def _above(part: Part, suv: np.ndarray, threshold: Threshold) -> Part:
    if threshold.suv is not None:
        return part.keep(suv[part.box] >= threshold.suv)
    return _of_components(part, lambda own: own.keep(suv[own.box] >= threshold.share * _highest(own, suv)))


def _large(part: Part, least: float) -> Part:
    return _of_components(part, lambda own: own if own.voxels >= least else None)


def _highest(part: Part, suv: np.ndarray) -> float:
    return float(suv[part.box][part.mask].max())


def _of_components(part: Part, keep: Callable[[Part], Part | None]) -> Part:
    """A part with, of each of its components, what ``keep`` leaves."""
    inside = np.zeros(part.mask.shape, bool)
    for own in filter(None, map(keep, components([part]))):
        inside[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(own.box, part.box))] |= own.mask
    return part.keep(inside)
