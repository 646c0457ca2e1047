"""From a case to a network's array and back."""

from .ct import CONTRASTS, DENOISERS, SOFT_TISSUE_HU, prepare_ct
from .mri import prepare_mri
from .options import PreparationOptions, Prepared, Step
from .petct import prepare_petct
from .picture import prepare_picture
from .placing import place_image
from .restoring import aligned_image, restore_labels, restore_map

__all__ = [
    "CONTRASTS",
    "DENOISERS",
    "SOFT_TISSUE_HU",
    "PreparationOptions",
    "Prepared",
    "Step",
    "aligned_image",
    "place_image",
    "prepare_ct",
    "prepare_mri",
    "prepare_petct",
    "prepare_picture",
    "restore_labels",
    "restore_map",
]
