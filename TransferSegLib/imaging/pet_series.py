"""The PET series of a DICOM folder, its headers read once, and whether they are of one patient and one study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, UnreadableFile
from .dicom import NOT_IMAGES, SeriesInfo, dicom_header, series_info, series_key
from .scan_series import dicom_files

# Private elements live in a block whose number a creator reserves; writers use the first ones.
_BLOCKS = range(0x10, 0x20)
GE_CREATOR, GE_GROUP, GE_SCAN_TIME = "GEMS_PETD_01", 0x0009, 0x0D
PHILIPS_CREATOR, PHILIPS_GROUP, PHILIPS_SUV, PHILIPS_ACTIVITY = "Philips PET Private Group", 0x7053, 0x00, 0x09
_ELEMENTS = ((GE_GROUP, (GE_SCAN_TIME,)), (PHILIPS_GROUP, (PHILIPS_SUV, PHILIPS_ACTIVITY)))

_TAGS: list = [
    "StudyInstanceUID",
    "Manufacturer",
    "StudyDate",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "TimezoneOffsetFromUTC",
    "PatientSex",
    "PatientSize",
    "PatientWeight",
    "ActualFrameDuration",
    "CorrectedImage",
    "RadiopharmaceuticalInformationSequence",
    "SeriesType",
    "Units",
    "SUVType",
    "DecayCorrection",
    "AttenuationCorrectionMethod",
    "FrameReferenceTime",
]
_TAGS += [group << 16 | block for group, _ in _ELEMENTS for block in _BLOCKS]
_TAGS += [
    group << 16 | block << 8 | element for group, elements in _ELEMENTS for block in _BLOCKS for element in elements
]
# What all slices of one study share, and its word in a message.
_SHARED = {
    "StudyInstanceUID": "study",
    "Units": "units",
    "DecayCorrection": "decay correction",
    "PatientWeight": "weight",
    "CorrectedImage": "corrections",
}
_SHARED_OF_DOSE = {
    "RadionuclideTotalDose": "injected dose",
    "RadionuclideHalfLife": "half-life",
    "RadiopharmaceuticalStartTime": "time of injection",
    "RadiopharmaceuticalStartDateTime": "time of injection",
}


@dataclass(frozen=True)
class PetSeries:
    """A PET series and the headers of its slices; ``notes`` tell what was left out of the folder."""

    info: SeriesInfo
    headers: tuple[Any, ...]
    notes: tuple[str, ...]


def pet_series(path: Path) -> PetSeries:
    """The one PET series that ``path`` (a folder, its subfolders, or one file of a series) stands for.

    Of several PET series in a folder the one with attenuation correction is taken, and said so.

    Raises
    ------
    InputError
        No PET (a CT or MR given as PET), several, more than one patient or study mixed, slices that disagree.
    """
    found: dict[str, list] = defaultdict(list)
    for file in dicom_files(path):
        header = dicom_header(file, _TAGS)
        if header.get("Rows") and _text(header, "Modality") not in NOT_IMAGES:
            found[series_key(header)].append((file, header))
    if path.is_file():
        found = {key: part for key, part in found.items() if any(file == path for file, _ in part)}
    if not found:
        raise UnreadableFile(f"{path}: DICOM, but no image series; give the PET series")
    check_one_patient([header for part in found.values() for _, header in part], path)
    chosen, notes = _only_pet(list(found.values()), path)
    headers = [header for _, header in chosen]
    check_agreement(headers, path)
    info = series_info(path if path.is_dir() else path.parent, chosen)
    return PetSeries(info, tuple(headers), tuple(notes))


def headers_of(files: Sequence[str | Path]) -> list[Any]:
    """The headers of the slices of a PET series, as ``dicom_conversion`` takes them."""
    return [dicom_header(Path(file), _TAGS) for file in files]


def radiopharmaceutical(header: Any) -> Any:
    """The first item of the radiopharmaceutical information, or an empty mapping."""
    sequence = header.get("RadiopharmaceuticalInformationSequence")
    return sequence[0] if sequence else {}


def corrections(header: Any) -> set[str]:
    """The corrections named by Corrected Image (``ATTN``, ``DECY``, ...), empty when it says nothing."""
    value = header.get("CorrectedImage") or ()
    return {str(word).strip().upper() for word in ([value] if isinstance(value, str) else value)} - {""}


def private_number(headers: Sequence[Any], element: int) -> float | None:
    """A Philips factor that all headers share, above 0, looked up by its private creator; else None."""
    values = {_philips(header, element) for header in headers}
    value = values.pop() if len(values) == 1 else None
    return value if value and value > 0 else None


def private_text(header: Any, group: int, creator: str, element: int) -> str | None:
    """A private element as text, by its creator's own block, or None.

    Where an anonymiser took away every creator of the group, the first block of a file of that maker is read.
    """
    try:
        value = header.private_block(group, creator)[element].value
    except KeyError:
        value = header.get(group << 16 | 0x1000 | element)
        if value is None or not creators_missing(header, group):
            return None
        value = value.value
    return value.decode("ascii", "ignore").strip("\0 ") if isinstance(value, bytes) else str(value or "").strip()


def creators_missing(header: Any, group: int) -> bool:
    """Whether a private group of the header's own maker (GE, Philips) holds no creator any more."""
    maker = _text(header, "Manufacturer").upper()
    own = maker.startswith("GE") if group == GE_GROUP else "PHILIPS" in maker
    return own and not any((group, block) in header for block in _BLOCKS)


