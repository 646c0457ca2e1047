"""Brain MRI from a loaded case to the network's array: align, mask, crop, normalise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..events import Events, quiet
from ..imaging import Grid
from .aligning import Alignment, align_sequences, align_to_atlas
from .brain import BrainMask, find_brain
from .normalising import NORMALISATIONS, normalise
from .options import PreparationOptions, Prepared, Step, check_choice
from .placing import bounding_box, chain, crop_grid, grown, place_image, place_labels
from .stripping import fill_holes, find_foreground

if TYPE_CHECKING:
    from ..cases import LoadedCase

SPACES = ("native", "mni152")
# Spacings this close to the asked ones are left alone: resampling would blur for nothing.
SPACING_TOLERANCE = 0.01
MARGIN_VOXELS = 2
# Volumes of brains of children and adults, with what a mask adds at its border.
BRAIN_ML = (500, 2000)


def prepare_mri(
    loaded: LoadedCase,
    *,
    roles: Sequence[str],
    spacing: tuple[float, ...] = (1.0, 1.0, 1.0),
    orientation: str = "LPS",
    space: str = "native",
    normalisation: str = "zscore-brain",
    options: PreparationOptions | None = None,
    events: Events | None = None,
) -> Prepared:
    """Prepare the sequences of one patient; each step is left out where it is not needed.

    Sequences are registered to the reference rigidly, the brain is found, everything is sampled once on the
    work grid, cropped to the brain and normalised. The truth travels along and decides nothing.

    Parameters
    ----------
    loaded : LoadedCase
        Images by role, each on its own grid, with the reference grid and maybe a truth on it.
    roles : sequence of str
        The channels wanted, in order.
    spacing : tuple of float
        Of the work grid, mm, along its axes i, j, k; two numbers leave the slices along k as they are.
    orientation : str
        The work grid's axes, for example ``LPS``: the nearest permutation and flip of the reference's axes;
        an oblique scan keeps its own.
    space : str
        ``native``: the reference's own frame; ``mni152``: the grid of the MNI152 template.
    normalisation : str
        ``zscore-brain``, ``zscore-nonzero`` or ``none``.

    Returns
    -------
    Prepared
        With the steps taken and the transform that ``restore_labels`` needs.

    Raises
    ------
    InputError
        A role without image; no brain to be found; a channel that is constant inside the brain.
    DependencyError
        An atlas or an engine is needed that is not installed.
    """
    options = options or PreparationOptions()
    check_choice("space", space, SPACES)
    check_choice("normalisation", normalisation, NORMALISATIONS)
    events = quiet(events)
    images = _images(loaded, roles)
    foregrounds = {}
    for role, image in images.items():
        events.progress("looking at the images", len(foregrounds), len(images))
        foregrounds[role] = find_foreground(image)
    alignment = align_sequences(images, foregrounds, loaded.reference_role, options=options, events=events)
    brain = find_brain(images, foregrounds, loaded.reference_role, options=options, events=events)
    events.check()
    steps = [*alignment.steps, brain.step]
    transform = None
    if space == "mni152":
        grid, transform, step = align_to_atlas(images, brain, alignment, options=options, events=events)
        work, resampling = work_grid(grid, spacing=spacing, orientation=orientation, mode=options.resample)
        steps.append(step)
    else:
        work, resampling = work_grid(loaded.reference, spacing=spacing, orientation=orientation, mode=options.resample)
    steps.append(resampling)
    mask, grid = _cropped_brain(brain, alignment, transform, work, loaded, events)
    array = _channels(loaded, roles, images, foregrounds, alignment, transform, mask, grid, normalisation, events)
    steps.append(Step("normalisation", "skipped" if normalisation == "none" else "done", normalisation))
    truth = None if loaded.truth is None else _truth(loaded, grid, transform)
    return Prepared(array, mask, grid, loaded.reference, transform, truth, tuple(steps), alignment.transforms)


def work_grid(reference: Grid, *, spacing: tuple[float, ...], orientation: str, mode: str) -> tuple[Grid, Step]:
    """The uncropped work grid: the reference's axes reordered, at the asked spacing.

    Where only two numbers are asked for, the slices along k stay where they are.
    """
    turned = reference.reoriented(orientation)
    spacing = (*spacing, *turned.spacing[len(spacing) :])
    shown = " x ".join(f"{s:.3g}" for s in turned.spacing)
    wanted = " x ".join(f"{s:.3g}" for s in spacing)
    if mode == "off":
        return turned, Step("resampling", "skipped", f"not wanted; spacing stays {shown} mm")
    near = all(abs(have / want - 1.0) <= SPACING_TOLERANCE for have, want in zip(turned.spacing, spacing))
    if near and mode == "auto":
        return turned, Step("resampling", "skipped", f"spacing is {shown} mm already")
    return turned.with_spacing(tuple(float(s) for s in spacing)), Step(
        "resampling", "done", f"{shown} mm to {wanted} mm, linear"
    )


def _images(loaded: LoadedCase, roles: Sequence[str]) -> dict[str, sitk.Image]:
    wanted = dict.fromkeys([*roles, loaded.reference_role])
    missing = [role for role in wanted if role not in loaded.images]
    if missing:
        raise InputError(
            f"{loaded.case.id}: no image for the role {missing[0]}; name it with --image {missing[0]}=FILE"
        )
    return {role: loaded.images[role] for role in wanted}


def _cropped_brain(
    brain: BrainMask,
    alignment: Alignment,
    transform: sitk.Transform | None,
    work: Grid,
    loaded: LoadedCase,
    events: Events,
) -> tuple[np.ndarray, Grid]:
    """The mask on the work grid, cropped to its bounding box and a margin, with the cropped grid."""
    parts = []
    for role, mask, grid in brain.parts:
        events.check()
        parts.append(place_labels(mask, grid, work, transform=chain(transform, alignment.transforms[role])))
    union = parts[0] if len(parts) == 1 else np.logical_or.reduce(parts)
    box = bounding_box(union)
    if box is None:
        raise InputError(
            f"{loaded.case.id}: no brain was found in {', '.join(loaded.images)}; check the images, or use mask off"
        )
    box = grown(box, union.shape, MARGIN_VOXELS)
    mask, grid = fill_holes(np.ascontiguousarray(union[box])), crop_grid(work, box)
    volume = float(mask.sum()) * grid.voxel_ml
    if brain.step.action == "done" and not BRAIN_ML[0] <= volume <= BRAIN_ML[1]:
        events.say(
            f"brain mask: {volume:.0f} ml is no plausible brain ({BRAIN_ML[0]} to {BRAIN_ML[1]} ml); labels may lie "
            "outside the brain: strip the images first, for example with hd-bet"
        )
    return mask, grid


def _channels(
    loaded, roles, images, foregrounds, alignment, transform, mask, grid, normalisation, events
) -> np.ndarray:
    """float32 (channel, k, j, i) on ``grid``, normalised, 0 outside the mask."""
    array = np.empty((len(roles), *mask.shape), dtype=np.float32)
    for channel, role in zip(array, roles):
        events.check()
        path = chain(transform, alignment.transforms[role])
        channel[...] = place_image(images[role], grid, transform=path, fill=foregrounds[role].background)
        file = loaded.case.images.get(role)
        normalise(channel, mask, kind=normalisation, where=f"{role} ({file})" if file else role)
    return array


def _truth(loaded: LoadedCase, grid: Grid, transform: sitk.Transform | None) -> np.ndarray:
    """uint8 (k, j, i) on ``grid``, in the truth's own values."""
    values = sitk.GetArrayViewFromImage(loaded.truth)
    labels = values.astype(np.uint8)
    if not np.array_equal(labels, values):
        raise InputError(
            f"{loaded.case.truth}: the truth has values that are not whole numbers from 0 to 255; give a label map"
        )
    return np.ascontiguousarray(place_labels(labels, Grid.of(loaded.truth), grid, transform=transform))
