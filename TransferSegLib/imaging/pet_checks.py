"""Whether values can be what they are said to be: SUV of a patient, and a CT and a PET not swapped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .dicom import dicom_header, is_dicom_file
from .formats import image_stem
from .grid import Grid
from .scan_series import choose_stack

# Urine, or the vein of the injection, may reach some hundred; no tissue reaches this.
HIGHEST_SUV = 1000.0
_HIGH_SUV = 200.0
_LOW_SUV = 1.0
# A picture in which nothing reaches this is no PET of a patient in SUV: every tissue takes up something.
LOWEST_SUV = 0.1
# Activity in the picture over the dose given: noise and calibration make up less than the first.
_MORE_THAN_GIVEN = 1.5
_FAR_MORE_THAN_GIVEN = 3.0
# Of a CT of a body at least the first share of voxels is air, lung or fat, and at most the second above what metal
# and bone reach on the usual scale (HU). Even a vertebra cut out tightly has 10 % of the former.
_FAT_OR_AIR, _LEAST_FAT_OR_AIR = -100.0, 0.01
_DENSEST, _MOST_DENSEST = 3071.0, 0.05
# Values that no PET has but for noise; the middle of those of a CT (HU) is air or lung, and their quartiles are
# nearer to each other than this share of it (air 0.02, lung 0.3; of the lower half of a normal distribution 1.2).
_NO_PET, _LUNG, _AIR_SPREAD = -200.0, -500.0, 0.5
# Weight taken for that check where none is known: few patients are heavier (kg).
_HEAVY = 300.0


def check_suv(suv: np.ndarray, grid: Grid, weight: float | None, where: object) -> list[str]:
    """Notes on SUV values, (k, j, i), that are unusual.

    The mean SUV over a body cannot be above 1 by definition, so that SUV summed over the picture, as grams of
    1 g/ml, cannot be far above the weight (kg).

    Raises
    ------
    InputError
        Values that no patient has: the unit, dose, weight or times must be wrong.
    """
    fix = "the unit, dose, weight or times must be wrong; check them, or say --pet-unit, --dose, --weight"
    top = float(suv.max())
    if top > HIGHEST_SUV:
        raise InputError(f"{where}: the highest SUV would be {top:,.0f}, which no tissue reaches; {fix}")
    if top < LOWEST_SUV:
        raise InputError(f"{where}: the highest SUV would be only {top:.2g}, below that of any tissue; {fix}")
    whole = float(suv.sum(dtype=np.float64)) * float(np.prod(grid.spacing)) * 1e-6
    share = whole / (weight or _HEAVY)
    if share > _FAR_MORE_THAN_GIVEN:
        raise InputError(f"{where}: holds {share:.1f} times the activity that was injected; {fix}")
    notes = []
    if weight and share > _MORE_THAN_GIVEN:
        notes.append(f"The picture holds {share:.1f} times the injected activity: check dose, weight and times.")
    if top > _HIGH_SUV:
        notes.append(f"The highest SUV is {top:.0f}: urine, a vein of injection, or a wrong number.")
    if top < _LOW_SUV:
        notes.append(f"The highest SUV is only {top:.2g}: check unit, dose, weight and times.")
    return notes


def check_no_ct(values: np.ndarray, where: object) -> None:
    """Raise ``InputError`` where the values said to be of a PET look like Hounsfield units.

    By their range, or (metal and extended scales reach far up) by a share of voxels that are air or lung: these lie
    close together far below 0, where a PET has none but noise, which has no such peak.
    """
    low, high = float(values.min()), float(values.max())
    if low <= _NO_PET and (-low > 0.15 * high or _holds_air(np.asarray(values))):
        raise InputError(
            f"{where}: values from {low:g} to {high:g} look like a CT in Hounsfield units, not a PET; "
            "were --pet and --ct swapped?"
        )


def _holds_air(values: np.ndarray) -> bool:
    below = values[values <= _NO_PET]
    if below.size < _LEAST_FAT_OR_AIR * values.size:
        return False
    lower, middle, upper = np.percentile(below, (25, 50, 75))
    return bool(middle <= _LUNG and upper - lower <= _AIR_SPREAD * -middle)


def check_ct(image: sitk.Image, path: str | Path, *, beside_pet: bool = True) -> None:
    """Raise ``InputError`` where what is given as a CT is a PET or holds no Hounsfield units of a body.

    ``beside_pet`` says whether it may have been swapped with a PET.

    The modality is that of DICOM or of the sidecar ``NAME.json``. A CT of a body has a share of voxels of air,
    lung or fat, and few above 3071; one or a few negative voxels (noise, interpolation) make a PET no CT.
    """
    path = Path(path)
    _check_modality(stated_modality(path), path, beside_pet=beside_pet)
    values = sitk.GetArrayViewFromImage(image)
    light = np.count_nonzero(values <= _FAT_OR_AIR) / values.size
    if light < _LEAST_FAT_OR_AIR:
        flaw = f"{light:.1%} of its voxels are at or below {_FAT_OR_AIR:g} (air, lung, fat)"
    elif np.count_nonzero(values > _DENSEST) > _MOST_DENSEST * values.size:
        flaw = f"more than {_MOST_DENSEST:.0%} of its voxels are above {_DENSEST:g}"
    else:
        return
    hint = "give the CT (were --pet and --ct swapped?)" if beside_pet else "give the CT as it was reconstructed"
    raise InputError(
        f"{path}: values from {float(values.min()):g} to {float(values.max()):g}, {flaw}, so it is no CT of a body in "
        f"Hounsfield units; {hint}"
    )


def ct_of(path: str | Path) -> tuple[Path, list[str]]:
    """One file of the CT series in a DICOM folder or its subfolders, and notes on what else lies there.

    A folder may be that of a whole study, the PET in it. A path that is no folder is given back.

    Raises
    ------
    InputError
        No CT in the folder, or several; these are named.
    """
    path = Path(path)
    if not path.is_dir():
        return path, []
    try:
        stack, notes = choose_stack(path)
    except InputError as error:
        raise type(error)(f"--ct {error}") from error
    _check_modality(stack.modality.strip().upper(), path)
    return stack.slices[0].path, notes


def _check_modality(modality: str, path: Path, *, beside_pet: bool = True) -> None:
    if modality not in ("", "CT"):
        swapped = "; were --pet and --ct swapped?" if beside_pet and modality in ("PT", "PET") else "; give the CT"
        raise InputError(f"{path}: not a CT, its modality is {modality}{swapped}")


def stated_modality(path: Path) -> str:
    """The modality by DICOM or by the sidecar, upper case; empty where nothing tells it."""
    header = _first_header(path)
    if header is not None:
        return str(header.get("Modality") or "").strip().upper()
    try:
        stated = json.loads((path.parent / f"{image_stem(path)}.json").read_text(encoding="utf-8-sig"))
        return str(stated.get("Modality") or "").strip().upper()
    except (OSError, ValueError, AttributeError):
        return ""


def check_same_patient(patient: str, path: str | Path) -> None:
    """Raise ``InputError`` where a DICOM ``path`` is of another patient than ``patient`` (Patient ID; never told)."""
    header = _first_header(Path(path))
    other = str(header.get("PatientID") or "").strip() if header is not None else ""
    if patient and other and other != patient:
        raise InputError(f"{path}: of another patient than the PET (by Patient ID); give CT and PET of one patient")


def _first_header(path: Path):
    """The header of a DICOM file, or of the first one in a folder; None where there is none."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    file = next((one for one in files if is_dicom_file(one)), None)
    return None if file is None else dicom_header(file)
