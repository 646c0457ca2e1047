"""Which files are images, by their suffix."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
# .nhdr and .mhd keep their voxels in a second file, which cannot be replaced in one step.
WRITABLE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")


def image_suffix(path: str | Path) -> str | None:
    """The image suffix of a path, lower case and whole (``.nii.gz``), or None."""
    name = Path(path).name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix) and len(name) > len(suffix)), None)


def image_stem(path: str | Path) -> str:
    """The name without its image suffix: ``case_t1.nii.gz`` gives ``case_t1``."""
    name = Path(path).name
    suffix = image_suffix(path)
    return name[: -len(suffix)] if suffix else name
