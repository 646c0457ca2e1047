"""Which files are images, by their suffix."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
# .nhdr and .mhd keep their voxels in a second file, which cannot be replaced in one step.
WRITABLE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
# Pictures of one slice; they stand for the roles rgb and grey alone.
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def image_suffix(path: str | Path) -> str | None:
    """The image suffix of a path, lower case and whole (``.nii.gz``), or None."""
    name = Path(path).name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix) and len(name) > len(suffix)), None)


def picture_suffix(path: str | Path) -> str | None:
    """The picture suffix of a path, lower case, or None."""
    suffix = Path(path).suffix.lower()
    return suffix if suffix in PICTURE_SUFFIXES else None


def is_dicom_path(path: str | Path) -> bool:
    """Whether a path can only stand for a DICOM series: neither an image file nor a picture by its suffix."""
    return image_suffix(path) is None and picture_suffix(path) is None


def image_stem(path: str | Path) -> str:
    """The name without its image or picture suffix: ``case_t1.nii.gz`` gives ``case_t1``."""
    name = Path(path).name
    suffix = image_suffix(path) or picture_suffix(path)
    return name[: -len(suffix)] if suffix else name
