"""segment: from files to a label map on the patient's own grid, and its volumes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from .. import storage
from ..cases import Case, case_from_files, looks_like_truth, open_case
from ..errors import InputError, UsageError
from ..events import Events, quiet
from ..imaging import Grid, check_writable, find_series, image_stem, image_suffix, write_image
from ..measuring import volumes_ml
from ..packages import Card, Package, find_package
from ..preparing import PreparationOptions, restore_labels
from ..reporting import save_overlay
from .predict import Model, segment_case

PICTURES = (".png", ".pdf", ".svg", ".jpg")
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
    flips: bool = False,
    uncertainty: str | Path | None = None,
    picture: str | Path | None = None,
    brain_mask: str | Path | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Segment one case and write its label map.

    Parameters
    ----------
    model : name, folder, zip, Package or Model
        A ``Model`` that is already open saves loading it again.
    out : path
        Label map, uint8, on the reference image's own grid; ``.nii.gz``, ``.nii``, ``.nrrd``, ``.mha``.
    case, images : path, mapping of role to path
        A case folder whose roles are guessed, or the files by role; both together: ``images`` decides.
    reference : str, optional
        Role whose grid the result comes back on; the card's by default.
    uncertainty : path, optional
        Entropy of the class probabilities in [0, 1], float32, on the same grid.
    picture : path, optional
        PNG of three slices with the labels.
    brain_mask : path, optional
        The mask that was used (1 inside), on the same grid: look at it where it was made and not given.

    Returns
    -------
    dict
        ``output, roles {role: file}, volumes_ml {label: ml}, device, seconds, preparation [str]``.
    """
    notes: list[str] = []
    events = quiet(events).noting(notes)
    started = time.monotonic()
    check_outputs(out, uncertainty, brain_mask, picture=picture)
    opened = model if isinstance(model, Model) else Model.open(find_model(model))
    card = with_reference(opened.card, reference)
    opened = Model(card, opened.module)
    subject = find_case(card, case, images)
    check_no_input_is_overwritten(subject, case, out, uncertainty, brain_mask, picture)
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
    write_image(result.labels, out)
    if brain_mask is not None:
        write_image(restore_labels(result.prepared.mask.astype(np.uint8), result.prepared), brain_mask)
    if uncertainty is not None and result.entropy is not None:
        write_image(result.entropy, uncertainty)
    if picture is not None:
        save_overlay(picture, result.loaded.images[card.reference], result.labels, **picture_options(subject, card))
    volumes = volumes_ml(sitk.GetArrayViewFromImage(result.labels), Grid.of(result.labels).voxel_ml, card.label_names())
    return {
        "output": str(out),
        "roles": {role: str(path) for role, path in subject.images.items() if role in card.roles},
        "volumes_ml": {name: round(ml, 4) for name, ml in volumes.items()},
        "device": result.device,
        "precision": result.precision,
        "flips": flips,
        "uncertainty": None if uncertainty is None else str(uncertainty),
        "picture": None if picture is None else str(picture),
        "brain_mask": None if brain_mask is None else str(brain_mask),
        "notes": notes,
        "seconds": round(time.monotonic() - started, 2),
        "preparation": [str(step) for step in result.prepared.steps],
    }


def check_outputs(*images: str | Path | None, picture: str | Path | None) -> None:
    """Refuse outputs that cannot be written, or two of the same name, before any work."""
    given = [Path(path).absolute() for path in (*images, picture) if path is not None]
    if len(set(given)) < len(given):
        raise UsageError(f"{given[-1]}: named for two outputs; give each a name of its own")
    for path in images:
        if path is not None:
            check_writable(path)
    if picture is not None:
        if Path(picture).suffix.lower() not in PICTURES:
            raise UsageError(f"--picture {picture}: end it in one of {', '.join(PICTURES)}")
        storage.check_writable(picture)


def check_no_input_is_overwritten(subject: Case, folder: str | Path | None, *outputs: str | Path | None) -> None:
    """Refuse an output that is one of the case's images, or would be taken for its truth later."""
    inputs = {path.resolve() for path in subject.images.values()}
    for path in (Path(output) for output in outputs if output is not None):
        if path.resolve() in inputs:
            raise UsageError(f"{path}: is one of the case's images; name another output")
        beside = folder is not None and path.resolve().parent == Path(folder).resolve()
        if beside and looks_like_truth(image_stem(path)):
            raise UsageError(
                f"{path}: would be taken for the case's truth there; write it elsewhere, "
                "or name it without seg, label, mask, truth and gt"
            )


def find_model(model: str | Path | Package) -> Package:
    """A package as it is, or found by name, folder or zip."""
    return model if isinstance(model, Package) else find_package(model)


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
    if image_suffix(path) is not None:
        return
    modality = find_series(path).modality
    wanted = MODALITIES.get(role)
    if wanted is not None and modality and modality != wanted:
        raise InputError(f"{path}: is a DICOM series of modality {modality}, {role} needs {wanted}; name another")


def picture_options(case: Case, card: Card, *, note: str = "") -> dict[str, Any]:
    """Names, colours and title of a case's picture."""
    return {
        "names": card.label_names(),
        "colours": {label.value: label.colour for label in card.labels},
        "title": f"{case.id}: {card.name}{note}",
    }
