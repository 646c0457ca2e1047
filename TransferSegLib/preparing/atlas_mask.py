"""A brain mask for heads with skull, from the atlas: affine registration, then the edge where the signal has it."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..events import Events, quiet
from ..imaging import Grid, from_array
from .atlas import Template, load_template
from .pair import Pair
from .placing import place_labels
from .registration import about, register_affine
from .stripping import head_foreground

SCALP_AND_SKULL_MM = 12.0
# The vertex may be cut off or the head tilted: starts above and below the expected height.
HEIGHTS_MM = (0.0, -20.0, 20.0)
PEEL_MM = 9.0


def atlas_brain_mask(image: sitk.Image, *, events: Events | None = None) -> np.ndarray:
    """The template's brain, moved onto a head by affine registration.

    Returns
    -------
    np.ndarray
        bool (k, j, i) on the image's grid. Less exact than HD-BET: an affine map cannot follow each fold.

    Raises
    ------
    DependencyError
        When nilearn is not installed.
    """
    events = quiet(events)
    template = load_template()
    whole = Pair(template.image, image, fixed_mask=template.around, events=events)
    events.check()
    head = head_foreground(whole.moving)
    peeled = Pair(template.image, _peeled(whole.moving, head), fixed_mask=template.around, events=events)
    rigid = _best_rigid(peeled, _starts(whole.moving, head, template), events)
    affine = register_affine(peeled, rigid, shrink=(2,), smooth=(2.0,), events=events)
    affine = register_affine(whole, affine, shrink=(1,), smooth=(0.0,), events=events)
    return place_labels(template.brain, template.grid, Grid.of(image), transform=affine.GetInverse())


def _peeled(image: sitk.Image, head: np.ndarray) -> sitk.Image:
    """The head without its outer centimetre: else the template's outline settles on the skin."""
    depth = ndimage.distance_transform_edt(head, sampling=Grid.of(image).spacing[::-1])
    array = sitk.GetArrayViewFromImage(image)
    low = float(array.min())
    inner = (array - low) * np.clip((depth - PEEL_MM) / 4.0, 0.0, 1.0)
    return from_array(inner.astype(np.float32), Grid.of(image))


def _best_rigid(pair: Pair, starts: list[sitk.Euler3DTransform], events: Events) -> sitk.Euler3DTransform:
    """The best of all starts on the coarsest level, then one level finer."""
    coarse = []
    for done, start in enumerate(starts, start=1):
        start = about(start, pair.centre())
        coarse.append(pair.optimise(start, shrink=(4,), smooth=(4.0,), step_mm=4.0, events=events))
        events.progress("brain mask", done, len(starts) + 2)
    best = max(coarse, key=pair.information)
    return pair.optimise(best, shrink=(2,), smooth=(2.0,), step_mm=1.0, events=events)


def _starts(image: sitk.Image, inside: np.ndarray, template: Template) -> list[sitk.Euler3DTransform]:
    """The headers, and shifts that put the template's vertex under the top of the head, at its middle."""
    starts = [sitk.Euler3DTransform()]
    head = Grid.of(image).points(np.argwhere(inside)[::5, ::-1])
    brain = template.grid.points(np.argwhere(template.brain)[::50, ::-1])
    if len(head) == 0:
        return starts
    top = np.percentile(head[:, 2], 99.8)
    upper = head[head[:, 2] > top - 110.0]
    middle = (np.percentile(upper, 2, axis=0) + np.percentile(upper, 98, axis=0)) / 2
    aim = (np.percentile(brain, 1, axis=0) + np.percentile(brain, 99, axis=0)) / 2
    for height in HEIGHTS_MM:
        shift = [*(middle - aim)[:2], top - SCALP_AND_SKULL_MM - brain[:, 2].max() + height]
        start = sitk.Euler3DTransform()
        start.SetTranslation([float(v) for v in shift])
        starts.append(start)
    return starts
