"""What lies in a case folder: image files and DICOM series, and what is neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..imaging import image_stem, image_suffix, is_dicom_file, is_dicom_path, list_series, picture_suffix

# Case folders nest a little (anat/, DICOM/PA0/ST0/SE0), never much.
_DEPTH = 5


@dataclass(frozen=True)
class Found:
    """One image or series. ``path`` opens it; ``label`` names it in messages, relative to the case folder."""

    path: Path
    label: str
    stem: str
    description: str = ""
    modality: str = ""
    contrast: bool = False
    patient_id: str = field(default="", repr=False)

    @property
    def is_dicom(self) -> bool:
        """Whether it is a DICOM series."""
        return is_dicom_path(self.path)


def find_images(folder: Path, *, pictures: bool = False) -> tuple[list[Found], list[str]]:
    """Images and DICOM series in ``folder`` and, where they hold some, its subfolders; names of other files.

    With ``pictures`` it is PNG, JPEG, TIFF and BMP that are looked for, and nothing else.
    """
    found: list[Found] = []
    others: list[str] = []
    _look(folder, folder, 0, found, others, pictures)
    return found, others


def has_images(folder: Path, *, pictures: bool = False) -> bool:
    """Whether an image file or DICOM file (or a picture) lies directly in ``folder``."""
    wanted = picture_suffix if pictures else _is_image
    return any(wanted(path) for path in visible(folder) if path.is_file())


def holds_images(folder: Path, depth: int = 0, *, pictures: bool = False) -> bool:
    """Whether ``find_images`` would look into files of this folder; reads no DICOM header."""
    if has_images(folder, pictures=pictures):
        return True
    below = [path for path in visible(folder) if path.is_dir()] if depth < _DEPTH else []
    return any(holds_images(path, depth + 1, pictures=pictures) for path in below)


def visible(folder: Path) -> list[Path]:
    """The entries of a folder by name, without hidden ones."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_image(path: Path) -> bool:
    return image_suffix(path) is not None or is_dicom_file(path)


def _look(folder: Path, top: Path, depth: int, found: list[Found], others: list[str], pictures: bool) -> None:
    entries = visible(folder)
    series_files = 0
    for path in entries:
        if path.is_dir():
            if depth < _DEPTH:
                _look(path, top, depth + 1, found, others, pictures)
        elif (picture_suffix if pictures else image_suffix)(path) is not None:
            stem = _without_case_name(image_stem(path), folder.name)
            found.append(Found(path, str(path.relative_to(top)), stem))
        elif not pictures and is_dicom_file(path):
            series_files += 1
        else:
            others.append(str(path.relative_to(top)))
    if series_files:
        found.extend(_series(folder, top))


def _series(folder: Path, top: Path) -> list[Found]:
    """A folder of one series stands for it; in a mixed folder the first file of each series does."""
    series = list_series(folder)
    place = "" if folder == top else f"{folder.relative_to(top)}"
    result = []
    for info in series:
        path = folder if len(series) == 1 else info.files[0]
        where = (place or folder.name) if len(series) == 1 else str(path.relative_to(top))
        stem = folder.name if len(series) == 1 and folder != top else ""
        result.append(
            Found(
                path,
                f"{where} ({info.label})",
                stem,
                info.description,
                info.modality,
                contrast=info.contrast,
                patient_id=info.patient_id,
            )
        )
    return result


def _without_case_name(stem: str, case: str) -> str:
    """The stem without a leading case name, which says nothing of the role."""
    rest = stem[len(case) :]
    return rest if stem.lower().startswith(case.lower()) and rest[:1] in ("_", "-", ".", " ") else stem
