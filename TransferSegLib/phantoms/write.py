"""Writes phantoms as a data set: one folder a patient, and the names of the labels."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from ..errors import StorageError, UsageError
from ..events import Events, quiet
from ..imaging import from_array, write_image
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
    _write_text(folder / "dataset.json", json.dumps(about, indent=2) + "\n")
    return folder


def _write_patient(phantom: Phantom, folder: Path) -> None:
    """Images as scanners store them, whole numbers; the brain stays above 0, so that stripping can be seen."""
    _make_folder(folder)
    for role, name in _FILES.items():
        whole = np.maximum(np.rint(phantom.images[role]), phantom.brain).astype(np.int16)
        write_image(from_array(whole, phantom.grid), folder / f"{name}.nii.gz")
    write_image(from_array(phantom.labels, phantom.grid), folder / "seg.nii.gz")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made ({error.strerror}); choose a folder you may write to") from error


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(
            f"{path}: cannot be written ({error.strerror}); free some space or choose another"
        ) from error
