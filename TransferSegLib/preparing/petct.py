"""PET and CT of one examination to the five channels of TMTV-Net (methods.md, section 1), on one grid.

Windows: CT [-150, 300] HU, SUV [0, 30], lung CT [-1000, -200] HU, soft-tissue CT [-100, 100] HU, hot SUV [2, 10],
each to [0, 1], in this order. Beyond the CT's field of view the CT is -1024 HU, beyond the PET's the SUV is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..errors import InputError, UsageError
from ..events import Events, quiet
from ..imaging import Grid, check_ct, resample
from .mri import work_grid
from .options import PreparationOptions, Prepared, Step
from .placing import bounding_box, crop_grid, grown, place_labels

if TYPE_CHECKING:
    from ..cases import LoadedCase

ROLES = ("pet", "ct")
# Source, low and high of each channel, in the order of the network's inputs.
CHANNELS = (
    ("ct", -150.0, 300.0),
    ("pet", 0.0, 30.0),
    ("ct", -1000.0, -200.0),
    ("ct", -100.0, 100.0),
    ("pet", 2.0, 10.0),
)
CHANNEL_NAMES = ("CT -150 to 300 HU", "SUV 0 to 30", "CT -1000 to -200 HU", "CT -100 to 100 HU", "SUV 2 to 10")
OUTSIDE_HU = -1024.0
# A voxel this much larger than the CT's would skip over its voxels.
_COARSER = 1.5
# FWHM of a Gaussian over its sigma.
_FWHM = 2.3548
_BODY_HU, _BODY_SUV = -500.0, 0.5
_MARGIN_VOXELS = 2
# SUV cannot be below 0 but for noise.
_LEAST_SUV, _HIGHEST_SUV = -20.0, 2000.0


def prepare_petct(
    loaded: LoadedCase,
    *,
    spacing: tuple[float, float, float] | None = (6.0, 6.0, 6.0),
    orientation: str = "LPS",
    options: PreparationOptions | None = None,
    events: Events | None = None,
) -> Prepared:
    """Put the CT over the PET in physical space and make the five channels.

    Each image is sampled once, linearly, onto the work grid: the PET's axes in the order of ``orientation``, in voxels
    of ``spacing``. Where those are much coarser than the CT's, the CT is smoothed first (`smoothed_for`); a PET is
    never smoothed, its own resolution is coarser than its voxels, and a mean would lower the SUV of small lesions.

    Parameters
    ----------
    loaded : LoadedCase
        With the roles ``pet`` (SUVbw) and ``ct`` (HU), checked to overlap and to have one frame of reference.
    spacing : tuple of float, optional
        Of the work grid, mm, along i, j, k; None keeps the PET's own.

    Returns
    -------
    Prepared
        ``array`` float32 (5, k, j, i) in [0, 1]; ``mask`` is the body (in CT or in PET, with its cavities), to which
        the grid is cropped; the channels are not set to 0 outside it.

    Raises
    ------
    InputError
        A role without image, a CT in place of the PET or the other way round, no body in view.
    UsageError
        A registration was asked for: PET and CT of one examination share their space.
    """
    options, events = options or PreparationOptions(), quiet(events)
    if options.register == "on":
        raise UsageError("--register on: PET and CT of one examination are laid over each other by their headers")
    pet, ct = (_image(loaded, role) for role in ROLES)
    _check_values(loaded, pet, ct)
    wanted = spacing or Grid.of(pet).reoriented(orientation).spacing
    work, step = work_grid(Grid.of(pet), spacing=wanted, orientation=orientation, mode=options.resample)
    events.check()
    ct_array = ct_on(ct, work)
    events.check()
    pet_array = sitk.GetArrayFromImage(resample(sitk.Cast(pet, sitk.sitkFloat32), work))
    body = body_mask(pet_array, ct_array)
    box = bounding_box(body)
    if box is None:
        raise InputError(f"{loaded.case.id}: neither PET nor CT shows a body; check the images and the PET's unit")
    box = grown(box, body.shape, _MARGIN_VOXELS)
    grid = crop_grid(work, box)
    truth = None if loaded.truth is None else _truth(loaded, grid)
    steps = (
        _suv_step(loaded),
        _ct_step(ct, work),
        step,
        Step("channels", "done", "CT and SUV in five windows, 0 to 1"),
    )
    array = channels(pet_array[box], ct_array[box])
    mask = np.ascontiguousarray(body[box])
    return Prepared(array, mask, grid, loaded.reference, truth=truth, steps=steps, alignment=dict.fromkeys(ROLES))


def channels(suv: np.ndarray, hu: np.ndarray) -> np.ndarray:
    """float32 (5, k, j, i) in [0, 1] from SUV and HU (k, j, i) on one grid."""
    found = np.empty((len(CHANNELS), *suv.shape), dtype=np.float32)
    for channel, (role, low, high) in zip(found, CHANNELS):
        np.clip(suv if role == "pet" else hu, low, high, out=channel)
        channel -= np.float32(low)
        channel /= np.float32(high - low)
    return found


def ct_on(ct: sitk.Image, grid: Grid) -> np.ndarray:
    """HU float32 (k, j, i) of a CT on another grid: smoothed where that is coarser, linear, -1024 outside."""
    moved = resample(smoothed_for(ct, grid), grid, fill=OUTSIDE_HU)
    return sitk.GetArrayFromImage(moved)


def smoothed_for(image: sitk.Image, grid: Grid) -> sitk.Image:
    """float32 copy without detail that voxels of ``grid`` would alias.

    Along each axis of the image where the grid's voxels are more than 1.5 times as large: a Gaussian that widens a
    point of the image's voxel to one of the grid's, FWHM^2 = target^2 - source^2 (Cardoso et al. 2015).
    """
    image = sitk.Cast(image, sitk.sitkFloat32)
    own = Grid.of(image)
    # How far one goes along each image axis to cross one voxel of the grid.
    crossing = 1.0 / np.linalg.norm(np.linalg.inv(grid.steps) @ own.matrix, axis=0)
    for axis, (target, source) in enumerate(zip(crossing, own.spacing)):
        # The recursive filter needs four voxels along its axis.
        if target > _COARSER * source and own.size[axis] >= 4:
            sigma = float(np.sqrt(target**2 - source**2)) / _FWHM
            image = sitk.RecursiveGaussian(image, sigma=sigma, direction=axis)
    return own.put_on(image)


def body_mask(suv: np.ndarray, hu: np.ndarray) -> np.ndarray:
    """bool (k, j, i): tissue in CT or uptake in PET, with the cavities that each slice encloses."""
    body = (hu > _BODY_HU) | (suv > _BODY_SUV)
    return np.stack([ndimage.binary_fill_holes(plane) for plane in body])


def _image(loaded: LoadedCase, role: str) -> sitk.Image:
    if role not in loaded.images:
        raise InputError(f"{loaded.case.id}: no image for the role {role}; name it with --image {role}=FILE")
    return loaded.images[role]


def _check_values(loaded: LoadedCase, pet: sitk.Image, ct: sitk.Image) -> None:
    """Refuse images that cannot be what their role says."""
    suv = sitk.GetArrayViewFromImage(pet)
    path = loaded.case.images
    if float(suv.min()) < _LEAST_SUV:
        raise InputError(
            f"{path['pet']}: has SUV down to {float(suv.min()):.0f}, as a CT has HU; give the PET with --image pet=FILE"
        )
    if float(suv.max()) > _HIGHEST_SUV:
        raise InputError(
            f"{path['pet']}: has SUV up to {float(suv.max()):.0f}, which no uptake reaches; check its unit (--pet-unit)"
        )
    check_ct(ct, path["ct"])


def _suv_step(loaded: LoadedCase) -> Step:
    """What the PET's unit was and who says so."""
    info = loaded.pet
    if info is None:
        return Step("SUV", "skipped", "the values are taken as SUVbw")
    if info.unit == "suv":
        return Step("SUV", "skipped", f"the values are SUV already, stated by: {info.stated_by}")
    unit = {"bqml": "Bq/ml"}.get(info.unit, info.unit)
    return Step("SUV", "done", f"{unit} x {info.suv_factor:.6g}, unit stated by: {info.stated_by}")


def _ct_step(ct: sitk.Image, work: Grid) -> Step:
    shown = " x ".join(f"{s:.3g}" for s in Grid.of(ct).spacing)
    smooth = any(t > _COARSER * s for t, s in zip(work.spacing, Grid.of(ct).reoriented().spacing))
    how = "smoothed to the coarser voxels, linear" if smooth else "linear"
    return Step("CT on the PET's grid", "done", f"from {shown} mm by the headers, {how}, -1024 HU outside the CT")


def _truth(loaded: LoadedCase, grid: Grid) -> np.ndarray:
    """uint8 (k, j, i) on ``grid``, in the truth's own values."""
    labels = sitk.GetArrayFromImage(loaded.truth).astype(np.uint8)
    return np.ascontiguousarray(place_labels(labels, Grid.of(loaded.truth), grid))
