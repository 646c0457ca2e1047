"""Prepared training cases, made once and kept on disk, keyed by the content of their files."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..cases import Case, LoadedCase, load_case
from ..errors import InputError, StorageError
from ..events import Events
from ..imaging import Grid, find_series, image_stem, image_suffix, picture_suffix, read_image, to_array
from ..packages import CT, PETCT, PICTURE, Card
from ..places import cache_folder
from ..preparing import PreparationOptions, Prepared, prepare_ct, prepare_mri, prepare_petct, prepare_picture
from ..storage import sha256, write_json, writing_folder
from .terms import UNLABELLED
from .windows import TrainingCase

# Raise when preparing changes what it gives, so that stale caches are not used.
CACHE_VERSION = 2
POSITIONS = 20_000
WHOLE_FROM = 2**24
SINGLE_FILES = {".nii", ".nii.gz", ".nrrd", ".mha"}


def case_hash(case: Case) -> str:
    """Digest of all files of a case, roles included."""
    parts = {f"{role} {case.channels.get(role, 0)}": _content(path) for role, path in sorted(case.images.items())}
    parts["truth"] = _content(case.truth) if case.truth else ""
    if "pet" in case.images:
        parts["suv"] = _suv_inputs(case.images["pet"])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _content(path: Path) -> str:
    """Digest of what an image holds: of its file, or of grid and voxels where these lie in several files."""
    if image_suffix(path) in SINGLE_FILES or picture_suffix(path) is not None:
        return sha256(path)
    image = read_image(path)
    digest = hashlib.sha256(repr(Grid.of(image)).encode())
    digest.update(np.ascontiguousarray(to_array(image)).tobytes())
    return digest.hexdigest()


def _suv_inputs(path: Path) -> str:
    """Digest of what a PET's SUV rests on beside its voxels: its sidecar, or the headers of its series."""
    if image_suffix(path) is not None:
        sidecar = path.with_name(f"{image_stem(path)}.json")
        return sha256(sidecar) if sidecar.is_file() else ""
    files = sorted(find_series(path).files)
    return hashlib.sha256("".join(sha256(file) for file in files).encode()).hexdigest()


def prepared_arrays(
    case: Case,
    card: Card,
    *,
    options: PreparationOptions,
    digest: str,
    events: Events,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(image, truth, mask) of a case in the card's preparation, memory-mapped from the cache.

    ``image`` is float32 (channel, k, j, i), ``truth`` uint8 in the file's own values (`UNLABELLED` everywhere for a
    case without one), ``mask`` bool.
    """
    wanted = {
        "case": digest,
        "roles": card.roles,
        "reference": card.reference,
        "space": card.space,
        "spacing": card.spacing,
        "orientation": card.orientation,
        "normalisation": card.normalisation,
        "options": asdict(options),
        "hd-bet": shutil.which("hd-bet"),
        "version": CACHE_VERSION,
    } | ({"intensities": card.intensities} if card.intensities else {})
    return kept_arrays(wanted, lambda: prepare_case(case, card, options=options, events=events, with_truth=True)[1])


def kept_arrays(wanted: dict[str, Any], make: Callable[[], Prepared]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(image, truth, mask) as in `prepared_arrays`, made once for all that decides them (``wanted``, JSON types)."""
    key = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:32]
    folder = cache_folder("prepared") / key
    if not (folder / "steps.json").is_file():
        _keep(folder, make())
    return tuple(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("image", "truth", "mask"))


def load_for(case: Case, card: Card, *, options: PreparationOptions, events: Events, with_truth: bool) -> LoadedCase:
    """Load what a model needs of a case.

    Images in different DICOM frames of reference are only accepted when registration is asked for.
    """
    return load_case(
        case,
        reference_role=card.reference,
        roles=card.roles,
        events=events,
        with_truth=with_truth,
        allow_different_frames=options.register == "on",
        pet_unit=options.pet_unit,
    )


def prepare_case(
    case: Case, card: Card, *, options: PreparationOptions, events: Events, with_truth: bool
) -> tuple[LoadedCase, Prepared]:
    """Load a case as ``load_for`` does, and prepare it as ``prepare_loaded`` does."""
    loaded = load_for(case, card, options=options, events=events, with_truth=with_truth)
    return loaded, prepare_loaded(loaded, card, options=options, events=events)


