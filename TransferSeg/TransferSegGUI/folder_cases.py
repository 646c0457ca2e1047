"""Training cases from folders on disk, and how cases and patients are named."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from . import wording
from .training_case import FOLDER, TrainingCase

# The BraTS challenge's values: necrotic core, oedema, enhancing tumour (4, since 2023 3).
BRATS = {1: "necrosis", 2: "oedema", 3: "tumour", 4: "tumour"}

SEQUENCE_LETTERS = 7
"""A name as short as ``T1POST_1`` says which sequence it is, and not whose."""


def openFolder(
    path: str, there: Sequence[TrainingCase], labelMap: dict[str, str | None], modelName: str
) -> list[TrainingCase]:
    """The cases of a data set that are not in the list yet; ``TransferSegError`` in plain words when there is none."""
    from TransferSegLib.cases import open_data_set
    from TransferSegLib.errors import InputError

    roles, reference = _wanted(modelName)
    try:
        data = open_data_set(path, roles=roles, allow_doubtful=True, reference_role=reference)
    except InputError as error:
        raise wording.problem(plain(error.message)) from error
    known = {case.truth for case in there}
    taken = [case.id for case in there]
    stated = data.label_names or (BRATS if data.layout == "brats" else {})
    names = {str(value): name for value, name in stated.items()}
    added = []
    for case in data.cases:
        if str(Path(case.truth).absolute()) in known:
            continue
        images = {role: str(Path(file).absolute()) for role, file in case.images.items() if not roles or role in roles}
        taken.append(freeId(case.id, taken))
        added.append(
            TrainingCase(
                id=taken[-1],
                patient=case.patient,
                kind=FOLDER,
                key=os.urandom(4).hex(),
                images=images,
                truth=str(Path(case.truth).absolute()),
                names=names,
                labelMap=labelMap,
                folder=str(Path(path).absolute()),
                doubt=_doubt(case, images),
            )
        )
    return added


def freeId(wanted: str, taken: Sequence[str]) -> str:
    """A case name that can be a folder's name and is not taken yet."""
    name = re.sub(r"[^\w.+-]+", "_", wanted.strip()).strip("._-") or _("case")
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def nameFor(volume: str, file: str) -> str:
    """What to call a case of the scene: the volume's name, or its folder's where that names the sequence only."""
    from TransferSegLib.cases import guess_role

    short = len(re.sub(r"[^A-Za-z0-9]", "", volume)) <= SEQUENCE_LETTERS
    folder = Path(file).parent.name if file else ""
    return folder if short and folder and guess_role(volume) is not None else volume


def patientOf(name: str, dicomId: str = "") -> str:
    """Whose case it is: a hash of the DICOM PatientID where there is one, else the name without its session."""
    from TransferSegLib.cases import patient_of

    return patient_of(name, [dicomId] if dicomId else [])


def plain(message: str) -> str:
    """A message of the library for those who have no shell."""
    short = wording.withoutOptions(message)
    if short == message:
        return message
    return short + ". " + _("Rename the files so that this is clear, or load the case into the scene.")


def _wanted(modelName: str) -> tuple[tuple[str, ...] | None, str | None]:
    """The roles and the reference role of a model."""
    if not modelName:
        return None, None
    from .models import findModel

    card = findModel(modelName).card
    return tuple(card.roles), card.reference


def _doubt(case: Any, images: dict[str, str]) -> str:
    """Why a case cannot be taken as it is."""
    for role, reason in case.doubtful.items():
        if role in images:
            return _("Not sure which file is {role}: {reason}. Rename it so that this is clear.").format(
                role=wording.roleName(role), reason=reason
            )
    if case.channels:
        return _("Its images are kept in one 4-D file; split it into one file each.")
    return ""
