"""A PET in SUV by body weight, or an error that names what is missing: there is nothing in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from .dicom import FRAME_KEY, is_dicom_file, read_series
from .formats import image_suffix
from .grid import Grid
from .pet_checks import check_no_ct, check_suv
from .pet_series import pet_series
from .pet_units import checked_unit
from .reading import check_grid, check_voxels, read_image
from .suv_beside import numbers_beside
from .suv_body import LEAN_FORMULA, SURFACE_FORMULA, lean_factor, surface_factor
from .suv_dicom import Conversion, dicom_conversion
from .suv_inputs import Input, entered, recorded
from .suv_sidecar import file_conversion, read_sidecar


@dataclass(frozen=True)
class PetInfo:
    """What the SUV of a PET rests on.

    Parameters
    ----------
    unit : {"suv", "bqml", "cnts"}
        Of the values as read (after a DICOM rescale slope); ``cnts`` are Philips's counts.
    stated_by : str
        Who says so: ``DICOM``, ``sidecar``, ``header``, ``user`` or ``node`` (of Slicer).
    suv_factor : float or None
        What the values as read were multiplied by: SUVbw (g/ml) per Bq/ml, of counts SUVbw per count. None where
        the values are SUV already.
    lean_factor, bsa_factor : float or None
        SUVbw times these is SUL (g/ml) and SUV by body surface area (cm2/ml); None where weight, height or (of
        the first) sex is not known.
    uptake_s : float or None
        Seconds from the injection to the moment that the values are decay-corrected to; None where it played no part.
    inputs : tuple of (name, value, unit, source)
        Every number used, and whether it comes from ``DICOM``, the sidecar or ``by hand``.
    notes : tuple of str
        Sentences for the user: what was assumed, left out, contradicted.
    """

    unit: str
    stated_by: str
    suv_factor: float | None
    lean_factor: float | None
    bsa_factor: float | None
    uptake_s: float | None
    inputs: tuple[Input, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The same in plain JSON types."""
        return {
            "unit": self.unit,
            "stated_by": self.stated_by,
            "suv_factor": self.suv_factor,
            "lean_factor": self.lean_factor,
            "lean_formula": LEAN_FORMULA if self.lean_factor is not None else None,
            "bsa_factor": self.bsa_factor,
            "bsa_formula": SURFACE_FORMULA if self.bsa_factor is not None else None,
            "uptake_s": self.uptake_s,
            "inputs": [entry._asdict() for entry in self.inputs],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, eq=False)
class Pet:
    """A PET whose ``image`` (float32) is in SUVbw; ``patient`` is the DICOM Patient ID or empty, never logged."""

    image: sitk.Image = field(repr=False)
    info: PetInfo
    patient: str = field(default="", repr=False)


def read_pet(
    path: str | Path,
    *,
    unit: str | None = None,
    by_hand: Mapping[str, Any] | None = None,
    stated_by: str = "user",
) -> Pet:
    """Read a PET as SUV by body weight.

    Parameters
    ----------
    path : path
        A DICOM folder (of several series its PET is taken), one file of a DICOM series, or an image file, whose
        unit stands in ``NAME.json`` (``{"Units": "SUV"}``, or a BIDS or dcm2niix sidecar) or in its header.
    unit : {"suv", "bqml"}, optional
        As the user states it, for a file that does not tell it.
    by_hand : mapping, optional
        Numbers that the file lacks or has wrong: ``weight_kg``, ``dose_mbq``, ``injected`` and ``acquired``
        (``HH:MM:SS``, with a date before it where the day matters; ``acquired`` is the moment that the values
        are decay-corrected to), ``half_life_s``, ``height_m``, ``sex`` (``F`` or ``M``). They are recorded as
        entered by hand. Under the same names they may stand in ``NAME.json``, or in ``pet.json`` in a DICOM folder.
    stated_by : str
        Who states ``unit``: ``user``, or ``node`` for a Slicer volume node.

    Raises
    ------
    InputError
        One line that says what is wrong and which option mends it: unknown unit, counts, a number that is
        missing or not plausible, injection after acquisition, no attenuation correction, no PET, patients
        mixed, SUV that no tissue reaches; and all that ``read_image`` refuses.
    UsageError
        A unit or number by hand that cannot be.
    """
    path, unit = Path(path), checked_unit(unit)
    by_hand = {
        **numbers_beside(path),
        **{key: value for key, value in (by_hand or {}).items() if value not in (None, "")},
    }
    numbers = entered(by_hand)
    if path.is_dir() or (image_suffix(path) is None and is_dicom_file(path)):
        series = pet_series(path)
        conversion = dicom_conversion(series.headers, path, unit=unit, by_hand=numbers)
        image = read_series(series.info)
        check_grid(Grid.of(image), path)
        check_voxels(image, path)
        return _pet(image, path, conversion, stated_by, series.notes, series.info.patient_id)
    image = read_image(path)
    return pet_of(image, path, unit=unit, by_hand=by_hand, stated_by=stated_by, sidecar=read_sidecar(path))


def pet_of(
    image: sitk.Image,
    where: str | Path,
    *,
    unit: str | None = None,
    by_hand: Mapping[str, Any] | None = None,
    stated_by: str = "user",
    sidecar: Mapping[str, Any] | None = None,
) -> Pet:
    """The same of an image at hand; ``where`` is how messages name it, ``sidecar`` what is known of it."""
    conversion = file_conversion(
        image, Path(where), sidecar=sidecar or {}, unit=checked_unit(unit), by_hand=entered(by_hand)
    )
    check_no_ct(sitk.GetArrayViewFromImage(image), where)
    return _pet(image, Path(where), conversion, stated_by, (), "")


def _pet(
    image: sitk.Image, path: Path, conversion: Conversion, stated_by: str, notes: tuple[str, ...], patient: str
) -> Pet:
    image = _times(image, conversion.factor)
    known = {key: conversion.inputs[key].value for key in ("weight_kg", "height_m", "sex") if key in conversion.inputs}
    weight, height, sex = (known.get(key) for key in ("weight_kg", "height_m", "sex"))
    told = check_suv(sitk.GetArrayViewFromImage(image), Grid.of(image), weight, path)
    info = PetInfo(
        unit=conversion.unit,
        stated_by=stated_by if conversion.stated_by == "user" else conversion.stated_by,
        suv_factor=conversion.factor,
        lean_factor=lean_factor(weight, height, sex),
        bsa_factor=surface_factor(weight, height),
        uptake_s=conversion.uptake,
        inputs=recorded(conversion.inputs),
        notes=(*notes, *conversion.notes, *told),
    )
    return Pet(image, info, patient)


def _times(image: sitk.Image, factor: float | None) -> sitk.Image:
    """The image as float32, multiplied; of its metadata only the frame of reference holds for the result too."""
    result = sitk.Cast(image, sitk.sitkFloat32)
    if factor is not None:
        result = result * factor
    if image.HasMetaDataKey(FRAME_KEY):
        result.SetMetaData(FRAME_KEY, image.GetMetaData(FRAME_KEY))
    return result
