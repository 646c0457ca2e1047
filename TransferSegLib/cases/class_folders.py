"""The layout of EBHI-Seg: a folder for each class, in it ``image`` and ``label`` with pictures of the same names.

Cases without a truth (``--unlabelled``) have no ``label``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from ..imaging import image_stem, is_coloured, picture_suffix
from .case import PICTURE_ROLES, Case
from .finding import visible
from .patients import patient_of_picture

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
        Roles that a picture does not have; two masks for one picture.
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
    known = {(place, image_stem(path)) for place, path in found}
    ignored += [
        f"{place.name}/{LABELS}/{path.name}"
        for place, masks in labels.items()
        for stem, path in masks.items()
        if (place, stem) not in known
    ]
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


def _classes(folder: Path) -> list[Path]:
    places = [folder, *(item for item in visible(folder) if item.is_dir())]
    # One picture without a label may as well be a case of its own, whose folder is called so.
    least = {place: 1 if (place / LABELS).is_dir() else 2 for place in places}
    found = [place for place in places if len(_pictures(place / IMAGES)) >= least[place]]
    return found[:1] if found[:1] == [folder] else found


def _pictures(folder: Path) -> list[Path]:
    return [path for path in visible(folder) if picture_suffix(path)] if folder.is_dir() else []


def _labels(place: Path) -> dict[str, Path]:
    """The masks of a class by the name of their picture."""
    found: dict[str, Path] = {}
    for path in _pictures(place / LABELS):
        other = found.setdefault(image_stem(path), path)
        if other != path:
            raise InputError(f"{place / LABELS}: {other.name} and {path.name} are for one picture; keep one of them")
    return found
