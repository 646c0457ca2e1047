"""Pixels of DICOM slices, each with its own slope and intercept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, UnreadableFile
from .stack import Slice


def read_voxels(order: Sequence[Slice], folder: Path, files: Iterable[Path] = ()) -> np.ndarray:
    """The real values, (k, j, i), of slices in the order given.

    Whole-numbered where every slope and intercept is one and the same whole number, else float32.

    Raises
    ------
    InputError
        Damaged pixels (the file is named, looked for among ``files`` too), or a multi-frame layout that
        cannot be read.
    """
    whole_numbers = all(float(part.slope).is_integer() and float(part.intercept).is_integer() for part in order)
    same = len({(part.slope, part.intercept) for part in order}) == 1
    try:
        if order[0].frame is not None:
            return _frames(order, same)
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames([str(part.path) for part in order])
        if not (same and whole_numbers):
            reader.SetOutputPixelType(sitk.sitkFloat32)  # ITK takes the type from the first slice alone
        return sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        raise _pixel_error(folder, tuple(files) or tuple(part.path for part in order), error) from error


def _frames(order: Sequence[Slice], same: bool) -> np.ndarray:
    """Voxels of one multi-frame file, frames put in the order of their positions."""
    path = order[0].path
    if len({part.path for part in order}) > 1:
        raise InputError(f"{path}: several multi-frame files in one series; export them one by one or as single slices")
    if not same:
        raise InputError(f"{path}: multi-frame with a slope for each frame; convert it to single-frame DICOM or NIfTI")
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[[part.frame for part in order]]


def _pixel_error(folder: Path, files: Sequence[Path], error: RuntimeError) -> InputError:
    """Name the first file that cannot be read by itself."""
    for path in files:
        try:
            sitk.ReadImage(str(path))
        except RuntimeError:
            return UnreadableFile(f"{path}: its pixels are truncated or damaged; copy or export the series again")
    text = str(error).strip().splitlines()[-1].rpartition("ERROR: ")[2][:120]
    return UnreadableFile(f"{folder}: the series cannot be read ({text}); export it again")
