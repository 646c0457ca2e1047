"""A CT from a loaded case to the network's array: a window of HU, optional filters slice by slice, mean and SD."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..errors import DependencyError, InputError, UsageError
from ..events import Events, quiet
from ..imaging import Grid, check_ct
from .mri import work_grid
from .options import PreparationOptions, Prepared, Step, check_choice
from .petct import OUTSIDE_HU, smoothed_for
from .placing import bounding_box, crop_grid, exact_view, grown, place_image, place_labels

if TYPE_CHECKING:
    from ..cases import LoadedCase

DENOISERS = ("none", "median", "curvature")
CONTRASTS = ("none", "equalise", "clahe")
# Soft tissue of the abdomen: level 40, width 400.
SOFT_TISSUE_HU = (-160.0, 240.0)
_BODY_HU = -500.0
_MARGIN_VOXELS = 2


def prepare_ct(
    loaded: LoadedCase,
    *,
    spacing: tuple[float, ...],
    orientation: str = "LPS",
    window: tuple[float, float] = SOFT_TISSUE_HU,
    denoise: str = "none",
    contrast: str = "none",
    mean: float = 0.0,
    sd: float = 1.0,
    options: PreparationOptions | None = None,
    events: Events | None = None,
) -> Prepared:
    """Sample a CT once onto the work grid, crop it to the body and bring its values to the network's scale.

    Filters work on each slice (j, i) of the work grid alone, so that a slice is the same alone and in its volume.

    Parameters
    ----------
    loaded : LoadedCase
        With the role ``ct`` in HU.
    spacing : tuple of float
        Of the work grid, mm, along i, j and k; two numbers leave the slices along k as they are. Where voxels become
        much larger the CT is smoothed first (`smoothed_for`).
    orientation : str
        The work grid's axes; slices lie across the last one.
    window : (float, float)
        HU that become 0 and 1; what lies beyond is cut.
    denoise : {"none", "median", "curvature"}
        Median of 3 x 3 pixels, or five steps of curvature flow (SimpleITK).
    contrast : {"none", "equalise", "clahe"}
        Histogram equalisation of what is above the window's lower end (Pillow), or with limited contrast in tiles
        (Zuiderveld 1994; scikit-image).
    mean, sd : float
        Of the training set on that scale: the array is (value - mean) / sd.

    Returns
    -------
    Prepared
        ``array`` float32 (1, k, j, i); ``mask`` is all of the cropped grid.

    Raises
    ------
    InputError
        No image for the role, values that are not HU, no body in view.
    DependencyError
        ``clahe`` without scikit-image.
    UsageError
        An unknown filter, or a registration that was asked for.
    """
    options, events = options or PreparationOptions(), quiet(events)
    check_choice("denoise", denoise, DENOISERS)
    check_choice("contrast", contrast, CONTRASTS)
    if options.register == "on":
        raise UsageError("--register on: a CT alone has nothing to be registered to; leave it out")
    image = _image(loaded)
    work, step = work_grid(loaded.reference, spacing=spacing, orientation=orientation, mode=options.resample)
    hu = ct_on(image, work)
    events.check()
    box = bounding_box(hu > _BODY_HU)
    if box is None:
        raise InputError(f"{loaded.case.id}: the CT shows no body, all is air; check the image")
    box = grown(box, hu.shape, _MARGIN_VOXELS)
    grid = crop_grid(work, box)
    how = {"window": window, "denoise": denoise, "contrast": contrast, "mean": mean, "sd": sd}
    array = _clipped(hu[box], window)
    del hu  # in place from here: a CT of a whole body is a gigabyte
    _scale(array, **how, events=events)
    steps = (
        step,
        Step("HU window", "done", f"{window[0]:g} to {window[1]:g} HU to 0 to 1"),
        Step("denoising", "skipped" if denoise == "none" else "done", denoise),
        Step("contrast", "skipped" if contrast == "none" else "done", contrast),
        Step("normalisation", "done", f"mean {mean:g} and SD {sd:g} of the training set"),
    )
    truth = None
    if loaded.truth is not None:
        labels = sitk.GetArrayFromImage(loaded.truth).astype(np.uint8, copy=False)
        truth = np.ascontiguousarray(place_labels(labels, Grid.of(loaded.truth), grid))
    mask = np.ones(array.shape, bool)
    return Prepared(array[None], mask, grid, loaded.reference, truth=truth, steps=steps, alignment={"ct": None})


def ct_values(
    hu: np.ndarray,
    *,
    window: tuple[float, float],
    denoise: str = "none",
    contrast: str = "none",
    mean: float = 0.0,
    sd: float = 1.0,
    events: Events | None = None,
) -> np.ndarray:
    """HU (k, j, i) on the network's scale, float32; the parameters are those of `prepare_ct`."""
    array = _clipped(hu, window)
    _scale(array, window=window, denoise=denoise, contrast=contrast, mean=mean, sd=sd, events=events)
    return array


