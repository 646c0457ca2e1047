"""The unit of a PET node's values, and the factor that makes them SUV: from Slicer, from DICOM, or from the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from . import wording
from .roles import dicomValue

UNITS = "0054,1001"
SUV, BQML = "suv", "bqml"
NODE, DICOM, USER = "node", "DICOM", "user"
BY_HAND = ("weight_kg", "dose_mbq", "injected", "acquired", "half_life_s", "height_m", "sex")
"""What can be entered by hand; as in ``TransferSegLib.imaging.read_pet``."""


@dataclass(frozen=True)
class PetUnit:
    """What the values of a PET node are.

    ``unit`` is ``suv bqml cnts`` as stored, ``statedBy`` is ``node`` (its ``VoxelValueUnits``), ``DICOM`` or ``user``;
    ``factor`` makes SUV (g/ml) of the values, 1 where they are SUV; ``inputs`` are (name, value, unit, source).
    """

    unit: str
    statedBy: str
    factor: float = 1.0
    inputs: tuple[tuple[Any, ...], ...] = ()
    notes: tuple[str, ...] = ()
    byHand: Mapping[str, Any] = field(default_factory=dict)


def statedUnit(volumeNode: Any) -> tuple[str, str, str]:
    """(unit or empty, who states it, the text that does) of a node, without any guess from its values."""
    from TransferSegLib.imaging import unit_of_text

    text = _codeText(volumeNode.GetVoxelValueUnits()) or (volumeNode.GetAttribute("VoxelValueUnits") or "")
    if text:
        return unit_of_text(text) or "", NODE, text
    text = dicomValue(volumeNode, UNITS)
    if text:
        return ("cnts" if text == "CNTS" else unit_of_text(text) or ""), DICOM, text
    return "", "", ""


def petUnit(volumeNode: Any, unit: str | None = None, byHand: Mapping[str, Any] | None = None) -> PetUnit:
    """What makes SUV of a node's values.

    Parameters
    ----------
    unit : ``suv`` or ``bqml`` as the user states it, for a node that does not tell it
    byHand : numbers that DICOM lacks or has wrong; names of ``BY_HAND``

    Raises
    ------
    TransferSegError
        Unknown unit, two that contradict each other, or what is missing for SUV, in plain words.
    """
    from TransferSegLib.errors import TransferSegError

    own, by, text = statedUnit(volumeNode)
    given = {key: value for key, value in (byHand or {}).items() if value not in (None, "")}
    name = volumeNode.GetName()
    if text and not own:
        said = _("{volume}: its unit is {unit}, from which no SUV can be made; load the series in Bq/ml or SUV.")
        raise wording.problem(said.format(volume=name, unit=text))
    if own and unit and own != unit and own != "cnts":
        said = _("{volume}: its unit is {unit} by itself; choose “From the image”.")
        raise wording.problem(said.format(volume=name, unit=unitName(own)))
    if not own and not unit:
        said = _("The unit of {volume} is not known. Say above whether its values are SUV or Bq/ml.")
        raise wording.problem(said.format(volume=name))
    try:
        return _converted(volumeNode, own or unit, by if own else USER, given)
    except TransferSegError as error:
        raise type(error)(_plain(error.message), hint=error.hint) from error


def stateSuv(volumeNode: Any) -> None:
    """Note on a node that its values are SUV by body weight, as PETDICOMExtension does."""
    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning("{SUVbw}g/ml", "UCUM", "Standardized Uptake Value body weight")
    volumeNode.SetVoxelValueUnits(entry)


def unitName(unit: str) -> str:
    """A unit as people write it."""
    return {SUV: _("SUV"), BQML: _("Bq/ml"), "cnts": _("counts")}.get(unit, unit)


def stateText(unit: PetUnit) -> str:
    """What the values are and who says so, one sentence."""
    who = {NODE: _("the image"), DICOM: _("DICOM"), USER: _("you")}.get(unit.statedBy, unit.statedBy)
    text = _("{unit}, stated by {who}.").format(unit=unitName(unit.unit), who=who)
    if unit.unit != SUV:
        text += " " + _("SUV = value × {factor}.").format(factor=f"{unit.factor:.4g}")
    hand = [str(entry[0]).replace("_", " ") for entry in unit.inputs if entry[3] == "by hand"]
    return text + (" " + _("By hand: {names}.").format(names=", ".join(hand)) if hand else "")


def sidecar(unit: PetUnit) -> dict[str, Any]:
    """What is written beside a PET in SUV for the worker, so that its report names the numbers behind it."""
    known = {entry[0]: entry[1] for entry in unit.inputs}
    found = {"Units": "SUV", "PatientWeight": known.get("weight"), "PatientHeight": known.get("height")}
    return {key: value for key, value in {**found, "PatientSex": known.get("sex")}.items() if value is not None}


def _converted(volumeNode: Any, unit: str, by: str, byHand: Mapping[str, Any]) -> PetUnit:
    """By the library's rules; the headers where they state the unit, else what was entered.

    Also a node that is SUV by itself was made from a series: that it is whole and corrected is seen in the headers.
    """
    import SimpleITK as sitk

    from TransferSegLib.imaging.suv_dicom import check_source, dicom_conversion
    from TransferSegLib.imaging.suv_inputs import entered, recorded
    from TransferSegLib.imaging.suv_sidecar import file_conversion

    numbers, where = entered(byHand), Path(volumeNode.GetName() or "PET")
    headers = _headers(volumeNode)
    told = check_source(headers, where) if headers else []
    if headers and (by == DICOM or (unit == BQML and dicomValue(volumeNode, UNITS))):
        done = dicom_conversion(headers, where, unit=None, by_hand=numbers)
    else:
        done = file_conversion(sitk.Image(1, 1, 1, sitk.sitkUInt8), where, sidecar={}, unit=unit, by_hand=numbers)
    inputs = tuple(tuple(entry) for entry in recorded(done.inputs))
    notes = tuple(dict.fromkeys([*told, *done.notes]))
    return PetUnit(done.unit, by, float(done.factor or 1.0), inputs, notes, dict(byHand))


def _headers(volumeNode: Any) -> list[Any]:
    """The headers of the slices that the node was loaded from, of files that are still there; read once a node."""
    from TransferSegLib.imaging.pet_series import headers_of

    uids = volumeNode.GetAttribute("DICOM.instanceUIDs") or ""
    if _read.get("uids") != uids:
        database = getattr(slicer, "dicomDatabase", None)
        files = [] if database is None else [database.fileForInstance(uid) for uid in uids.split()]
        _read.update(uids=uids, headers=headers_of([file for file in files if file and Path(file).is_file()]))
    return _read["headers"]


_read: dict[str, Any] = {}


def _codeText(code: Any) -> str:
    """The text of a coded entry: its value, as PETDICOMExtension writes it, or its meaning."""
    if code is None:
        return ""
    return code.GetCodeValue() or code.GetCodeMeaning() or ""


def _plain(message: str) -> str:
    """The library's sentence without the options of the command line."""
    return wording.withoutOptions(message).rstrip(".") + "."