def _philips(header: Any, element: int) -> float | None:
    text = private_text(header, PHILIPS_GROUP, PHILIPS_CREATOR, element)
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _only_pet(series: list[list], path: Path) -> tuple[list, list[str]]:
    pets = [part for part in series if _text(part[0][1], "Modality") == "PT"]
    if not pets:
        kinds = sorted({_text(part[0][1], "Modality") or "no modality" for part in series})
        fix = "; give the PET series (were --pet and --ct swapped?)" if "CT" in kinds else "; give the PET series"
        raise InputError(f"{path}: not a PET, its DICOM modality is {', '.join(kinds)}{fix}")
    usable = [part for part in pets if _of_use(part[0][1])] if len(pets) > 1 else pets
    if len(usable) != 1:
        names = "; ".join(f"{part[0][0].name} = {_label(part)}" for part in (usable or pets)[:8])
        raise InputError(
            f"{path}: {len(usable or pets)} PET series in one folder ({names}); give one file of the wanted one"
        )
    left = [_label(part) for part in series if part is not usable[0]]
    return usable[0], [f"Left out of the DICOM folder: {'; '.join(left)}."] if left else []


def _of_use(header: Any) -> bool:
    """Whether a series can be the one to measure: corrected for attenuation, and no projection."""
    named = corrections(header)
    return (not named or "ATTN" in named) and "REPROJECTION" not in str(header.get("SeriesType") or "")


def _label(part: list) -> str:
    header = part[0][1]
    name = _text(header, "SeriesDescription") or "no description"
    bare = "" if _of_use(header) else ", no attenuation correction or a projection"
    return f"{name} [{_text(header, 'Modality')}, {len(part)} files{bare}]"


def check_one_patient(headers: Sequence[Any], path: Path) -> None:
    """Raise ``InputError`` where the headers are of more than one patient (by Patient ID, which is never told)."""
    patients = {_text(header, "PatientID") for header in headers} - {""}
    if len(patients) > 1:
        raise InputError(
            f"{path}: pictures of {len(patients)} patients mixed (by Patient ID); give the series of one patient"
        )


def check_agreement(headers: Sequence[Any], path: Path) -> None:
    """Raise ``InputError`` where the slices of a series disagree on what they must share."""
    for names, source in ((_SHARED, lambda header: header), (_SHARED_OF_DOSE, radiopharmaceutical)):
        for name, word in names.items():
            values = {str(source(header).get(name) or "") for header in headers}
            if len(values) > 1:
                told = "" if name == "StudyInstanceUID" else f" ({', '.join(sorted(values)[:3])})"
                raise InputError(f"{path}: slices of more than one {word} mixed in a series{told}; export it again")


def _text(header: Any, name: str) -> str:
    return str(header.get(name) or "").strip()
