"""The brain mask: as it is in stripped images, from hd-bet, or from the atlas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..events import Events
from ..imaging import Grid
from .atlas_mask import atlas_brain_mask
from .hdbet import hd_bet_mask, hd_bet_program
from .options import PreparationOptions, Step
from .stripping import Foreground, head_foreground

# T1 shows the brain's edge best, and the atlas is a T1.
PREFERRED_ROLES = ("t1", "t1gd", "t2", "flair")


@dataclass(frozen=True)
class BrainMask:
    """Parts whose union is the brain: (role, bool mask (k, j, i), grid), each in that role's own frame."""

    parts: tuple[tuple[str, np.ndarray, Grid], ...]
    step: Step


def find_brain(
    images: dict[str, sitk.Image],
    foregrounds: dict[str, Foreground],
    reference_role: str,
    *,
    options: PreparationOptions,
    events: Events,
) -> BrainMask:
    """Choose the mask and make it.

    Stripped images are used as they are (union over the sequences); otherwise an ``hd-bet`` on the PATH,
    otherwise the atlas. ``mask="off"`` takes the head's foreground instead.
    """
    stripped = all(found.stripped for found in foregrounds.values())
    if stripped and options.mask != "on":
        parts = tuple((role, found.mask, Grid.of(images[role])) for role, found in foregrounds.items())
        action = "used" if options.mask == "auto" else "foreground used"
        return BrainMask(parts, Step("brain mask", "skipped", f"the images are stripped already; {action} as they are"))
    if options.mask == "off":
        mask = head_foreground(images[reference_role])
        return BrainMask(
            ((reference_role, mask, Grid.of(images[reference_role])),),
            Step("brain mask", "skipped", "not wanted; the head's foreground is used"),
        )
    role = next((r for r in PREFERRED_ROLES if r in images), reference_role)
    events.progress("brain mask", 0, 1)
    program = hd_bet_program()
    if program is not None:
        mask = hd_bet_mask(program, images[role], events=events)
        return BrainMask(((role, mask, Grid.of(images[role])),), Step("brain mask", "done", f"hd-bet on {role}"))
    mask = atlas_brain_mask(images[role], events=events)
    reason = f"atlas-based mask on {role}, less exact than HD-BET (no hd-bet on the PATH)"
    events.say(f"brain mask: {reason}; look at the border of the brain")
    return BrainMask(((role, mask, Grid.of(images[role])),), Step("brain mask", "done", reason))
