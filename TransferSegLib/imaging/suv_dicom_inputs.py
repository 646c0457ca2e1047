"""The numbers that SUV needs as a DICOM PET series states them, and why one is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .pet_series import radiopharmaceutical
from .suv_factor import nuclide_of, table_half_life
from .suv_inputs import KINDS, Input
from .suv_scan_start import scan_start
from .suv_times import Moment, clock, moment_of_datetime

DICOM = "DICOM"


def stated_inputs(headers: Sequence[Any], by_hand: Mapping[str, Input]) -> tuple[dict[str, Input], dict[str, str]]:
    """What the headers state by the names of ``KINDS``, and remarks by the same names.

    A remark tells why a number is missing; that of ``acquired`` what was assumed of the scan's start. The
    half-life entered by hand serves to find that start.
    """
    first, drug = headers[0], radiopharmaceutical(headers[0])
    stated: dict[str, Input] = {}
    remarks: dict[str, str] = {}

    def put(key: str, source: Any, tag: str, scale: float = 1.0) -> None:
        number = _number(source.get(tag))
        if number is not None and number > 0:
            stated[key] = Input(KINDS[key].name, number * scale, KINDS[key].unit, DICOM)
        elif source.get(tag) not in (None, ""):
            remarks[key] = f"{str(source.get(tag))[:20]} in its DICOM"

    put("weight_kg", first, "PatientWeight")
    put("dose_mbq", drug, "RadionuclideTotalDose", 1e-6)
    put("half_life_s", drug, "RadionuclideHalfLife")
    put("height_m", first, "PatientSize")
    if not KINDS["height_m"].low <= stated.get("height_m", Input("", 1.0, "", "")).value <= KINDS["height_m"].high:
        remarks["height_m"] = f"{stated.pop('height_m').value:g} m in its DICOM"
    if str(first.get("PatientSex") or "").strip().upper() in ("F", "M"):
        stated["sex"] = Input("sex", str(first.PatientSex).strip().upper(), "", DICOM)
    stated = {**table_half_life(dicom_nuclide(first)), **stated}
    injected, remark = _injected(first, drug)
    if injected is not None:
        stated["injected"] = Input("injected", injected, "", DICOM)
    elif remark:
        remarks["injected"] = remark
    half_life = by_hand.get("half_life_s") or stated.get("half_life_s")
    start, rule, notes = scan_start(headers, half_life.value if half_life else None)
    if start is not None:
        stated["acquired"] = Input("acquired", start, "", f"{DICOM}, {rule}")
        if notes:
            remarks["acquired"] = " ".join(notes)
    return stated, remarks


def dicom_nuclide(header: Any) -> str | None:
    """The nuclide by its code's meaning, else by the name of the radiopharmaceutical."""
    drug = radiopharmaceutical(header)
    code = drug.get("RadionuclideCodeSequence")
    meaning = code[0].get("CodeMeaning") if code else ""
    return nuclide_of(meaning, drug.get("Radiopharmaceutical"))


def _injected(header: Any, drug: Any) -> tuple[Moment | None, str]:
    """The injection, with its date where that is known, or why it is not.

    Two clocks that differ (one in another time zone, most often) are no time at all.
    """
    full = moment_of_datetime(drug.get("RadiopharmaceuticalStartDateTime"), header.get("TimezoneOffsetFromUTC"))
    seconds = clock(drug.get("RadiopharmaceuticalStartTime"))
    time = None if seconds is None else Moment(seconds)
    if full is None or time is None:
        return full or time, ""
    if abs(full.since(time)) > 60:
        return None, f"stated twice, as {full} and as {time}"
    return full, ""


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
