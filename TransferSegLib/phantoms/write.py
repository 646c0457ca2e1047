"""Writes phantoms as a data set: one folder a patient, and the names of the labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..events import Events, quiet
from ..imaging import from_array, write_image
from ..storage import write_json
from .phantom import Phantom, brain_phantom, label_names

_FILES = {"flair": "FLAIR", "t1": "T1", "t1gd": "T1GD", "t2": "T2"}
# Seeds of one data set lie this far from those of the next, so that two sets share no patient.
_SEED_STRIDE = 100_003


def write_phantoms(
    folder: str | Path,
    *,
    count: int,
    flavour: str = "glioma",
    seed: int = 0,
    shape: tuple[int, int, int] = (144, 176, 144),
    spacing: float | tuple[float, float, float] = 1.0,
    anatomy: str = "procedural",
    source_labels: bool = False,
    events: Events | None = None,
) -> Path:
    """Write ``count`` phantoms below ``folder``; returns the folder.

    Each patient has a folder ``phantom-FLAVOUR-NNNN`` with FLAIR, T1, T1GD, T2 (int16) and seg (uint8), all .nii.gz;
    ``dataset.json`` names the labels. See ``brain_phantom`` for the options.

    Raises
    ------
    UsageError
        A count below 1, or options that ``brain_phantom`` refuses.
    StorageError
        The folder cannot be written.
    """
    if count < 1:
        raise UsageError(f"count {count}: at least one phantom is needed; give a count of 1 or more")
    names = label_names(flavour, source_labels=source_labels)
    folder, events = Path(folder), quiet(events)
    for number in range(1, count + 1):
        phantom = brain_phantom(
            seed * _SEED_STRIDE + number,
            flavour=flavour,
            shape=shape,
            spacing=spacing,
            anatomy=anatomy,
            source_labels=source_labels,
        )
        _write_patient(phantom, folder / f"phantom-{flavour}-{number:04d}")
        events.progress("making phantoms", number, count)
    about = {
        "name": f"phantom-{flavour}",
        "labels": {"background": 0} | {name: value for value, name in names.items()},
        "numTraining": count,
        "seed": seed,
    }
    write_json(folder / "dataset.json", about)
    return folder


def _write_patient(phantom: Phantom, folder: Path) -> None:
    """Images as scanners store them, whole numbers; the brain stays above 0, so that stripping can be seen."""
    for role, name in _FILES.items():
        whole = np.maximum(np.rint(phantom.images[role]), phantom.brain).astype(np.int16)
        write_image(from_array(whole, phantom.grid), folder / f"{name}.nii.gz")
    write_image(from_array(phantom.labels, phantom.grid), folder / "seg.nii.gz")
