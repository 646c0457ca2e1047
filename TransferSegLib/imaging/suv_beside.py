"""Numbers for SUV that stand in a file beside the PET, for verbs that have no option for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..errors import InputError, UsageError
from .formats import image_stem, image_suffix
from .suv_inputs import KINDS, entered
from .suv_sidecar import read_object

FOLDER_FILE = "pet.json"
_OPTIONS = {kind.option.split()[0]: key for key, kind in KINDS.items()}
_ANY = "|".join(_OPTIONS)
_SAYING = re.compile(rf"say (?:(?:--pet-unit|{_ANY})(?: [\w|]+)?(?:, | |$)?)+")


def file_beside(path: str | Path) -> Path:
    """``NAME.json`` of an image file, ``pet.json`` in the folder of a DICOM series."""
    path = Path(path)
    if path.is_dir():
        return path / FOLDER_FILE
    return path.parent / (FOLDER_FILE if image_suffix(path) is None else f"{image_stem(path)}.json")


def numbers_beside(path: str | Path) -> dict[str, Any]:
    """The numbers by the names of ``KINDS`` (``weight_kg``, ``dose_mbq``, ``injected``, ...) in that file.

    Raises
    ------
    InputError
        A file that is no JSON object, a number that no patient has.
    """
    file = file_beside(path)
    found = read_object(file, 'such as {"weight_kg": 70}')
    numbers = {key: found[key] for key in KINDS if key in found}
    try:
        entered(numbers)
    except UsageError as error:
        raise InputError(f"{file}: {_named(error.message)}") from error
    return numbers


def told_by_file(error: InputError, path: str | Path) -> InputError:
    """The same error for a verb without options for these numbers: it names the file that takes them."""

    place = "in that folder" if Path(path).is_dir() else "beside it"

    def instead(match: re.Match) -> str:
        options = re.findall(r"--[\w-]+", match.group())
        keys = ", ".join(f'"{_OPTIONS[one]}"' for one in options if one in _OPTIONS)
        unit = "say --pet-unit, " if "--pet-unit" in options else ""
        return f"{unit}write {keys} into {file_beside(path).name} {place}" if keys else match.group()

    return type(error)(_SAYING.sub(instead, error.message))


def _named(message: str) -> str:
    return re.sub(_ANY, lambda match: f'"{_OPTIONS[match.group()]}"', message)
