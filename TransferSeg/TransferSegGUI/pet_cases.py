"""Corrected PET/CTs that models learn from: copies in the storage folder, private, for all scenes and the shell.

``cases.csv`` lists them as ``transferseg finetune --data`` takes it; each case is a folder with the PET in SUV (said in
``pet.json``), the CT, the lesions as ``truth``, and what is known of them in ``case.json``.
"""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from . import pet_exchange
from .case_export import DESCRIPTION, LIST, ONLY_LABEL
from .exchange import writeImage
from .folder_cases import freeId
from .pet_live import Drawn, Taken
from .pet_report_run import markOf
from .pet_units import PetUnit, sidecar
from .private_folder import makePrivate

ABOUT, TRUTH = "case.json", "truth.nrrd"
COLUMNS = ("id", "patient", "pet", "ct", "truth")


@dataclass(frozen=True)
class PetCase:
    """A kept PET/CT: ``lesionMl`` is the volume of the truth, ``leftOut`` the organs that are background in it."""

    id: str
    patient: str
    mark: str
    pet: str
    lesionMl: float
    leftOut: tuple[str, ...]
    kept: str = ""


def keptFolder() -> Path:
    """Where they lie."""
    from TransferSegLib.places import home

    return home() / "petct" / "corrected"


def listFile() -> Path:
    """The list of all of them."""
    return keptFolder() / LIST


def keep(taken: Taken, unit: PetUnit, drawn: Drawn, *, id: str, patientOf: Any) -> PetCase:
    """Write a case (any thread); the same PET again replaces its case.

    Parameters
    ----------
    taken : copies of PET and CT; the PET becomes SUV by ``taken.factor``
    drawn : the outlines; only lesions go into the truth, organs are left out of it
    id : what to call it; a number is added where another PET is called so
    patientOf : callable from the case's name to its patient's
    """
    from TransferSegLib.storage import adding_to_folder, write_json

    mark = markOf(taken)
    old = next((case for case in keptCases() if case.mark == mark), None)
    name = old.id if old is not None else _freeName(id)
    lesions = drawn.kinds == 1
    voxelMl = abs(float(np.linalg.det(taken.pet.ijkToLps[:3, :3]))) / 1000
    leftOut = tuple(organ for value, organ in enumerate(drawn.organs, 2) if (drawn.kinds == value).any())
    made = datetime.now().astimezone().isoformat(timespec="seconds")
    ml = round(float(np.count_nonzero(lesions)) * voxelMl, 4)
    case = PetCase(name, patientOf(name), mark, taken.pet.name, ml, leftOut, made)
    makePrivate(keptFolder())
    with adding_to_folder(keptFolder() / name) as folder:
        writeImage(pet_exchange.inSuv(taken.pet, taken.factor), folder / "pet.nrrd")
        write_json(folder / "pet.json", sidecar(unit))
        writeImage(taken.ct, folder / "ct.nrrd")
        pet_exchange.writeMask(folder / TRUTH, lesions, taken)
        write_json(folder / ABOUT, {**asdict(case), "unit": asdict(unit)})
    _writeList()
    return case


def keptCases() -> list[PetCase]:
    """All of them by name; a folder that cannot be read is none."""
    found = []
    for file in sorted(keptFolder().glob(f"*/{ABOUT}")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(file.read_text(encoding="utf-8"))
            values = {name: told[name] for name in PetCase.__dataclass_fields__}
            found.append(PetCase(**{**values, "id": file.parent.name, "leftOut": tuple(values["leftOut"])}))
    return found


def isKept(truth: str) -> bool:
    """Whether a truth on disk is that of a kept case."""
    return bool(truth) and Path(truth).absolute().parent.parent == keptFolder().absolute()


def remove(truth: str) -> None:
    """Delete the copies of a kept case."""
    from TransferSegLib.storage import remove_folder

    if isKept(truth) and Path(truth).parent.is_dir():
        remove_folder(Path(truth).parent)
        _writeList()


def _freeName(wanted: str) -> str:
    """A name of which there is no folder, whether or not the disk tells capitals apart."""
    taken: list[str] = []
    while (keptFolder() / freeId(wanted, taken)).exists():
        taken.append(freeId(wanted, taken))
    return freeId(wanted, taken)


def _writeList() -> None:
    """The list and the names of the labels, anew from what is there: two Slicers may write at once."""
    from TransferSegLib.storage import write_json, write_text

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for case in keptCases():
        images = [f"{case.id}/{name}.nrrd" for name in ("pet", "ct", "truth")]
        writer.writerow([case.id, case.patient, *images])
    write_json(keptFolder() / DESCRIPTION, {"labels": {ONLY_LABEL: 1}})
    write_text(listFile(), text.getvalue())
