"""PET, CT and masks on their way to the worker's verb ``tmtv``, and its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .exchange import Snapshot, snapshot, writeImage
from .pet_live import Drawn, Taken
from .pet_units import DICOM, NODE, SUV, PetUnit, sidecar

_ARGUMENTS = {
    "weight_kg": "weight",
    "dose_mbq": "dose",
    "injected": "injected",
    "acquired": "acquired",
    "half_life_s": "half_life",
    "height_m": "height",
    "sex": "sex",
}


def takeImages(petNode: Any, ctNode: Any, unit: PetUnit) -> Taken:
    """Copies of the images as they are now (main thread, quick)."""
    return Taken(snapshot(petNode), snapshot(ctNode) if ctNode is not None else None, unit.factor)


def writeImages(folder: Path, taken: Taken, unit: PetUnit) -> dict[str, Any]:
    """Write PET and CT (any thread); the worker's arguments about them."""
    pet, args = taken.pet, {"pet": str(folder / "pet.nrrd")}
    if unit.statedBy == DICOM and unit.unit != SUV:
        # The headers stay here; what they make of the values goes over, with the numbers behind it.
        pet = inSuv(pet, unit.factor)
    if unit.statedBy == DICOM or (unit.statedBy == NODE and unit.unit == SUV):
        _write(folder / "pet.json", sidecar(unit))
    else:
        args["pet_unit"] = unit.unit
        args |= {_ARGUMENTS[key]: value for key, value in unit.byHand.items()}
    writeImage(pet, folder / "pet.nrrd")
    if taken.ct is not None:
        writeImage(taken.ct, folder / "ct.nrrd")
        args["ct"] = str(folder / "ct.nrrd")
    return args


def inSuv(pet: Snapshot, factor: float) -> Snapshot:
    """A PET's values times what makes SUV (g/ml) of them (any thread)."""
    return Snapshot(pet.array.astype(np.float32) * np.float32(factor), pet.ijkToLps, pet.name)


def writeMask(file: Path, mask: np.ndarray, taken: Taken) -> str:
    """Write a mask on the PET's grid; its path."""
    writeImage(Snapshot(mask.astype(np.uint8), taken.pet.ijkToLps), file)
    return str(file)


def reportArguments(
    folder: Path, taken: Taken, record: Mapping[str, Any], raw: np.ndarray | None, drawn: Drawn | None
) -> dict[str, Any]:
    """Write what says where lesions are (any thread), and the arguments for a report that is as the scene is now.

    An edited result goes as it is outlined, lesions and organs each in files of their own.
    """
    if drawn is not None:
        mask = writeMask(folder / "edited.nrrd", drawn.kinds == 1, taken)
        apart = {
            organ: writeMask(folder / f"apart{value}.nrrd", drawn.kinds == value, taken)
            for value, organ in enumerate(drawn.organs, 2)
        }
        return {"mask": mask, "apart": apart, "threshold": "none", "physiological": "off"}
    args: dict[str, Any] = {"threshold": record["rule"] or "none", "physiological": "on" if record["naming"] else "off"}
    if raw is not None:
        args["mask"] = writeMask(folder / f"{record['method'] or 'mask'}.nrrd", raw, taken)
    moved = [one for one in record["lesions"] if one["moved"]]
    return args | {"move": {str(one["number"]): one["physiological"] or "lesion" for one in moved}}


def _write(file: Path, value: Mapping[str, Any]) -> None:
    from TransferSegLib.storage import write_json

    write_json(file, value)
