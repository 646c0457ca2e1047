"""From a case to a network's array and back."""

from .mri import prepare_mri
from .options import PreparationOptions, Prepared, Step
from .petct import prepare_petct
from .placing import place_image
from .restoring import aligned_image, restore_labels, restore_map

__all__ = [
    "PreparationOptions",
    "Prepared",
    "Step",
    "aligned_image",
    "place_image",
    "prepare_mri",
    "prepare_petct",
    "restore_labels",
    "restore_map",
]