def ct_on(image: sitk.Image, work: Grid) -> np.ndarray:
    """A CT on the work grid, HU float32 (k, j, i); smoothed first where voxels become much larger."""
    own = Grid.of(image)
    view = exact_view(sitk.GetArrayViewFromImage(image), own, work)
    if view is None:
        view = place_image(smoothed_for(image, work), work, fill=OUTSIDE_HU)
    return np.asarray(view, np.float32)


def _clipped(hu: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """A copy, float32, without what lies beyond the window."""
    return np.clip(hu, *(np.float32(edge) for edge in window))


def _scale(
    array: np.ndarray,
    *,
    window: tuple[float, float],
    denoise: str,
    contrast: str,
    mean: float,
    sd: float,
    events: Events | None,
) -> None:
    """Clipped HU (k, j, i) to the network's scale, in place."""
    array -= np.float32(window[0])
    array /= np.float32(window[1] - window[0])
    for number, plane in enumerate(array if (denoise, contrast) != ("none", "none") else ()):
        quiet(events).progress("filtering the slices", number, len(array))
        plane[...] = enhanced(denoised(plane, denoise), contrast)
    array -= np.float32(mean)
    array /= np.float32(sd)


def denoised(plane: np.ndarray, kind: str) -> np.ndarray:
    """A slice (j, i) in [0, 1] with less noise."""
    if kind == "none":
        return plane
    image = sitk.GetImageFromArray(plane)
    if kind == "median":
        return sitk.GetArrayFromImage(sitk.Median(image, [1, 1]))
    return sitk.GetArrayFromImage(sitk.CurvatureFlow(image, timeStep=0.0625, numberOfIterations=5)).astype(np.float32)


def enhanced(plane: np.ndarray, kind: str) -> np.ndarray:
    """A slice (j, i) in [0, 1] with more contrast, in 256 steps."""
    if kind == "none" or plane.max() <= 0:
        return plane
    if kind == "clahe":
        return _clahe(plane)
    from PIL import Image, ImageOps

    grey = Image.fromarray(np.rint(255 * np.clip(plane, 0, 1)).astype(np.uint8))
    seen = grey.point(lambda value: 255 if value else 0)
    found = np.asarray(ImageOps.equalize(grey, mask=seen), np.float32) / 255
    return np.where(np.asarray(seen) > 0, found, np.float32(0))


def _clahe(plane: np.ndarray) -> np.ndarray:
    try:
        from skimage.exposure import equalize_adapthist
    except ImportError:
        raise DependencyError(
            "contrast clahe: needs scikit-image; install transferseg[baselines], or choose equalise"
        ) from None
    return equalize_adapthist(np.clip(plane, 0, 1), clip_limit=0.01).astype(np.float32)


def _image(loaded: LoadedCase) -> sitk.Image:
    if "ct" not in loaded.images:
        raise InputError(f"{loaded.case.id}: no image for the role ct; name it with --image ct=FILE")
    check_ct(loaded.images["ct"], loaded.case.images["ct"], beside_pet=False)
    return loaded.images["ct"]