def prepare_loaded(loaded: LoadedCase, card: Card, *, options: PreparationOptions, events: Events) -> Prepared:
    """Prepare a case in memory as the card's normalisation asks: brain MRI, PET/CT, a CT or a picture."""
    how = {"spacing": card.spacing, "orientation": card.orientation, "options": options, "events": events}
    if card.normalisation == PETCT:
        return prepare_petct(loaded, **how)
    found = card.intensities
    if card.normalisation == PICTURE:
        return prepare_picture(loaded, role=card.roles[0], mean=found["mean"], sd=found["sd"])
    if card.normalisation == CT:
        filters = {name: found.get(name, "none") for name in ("denoise", "contrast")}
        window, (mean,), (sd,) = tuple(found["window"]), found["mean"], found["sd"]
        return prepare_ct(loaded, window=window, mean=mean, sd=sd, **filters, **how)
    return prepare_mri(
        loaded,
        roles=card.roles,
        spacing=card.spacing,
        orientation=card.orientation,
        space=card.space,
        normalisation=card.normalisation,
        options=options,
        events=events,
    )


def training_case(
    case: Case, arrays: tuple[np.ndarray, np.ndarray, np.ndarray], class_of: Mapping[int, int], *, axes: str
) -> TrainingCase:
    """A case ready for sampling: truth values become class indices, arrays get the network's axes.

    Raises
    ------
    InputError
        The truth holds a value that ``class_of`` does not name.
    """
    image, truth, mask = arrays
    table = np.full(256, 255, dtype=np.uint8)
    table[0] = 0
    for value, index in class_of.items():
        table[value] = index
    classes = table[truth]
    if (classes == 255).any():
        unknown = sorted(int(v) for v in np.unique(np.asarray(truth)[classes == 255]))
        raise InputError(
            f"{case.truth}: holds the values {unknown}, which no label names; mend the truth or dataset.json"
        )
    if axes == "ijk":
        image, classes, mask = image.transpose(0, 3, 2, 1), classes.transpose(2, 1, 0), mask.transpose(2, 1, 0)
    rng = np.random.default_rng(0)
    foreground = {int(c): _positions(classes == c, rng) for c in np.unique(classes) if c > 0}
    return TrainingCase(case.id, image, classes, foreground, _positions(np.asarray(mask), rng))


def unlabelled_case(case: Case, arrays: tuple[np.ndarray, np.ndarray, np.ndarray], *, axes: str) -> TrainingCase:
    """A case without a truth ready for sampling; its arrays get the network's axes."""
    image, truth, mask = arrays
    if axes == "ijk":
        image, truth, mask = image.transpose(0, 3, 2, 1), truth.transpose(2, 1, 0), mask.transpose(2, 1, 0)
    return TrainingCase(case.id, image, truth, {}, _positions(np.asarray(mask), np.random.default_rng(0)))


def class_counts(cases: list[TrainingCase]) -> dict[int, int]:
    """Voxels of each class over all cases (at most ``POSITIONS`` counted a case)."""
    counts: dict[int, int] = {}
    for case in cases:
        for index, positions in case.foreground.items():
            counts[index] = counts.get(index, 0) + len(positions)
    return counts


def _positions(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if mask.size > WHOLE_FROM and mask.all():  # a list of all voxels of a CT would not fit memory
        drawn = np.sort(rng.choice(mask.size, POSITIONS, replace=False))
        return np.stack(np.unravel_index(drawn, mask.shape), axis=1).astype(np.int32)
    positions = np.argwhere(mask).astype(np.int32)
    if len(positions) > POSITIONS:
        positions = positions[np.sort(rng.choice(len(positions), POSITIONS, replace=False))]
    return positions


def _keep(folder: Path, prepared: Prepared) -> None:
    truth = np.full(prepared.mask.shape, UNLABELLED, np.uint8) if prepared.truth is None else prepared.truth
    save: dict[str, Any] = {"image": prepared.array, "truth": truth, "mask": prepared.mask}
    try:
        with writing_folder(folder) as temporary:
            for name, array in save.items():
                np.save(temporary / f"{name}.npy", array)
            write_json(temporary / "steps.json", [str(step) for step in prepared.steps])
    except StorageError:
        if not (folder / "steps.json").is_file():  # else another training was faster with the same case
            raise
