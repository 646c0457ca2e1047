"""A DICOM folder as a Scan: the chosen CT stack, every slice placed by its own header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .dicom import FRAME_KEY
from .dicom_pixels import read_voxels
from .loose_stack import LooseStack, loose_stack
from .reading import check_voxels
from .scan import Scan, anatomical_axes, scan_of
from .scan_series import choose_stack

# The plane of a series' pictures by the patient's axis along which they are stacked; how far from even they may lie.
_PLANES = ("sagittal", "coronal", "axial")
_EVEN_MM = 0.5


def read_dicom_scan(path: str | Path) -> Scan:
    """Read the CT stack that ``path`` (a folder, or one file of a series) stands for.

    Gantry tilt, uneven steps and gaps are told in the notes; the image then has the nominal grid.

    Raises
    ------
    InputError
        As ``choose_stack`` and ``loose_stack`` raise it, for damaged or constant pixels, and for coronal or sagittal
        pictures that no even grid places.
    """
    path = Path(path)
    chosen, left_out = choose_stack(path)
    stack = loose_stack(chosen.slices, path)
    voxels = read_voxels(stack.order, path)
    if voxels.shape != stack.grid.shape:
        raise InputError(f"{path}: its pixels are {voxels.shape}, its headers say {stack.grid.shape}; export it again")
    image = stack.grid.put_on(sitk.GetImageFromArray(voxels))
    image.SetMetaData(FRAME_KEY, chosen.frame_of_reference)
    check_voxels(image, path)
    notes = (*left_out, *stack.notes)
    plane = _PLANES[anatomical_axes(stack.grid).index(2)]
    if plane != "axial":
        return _cut_across(image, stack, notes, chosen.modality, plane, path)
    return scan_of(
        image,
        positions=stack.positions,
        files=tuple(part.path.name for part in stack.order),
        notes=notes,
        modality=chosen.modality,
    )


def _cut_across(
    image: sitk.Image, stack: LooseStack, notes: tuple[str, ...], modality: str, plane: str, path: Path
) -> Scan:
    """Coronal or sagittal pictures: a slice runs through all of them, so the grid places it, and no file is it."""
    numbers = np.zeros((len(stack.positions), 3))
    numbers[:] = (np.array(stack.grid.size) - 1) / 2.0
    numbers[:, 2] = np.arange(len(stack.positions))
    if np.abs(stack.positions - stack.grid.points(numbers)).max() > _EVEN_MM:
        raise InputError(
            f"{path}: {plane} pictures that are not evenly spaced or slide sideways ({' '.join(stack.notes)}); give "
            "the axial series"
        )
    told = f"The DICOM series holds {plane} pictures: the slice runs through all of them and is no single file."
    return scan_of(image, notes=(*notes, told), modality=modality)
