"""Splitting cases so that no patient is on both sides."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from ..errors import UsageError
from .case import Case


def patients(cases: Sequence[Case]) -> list[str]:
    """The patients, sorted, so that a seed means the same whatever the order of the cases."""
    return sorted({case.patient for case in cases})


def split_by_patient(cases: Sequence[Case], *, fraction: float, seed: int) -> tuple[list[Case], list[Case]]:
    """(rest, held out): ``fraction`` of the patients, at least one, never all, chosen by ``seed``."""
    if not 0 <= fraction < 1:
        raise UsageError(f"fraction {fraction}: must be from 0 to below 1; 0.2 holds out a fifth of the patients")
    names = patients(cases)
    count = 0 if fraction == 0 or len(names) < 2 else min(max(1, round(fraction * len(names))), len(names) - 1)
    order = np.random.default_rng(seed).permutation(len(names))
    held = {names[n] for n in order[:count]}
    return [c for c in cases if c.patient not in held], [c for c in cases if c.patient in held]


def hold_out(cases: Sequence[Case], ids: Sequence[str]) -> tuple[list[Case], list[Case]]:
    """(rest, held out) by case id.

    Raises
    ------
    UsageError
        An id that does not exist, every case held out, or a patient who would be on both sides.
    """
    known = [case.id for case in cases]
    for wanted in ids:
        if wanted not in known:
            close = difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
            hint = f"did you mean {close[0]}?" if close else f"choose among {', '.join(known[:12])}"
            raise UsageError(f"--hold-out {wanted}: no case of that name; {hint}")
    held = [case for case in cases if case.id in ids]
    rest = [case for case in cases if case.id not in ids]
    if ids and not rest:
        raise UsageError("--hold-out: every case would be held out; leave at least one to learn from")
    for case in rest:
        twin = next((other for other in held if other.patient == case.patient), None)
        if twin is not None:
            raise UsageError(
                f"--hold-out {twin.id}: {case.id} is of the same patient and would be learned from; hold out both "
                "(or give a list file with a patient column)"
            )
    return rest, held


def folds(cases: Sequence[Case], k: int, seed: int) -> list[tuple[list[Case], list[Case]]]:
    """k pairs (rest, held out); each patient is held out exactly once."""
    names = patients(cases)
    if not 2 <= k <= len(names):
        if len(names) < 2:
            raise UsageError(f"{k} folds: there is {len(names)} patient; give at least 2")
        raise UsageError(f"{k} folds: not possible with {len(names)} patients; choose 2 to {len(names)}")
    order = np.random.default_rng(seed).permutation(len(names))
    result = []
    for part in np.array_split(order, k):
        held = {names[n] for n in part}
        result.append(([c for c in cases if c.patient not in held], [c for c in cases if c.patient in held]))
    return result
