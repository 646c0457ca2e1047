"""A brain mask for heads with skull, from the atlas: affine registration, then the edge where the signal has it."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..events import Events, quiet
from ..imaging import Grid
from .atlas import Template, load_template
from .pair import Pair
from .placing import place_labels
from .registration import about, register_affine
from .stripping import head_foreground

SCALP_AND_SKULL_MM = 12.0
# The vertex may be cut off or the head tilted: starts above and below the expected height.
HEIGHTS_MM = (0.0, -20.0, 20.0)


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
    pair = Pair(template.image, image, fixed_mask=template.around)
    affine = _fit(pair, template, events)
    return place_labels(template.brain, template.grid, Grid.of(image), transform=affine.GetInverse())


def _fit(pair: Pair, template: Template, events: Events) -> sitk.AffineTransform:
    """The affine transform from points of the template to points of the head."""
    starts = [sitk.Euler3DTransform(), *_starts(pair, template)]
    coarse = []
    for done, start in enumerate(starts, start=1):
        coarse.append(pair.optimise(about(start, pair.centre()), shrink=(4, 2), smooth=(4.0, 2.0)))
        events.progress("brain mask", done, len(starts) + 1)
    best = max(coarse, key=pair.information)
    return register_affine(pair, best)


def _starts(pair: Pair, template: Template) -> list[sitk.Euler3DTransform]:
    """Shifts that put the template's vertex under the top of the head, at its middle."""
    grid = Grid.of(pair.moving)
    head = grid.points(np.argwhere(head_foreground(pair.moving))[::5, ::-1])
    brain = template.grid.points(np.argwhere(template.brain)[::50, ::-1])
    if len(head) == 0:
        return []
    top = np.percentile(head[:, 2], 99.8)
    upper = head[head[:, 2] > top - 110.0]
    middle = (np.percentile(upper, 2, axis=0) + np.percentile(upper, 98, axis=0)) / 2
    aim = (np.percentile(brain, 1, axis=0) + np.percentile(brain, 99, axis=0)) / 2
    starts = []
    for height in HEIGHTS_MM:
        shift = [*(middle - aim)[:2], top - SCALP_AND_SKULL_MM - brain[:, 2].max() + height]
        start = sitk.Euler3DTransform()
        start.SetTranslation([float(v) for v in shift])
        starts.append(start)
    return starts
