"""DICOM series: what a folder holds, and one series as an image."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ..errors import InputError, UnreadableFile
from .dicom_pixels import read_voxels
from .grid import Grid
from .stack import Slice, frames_of, slice_of, stack

# Metadata key under which an image read from DICOM carries its frame of reference.
FRAME_KEY = "0020|0052"

_TAGS = [
    "SOPClassUID",
    "SeriesInstanceUID",
    "SeriesDescription",
    "ProtocolName",
    "Modality",
    "ContrastBolusAgent",
    "PatientID",
    "FrameOfReferenceUID",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "PixelSpacing",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "NumberOfSlices",
    "SamplesPerPixel",
    "RescaleSlope",
    "RescaleIntercept",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ImageType",
    "SOPInstanceUID",
    "SeriesNumber",
    "ConvolutionKernel",
    "SliceThickness",
]
# Modalities that are no images of their own to segment: contours, plans, reports, saved pictures.
NOT_IMAGES = {"RTSTRUCT", "RTPLAN", "RTDOSE", "SEG", "SR", "PR", "KO", "DOC", "REG", "OT", "RAW"}


@dataclass(frozen=True)
class SeriesInfo:
    """One series of a folder, from headers alone; ``files`` lie in no particular order.

    ``patient_id`` is kept out of the representation: it is never logged.
    """

    uid: str
    folder: Path
    files: tuple[Path, ...] = field(repr=False)
    description: str
    modality: str
    frame_of_reference: str
    contrast: bool
    patient_id: str = field(repr=False)
    slices: tuple[Slice, ...] = field(repr=False)
    slices_promised: int = 0

    @property
    def label(self) -> str:
        """How a message names the series."""
        return f"{self.description or 'no description'} [{self.modality}, {len(self.files)} files]"


def is_dicom_file(path: str | Path) -> bool:
    """Whether a file has the DICOM mark (``DICM`` after 128 bytes); a ``DICOMDIR`` has not."""
    path = Path(path)
    try:
        if path.name.upper() == "DICOMDIR" or not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def is_dicom_folder(folder: str | Path) -> bool:
    """Whether a DICOM file lies directly in the folder."""
    folder = Path(folder)
    return folder.is_dir() and any(is_dicom_file(path) for path in sorted(folder.iterdir()))


def list_series(folder: str | Path) -> list[SeriesInfo]:
    """The image series whose files lie directly in ``folder``, by description and UID.

    Files that are not DICOM or hold no picture (contours, reports) are left out.

    Raises
    ------
    InputError
        When the header of a DICOM file cannot be read.
    """
    folder = Path(folder)
    headers: dict[str, list] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        if is_dicom_file(path):
            header = dicom_header(path)
            if header.get("Rows") and str(header.get("Modality", "")) not in NOT_IMAGES:
                headers[series_key(header)].append((path, header))
    series = [series_info(folder, found) for found in headers.values()]
    return sorted(series, key=lambda info: (info.description, info.uid))


def dicom_header(path: Path, more: Sequence = ()) -> Any:
    """The tags that tell a picture's series and place, and ``more``; ``InputError`` when they are damaged."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[*_TAGS, *more])
    except Exception as error:  # pydicom raises many kinds for damaged headers
        raise UnreadableFile(
            f"{path}: damaged DICOM header ({type(error).__name__}); copy or export it again"
        ) from error


def series_key(header: Any) -> str:
    """What tells series apart; anonymisers may have emptied the UID."""
    return str(header.get("SeriesInstanceUID") or (header.get("Modality"), header.get("SeriesDescription")))


def series_info(folder: Path, found: list) -> SeriesInfo:
    """The series that (path, header) pairs make."""
    first = found[0][1]
    slices = [part for path, header in found for part in slices_of(path, header)]
    return SeriesInfo(
        uid=str(first.get("SeriesInstanceUID") or ""),
        folder=folder,
        files=tuple(path for path, _ in found),
        description=str(first.get("SeriesDescription") or first.get("ProtocolName") or ""),
        modality=str(first.get("Modality") or ""),
        frame_of_reference=str(first.get("FrameOfReferenceUID") or ""),
        contrast=bool(str(first.get("ContrastBolusAgent") or "").strip()),
        patient_id=str(first.get("PatientID") or ""),
        slices=tuple(slices),
        slices_promised=int(first.get("NumberOfSlices") or 0) if first.get("Modality") == "PT" else 0,
    )


def slices_of(path: Path, header: Any) -> list[Slice]:
    """The slices of a file by its header, one or one a frame; ``InputError`` when they have no place."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if int(header.get("NumberOfFrames") or 1) > 1:
                return frames_of(path, header)
            return [slice_of(path, header)]
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise UnreadableFile(f"{path}: a DICOM geometry field cannot be read; export the series again") from error


def find_series(path: str | Path) -> SeriesInfo:
    """The one series that a folder, or one DICOM file of it, stands for.

    Raises
    ------
    InputError
        When the folder holds no series, or several and ``path`` does not single one out.
    """
    path = Path(path)
    if path.is_dir():
        series = list_series(path)
        if not series:
            raise UnreadableFile(
                f"{path}: a folder without a DICOM image series; give an image file or a series folder"
            )
        if len(series) > 1:
            names = "; ".join(f"{info.files[0].name} = {info.label}" for info in series[:8])
            raise InputError(
                f"{path}: {len(series)} DICOM series in one folder ({names}); give one file of the wanted one"
            )
        return series[0]
    for info in list_series(path.parent):
        if path in info.files:
            return info
    raise InputError(f"{path}: DICOM, but not a picture; give a file of an image series")


def read_dicom(path: str | Path) -> sitk.Image:
    """The series that ``path`` (a folder or one of its files) stands for."""
    return read_series(find_series(path))


def series_grid(path: str | Path) -> Grid:
    """The grid of a series from its headers alone, with the same checks as reading it."""
    info = find_series(path)
    return _stacked(info)[1]


def read_series(info: SeriesInfo) -> sitk.Image:
    """Read a series, slices in the order of their positions.

    Stored values are turned into real ones with each slice's own slope and intercept.

    Raises
    ------
    InputError
        Missing or repeated slices, uneven gaps, gantry tilt, mixed orientations, RGB, damaged pixels.
    """
    order, grid = _stacked(info)
    voxels = read_voxels(order, info.folder, info.files)
    if voxels.shape != grid.shape:
        raise InputError(f"{info.folder}: its pixels are {voxels.shape}, its headers say {grid.shape}; export it again")
    image = grid.put_on(sitk.GetImageFromArray(voxels))
    image.SetMetaData(FRAME_KEY, info.frame_of_reference)
    return image


def _stacked(info: SeriesInfo) -> tuple[list[Slice], Grid]:
    order, grid = stack(info.slices, info.folder)
    if len(order) < info.slices_promised:
        raise InputError(
            f"{info.folder}: missing slices, {len(order)} files of the {info.slices_promised} that its headers "
            "promise; export the whole series again"
        )
    return order, grid
