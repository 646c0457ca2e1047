"""What masks and SUV must be before a volume is taken of them; each refusal says what to do."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..imaging import Grid

LOWEST_SUV = -50.0
"""Noise and filters bring SUV somewhat below 0; below this it is Hounsfield units or nonsense."""
HIGHEST_SUV = 5000.0
"""Bladders reach some hundred and the whole dose beside the vein a few thousand; above this it is no SUV."""


def check_suv(suv: np.ndarray, grid: Grid) -> None:
    """Refuse, with an ``InputError``, what cannot be SUV on this grid."""
    if suv.shape != grid.shape or suv.dtype.kind not in "fiu":
        raise InputError(f"SUV: got {suv.shape} of {suv.dtype} on a grid of {grid.shape}; give numbers on its grid")
    if not suv.size:
        raise InputError("SUV: the image has no voxel; give a PET that is not empty")
    lowest, highest = float(suv.min()), float(suv.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise InputError("SUV: some values are not finite numbers; set them to 0 where the PET has no data")
    if lowest < LOWEST_SUV:
        raise InputError(f"SUV: the lowest value is {lowest:g}, as in a CT and not in a PET; give the PET in SUV")
    if highest > HIGHEST_SUV:
        raise InputError(
            f"SUV: the highest value is {highest:g}, more than any tissue has; say its unit with --pet-unit "
            "suv|bqml, or correct weight, injected dose and times"
        )


def check_mask(mask: np.ndarray, grid: Grid, what: str) -> None:
    """Refuse, with an ``InputError``, what is not a mask on this grid."""
    if mask.shape != grid.shape:
        raise InputError(f"{what}: its shape {mask.shape} is not the PET's {grid.shape}; bring it to the PET's grid")
    if mask.dtype.kind not in "iub":
        raise InputError(f"{what}: got {mask.dtype}, expected a mask or whole numbers; threshold it first")
