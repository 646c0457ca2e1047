"""Which file of a case is the truth, and whether its values are known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from . import words
from .finding import Found
from .guessing import guess_role

# BIDS says with label-22 or seg-vert what a file holds; its last word says what it is.
_ENTITY = re.compile(r"(^|_)(label|seg)-[A-Za-z0-9]+")


def looks_like_truth(stem: str) -> bool:
    """Whether a file name has ``gold_standard``, ``seg``, ``label``, ``mask``, ``truth`` or ``gt`` as a word."""
    plain = _ENTITY.sub("", stem)
    tokens = words.normalise(plain).split()
    text = " ".join(tokens)
    if words.BRAIN_MASK.search(text):
        return False
    if words.TRUTH_WORDS & set(tokens) or "gold standard" in text or "ground truth" in text:
        return True
    if plain == stem:
        return False
    last = words.normalise(stem).split()[-1]
    return guess_role(last) is None


def is_brain_mask(stem: str) -> bool:
    """Whether a name says that the file is a brain mask."""
    return words.BRAIN_MASK.search(words.normalise(stem)) is not None


def named(found: Sequence[Found], truth_name: str) -> list[Found]:
    """The files that ``--truth-name`` means: the whole stem, else the words of the stem."""
    wanted = words.normalise(truth_name)
    exact = [item for item in found if words.normalise(item.stem) == wanted]
    exact = exact or [item for item in found if item.path.name == truth_name]
    return exact or [item for item in found if f" {wanted} " in f" {words.normalise(item.stem)} "]


def choose_truth(candidates: Sequence[Found], *, reference_role: str | None, folder: Path) -> Found | None:
    """The one truth among files that look like one; ``ROLE_mask`` files give way to the reference role's.

    Raises
    ------
    InputError
        When several remain.
    """
    if len(candidates) <= 1:
        return candidates[0] if candidates else None
    owners = [guess_role(_ENTITY.sub("", item.stem)) for item in candidates]
    of_reference = [
        item for item, owner in zip(candidates, owners) if owner is not None and owner.role == reference_role
    ]
    of_nobody = [item for item, owner in zip(candidates, owners) if owner is None]
    for group in (of_reference, of_nobody):
        if len(group) == 1:
            return group[0]
    names = ", ".join(item.label for item in candidates)
    raise InputError(f"{folder}: several files could be the truth ({names}); say --truth-name NAME")


def check_truth_values(truth: sitk.Image | np.ndarray, known: Iterable[int] | Mapping[int, str], path: Path) -> None:
    """Raise ``InputError`` when a truth holds values that the labels at hand do not name.

    Parameters
    ----------
    truth : image or array
        The label map.
    known : values, or a dict of value to name
        0 (background) is always known.
    path : path
        What the message names.
    """
    unknown = sorted(set(truth_values(truth)) - {int(v) for v in known} - {0})
    if unknown:
        values = ", ".join(str(v) for v in unknown[:8])
        names = ", ".join(f"{v} = {n}" for v, n in known.items()) if isinstance(known, Mapping) else str(sorted(known))
        raise InputError(
            f"{path}: its truth holds the value {values} that no label has ({names}); add it to the labels or map it"
        )


def truth_values(truth: sitk.Image | np.ndarray) -> list[int]:
    """The values in a label map, ascending."""
    array = truth if isinstance(truth, np.ndarray) else sitk.GetArrayViewFromImage(truth)
    if array.dtype == np.uint8:
        return [int(v) for v in np.flatnonzero(np.bincount(array.ravel(), minlength=256))]
    return [int(v) for v in np.unique(array)]
