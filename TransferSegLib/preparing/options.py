"""What is asked of a preparation, and what it leaves behind: options, steps, the prepared case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk

from ..errors import UsageError
from ..imaging import Grid

MODES = ("auto", "on", "off")
ENGINES = ("simpleitk", "ants")
PET_UNITS = ("suv", "bqml")


@dataclass(frozen=True)
class PreparationOptions:
    """Which steps are wanted: ``auto`` does a step where it is needed, ``on`` always, ``off`` never.

    Parameters
    ----------
    resample : str
        To the asked spacing; ``auto`` leaves spacings within 1 % of it as they are.
    register : str
        Rigid registration of the other sequences to the reference; ``off`` trusts the headers.
    mask : str
        Brain mask; ``auto`` uses stripped images as they are, ``off`` takes the head's foreground,
        ``on`` makes a mask even when the images look stripped.
    atlas : str
        Rigid registration to the MNI template (only for ``space="mni152"``); ``off`` trusts the headers.
    engine : str
        ``simpleitk`` (default) or ``ants`` (needs the extra ``transferseg[ants]``).
    pet_unit : {"suv", "bqml"}, optional
        What the user says that a PET's values are, where its file does not.

    Raises
    ------
    UsageError
        For a value that is not among these.
    """

    resample: str = "auto"
    register: str = "auto"
    mask: str = "auto"
    atlas: str = "auto"
    engine: str = "simpleitk"
    pet_unit: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("resample", MODES), ("register", MODES), ("mask", MODES), ("atlas", MODES)):
            check_choice(name, getattr(self, name), allowed)
        check_choice("engine", self.engine, ENGINES)
        if self.pet_unit is not None:
            check_choice("--pet-unit", self.pet_unit, PET_UNITS)


@dataclass(frozen=True)
class Step:
    """One step of a preparation: ``action`` is ``done``, ``skipped`` or ``kept`` (tried and not used)."""

    name: str
    action: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.action} ({self.reason})"


@dataclass(frozen=True)
class Prepared:
    """A case as a network wants it, and all that is needed to bring its result back.

    Attributes
    ----------
    array : np.ndarray
        float32 (channel, k, j, i) on ``grid``, channels in the order of the roles asked for; exactly 0
        outside ``mask``.
    mask : np.ndarray
        bool (k, j, i): the brain (or the head, where no brain mask was wanted).
    grid : Grid
        Of ``array``: cropped to the mask's bounding box plus a small margin.
    reference : Grid
        The reference image's own grid, on which results come back.
    transform : sitk.Transform or None
        Maps physical points (mm, LPS) of ``grid`` to points of ``reference``; None is the identity.
    truth : np.ndarray or None
        uint8 (k, j, i) on ``grid``, in the truth's own values.
    steps : tuple of Step
        What was done, skipped or kept, and why.
    alignment : dict of role to sitk.Transform or None
        Maps points of ``reference`` to points of that role's image; None is the identity.
    """

    array: np.ndarray
    mask: np.ndarray
    grid: Grid
    reference: Grid
    transform: sitk.Transform | None = None
    truth: np.ndarray | None = None
    steps: tuple[Step, ...] = ()
    alignment: Mapping[str, sitk.Transform | None] = field(default_factory=dict)


def check_choice(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise ``UsageError`` when ``value`` is not one of ``allowed``."""
    if value not in allowed:
        raise UsageError(f"{option}: {value!r} is not known; use one of {', '.join(allowed)}")
