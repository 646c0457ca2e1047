"""SUV by body weight from the headers of a DICOM PET series, by QIBA's vendor-neutral pseudo-code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from .pet_series import (
    PHILIPS_ACTIVITY,
    PHILIPS_GROUP,
    PHILIPS_SUV,
    check_agreement,
    check_one_patient,
    corrections,
    creators_missing,
    private_number,
)
from .pet_units import settled_unit
from .suv_dicom_inputs import DICOM, dicom_nuclide, stated_inputs
from .suv_factor import check_half_life, dose_factor
from .suv_inputs import BY_HAND, KINDS, Input, implausible, merged

# Numbers that a ready SUV has already taken in, and that change nothing about it any more.
_OF_DOSE = ("dose_mbq", "injected", "acquired", "half_life_s")
# The scanner's factor and ours may differ by this share before it is worth a note.
_AGREES = 0.05


@dataclass(frozen=True)
class Conversion:
    """What turns values (after a DICOM rescale slope) into SUVbw, and what that rests on.

    ``factor`` is None where the values are SUV already; ``uptake`` in seconds, None where it plays no part.
    """

    unit: str
    stated_by: str
    factor: float | None
    uptake: float | None
    inputs: Mapping[str, Input]
    notes: tuple[str, ...]


def dicom_conversion(
    headers: Sequence[Any], path: Path, *, unit: str | None, by_hand: Mapping[str, Input]
) -> Conversion:
    """How a series becomes SUV. ``unit`` is what the user states, ``by_hand`` what was entered (checked).

    Raises
    ------
    InputError
        No attenuation or decay correction, a unit of no use, a number that is missing, zero, implausible or
        contradictory.
    """
    first = headers[0]
    notes = _check_attenuation(first, path)
    stated, faults = stated_inputs(headers, by_hand)
    inputs, told = merged(stated, by_hand)
    notes += told
    text = str(first.get("Units") or "").strip().upper()
    if "height_m" in faults:
        notes.append(f"The height, {faults['height_m']}, is not plausible and was not used; say --height M.")
    if text == "CNTS":
        if unit:
            raise InputError(f"{path}: its DICOM says counts (CNTS), --pet-unit says {unit}; leave the option out")
        return _counts(headers, path, inputs, faults, notes)
    settled, by = settled_unit(path, text, DICOM, unit)
    if settled == "suv":
        notes += _check_suv_type(first, path)
        return ready_suv(by, inputs, notes)
    factor, uptake, inputs, told = _from_dose(headers, path, inputs, faults)
    return Conversion("bqml", by, factor, uptake, inputs, (*notes, *told))


def check_source(headers: Sequence[Any], path: Path) -> list[str]:
    """Notes on the series that a PET was made from, where its values have become SUV or Bq/ml elsewhere.

    Raises
    ------
    InputError
        Slices of more than one patient or series, no attenuation or decay correction, SUV not by body weight.
    """
    check_one_patient(headers, path)
    check_agreement(headers, path)
    notes = _check_attenuation(headers[0], path)
    if str(headers[0].get("Units") or "").strip().upper() == "GML":
        return notes + _check_suv_type(headers[0], path)
    _check_decay(headers[0], path, True)
    return notes


def ready_suv(stated_by: str, inputs: Mapping[str, Input], notes: Sequence[str]) -> Conversion:
    """Values that are SUV already: weight, height and sex still serve, what else was entered is told as unused."""
    unused = [KINDS[key].words for key in _OF_DOSE if key in inputs and inputs[key].source == BY_HAND]
    inputs = dict(inputs)
    if (flaw := implausible("weight_kg", inputs)) is not None:
        inputs.pop("weight_kg")
        notes = [*notes, f"The {flaw} and was not used; say --weight KG."]
    told = [f"Entered by hand but not used, since the values are SUV already: {', '.join(unused)}."] if unused else []
    kept = {key: entry for key, entry in inputs.items() if key not in _OF_DOSE}
    return Conversion("suv", stated_by, None, None, kept, (*notes, *told))


def _from_dose(
    headers: Sequence[Any], path: Path, inputs: Mapping[str, Input], faults: Mapping[str, str]
) -> tuple[float, float | None, dict[str, Input], list[str]]:
    """Factor, uptake time, the inputs used and notes, of values in Bq/ml."""
    entered = "acquired" in inputs and inputs["acquired"].source == BY_HAND
    at_injection = _check_decay(headers[0], path, entered)
    unused = ("injected", "acquired", "half_life_s") if at_injection else ()
    used = {key: entry for key, entry in inputs.items() if key not in unused}
    notes = check_half_life(used, dicom_nuclide(headers[0]), path)
    factor, uptake, told = dose_factor(used, path, at_injection=at_injection, faults=faults)
    if not at_injection and not entered and "acquired" in faults:
        notes.append(faults["acquired"])
    return factor, uptake, used, [*notes, *told]


def _counts(
    headers: Sequence[Any], path: Path, inputs: Mapping[str, Input], faults: Mapping[str, str], notes: list[str]
) -> Conversion:
    """Counts of a Philips scanner: its private factor to SUV, or the one to Bq/ml and then the dose.

    The factor of the conversion is that of the values after the rescale slope, in SUVbw per count.
    """
    to_suv, to_bqml = private_number(headers, PHILIPS_SUV), private_number(headers, PHILIPS_ACTIVITY)
    if to_suv is None and to_bqml is None:
        raise InputError(
            f"{path}: counts (CNTS) without the scanner's factors to SUV or Bq/ml (Philips, 7053,xx00 and xx09); "
            "export the series in Bq/ml or SUV"
        )
    entered = [KINDS[key].words for key in ("weight_kg", *_OF_DOSE) if key in inputs and inputs[key].source == BY_HAND]
    if to_suv is not None and (not entered or to_bqml is None):
        if entered:
            raise InputError(
                f"{path}: counts with the scanner's own SUV factor, in which {', '.join(entered)} entered by hand has "
                "no place; leave it out, or export the series in Bq/ml"
            )
        _check_decay(headers[0], path, False)
        kept = {key: entry for key, entry in inputs.items() if key not in _OF_DOSE}
        kept["factor"] = Input("suv_scale_factor", to_suv, "SUVbw per count", f"{DICOM}, Philips (7053,xx00)")
        told = _cross_check(headers, path, inputs, to_suv, to_bqml)
        if creators_missing(headers[0], PHILIPS_GROUP):
            told.append("The private creator of the SUV factor is missing; it was taken by the maker's name.")
        return Conversion("cnts", DICOM, to_suv, None, kept, (*notes, *told))
    factor, uptake, used, told = _from_dose(headers, path, inputs, faults)
    used["factor"] = Input("activity_scale_factor", to_bqml, "Bq/ml per count", f"{DICOM}, Philips (7053,xx09)")
    return Conversion("cnts", DICOM, factor * to_bqml, uptake, used, (*notes, *told))


def _cross_check(
    headers: Sequence[Any], path: Path, inputs: Mapping[str, Input], to_suv: float, to_bqml: float | None
) -> list[str]:
    """A note where the scanner's SUV factor is not what weight, dose and times give."""
    if to_bqml is None:
        return []
    try:
        own = to_bqml * _from_dose(headers, path, inputs, {})[0]
    except InputError:
        return []
    if abs(own - to_suv) <= _AGREES * to_suv:
        return []
    return [f"The scanner's SUV factor {to_suv:g} was used; weight, dose and times would give {own:g}."]


