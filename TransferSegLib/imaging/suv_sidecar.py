"""SUV from what stands beside or in an image file: ``NAME.json`` (ours, dcm2niix, BIDS) and header fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ..errors import InputError, UnreadableFile
from .formats import image_stem
from .pet_units import settled_unit
from .suv_dicom import Conversion, ready_suv
from .suv_factor import check_half_life, dose_factor, nuclide_of, table_half_life
from .suv_inputs import KINDS, Input, merged
from .suv_times import Moment, clock, moment, moment_of_datetime

SIDECAR, HEADER = "sidecar", "header"
# Keys of NRRD and MetaImage headers that hold a unit, lower case.
_HEADER_KEYS = ("units", "unit", "voxelvalueunits", "0054|1001")
# The names that a number has in DICOM, dcm2niix and BIDS.
_NAMES = {
    "weight_kg": ("PatientWeight", "BodyWeight", "Weight"),
    "half_life_s": ("RadionuclideHalfLife", "HalfLife", "IsotopeHalfLife"),
    "height_m": ("PatientSize", "PatientHeight", "BodyHeight", "Height"),
}
_MBQ = {"bq": 1e-6, "kbq": 1e-3, "mbq": 1.0, "gbq": 1e3, "mci": 37.0, "uci": 0.037, "ci": 37000.0}


def read_sidecar(path: Path) -> dict[str, Any]:
    """The JSON object beside an image, empty where there is none; ``UnreadableFile`` when it is damaged."""
    return read_object(path.parent / f"{image_stem(path)}.json", '{"Units": "SUV"} or {"Units": "Bq/ml"}')


def read_object(file: Path, example: str) -> dict[str, Any]:
    """The JSON object in a sidecar file, empty where there is none; ``example`` is what to write there instead.

    Raises
    ------
    InputError
        ``UnreadableFile`` when it is no JSON; JSON that is no object.
    """
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{file}: the sidecar is no readable JSON; correct or remove it") from error
    if not isinstance(found, dict):
        raise InputError(f"{file}: the sidecar is no JSON object; write {example}")
    return found


def header_unit(image: sitk.Image) -> str:
    """The text of a unit among an image's header fields, or an empty one."""
    keys = {key.lower(): key for key in image.GetMetaDataKeys()}
    found = next((keys[name] for name in _HEADER_KEYS if name in keys), None)
    return image.GetMetaData(found).strip() if found else ""


def file_conversion(
    image: sitk.Image,
    path: Path,
    *,
    sidecar: Mapping[str, Any],
    unit: str | None,
    by_hand: Mapping[str, Input],
) -> Conversion:
    """How the values of an image file become SUV; ``unit`` and ``by_hand`` are the user's (checked).

    Raises
    ------
    InputError
        Unknown unit, another modality by the sidecar, a correction that is missing, or Bq/ml without the
        numbers that SUV needs.
    """
    _check_sidecar(sidecar, path)
    if image.HasMetaDataKey("Modality") and image.GetMetaData("Modality").strip() in ("MET_MOD_CT", "CT"):
        raise InputError(f"{path}: not a PET, its header says modality CT; were --pet and --ct swapped?")
    text, by = str(sidecar.get("Units") or "").strip(), SIDECAR
    if not text:
        text, by = header_unit(image), HEADER
    settled, stated_by = settled_unit(path, text, by, unit)
    inputs, notes = merged(_stated(sidecar), by_hand)
    if "height_m" not in by_hand:
        notes += _height_note(sidecar)
    if settled == "suv":
        return ready_suv(stated_by, inputs, notes)
    entered = "acquired" in by_hand
    at_injection = not entered and str(sidecar.get("DecayCorrection") or "").upper() == "ADMIN"
    if at_injection:
        inputs = {key: value for key, value in inputs.items() if key not in ("injected", "acquired", "half_life_s")}
    notes += check_half_life(inputs, _nuclide(sidecar), path)
    factor, uptake, told = dose_factor(inputs, path, at_injection=at_injection)
    return Conversion("bqml", stated_by, factor, uptake, inputs, (*notes, *told))


