"""Writes PET/CT phantoms as a data set: one folder a patient, the PET's unit beside it."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..events import Events, quiet
from ..imaging import write_image
from ..storage import write_json
from .ct_write import case_seed
from .petct_phantom import PetCtPhantom, petct_phantom


def write_petct_phantoms(
    folder: str | Path,
    count: int,
    seed: int = 0,
    kind: str = "adult",
    *,
    light: bool = True,
    lesions: int | None = None,
    pattern: str | None = None,
    dose: float | None = None,
    crop: tuple[float, float] | None = None,
    organs: bool = False,
    events: Events | None = None,
) -> Path:
    """Write ``count`` phantoms below ``folder``; returns the folder.

    Each patient has a folder ``petct-KIND-NNNN`` with ``PET.nii.gz`` (float32, SUVbw), ``PET.json`` (its unit),
    ``CT.nii.gz`` (int16 HU) and ``PET_mask.nii.gz`` (uint8, 1 = lesion, on the PET's grid), and with ``organs`` also
    ``organs/PET_organs.nii.gz``, where no reader of data sets looks. ``dataset.json`` names the label;
    ``phantoms.json`` says what was drawn. See ``petct_phantom`` for the options.

    Raises
    ------
    UsageError
        A count below 1, or options that ``petct_phantom`` refuses.
    StorageError
        The folder cannot be written.
    """
    if count < 1:
        raise UsageError(f"count {count}: at least one phantom is needed; give a count of 1 or more")
    folder, events, about = Path(folder), quiet(events), {}
    options = {"kind": kind, "light": light, "lesions": lesions, "pattern": pattern, "dose": dose, "crop": crop}
    for number in range(1, count + 1):
        name = f"petct-{kind}-{number:04d}"
        phantom = petct_phantom(case_seed(seed, number), **options)
        _write_patient(phantom, folder / name, organs)
        about[name] = phantom.attributes
        events.progress("making phantoms", number, count)
    write_json(folder / "phantoms.json", {"seed": seed, "kind": kind, "cases": about})
    labels = {"background": 0, "lesion": 1}
    write_json(folder / "dataset.json", {"name": f"petct-{kind}", "labels": labels, "numTraining": count, "seed": seed})
    return folder


def _write_patient(phantom: PetCtPhantom, folder: Path, organs: bool) -> None:
    write_image(phantom.pet, folder / "PET.nii.gz")
    write_json(folder / "PET.json", {"Units": "SUV"})
    write_image(phantom.ct, folder / "CT.nii.gz")
    write_image(phantom.truth, folder / "PET_mask.nii.gz")
    if organs:
        write_image(phantom.organs, folder / "organs" / "PET_organs.nii.gz")
