"""segment: from files to a label map on the patient's own grid, and its volumes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ..cases import Case, case_from_files, open_case
from ..errors import InputError, UsageError
from ..events import Events, quiet
from ..imaging import Grid, find_series, is_dicom_path
from ..measuring import volumes_ml
from ..packages import CT, PICTURE, Card, Package, find_package
from ..preparing import PreparationOptions
from .level_dispatch import check_segments
from .opening import find_runnable
from .predict import Model, segment_case
from .segment_outputs import Outputs

MODALITIES = {"flair": "MR", "t1": "MR", "t1gd": "MR", "t2": "MR", "ct": "CT", "pet": "PT"}


def segment(
    *,
    model: str | Path | Package | Model,
    out: str | Path,
    case: str | Path | None = None,
    images: Mapping[str, str | Path] | None = None,
    reference: str | None = None,
    options: PreparationOptions | None = None,
    device: str = "auto",
    precision: str = "auto",
    runtime: str = "auto",
    flips: bool = False,
    uncertainty: str | Path | None = None,
    picture: str | Path | None = None,
    brain_mask: str | Path | None = None,
    prepared: str | Path | None = None,
    compress: bool = True,
    events: Events | None = None,
) -> dict[str, Any]:
    """Segment one case and write its label map.

    Parameters
    ----------
    model : name, folder, zip, .onnx, Package or Model
        A ``Model`` that is already open saves loading it again.
    out : path
        Label map, uint8, on the reference image's own grid; ``.nii.gz``, ``.nii``, ``.nrrd``, ``.mha``, of a picture
        also ``.png``, whose grey values are the labels.
    case, images : path, mapping of role to path
        A case folder whose roles are guessed, or the files by role; both together: ``images`` decides.
    reference : str, optional
        Role whose grid the result comes back on; the card's by default.
    runtime : {"auto", "onnxruntime", "openvino"}
        What runs an exported network (a ``model`` that ends in ``.onnx``); ``auto`` the faster that is installed.
    uncertainty : path, optional
        Entropy of the class probabilities in [0, 1], float32, on the same grid.
    picture : path, optional
        PNG of three slices with the labels.
    brain_mask : path, optional
        The mask that was used (1 inside), on the same grid: look at it where it was made and not given.
    prepared : path, optional
        Folder for each input image as it was laid over the reference (``ROLE.nrrd``, not compressed, on the same
        grid): look at them where sequences were registered.
    compress : bool
        False writes ``.nrrd`` and ``.mha`` quickly and large.

    Returns
    -------
    dict
        ``output, roles {role: file}, reference (role), grid {size, spacing}, volumes_ml {label: ml}, device,
        seconds, preparation [str], prepared {role: file} or None``. A picture has no millilitres: its ``volumes_ml``
        are None, and ``pixels {label: count}`` is there.
    """
    notes: list[str] = []
    events = quiet(events).noting(notes)
    started = time.monotonic()
    outputs = Outputs.of(
        out, uncertainty=uncertainty, brain_mask=brain_mask, picture=picture, prepared=prepared, compress=compress
    )
    package = model if isinstance(model, Model) else find_runnable(model, runtime)
    check_segments(package.card)
    picture_model = package.card.normalisation == PICTURE
    outputs.check_writable(of_picture=picture_model)
    if brain_mask is not None and package.card.normalisation in (CT, PICTURE):
        raise UsageError(f"--brain-mask: {package.card.name} needs none and makes none; leave it out")
    opened = package if isinstance(package, Model) else Model.open(package)
    card = with_reference(opened.card, reference)
    opened = Model(card, opened.module)
    subject = find_case(card, case, images)
    outputs.check_inputs(subject, case)
    result = segment_case(
        opened,
        subject,
        options=options or PreparationOptions(),
        device=device,
        precision=precision,
        flips=flips,
        uncertainty=uncertainty is not None,
        events=events,
    )
    laid = outputs.write(result, subject, card, events)
    grid = Grid.of(result.labels)
    volumes = volumes_ml(sitk.GetArrayViewFromImage(result.labels), grid.voxel_ml, card.label_names())
    return {
        "roles": {role: str(path) for role, path in subject.images.items() if role in card.roles},
        "reference": card.reference,
        "grid": {"size": list(grid.size), "spacing": list(grid.spacing)},
        "volumes_ml": {name: None if picture_model else round(ml, 4) for name, ml in volumes.items()},
        **({"pixels": {name: round(ml / grid.voxel_ml) for name, ml in volumes.items()}} if picture_model else {}),
        "device": result.device,
        "precision": result.precision,
        "flips": flips,
        "notes": notes,
        "seconds": round(time.monotonic() - started, 2),
        "preparation": [str(step) for step in result.prepared.steps],
        **outputs.named(),
        "prepared": laid,
    }


def find_model(model: str | Path | Package, option: str = "--model") -> Package:
    """A package as it is, or found by name, folder or zip, which the user gave as ``option``."""
    return model if isinstance(model, Package) else find_package(model, option)


def with_reference(card: Card, reference: str | None) -> Card:
    """The card with another reference role; ``UsageError`` when the model has no such role."""
    if reference is None:
        return card
    if reference not in card.roles:
        raise UsageError(f"--reference {reference}: the model has the roles {', '.join(card.roles)}; name one of them")
    return replace(card, reference_role=reference)


def find_case(card: Card, folder: str | Path | None, images: Mapping[str, str | Path] | None) -> Case:
    """The case that a folder, files by role, or both describe."""
    assigned = {role.lower(): Path(path) for role, path in (images or {}).items()}
    for role, path in assigned.items():
        if not path.exists():
            raise InputError(f"{path}: no such file; correct --image {role}=...")
        _check_modality(role, path)
    unknown = [role for role in assigned if role not in card.roles]
    if unknown:
        raise UsageError(f"--image {unknown[0]}=...: the model has the roles {', '.join(card.roles)}; name one of them")
    if folder is None:
        if not assigned:
            raise UsageError("no case: give a case folder, or each image with --image ROLE=FILE")
        missing = [role for role in card.roles if role not in assigned]
        if missing:
            raise UsageError(f"no image for the role {missing[0]}; add --image {missing[0]}=FILE")
        return case_from_files(assigned)
    return open_case(folder, roles=card.roles, assigned=assigned, with_truth=False)


def _check_modality(role: str, path: Path) -> None:
    """Refuse a DICOM series whose modality cannot be that role, for example a CT as T2."""
    if not is_dicom_path(path):
        return
    modality = find_series(path).modality
    wanted = MODALITIES.get(role)
    if wanted is not None and modality and modality != wanted:
        raise InputError(f"{path}: is a DICOM series of modality {modality}, {role} needs {wanted}; name another")
