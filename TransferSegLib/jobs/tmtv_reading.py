"""Reading what tmtv is given: the PET in SUV, the CT on it, and masks on the PET's own grid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..cases import Case, LoadedCase, check_together, labels_on
from ..errors import InputError
from ..events import Events
from ..imaging import Grid, Pet, check_ct, check_same_patient, image_stem, read_image, read_pet
from ..imaging.pet_checks import ct_of
from .tmtv_options import TmtvInputs, TmtvOptions

# Folders called so say nothing about whose images they hold.
_GENERIC = {
    "",
    "image",
    "images",
    "dicom",
    "dcm",
    "pet",
    "pt",
    "fdg",
    "ct",
    "petct",
    "series",
    "suv",
    "nac",
    "ac",
    "wb",
}

_OTHER_GRID = "give the mask that lies on the PET's grid, or resample it to the PET"


@dataclass(frozen=True, eq=False)
class TmtvCase:
    """One patient in memory.

    Attributes
    ----------
    pet : Pet
        In SUVbw.
    loaded : LoadedCase
        PET and CT on their own grids, checked to belong together, as a model takes them.
    suv : float32 (k, j, i)
        On ``grid``, the PET's own.
    truth, mask : bool (k, j, i), optional
        On the same grid.
    apart : tuple of (what it is, bool (k, j, i))
        Physiological uptake that was put apart by hand.
    """

    pet: Pet
    loaded: LoadedCase
    grid: Grid
    suv: np.ndarray
    truth: np.ndarray | None
    mask: np.ndarray | None
    apart: tuple[tuple[str, np.ndarray], ...] = ()

    def ct_on_pet(self) -> np.ndarray | None:
        """HU float32 (k, j, i) on the PET's grid, -1024 outside the CT; None without a CT."""
        if "ct" not in self.loaded.images:
            return None
        from ..preparing.petct import ct_on

        return ct_on(self.loaded.images["ct"], self.grid)


def read_tmtv_case(inputs: TmtvInputs, options: TmtvOptions, patient: str, events: Events) -> TmtvCase:
    """Read and check the files of a patient.

    Raises
    ------
    InputError
        What ``read_pet`` refuses; no CT in HU, or another patient's; frames of reference or places that do not
        match; a truth or mask on another grid.
    """
    events.progress("reading", 0, len(inputs.given))
    pet = read_pet(inputs.pet, unit=options.unit, by_hand=dict(options.by_hand))
    images: dict[str, sitk.Image] = {"pet": pet.image}
    paths = {"pet": inputs.pet}
    events.progress("reading", 1, len(inputs.given))
    if inputs.ct is not None:
        paths["ct"], left = ct_of(inputs.ct)
        for note in left:
            events.say(f"CT: {note}")
        check_same_patient(pet.patient, paths["ct"])
        images["ct"] = read_image(paths["ct"])
        check_ct(images["ct"], paths["ct"])
    case = Case(id=patient, patient=patient, images=paths, truth=inputs.truth)
    check_together(case, images, "pet", events=events)
    grid = Grid.of(pet.image)
    masks = [_mask(path, grid, inputs.pet) for path in (inputs.truth, inputs.mask)]
    apart = tuple((organ, _mask(path, grid, inputs.pet)) for organ, path in inputs.apart)
    events.progress("reading", len(inputs.given), len(inputs.given))
    loaded = LoadedCase(case, images, grid, "pet", pet=pet.info)
    return TmtvCase(pet, loaded, grid, sitk.GetArrayFromImage(pet.image), *masks, apart)


def patient_name(inputs: TmtvInputs, name: str | None) -> str:
    """The name of a report: the one given, else that of the nearest folder above the PET that says more than "PET"."""
    if name is not None and not name.strip():
        raise InputError("--id: is empty; give a name, or leave it out")
    for path in inputs.given:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; check the path")
    if name:
        return name.strip()
    pet = inputs.pet.absolute()
    for folder in (*([pet] if pet.is_dir() else []), *pet.parents):
        if folder.name and not set(re.split(r"[^a-z]+", folder.name.lower())) <= _GENERIC:
            return folder.name
    return image_stem(pet)


def _mask(path: Path | None, grid: Grid, pet: Path) -> np.ndarray | None:
    """A mask on the PET's grid; every value but 0 is lesion."""
    if path is None:
        return None
    labels = labels_on(read_image(path, what="truth"), grid, path, pet, hint=_OTHER_GRID)
    return sitk.GetArrayFromImage(labels) > 0
