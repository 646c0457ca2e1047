"""A PET whose lesions are counted by hand: the worked example of the listing, and small PETs with a few hot spots."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import SimpleITK as sitk

# A voxel of 0.01 ml, so that the listing's volumes are whole numbers of voxels.
SPACING = (2.5, 2.0, 2.0)
TP, FN, FP, FP_FAINT = 5203, 8237, 6, 4212


def save(path: Path, array: np.ndarray, spacing: tuple[float, float, float] = SPACING) -> Path:
    """Write an array (k, j, i) with a spacing in mm along i, j, k."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    return path


def worked_example(folder: Path) -> dict[str, Path]:
    """PET in SUV, prediction and truth with TP 52.03, FN 82.37, FP 0.06 and, below SUV 4, 42.12 ml more of FP."""
    suv = np.full((30, 40, 50), 0.5, np.float32)
    prediction, truth = np.zeros(suv.shape, np.uint8), np.zeros(suv.shape, np.uint8)
    block = np.zeros((20, 30, 40, 3), np.float32)
    flat = block.reshape(-1, 3)
    ends = np.cumsum([0, TP, FN, FP, FP_FAINT])
    for (start, end), row in zip(itertools.pairwise(ends), ((10.0, 1, 1), (8.0, 0, 1), (5.0, 1, 0), (2.0, 1, 0))):
        flat[start:end] = row
    flat[100, 0] = 23.13
    inner = (slice(5, 25), slice(5, 35), slice(5, 45))
    suv[inner] = np.maximum(block[..., 0], 0.5)
    prediction[inner], truth[inner] = block[..., 1], block[..., 2]
    arrays = {"pet": suv, "mask": prediction, "truth": truth}
    return {name: save(folder / f"{name}.nii.gz", array) for name, array in arrays.items()}


def spots(shape: tuple[int, int, int] = (24, 26, 28)) -> tuple[np.ndarray, list[tuple[slice, ...]]]:
    """SUV with three cubes of 1.6, 0.96 and 0.02 ml (voxels of 0.01 ml) of SUV 9, 6 and 5, apart from each other."""
    suv = np.full(shape, 0.6, np.float32)
    boxes = [
        (slice(3, 8), slice(3, 11), slice(3, 7)),
        (slice(12, 18), slice(14, 18), slice(16, 20)),
        (slice(20, 21), slice(3, 4), slice(20, 22)),
    ]
    for box, value in zip(boxes, (9.0, 6.0, 5.0)):
        suv[box] = value
    return suv, boxes
