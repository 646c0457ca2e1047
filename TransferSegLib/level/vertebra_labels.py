"""Which value a vertebra has in a mask: the numberings in use, told apart by the order of the neighbours."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from ..errors import InputError, UsageError
from ..imaging import Grid

_CERVICAL, _THORACIC = tuple(f"C{n}" for n in range(1, 8)), tuple(f"T{n}" for n in range(1, 13))
_LUMBAR = tuple(f"L{n}" for n in range(1, 6))
LEVELS = (*_CERVICAL, *_THORACIC, *_LUMBAR, "L6", "S1")
_SPINE = (*_CERVICAL, *_THORACIC, *_LUMBAR)
# TotalSegmentator numbers from below, VerSe (and TPTBox) from above.
SCHEMES: dict[str, dict[str, int]] = {
    "TotalSegmentator v2": {name: 50 - n for n, name in enumerate(_SPINE)} | {"S1": 26},
    "TotalSegmentator v1": {name: 41 - n for n, name in enumerate(_SPINE)},
    "VerSe": {name: 1 + n for n, name in enumerate(_SPINE)} | {"L6": 25, "S1": 26},
}
# Typical distance, mm, between the middles of neighbours in an adult, C1-C2 first; lumbar ones are further apart, which
# tells the two TotalSegmentator numberings from each other.
PITCH = dict(
    zip(
        itertools.pairwise(_SPINE),
        (15, 17, 17, 17, 17, 18, 20, 20, 21, 21, 22, 22, 23, 24, 25, 26, 27, 29, 32, 34, 36, 37, 37),
    )
)
# Of the distances found over these: usual; of one deformed spine; of another reading that must be ruled out.
USUAL, POSSIBLE, RIVAL = (0.75, 1.33), (0.4, 1.8), (0.5, 1.25)
BESIDE = 45.0
# What a mask of one thing alone holds in it.
ONE_THING = (1, 255)


def check_level(level: str) -> str:
    """The level's name in its usual form; ``UsageError`` for what is no vertebra."""
    name = level.strip().upper()
    if name not in LEVELS:
        raise UsageError(f"level {level!r}: not a vertebra; name one such as T12, L1 or L3")
    return name


def find_label(
    labels: np.ndarray, grid: Grid, level: str, label: int | None = None, *, what: str = "the mask"
) -> tuple[int | None, str]:
    """(value of the level, "") or (None, ``above`` | ``below``) where the mask's vertebrae end before it.

    Raises
    ------
    InputError
        An empty mask, or one without the label.
    UsageError
        Several labels whose numbering cannot be told, or a single one that no numbering gives the level.
    """
    values = [int(v) for v in np.unique(labels) if v != 0]
    if not values:
        raise InputError(f"{what}: the mask is empty; give one that holds {level}")
    if label is not None:
        if label not in values:
            raise InputError(f"{what}: has no label {label}; it holds {_some(values)}")
        return label, ""
    if len(values) == 1:
        return _alone(values[0], level, what), ""
    return _by_scheme(_middles(labels, grid, values), level, what)


def _alone(value: int, level: str, what: str) -> int:
    """The only value of a mask, where it can mean the level: another vertebra's number does not."""
    if value in ONE_THING or value in {scheme.get(level) for scheme in SCHEMES.values()}:
        return value
    raise UsageError(
        f"{what}: its only label, {value}, is not one that {level} has in any numbering; if it is {level}, say so with "
        f"--truth-label {value}"
    )


def _by_scheme(middles: Mapping[int, np.ndarray], level: str, what: str) -> tuple[int | None, str]:
    ask = f"name the label of {level} with --truth-label (there are {_some(list(middles))})"
    unclear = UsageError(f"{what}: its numbering of vertebrae cannot be told; {ask}")
    fits = {name: len(_neighbours(scheme, middles, USUAL)) for name, scheme in SCHEMES.items()}
    best = max(fits, key=fits.__getitem__)
    if not fits[best] or sorted(fits.values())[-2] == fits[best]:
        raise unclear
    value, where = _in_scheme(SCHEMES[best], middles, level, POSSIBLE)
    # Neither a value nor "not in the mask" must come from the wrong numbering: a small patient's lumbar spine may have
    # the distances of a chest in another one.
    rivals = [
        scheme
        for name, scheme in SCHEMES.items()
        if name != best and 2 * len(_neighbours(scheme, middles, RIVAL)) >= fits[best]
    ]
    if any(_in_scheme(scheme, middles, level, RIVAL)[0] != value for scheme in rivals):
        raise unclear
    if value is not None:
        return value, ""
    if not where:
        raise InputError(f"{what}: has vertebrae above and below {level} but not {level} itself; give another truth")
    return None, where


def _in_scheme(
    scheme: Mapping[str, int], middles: Mapping[int, np.ndarray], level: str, range_: tuple[float, float]
) -> tuple[int | None, str]:
    """(value, "") of the level in a numbering, else (None, on which side of the vertebrae it lies)."""
    there = {name for pair in _neighbours(scheme, middles, range_) for name in pair}
    if level in there:
        return scheme[level], ""
    places, place = [LEVELS.index(name) for name in there], LEVELS.index(level)
    if not places or min(places) < place < max(places):
        return None, ""
    return None, "below" if place > max(places) else "above"


def _neighbours(
    scheme: Mapping[str, int], middles: Mapping[int, np.ndarray], range_: tuple[float, float]
) -> list[tuple[str, str]]:
    """Pairs of successive vertebrae that a numbering finds one above the other, as vertebrae stand."""
    found = []
    for (upper, lower), pitch in PITCH.items():
        if scheme[upper] in middles and scheme[lower] in middles:
            apart = middles[scheme[upper]] - middles[scheme[lower]]
            if range_[0] < apart[2] / pitch < range_[1] and np.hypot(*apart[:2]) < BESIDE:
                found.append((upper, lower))
    return found


def _middles(labels: np.ndarray, grid: Grid, values: list[int]) -> dict[int, np.ndarray]:
    """LPS centre of mass of each label, mm."""
    from scipy import ndimage

    places = ndimage.center_of_mass(np.ones(labels.shape, np.uint8), labels, values)
    return {value: grid.points(np.array([place[::-1]]))[0] for value, place in zip(values, places)}


def _some(values: list[int]) -> str:
    shown = ", ".join(map(str, sorted(values)[:12]))
    return f"{shown} and {len(values) - 12} more" if len(values) > 12 else shown