def _check_sidecar(sidecar: Mapping[str, Any], path: Path) -> None:
    modality = str(sidecar.get("Modality") or "PT").upper()
    if modality not in ("PT", "PET"):
        fix = "; were --pet and --ct swapped?" if modality == "CT" else "; give the PET"
        raise InputError(f"{path}: not a PET, its sidecar says modality {modality}{fix}")
    attenuation = str(sidecar.get("AttenuationCorrection") or sidecar.get("AttenuationCorrectionMethod") or "")
    if attenuation.strip().lower() in ("none", "no", "false", "nac"):
        raise InputError(f"{path}: a PET without attenuation correction by its sidecar; give the corrected one")
    if sidecar.get("ImageDecayCorrected") is False or str(sidecar.get("DecayCorrection") or "").upper() == "NONE":
        raise InputError(f"{path}: a PET without decay correction by its sidecar; give the corrected one")


def _stated(sidecar: Mapping[str, Any]) -> dict[str, Input]:
    found = dict(table_half_life(_nuclide(sidecar)))
    for key in _NAMES:
        number = _named(sidecar, key)
        if number is not None and number > 0 and (key != "height_m" or _can_be_height(number)):
            found[key] = Input(KINDS[key].name, number, KINDS[key].unit, SIDECAR)
    sex = str(sidecar.get("PatientSex") or sidecar.get("Sex") or "")[:1].upper()
    if sex in ("F", "M"):
        found["sex"] = Input("sex", sex, "", SIDECAR)
    dose = _dose(sidecar)
    if dose:
        found["dose_mbq"] = Input("dose", dose, "MBq", SIDECAR)
    for key, time in (("injected", _injected(sidecar)), ("acquired", _acquired(sidecar))):
        if time is not None:
            found[key] = Input(key, time, "", SIDECAR)
    return found


def _named(sidecar: Mapping[str, Any], key: str) -> float | None:
    """The number that stands under one of the names of ``key``."""
    return next((value for name in _NAMES[key] if (value := _number(sidecar.get(name))) is not None), None)


def _can_be_height(number: float) -> bool:
    return KINDS["height_m"].low <= number <= KINDS["height_m"].high


def _height_note(sidecar: Mapping[str, Any]) -> list[str]:
    number = _named(sidecar, "height_m")
    if number is None or _can_be_height(number):
        return []
    return [f"The height, {number:g} m in its sidecar, is not plausible and was not used; say --height M."]


def _dose(sidecar: Mapping[str, Any]) -> float | None:
    """MBq: DICOM's number is in Bq, that of BIDS in the unit it names; without one it is not taken."""
    number = _number(sidecar.get("RadionuclideTotalDose"))
    if number is not None:
        return number * 1e-6
    number = _number(sidecar.get("InjectedRadioactivity"))
    scale = _MBQ.get(str(sidecar.get("InjectedRadioactivityUnits") or "").strip().lower().replace("µ", "u"))
    return None if number is None or scale is None else number * scale


def _injected(sidecar: Mapping[str, Any]) -> Moment | None:
    full = moment_of_datetime(sidecar.get("RadiopharmaceuticalStartDateTime"), sidecar.get("TimezoneOffsetFromUTC"))
    if full is not None:
        return full
    seconds = clock(sidecar.get("RadiopharmaceuticalStartTime"))
    return Moment(seconds) if seconds is not None else _after_zero(sidecar, "InjectionStart")


def _acquired(sidecar: Mapping[str, Any]) -> Moment | None:
    """The moment that the values are corrected to.

    An acquisition time alone is not taken: in a scan of several beds it is that of any one of them.
    """
    zero = _after_zero(sidecar, "ImageDecayCorrectionTime")
    if zero is not None:
        return zero
    if str(sidecar.get("DecayCorrection") or "").upper() != "START":
        return None
    scan = _after_zero(sidecar, "ScanStart")
    return scan if scan is not None else moment(sidecar.get("SeriesDate"), sidecar.get("SeriesTime"))


def _after_zero(sidecar: Mapping[str, Any], name: str) -> Moment | None:
    """A BIDS time, seconds after Time Zero."""
    zero, number = clock(sidecar.get("TimeZero")), _number(sidecar.get(name))
    return None if zero is None or number is None else Moment(zero).later(number)


def _nuclide(sidecar: Mapping[str, Any]) -> str | None:
    return nuclide_of(sidecar.get("TracerRadionuclide"), sidecar.get("Radiopharmaceutical"), sidecar.get("TracerName"))


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