def _check_attenuation(header: Any, path: Path) -> list[str]:
    named, method = corrections(header), str(header.get("AttenuationCorrectionMethod") or "").strip()
    if (named and "ATTN" not in named) or method.upper() == "NONE":
        raise InputError(
            f"{path}: a PET without attenuation correction, so its values are no SUV; give the corrected series"
        )
    return [] if named else ["Its DICOM does not say whether it was corrected for attenuation; it must have been."]


def _check_decay(header: Any, path: Path, acquired_by_hand: bool) -> bool:
    """Whether the values are decay-corrected to the injection (else to the scan's start)."""
    stated, named = str(header.get("DecayCorrection") or "").strip().upper(), corrections(header)
    if stated == "NONE":
        raise InputError(f"{path}: a PET without decay correction, so its beds differ; give the corrected series")
    if acquired_by_hand:
        return False
    if stated not in ("START", "ADMIN") or (named and not named & {"DECY", "DECAY"}):
        raise InputError(
            f"{path}: its DICOM does not say to which time the values are decay-corrected; say --acquired TIME"
        )
    return stated == "ADMIN"


def _check_suv_type(header: Any, path: Path) -> list[str]:
    kind = str(header.get("SUVType") or "").strip().upper()
    if kind not in ("", "BW"):
        raise InputError(f"{path}: SUV of the kind {kind}, not by body weight; give the series in Bq/ml or SUVbw")
    return [] if kind else ["The SUV is taken to be by body weight: its DICOM does not say."]
