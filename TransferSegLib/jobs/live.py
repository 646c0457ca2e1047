"""live: a 2-D model that is kept warm and answers one slice after another, as they are looked at or change."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, TransferSegError, UsageError
from ..events import Events, quiet
from ..imaging import Grid
from ..inference import Fitted, choose_device
from ..packages import CT, PICTURE, Card, Package, live_obstacle
from ..preparing import (
    SPACING_TOLERANCE,
    PreparationOptions,
    Prepared,
    PreparedSlices,
    picture_values,
    prepared_slices,
    restore_labels,
)
from ..training import load_for, prepare_loaded
from .predict import Model, predict_array
from .segment import find_case, find_model, with_reference

_OBSTACLES = {
    "task": "{name}: is no model for segmentation; live mode needs a 2-D one that outlines structures",
    "pet": "{name}: a PET needs its whole scan; use tmtv or segment",
    "volume": "{name}: works on whole volumes, live mode on slices; choose a 2-D model, or make a light version of it",
    "refiner": "{name}: has a second stage, live mode has none; choose a model of one network",
    "space": "{name}: works on slices of an atlas, not of the patient; choose a model of native space",
}
_WARM_FRAMES = 2


@dataclass(frozen=True)
class Frame:
    """What one slice gave: ``labels`` uint8 (j, i), and the seconds of each part."""

    labels: np.ndarray
    seconds: dict[str, float]


class LiveSession:
    """A model opened for one case, or for pictures that come one by one; made by `open_live`.

    Attributes
    ----------
    card : Card
    slices : Grid or None
        The reference's voxels in the model's order of axes: frames are its slices k. None for pictures, each of which
        is its own.
    device, precision, reason : str
    steps : tuple of str
        What the preparation did.
    """

    def __init__(self, card: Card, fitted: Fitted, case: PreparedSlices | None) -> None:
        self.card, self._case = card, case
        self.slices: Grid | None = None if case is None else case.slices
        self.device, self.precision, self.reason = fitted.device.name, fitted.device.precision, fitted.device.reason
        self.steps = () if case is None else tuple(str(step) for step in case.prepared.steps)
        self._model = Model(card, fitted)
        self._within = None if case is None else _extent(case.prepared.mask)

    def frame(self, index: int, pixels: Mapping[str, np.ndarray] | None = None) -> Frame:
        """Labels of one slice.

        Parameters
        ----------
        index : int
            k of ``slices``; of pictures any number.
        pixels : mapping of role to np.ndarray, optional
            (j, i) on ``slices`` in the image's own unit, where the volume changed since it was opened; a picture's
            uint8 (j, i), or (j, i, 3) in the role ``rgb``.

        Raises
        ------
        InputError, UsageError
            A slice or role that is not there, pixels of another size or kind, values that are not finite.
        """
        started = time.perf_counter()
        pixels = {role: _finite(role, values) for role, values in (pixels or {}).items()}
        if self._case is None:
            prepared, shape = _picture(self.card, pixels), None
        else:
            prepared, shape = self._case.one(index, pixels), self.slices.shape[1:]
        ready = time.perf_counter()
        if prepared is None or not prepared.mask.any():
            labels = np.zeros(shape, np.uint8)
            return Frame(labels, _seconds(started, ready, ready, ready))
        found = predict_array(self._model, prepared.array, prepared.mask, within=self._within).labels
        told = time.perf_counter()
        labels = _restored(found, prepared)
        return Frame(labels, _seconds(started, ready, told, time.perf_counter()))

    def describe(self) -> dict[str, Any]:
        """The session in JSON types: model, slices, labels, device, what the preparation did."""
        grid = self.slices
        return {
            "model": self.card.name,
            "slices": self.card.slices,
            "count": None if grid is None else grid.size[2],
            "size": None if grid is None else list(grid.shape[1:]),
            "labels": {str(value): name for value, name in self.card.label_names().items()},
            "device": self.device,
            "precision": self.precision,
            "reason": self.reason,
            "preparation": list(self.steps),
        }

    def warm(self) -> None:
        """Let the network see a frame as large as those to come: the first ones cost more."""
        roles, rows = self.card.roles, tuple(self.card.window)
        blank = {roles[0]: np.zeros((*rows, 3) if roles[0] == "rgb" else rows, np.uint8)} if self._case is None else {}
        middle = 0 if self._case is None else self._middle()
        for _ in range(_WARM_FRAMES):
            self.frame(middle, blank)

    def _middle(self) -> int:
        grid = self._case.prepared.grid
        centre = grid.points([[(n - 1) / 2 for n in grid.size]])
        return int(np.clip(round(float(self.slices.indices(centre)[0, 2])), 0, self.slices.size[2] - 1))


def open_live(
    *,
    model: str | Path | Package | Model,
    case: str | Path | None = None,
    images: Mapping[str, str | Path] | None = None,
    reference: str | None = None,
    options: PreparationOptions | None = None,
    device: str = "auto",
    precision: str = "auto",
    events: Events | None = None,
) -> LiveSession:
    """Open a 2-D model for the slices of a case (or for pictures), prepared once and warmed.

    Slices are the reference image's own, nearest to the model's orientation: nothing is resampled along them, in the
    plane only where the model's spacing asks for it. Where that is so, labels are those of ``segment``.

    Parameters
    ----------
    model, case, images, reference, options, device, precision
        As for ``segment``. A model of pictures takes no case: each frame is a picture of its own.

    Raises
    ------
    UsageError
        A model that does not work on slices, works in an atlas' space or on PET, or is not for segmentation.
    InputError
        What ``segment`` refuses.
    """
    events = quiet(events)
    package = model if isinstance(model, Model) else find_model(model)
    obstacle = live_obstacle(package.card)
    if obstacle:
        raise UsageError(_OBSTACLES[obstacle].format(name=package.card.name))
    opened = package if isinstance(package, Model) else Model.open(package)
    card = with_reference(opened.card, reference)
    chosen = choose_device(device, precision=precision, network=opened.module)
    prepared = None
    if card.normalisation != PICTURE:
        prepared = _prepare(card, find_case(card, case, images), options or PreparationOptions(), events)
    elif case is not None or images:
        raise UsageError(f"live: {card.name} takes pictures one by one; open it without images")
    events.check()
    session = LiveSession(card, Fitted(opened.module, chosen, dims=2), prepared)
    session.warm()
    return session


def _prepare(card: Card, case: Any, options: PreparationOptions, events: Events) -> PreparedSlices:
    loaded = load_for(case, card, options=options, events=events, with_truth=False)
    apart = loaded.reference.reoriented(card.orientation).spacing[2]
    if len(card.spacing) == 3 and options.resample != "off" and abs(apart / card.spacing[2] - 1) > SPACING_TOLERANCE:
        events.say(
            f"slices are taken as they lie, {apart:.3g} mm apart; segment has them {card.spacing[2]:.3g} mm apart"
        )
    card = replace(card, spacing=tuple(card.spacing[:2]))
    prepared = prepare_loaded(loaded, card, options=options, events=events)
    ct = None
    if card.normalisation == CT:
        found = card.intensities
        ct = {name: found.get(name, "none") for name in ("denoise", "contrast")}
        ct |= {"window": tuple(found["window"]), "mean": found["mean"][0], "sd": found["sd"][0]}
    how = {"orientation": card.orientation, "normalisation": card.normalisation, "ct": ct}
    return prepared_slices(loaded, prepared, roles=tuple(card.roles), **how)


def _picture(card: Card, pixels: Mapping[str, np.ndarray]) -> Prepared:
    role = card.roles[0]
    if set(pixels) != {role}:
        raise UsageError(f"frame: the model takes one picture in the role {role}; give its pixels")
    values = np.asarray(pixels[role])
    wanted = "(j, i, 3)" if role == "rgb" else "(j, i)"
    if values.ndim != len(wanted.split(",")) or (role == "rgb" and values.shape[2] != 3) or min(values.shape) < 1:
        raise InputError(
            f"frame: {role} has the shape {values.shape}, expected {wanted}; give the picture's own pixels"
        )
    if values.dtype != np.uint8:
        raise InputError(f"frame: {role} has values of type {values.dtype}, a picture has 8 bits a channel (0 to 255)")
    channels = values.transpose(2, 0, 1)[:, None] if role == "rgb" else values[None, None]
    array = picture_values(channels, mean=card.intensities["mean"], sd=card.intensities["sd"])
    grid = Grid((values.shape[1], values.shape[0], 1), (1.0, 1.0, 1.0))
    return Prepared(np.ascontiguousarray(array), np.ones(array.shape[1:], bool), grid, grid)


def _restored(labels: np.ndarray, prepared: Prepared) -> np.ndarray:
    if prepared.grid == prepared.reference:
        return labels[0]
    import SimpleITK as sitk

    return sitk.GetArrayFromImage(restore_labels(labels, prepared))[0]


def _finite(role: str, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype.kind not in "uif":
        raise InputError(f"frame: {role} has values of type {values.dtype}; give numbers")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"frame: {role} has values that are not finite (NaN or infinite); mend the image")
    return values


def _extent(mask: np.ndarray) -> Any:
    """One slice deep, and in the plane as far as the mask of all slices goes: windows lie as in the whole volume."""
    rows, columns = np.flatnonzero(mask.any(axis=(0, 2))), np.flatnonzero(mask.any(axis=(0, 1)))
    if not len(rows):
        raise TransferSegError("live: the preparation left nothing of the case; check the images")
    return (0, 1), (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


def _seconds(started: float, ready: float, told: float, ended: float) -> dict[str, float]:
    parts = {"prepare": ready - started, "network": told - ready, "restore": ended - told, "total": ended - started}
    return {name: round(value, 5) for name, value in parts.items()}
