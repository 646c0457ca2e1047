"""The layout of EBHI-Seg: a folder for each class, in it ``image`` and ``label`` with pictures of the same names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from ..imaging import image_stem, is_coloured, picture_suffix
from .case import PICTURE_ROLES, Case
from .finding import visible

IMAGES, LABELS = "image", "label"
# A mask marks what its picture is of, in "Normal" as in "Adenocarcinoma": one label, whatever the class.
LABEL_NAMES = {1: "tissue"}


def is_class_folders(folder: Path) -> bool:
    """Whether a folder is one of class folders, or a class folder itself."""
    return bool(_classes(folder))


def class_folder_cases(folder: Path, *, roles: Sequence[str] | None, with_truth: bool) -> tuple[list[Case], list[str]]:
    """A case for each picture, and what was ignored; the class is the case's ``class_name``.

    A case is called like its picture, with the class before it where two classes have a picture of that name. Whose it
    is says the name up to the first ``-`` (`patient_of_picture`).

    Raises
    ------
    InputError
        Roles that a picture does not have.
    """
    if roles is not None and (len(roles) != 1 or roles[0] not in PICTURE_ROLES):
        raise InputError(f"{folder}: holds pictures, the roles {', '.join(roles)} need other images; say rgb or grey")
    classes = _classes(folder)
    ignored = [] if classes == [folder] else [item.name for item in visible(folder) if item not in classes]
    found = [(place, path) for place in classes for path in visible(place / IMAGES)]
    ignored += [f"{place.name}/{IMAGES}/{path.name}" for place, path in found if picture_suffix(path) is None]
    found = [(place, path) for place, path in found if picture_suffix(path) is not None]
    stems = Counter(image_stem(path) for _, path in found)
    labels = {place: _labels(place) for place in classes}
    colour: dict[Path, bool] = {}
    cases = []
    for place, path in found:
        stem, role = image_stem(path), None if roles is None else roles[0]
        if role is None:  # the pictures of a class folder are of one kind
            role = PICTURE_ROLES[not colour.setdefault(place, is_coloured(path))]
        cases.append(
            Case(
                id=stem if stems[stem] == 1 else f"{place.name} {stem}",
                patient=patient_of_picture(stem),
                images={role: path},
                truth=labels[place].get(stem) if with_truth else None,
                class_name=place.resolve().name,
            )
        )
    return cases, ignored


def patient_of_picture(stem: str) -> str:
    """The patient that the name of an EBHI-Seg picture says.

    The name up to the first ``-``, upper-cased, a repeated leading GT reduced to one: ``GTxc2012436-1-400-001`` and
    ``GTGTXC2012436-2-400-003`` are of one patient. One patient may appear in several classes.
    """
    return re.sub(r"^(GT)+", "GT", stem.partition("-")[0].upper())


def _classes(folder: Path) -> list[Path]:
    places = [folder, *(item for item in visible(folder) if item.is_dir())]
    found = [place for place in places if (place / LABELS).is_dir() and _has_pictures(place / IMAGES)]
    return found[:1] if found[:1] == [folder] else found


def _has_pictures(folder: Path) -> bool:
    return folder.is_dir() and any(picture_suffix(path) for path in visible(folder))


def _labels(place: Path) -> dict[str, Path]:
    return {image_stem(path): path for path in visible(place / LABELS) if picture_suffix(path)}
