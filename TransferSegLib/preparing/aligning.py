"""Which images need registration, to the reference or to the atlas, and what came of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..events import Events
from ..imaging import Grid
from .ants_engine import register_with_ants
from .atlas import load_template
from .brain import PREFERRED_ROLES, BrainMask
from .options import PreparationOptions, Step
from .pair import Pair
from .placing import chain, place_labels
from .registration import (
    Registered,
    judge,
    nearly_aligned,
    register_rigid,
    register_rigid_by_affine,
    rigid_part,
)
from .stripping import Foreground

# Two brains whose masks agree this well cannot lie more than one or two millimetres apart.
SAME_BRAIN_DICE = 0.98
FAR_MM = 15.0
# Brains differ from the template by more than sequences of one head differ from each other.
ATLAS_STEP_MM = 8.0
ATLAS_STEP_DEGREES = 8.0


@dataclass(frozen=True)
class Alignment:
    """Per role the transform from points of the reference to points of that image (None: identity)."""

    transforms: dict[str, sitk.Transform | None]
    steps: tuple[Step, ...]


def align_sequences(
    images: dict[str, sitk.Image],
    foregrounds: dict[str, Foreground],
    reference_role: str,
    *,
    options: PreparationOptions,
    events: Events,
) -> Alignment:
    """Register the other sequences to the reference rigidly, where that is needed.

    Not needed when the images are stripped and their brains coincide, or lie on the same voxels and match no
    better after a small shift or turn. A result that fails the checks of ``registration.judge`` is thrown
    away: the headers stay, and the step and an event say so.
    """
    others = [role for role in images if role != reference_role]
    transforms: dict[str, sitk.Transform | None] = dict.fromkeys(images)
    steps = {}
    pairs: dict[str, Pair] = {}
    needed = []
    for role in others:
        reason = _why_not(images, foregrounds, reference_role, role, options, pairs, events)
        if reason is None:
            needed.append(role)
        else:
            steps[role] = ("skipped", reason)

    def one(role: str) -> Registered:
        fixed, moving = images[reference_role], images[role]
        return register(fixed, moving, engine=options.engine, events=events, pair=pairs.pop(role, None))

    if needed:
        events.progress("registration", 0, len(needed))
    # Each registration runs on one thread to give the same result every time; two at once use two cores.
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done, (role, found) in enumerate(zip(needed, pool.map(one, needed)), start=1):
            events.progress("registration", done, len(needed))
            transforms[role], steps[role] = _verdict(found, f"{role} to {reference_role}", events)
    return Alignment(transforms, _merged(steps, others))


def align_to_atlas(
    images: dict[str, sitk.Image],
    brain: BrainMask,
    alignment: Alignment,
    *,
    options: PreparationOptions,
    events: Events,
) -> tuple[Grid, sitk.Transform | None, Step]:
    """Rigid registration to the MNI152 template: its grid, and the transform from its points to the reference's.

    Raises
    ------
    DependencyError
        When nilearn, which brings the template, is not installed.
    """
    template = load_template()
    if options.atlas == "off":
        return template.grid, None, Step("atlas", "skipped", "not wanted; the headers are trusted to be in MNI152")
    role = next((r for r in PREFERRED_ROLES if r in images), next(iter(images)))
    moving = _masked(images[role], _mask_on(role, Grid.of(images[role]), brain, alignment))
    pair = Pair(template.image, moving, fixed_mask=template.around, events=events)
    if (
        options.atlas == "auto"
        and alignment.transforms[role] is None
        and nearly_aligned(pair, step_mm=ATLAS_STEP_MM, step_degrees=ATLAS_STEP_DEGREES, events=events)
    ):
        return template.grid, None, Step("atlas", "skipped", "the brain lies in the template's place already")
    found = _register_to_template(template.image, moving, pair, engine=options.engine, events=events)
    transform, (action, reason) = _verdict(found, f"{role} to MNI152, rigid", events)
    back = alignment.transforms[role]
    return template.grid, chain(transform, back.GetInverse() if back else None), Step("atlas", action, reason)


def register(
    fixed: sitk.Image, moving: sitk.Image, *, engine: str, events: Events, pair: Pair | None = None
) -> Registered:
    """Rigid registration of two images of one head with the engine asked for; ``pair`` where it was made already."""
    pair = pair or Pair(fixed, moving, events=events)
    if engine == "ants":
        return judge(pair, rigid_part(register_with_ants(fixed, moving), pair.centre()))
    return register_rigid(pair, starts=_far_start(pair), events=events)


def _register_to_template(fixed: sitk.Image, moving: sitk.Image, pair: Pair, *, engine: str, events: Events):
    if engine == "ants":
        affine = register_with_ants(fixed, moving, kind="Affine")
        return judge(pair, rigid_part(affine, pair.centre()), fitted=affine)
    return register_rigid_by_affine(pair, starts=_far_start(pair), events=events)


def _far_start(pair: Pair) -> list[sitk.Euler3DTransform]:
    """Centre on centre, where the headers put the two far apart."""
    between = pair.moving_centre() - pair.centre()
    start = sitk.Euler3DTransform()
    start.SetTranslation(between.tolist())
    return [start] if np.linalg.norm(between) > FAR_MM else []


def _why_not(images, foregrounds, reference_role, role, options, pairs, events) -> str | None:
    """Why this role needs no registration, or None when it does; what was made to find out is kept in ``pairs``."""
    if options.register == "off":
        return "not wanted; the headers are trusted"
    if options.register == "on":
        return None
    here, there = Grid.of(images[reference_role]), Grid.of(images[role])
    mine, other = foregrounds[reference_role], foregrounds[role]
    same_voxels = here.reoriented("LPS").same_as(there.reoriented("LPS"))
    if mine.stripped and other.stripped:
        placed = place_labels(other.mask, there, here)
        both = 2 * np.count_nonzero(placed & mine.mask)
        dice = both / max(np.count_nonzero(placed) + np.count_nonzero(mine.mask), 1)
        if dice >= SAME_BRAIN_DICE:
            grids = "same grid" if same_voxels else "same space"
            return f"{grids}, stripped already, brains coincide (Dice {int(dice * 1000) / 1000:.3f})"
    if same_voxels:
        pair = Pair(images[reference_role], images[role], events=events)
        if nearly_aligned(pair, events=events):
            return "same grid, and no small shift or turn matches better"
        pairs[role] = pair
    return None


def _verdict(found: Registered, what: str, events: Events) -> tuple[sitk.Transform | None, tuple[str, str]]:
    if found.trusted:
        return found.transform, ("done", f"{what}: {found.reason}")
    reason = f"{what}: registration was not trusted, {found.reason}; the headers are kept"
    events.say(reason)
    return None, ("kept", reason)


def _merged(steps: dict[str, tuple[str, str]], order: list[str]) -> tuple[Step, ...]:
    """One step for all roles with the same outcome."""
    merged: dict[tuple[str, str], list[str]] = {}
    for role in order:
        merged.setdefault(steps[role], []).append(role)
    return tuple(
        Step(f"registration of {', '.join(roles)}", action, reason) for (action, reason), roles in merged.items()
    )


def _mask_on(role: str, grid: Grid, brain: BrainMask, alignment: Alignment) -> np.ndarray:
    """The brain, bool (k, j, i), on the grid of ``role``."""
    own = alignment.transforms[role]
    to_reference = own.GetInverse() if own else None
    parts = [
        place_labels(
            mask, source, grid, transform=None if part == role else chain(to_reference, alignment.transforms[part])
        )
        for part, mask, source in brain.parts
    ]
    return np.logical_or.reduce(parts)


def _masked(image: sitk.Image, mask: np.ndarray) -> sitk.Image:
    """float32 copy that is 0 outside the mask and starts at 0 inside."""
    array = sitk.GetArrayFromImage(image).astype(np.float32)
    array -= np.percentile(array[mask][::7], 0.5) if mask.any() else 0
    array *= mask
    return Grid.of(image).put_on(sitk.GetImageFromArray(array))
