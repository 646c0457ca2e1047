"""Cases without a truth that take part in a training (semi-supervised): which they are, and what they may not be."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..cases import PICTURE_ROLES, Case, DataSet, open_data_set, patients
from ..errors import InputError, UsageError
from ..events import Events
from ..imaging import read_image, read_picture, to_array
from ..packages import Card
from ..training import LOSSES, UNLABELLED_A_STEP, case_hash, learns_without_truth, loss_by_name

OPTION = "--unlabelled"


def check_unlabelled(folder: str | Path | None, loss: str) -> None:
    """Refuse, before any work, a loss that learns nothing from a case without a truth (``UsageError``)."""
    if folder is not None and not learns_without_truth(loss_by_name(loss)):
        able = ", ".join(name for name, make in LOSSES.items() if learns_without_truth(make()))
        raise UsageError(f"{OPTION}: --loss {loss} learns only from cases with a truth; say --loss {able}")


def open_unlabelled(
    folder: str | Path | None,
    card: Card,
    *,
    data_set: DataSet,
    held_out: Sequence[Case],
    training: Sequence[Case],
    truth_name: str | None,
    events: Events,
) -> tuple[Case, ...]:
    """The cases of ``folder`` without a truth, with the card's roles; those that have one are left out, and said.

    So are those that are trained on with their truth: with an image of a ``training`` case's voxels. Another visit of
    its patient may take part.

    Raises
    ------
    InputError
        No such folder, a role is missing, no case without a truth, or one that is also held out: of a patient of
        the same name or Patient ID, or with an image of the same voxels, whatever the file is called.
    """
    if folder is None:
        return ()
    found = open_data_set(
        folder, roles=card.roles, truth_name=truth_name, need_truth=None, reference_role=card.reference
    )
    cases = tuple(case for case in found.cases if case.truth is None)
    for case in found.cases:
        if case.truth is not None and case not in data_set.cases:
            events.say(f"{OPTION}: {case.id} has a truth and is left out")
    if not cases:
        raise InputError(f"{OPTION} {folder}: every case has a truth; give cases without, or leave the option out")
    _check_apart(folder, cases, held_out, card.roles, events)
    return _without_training(folder, cases, training, card.roles, events)


def unlabelled_request(cases: Sequence[Case], events: Events) -> dict[str, Any]:
    """What decides the result, for run.json: each case's content, and how many windows a step come from them."""
    digests = {}
    for number, case in enumerate(cases):
        events.progress("looking at the unlabelled cases", number, len(cases))
        digests[case.id] = case_hash(case)
    return {"cases": digests, "windows_a_step": UNLABELLED_A_STEP}


def without_inner(
    cases: Sequence[Case], inner: Sequence[Case], roles: Sequence[str], events: Events
) -> tuple[Case, ...]:
    """Unlabelled cases that the inner split has not: that decides when to stop, and is not learned from.

    Left out is what is of its patients by name, or has an image of the same voxels, whatever the file is called.
    """
    owners: set[str] = set()
    for case in inner if cases else ():
        events.check()
        owners |= set(_marks(case, roles))
    kept = []
    for case in cases:
        events.check()
        why = "is of a patient" if case.patient in patients(inner) else ""
        if not why and owners and owners & set(_marks(case, roles)):
            why = "has an image"
        if why:
            events.say(f"{OPTION}: {case.id} {why} of the inner split and takes no part")
        else:
            kept.append(case)
    if cases and not kept:
        raise InputError(f"{OPTION}: all its cases are of patients of the inner split; add cases of other patients")
    return tuple(kept)


def _without_training(
    folder: str | Path, cases: Sequence[Case], training: Sequence[Case], roles: Sequence[str], events: Events
) -> tuple[Case, ...]:
    """Those that have no image of a training case."""
    owners: dict[str, str] = {}
    for case in training:
        events.check()
        owners |= dict.fromkeys(_marks(case, roles), case.id)
    kept = []
    for case in cases:
        events.check()
        owner = next((owners[mark] for mark in _marks(case, roles) if mark in owners), None)
        if owner is None:
            kept.append(case)
        else:
            events.say(f"{OPTION}: {case.id} is left out, since {owner} has its image and is trained on")
    if not kept:
        raise InputError(f"{OPTION} {folder}: all its cases are trained on with a truth; give cases of other patients")
    return tuple(kept)


def _check_apart(
    folder: str | Path, cases: Sequence[Case], held_out: Sequence[Case], roles: Sequence[str], events: Events
) -> None:
    fix = "remove it from that folder, or hold out another case"
    for case in cases:
        twin = next((other for other in held_out if other.patient == case.patient), None)
        if twin is not None:
            raise InputError(f"{OPTION} {folder}: {case.id} is of the same patient as the held-out {twin.id}; {fix}")
    owners: dict[str, str] = {}
    for case in held_out:
        events.check()
        owners |= dict.fromkeys(_marks(case, roles), case.id)
    for case in cases if held_out else ():
        events.check()
        owner = next((owners[mark] for mark in _marks(case, roles) if mark in owners), None)
        if owner is not None:
            raise InputError(f"{OPTION} {folder}: {case.id} has an image of the held-out {owner}; {fix}")


def _marks(case: Case, roles: Sequence[str]) -> list[str]:
    """A digest of the voxels of each image: the same in another format, or under another name."""
    found = []
    for role in roles:
        path = case.images[role]
        if role in PICTURE_ROLES:
            image = read_picture(path, grey=role == "grey")
        else:
            image = read_image(path, channel=case.channels.get(role))
        values = np.ascontiguousarray(to_array(image), dtype=np.float32)
        found.append(hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest())
    return found
