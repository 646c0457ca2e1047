"""From SUV and a segmentation to lesions and totals: pure functions of arrays, quick enough to follow a slider.

What Slicer calls while a threshold moves or a lesion is put apart: nothing is read from disk, no network is needed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..imaging import Grid
from ..lesions import Lesion, Totals, find_lesions, label_map, threshold_of, totals
from ..lesions.physiological import ORGANS, name_physiological, rule_in_words

DEFAULT_RULE = "4.0"
LESION, PHYSIOLOGICAL, OTHER = "lesion", "physiological", "other"
KNOWN = (*ORGANS, OTHER)
_FRENCH = {"cerveau": "brain", "vessie": "bladder", "rein": "kidney", "cœur": "heart", "coeur": "heart", "autre": OTHER}
_ROUNDING = 1 - 1e-9


@dataclass(frozen=True)
class Move:
    """The user's word on one uptake: what it is (``lesion``, ``physiological``, an organ's name or ``other:TEXT``).

    ``at_mm`` is the LPS position of a voxel of it, best its hottest one, which stays in it when the threshold moves.
    """

    at_mm: tuple[float, float, float]
    to: str


@dataclass(frozen=True)
class Uptake:
    """Lesions and what stands apart, under one threshold.

    Attributes
    ----------
    lesions : tuple of Lesion
        All that count, lesions first, then physiological uptake; each by volume, with numbers from 1.
    named : tuple of Lesion
        The same as the rule alone names them, before the user's moves.
    totals : Totals
        Of those that are not physiological.
    rule : str or None
        The threshold, as the user writes it; None for none.
    by_rule : bool
        Whether physiological uptake was told by rule (`lesions.physiological`).
    moved : tuple of (number, what it is now)
        What the user moved.
    below_count, below_ml : int, float
        Lesions under the least volume, which are not counted.
    """

    lesions: tuple[Lesion, ...]
    named: tuple[Lesion, ...]
    totals: Totals
    rule: str | None
    by_rule: bool = False
    moved: tuple[tuple[int, str], ...] = ()
    below_count: int = 0
    below_ml: float = 0.0

    @property
    def naming(self) -> str:
        """The rule by which physiological uptake was told, in words; empty where none was."""
        return " ".join(rule_in_words()) if self.by_rule else ""

    @property
    def counted(self) -> tuple[Lesion, ...]:
        """The lesions proper."""
        return tuple(lesion for lesion in self.lesions if not lesion.physiological)

    @property
    def apart(self) -> tuple[Lesion, ...]:
        """Physiological uptake."""
        return tuple(lesion for lesion in self.lesions if lesion.physiological)


def measure_uptake(
    suv: np.ndarray,
    grid: Grid,
    *,
    segmentation: np.ndarray | None = None,
    rule: str | float | None = DEFAULT_RULE,
    minimum_ml: float = 0.0,
    ct: np.ndarray | None = None,
    naming: bool = True,
    apart: Sequence[tuple[str, np.ndarray]] = (),
    moves: Sequence[Move] = (),
) -> Uptake:
    """Find, measure and number the lesions.

    Parameters
    ----------
    suv : float (k, j, i)
        SUV by body weight, g/ml, on ``grid``.
    segmentation : bool (k, j, i), optional
        Where lesions may be; None for the whole PET.
    rule : str, float or None
        ``4.0`` or another SUV, ``41%`` (of each lesion's SUVmax), ``reading``; None takes the segmentation as it is.
    minimum_ml : float
        Smaller lesions are counted apart.
    ct : float (k, j, i), optional
        HU on the PET's grid, which helps to tell organs.
    naming : bool
        Tell physiological uptake by rule; without, only the user's moves put any apart.
    apart : sequence of (organ, bool (k, j, i))
        Uptake that was put apart by hand, measured by itself even where it touches a lesion.
    moves : sequence of Move
        Later ones win.

    Raises
    ------
    InputError, UsageError
        As ``lesions.find_lesions``; a move that meets no uptake is left out.
    """
    threshold = None if rule is None else threshold_of(rule)
    if threshold is not None and threshold.least_ml:
        threshold = dataclasses.replace(threshold, least_ml=0.0)
    for _, mask in apart:
        segmentation = segmentation & ~mask
    found = find_lesions(suv, segmentation, grid, rule=threshold)
    kept = tuple(lesion for lesion in found if lesion.volume_ml >= least_ml(rule, minimum_ml))
    below = found[len(kept) :]
    if naming:
        kept = name_physiological(kept, None, suv, ct, grid)
    for organ, mask in apart:
        own = find_lesions(suv, mask, grid, rule=threshold)
        kept += tuple(dataclasses.replace(lesion, physiological=organ) for lesion in own)
    named = numbered(kept)
    uptake = Uptake(
        lesions=named,
        named=named,
        totals=totals(named),
        rule=None if rule is None else rule_name(rule),
        by_rule=naming,
        below_count=len(below),
        below_ml=float(sum(lesion.volume_ml for lesion in below)),
    )
    return with_moves(uptake, grid, moves) if moves else uptake


def with_moves(uptake: Uptake, grid: Grid, moves: Sequence[Move]) -> Uptake:
    """The same uptake with the user's word in place of the rule's; at once, since no voxel is measured again."""
    organs: dict[int, str] = {}
    for move in moves:
        number = number_at(uptake, grid, move.at_mm)
        if number is not None:
            organs[number] = organ_of(move.to)
    lesions = tuple(
        dataclasses.replace(lesion, physiological=organs[lesion.number], suspected="")
        if lesion.number in organs
        else lesion
        for lesion in uptake.named
    )
    changed = [
        (after.number, after.physiological or LESION)
        for before, after in zip(uptake.named, lesions)
        if before.physiological != after.physiological
    ]
    return dataclasses.replace(uptake, lesions=lesions, totals=totals(lesions), moved=tuple(changed))


def number_at(uptake: Uptake, grid: Grid, at_mm: Sequence[float]) -> int | None:
    """The number of the uptake whose voxel lies at an LPS position, None where there is none."""
    i, j, k = (round(float(value)) for value in grid.indices([at_mm])[0])
    for lesion in uptake.lesions:
        place = [index - axis.start for index, axis in zip((k, j, i), lesion.part.box)]
        inside = all(0 <= at < size for at, size in zip(place, lesion.part.mask.shape))
        if inside and lesion.part.mask[tuple(place)]:
            return lesion.number
    return None


def move_of(uptake: Uptake, number: int, to: str) -> Move:
    """The move that makes uptake ``number`` a ``lesion``, ``physiological`` or an organ's."""
    for lesion in uptake.lesions:
        if lesion.number == number:
            return Move(lesion.hottest_mm, to)
    numbers = f"1 to {len(uptake.lesions)}" if uptake.lesions else "none"
    raise UsageError(f"--move {number}={to}: there is no uptake {number}; the numbers are {numbers}")


def organ_of(to: str, option: str = "--move") -> str:
    """What ``Lesion.physiological`` holds for a move: empty for a lesion, ``other`` without an organ's name.

    English and French names of known organs, or ``other:TEXT``; of anything else a ``UsageError``, since a word that
    is mistyped would take a lesion out of the totals.
    """
    text = " ".join(to.lower().split())
    if not text:
        raise UsageError(f"{option}: say what it is; lesion, physiological or an organ such as brain")
    if not text.isprintable():
        raise UsageError(f"{option}: what it is holds a character that cannot be printed; leave it out")
    name, _, free = text.partition(":")
    if name.strip() == OTHER and free.strip():
        return f"{OTHER}:{free.strip()}"
    if text in (LESION, "lésion"):
        return ""
    organ = _FRENCH.get(text, OTHER if text in (PHYSIOLOGICAL, "physiologique") else text)
    if organ not in KNOWN:
        known = ", ".join((LESION, PHYSIOLOGICAL, *KNOWN))
        raise UsageError(f"{option} {to.strip()}: not known; give one of {known}, or other:TEXT for anything else")
    return organ


def labels_of(lesions: Sequence[Lesion], shape: tuple[int, int, int]) -> np.ndarray:
    """The numbers of some lesions as a label map (k, j, i); uint8 where they fit."""
    labels = label_map(lesions, shape)
    return labels.astype(np.uint8) if max((one.number for one in lesions), default=0) < 256 else labels


def least_ml(rule: str | float | None, minimum_ml: float) -> float:
    """The volume from which a lesion counts, a hair less for rounding."""
    return max(minimum_ml, 0.0 if rule is None else threshold_of(rule).least_ml) * _ROUNDING


def rule_name(rule: str | float | None) -> str | None:
    """A threshold as the user writes it; the reading rule keeps its name, since its least volume is part of it."""
    return None if rule is None else threshold_of(rule).name


def numbered(lesions: Sequence[Lesion]) -> tuple[Lesion, ...]:
    """Lesions first, then what stands apart, each by volume, with numbers from 1."""
    order = sorted(lesions, key=lambda lesion: (bool(lesion.physiological), -lesion.voxels, lesion.number))
    return tuple(dataclasses.replace(lesion, number=number) for number, lesion in enumerate(order, 1))
