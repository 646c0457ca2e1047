"""dataset.json: what the nnU-Net and the Decathlon say of a data set."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError


@dataclass(frozen=True)
class Description:
    """What was found in a ``dataset.json``; everything may be absent.

    ``channels`` are names by number (``{0: "FLAIR"}``); ``training`` the Decathlon's (image, label) pairs.
    """

    channels: dict[int, str] = field(default_factory=dict)
    label_names: dict[int, str] | None = None
    training: tuple[tuple[str, str | None], ...] = ()
    file_ending: str | None = None


def read_description(folder: Path) -> Description | None:
    """The ``dataset.json`` of a folder, or None where there is none.

    Raises
    ------
    InputError
        When it is not valid JSON or its labels cannot be told apart.
    """
    path = folder / "dataset.json"
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(content, dict):
            raise ValueError("not an object")
        channels = content.get("channel_names") or content.get("modality") or {}
        return Description(
            channels={int(number): str(name) for number, name in _pairs(channels)},
            label_names=_labels(content.get("labels"), path),
            training=tuple(_training(content.get("training") or ())),
            file_ending=content.get("file_ending"),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise InputError(f"{path}: cannot be understood ({str(error)[:80]}); correct the file") from error


def _pairs(table: Any) -> list[tuple]:
    return list(table.items()) if isinstance(table, dict) else list(enumerate(table))


def _training(entries: Any) -> list[tuple[str, str | None]]:
    """Decathlon entries; the nnU-Net's old format lists plain names, which its folders show as well."""
    return [(str(entry["image"]), entry.get("label")) for entry in entries if isinstance(entry, dict)]


def _labels(labels: Any, path: Path) -> dict[int, str] | None:
    """Value to name without the background, from ``{"1": "tumour"}`` or ``{"tumour": 1}``."""
    if not isinstance(labels, dict) or not labels:
        return None
    result: dict[int, str] = {}
    for key, value in labels.items():
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, list):
            raise InputError(
                f"{path}: label {key!r} is a region of several values {value}; give each value its own name"
            )
        number, name = (int(key), str(value)) if str(key).strip().isdigit() else (int(value), str(key))
        if number in result:
            raise InputError(f"{path}: labels {result[number]!r} and {name!r} have the same value {number}; correct it")
        if number:
            result[number] = name
    return result or None
