"""A DICOM folder as a Scan: the chosen CT stack, every slice placed by its own header."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError
from .dicom import FRAME_KEY
from .dicom_pixels import read_voxels
from .loose_stack import loose_stack
from .reading import check_voxels
from .scan import Scan, scan_of
from .scan_series import choose_stack


def read_dicom_scan(path: str | Path) -> Scan:
    """Read the CT stack that ``path`` (a folder, or one file of a series) stands for.

    Gantry tilt, uneven steps and gaps are told in the notes; the image then has the nominal grid.

    Raises
    ------
    InputError
        As ``choose_stack`` and ``loose_stack`` raise it, and for damaged or constant pixels.
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
    return scan_of(
        image,
        positions=stack.positions,
        files=tuple(part.path.name for part in stack.order),
        notes=(*left_out, *stack.notes),
        modality=chosen.modality,
    )
