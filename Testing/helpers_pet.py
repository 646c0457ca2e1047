"""Written PET series of the three makers' kinds, with numbers whose SUV factor is known by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid
from test_imaging_dicom import header

# 80 kg, 350 MBq, 1 h of F-18 (6586.2 s): SUVbw per Bq/ml.
HOUR = 3600.0
HALF_LIFE = 6586.2
FACTOR = 80 * 1000 / (350e6 * 0.5 ** (HOUR / HALF_LIFE))


def activity(slices: int = 6) -> np.ndarray:
    """Stored whole numbers (k, j, i) with a hot spot: in Bq/ml SUV of a patient."""
    voxels = np.random.default_rng(1).integers(100, 4000, (slices, 8, 7))
    voxels[slices // 2, 4, 3] = 30000
    return voxels


def pet_item(patient: str = "P1") -> FileDataset:
    """A header of a PET in Bq/ml that has all that SUV needs; injected at 10:00, series of 11:00."""
    item = header("PT", "PET AC", patient)
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = PositronEmissionTomographyImageStorage
    item.Manufacturer, item.Units, item.DecayCorrection = "SIEMENS", "BQML", "START"
    item.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"]
    item.SeriesType = ["WHOLE BODY", "IMAGE"]
    item.PatientWeight, item.PatientSize, item.PatientSex = "80", "1.8", "F"
    item.SeriesDate = item.AcquisitionDate = item.StudyDate = "20240110"
    item.SeriesTime = item.AcquisitionTime = "110000.000000"
    drug, code = Dataset(), Dataset()
    drug.Radiopharmaceutical, drug.RadionuclideTotalDose = "FDG", "350000000"
    drug.RadionuclideHalfLife, drug.RadiopharmaceuticalStartTime = str(HALF_LIFE), "100000.00"
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "C-111A1", "SRT", "^18^Fluorine"
    drug.RadionuclideCodeSequence = Sequence([code])
    item.RadiopharmaceuticalInformationSequence = Sequence([drug])
    return item


def drug_of(item: Any) -> Dataset:
    """The radiopharmaceutical of a header."""
    return item.RadiopharmaceuticalInformationSequence[0]


def write_pet(
    folder: Path,
    voxels: np.ndarray | None = None,
    *,
    edit: Callable[[Any, int], None] | None = None,
    slopes: list[float] | None = None,
    patient: str = "P1",
    prefix: str = "pt",
    series: str | None = None,
    implicit: bool = False,
) -> list[Path]:
    """One file a slice of stored ``voxels`` (k, j, i), 4 mm; ``edit(item, k)`` changes a header before it goes out."""
    folder.mkdir(parents=True, exist_ok=True)
    voxels = activity() if voxels is None else voxels
    series, paths = series or generate_uid(), []
    for k, plane in enumerate(voxels):
        item = pet_item(patient)
        item.SeriesInstanceUID = series
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        item.InstanceNumber, item.Rows, item.Columns = k + 1, *plane.shape
        item.PixelSpacing, item.ImageOrientationPatient = [4, 4], [1, 0, 0, 0, 1, 0]
        item.ImagePositionPatient = [-14, -16, 100 + 4 * k]
        item.RescaleSlope, item.RescaleIntercept = (slopes[k] if slopes else 1), 0
        item.PixelData = plane.astype(np.int16).tobytes()
        if edit is not None:
            edit(item, k)
        if implicit:
            item.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        path = folder / f"{prefix}{(k * 7) % 101:03d}.dcm"
        item.save_as(path, enforce_file_format=True, implicit_vr=implicit, little_endian=True)
        paths.append(path)
    return paths


def setting(**fields: Any) -> Callable[[Any, int], None]:
    """An ``edit`` that sets header fields, those of the radiopharmaceutical in it; None deletes one."""

    def edit(item: Any, k: int) -> None:
        for name, value in fields.items():
            where = drug_of(item) if name.startswith("Radio") and "Sequence" not in name else item
            if value is None:
                delattr(where, name)
            else:
                setattr(where, name, value)

    return edit
