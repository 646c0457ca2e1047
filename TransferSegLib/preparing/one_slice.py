"""New pixels of one slice, prepared as the whole volume was: same crop, same mask, same statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..cases import LoadedCase
from ..errors import InputError, UsageError
from ..imaging import Grid, from_array
from .ct import ct_on, ct_values
from .normalising import Scale, apply_scale, find_scale
from .options import Prepared
from .placing import exact_view, place_image
from .stripping import find_foreground

_SAME_GRID = 0.1
"""Voxels that two images of one grid may lie apart, as when a case is read."""


@dataclass(frozen=True)
class Follower:
    """How one image's new pixels become a channel: a CT's ``values`` (`ct_values`), or an MRI's ``scale``.

    ``problem`` says why they cannot, empty where they can.
    """

    values: Mapping[str, Any] | None = None
    scale: Scale | None = None
    fill: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class PreparedSlices:
    """A prepared case, slice by slice, in which the pixels of single slices may change.

    Attributes
    ----------
    prepared : Prepared
        With the reference's own slices (nothing resampled along k).
    slices : Grid
        The reference's voxels in the order of the work grid's axes: its slices k are what is followed.
    roles : tuple of str
        The channels.
    followers : dict of role to Follower
    """

    prepared: Prepared
    slices: Grid
    roles: tuple[str, ...]
    followers: Mapping[str, Follower]

    def one(self, index: int, pixels: Mapping[str, np.ndarray]) -> Prepared | None:
        """Slice ``index`` of ``slices`` as a case of one slice; None where the preparation cut it off.

        Parameters
        ----------
        pixels : mapping of role to np.ndarray, (j, i)
            New values of that slice on ``slices``, in the image's own unit; the others stay as they were.

        Raises
        ------
        UsageError
            A slice or a role that is not there.
        InputError
            Pixels of another size, or of an image whose changes cannot be followed.
        """
        count = self.slices.size[2]
        if not 0 <= index < count:
            raise UsageError(f"slice {index}: there are {count}, from 0 to {count - 1}")
        for role, values in pixels.items():
            self._check(role, values)
        grid = self.prepared.grid
        row = index - round(float(self.slices.indices([grid.origin])[0, 2]))
        if not 0 <= row < grid.size[2]:
            return None
        own = grid.cropped((0, 0, row), (*grid.size[:2], 1))
        array, mask = self.prepared.array[:, row : row + 1].copy(), self.prepared.mask[row : row + 1]
        place = self.slices.cropped((0, 0, index), (*self.slices.size[:2], 1))
        for role, values in pixels.items():
            array[self.roles.index(role)] = self._channel(role, from_array(np.asarray(values)[None], place), own, mask)
        return Prepared(array, mask, own, place)

    def _check(self, role: str, values: np.ndarray) -> None:
        if role not in self.followers:
            raise UsageError(f"frame: the model has the roles {', '.join(self.roles)}, not {role}")
        if self.followers[role].problem:
            raise InputError(self.followers[role].problem)
        wanted = self.slices.shape[1:]
        if np.shape(values) != wanted:
            got = " x ".join(map(str, np.shape(values)))
            raise InputError(
                f"frame: {role} has {got} values, a slice of this volume has {wanted[0]} x {wanted[1]}; "
                "open the volume anew where it changed its size"
            )

    def _channel(self, role: str, image: sitk.Image, own: Grid, mask: np.ndarray) -> np.ndarray:
        how = self.followers[role]
        if how.values is not None:
            return ct_values(ct_on(image, own), **how.values)
        channel = np.array(place_image(image, own, fill=how.fill), np.float32)
        apply_scale(channel, mask, how.scale)
        return channel


def prepared_slices(
    loaded: LoadedCase,
    prepared: Prepared,
    *,
    roles: tuple[str, ...],
    orientation: str,
    normalisation: str,
    ct: Mapping[str, Any] | None = None,
) -> PreparedSlices:
    """Take from a prepared case what its slices need when they change; statistics are those of the whole volume.

    Parameters
    ----------
    normalisation : str
        Of an MRI, as `prepare_mri` was asked for.
    ct : mapping, optional
        The values of a CT, as `ct_values` takes them; then the case is a CT.
    """
    slices = prepared.reference.reoriented(orientation)
    if prepared.transform is not None or abs(prepared.grid.spacing[2] / slices.spacing[2] - 1) > 1e-4:
        raise UsageError("slices: the case was turned or resampled along its slices; prepare it with them as they are")
    followers = {}
    for role in roles:
        image = loaded.images[role]
        problem = _problem(role, image, prepared)
        if problem or ct is not None:
            followers[role] = Follower(values=ct, problem=problem)
            continue
        fill = find_foreground(image).background
        channel = _float32(image, prepared.grid, fill)
        scale = find_scale(channel, prepared.mask, kind=normalisation, where=role)
        followers[role] = Follower(scale=scale, fill=fill)
    return PreparedSlices(prepared, slices, tuple(roles), followers)


def _float32(image: sitk.Image, grid: Grid, fill: float) -> np.ndarray:
    view = exact_view(sitk.GetArrayViewFromImage(image), Grid.of(image), grid)
    return np.asarray(place_image(image, grid, fill=fill) if view is None else view, np.float32)


def _problem(role: str, image: sitk.Image, prepared: Prepared) -> str:
    """Why the pixels of an image could not be followed, or nothing."""
    if prepared.alignment.get(role) is not None:
        return f"frame: {role} was registered to the reference, its changes cannot be followed; open the images anew"
    if not Grid.of(image).same_as(prepared.reference, _SAME_GRID):
        return f"frame: {role} lies on another grid than the reference; resample it first, or open the images anew"
    return ""
