"""From a case to a network's array and back."""

from .ct import CONTRASTS, DENOISERS, SOFT_TISSUE_HU, prepare_ct
from .mri import SPACING_TOLERANCE, prepare_mri
from .one_slice import PreparedSlices, prepared_slices
from .options import PreparationOptions, Prepared, Step
from .petct import prepare_petct
from .picture import picture_values, prepare_picture
from .placing import place_image
from .restoring import aligned_image, restore_labels, restore_map

__all__ = [
    "CONTRASTS",
    "DENOISERS",
    "SOFT_TISSUE_HU",
    "SPACING_TOLERANCE",
    "PreparationOptions",
    "Prepared",
    "PreparedSlices",
    "Step",
    "aligned_image",
    "picture_values",
    "place_image",
    "prepare_ct",
    "prepare_mri",
    "prepare_petct",
    "prepare_picture",
    "prepared_slices",
    "restore_labels",
    "restore_map",
]
