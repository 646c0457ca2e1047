"""Matching of labels and image roles between a source model and a target data set."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from ..errors import UsageError

_SPELLINGS = (("oedema", "edema"), ("tumour", "tumor"), ("haemo", "hemo"), ("grey", "gray"), ("_", " "), ("-", " "))


class SourceLabel(Protocol):
    """A label of a card: its name, value in label maps, output channel, and other names for it."""

    name: str
    value: int
    channel: int
    aliases: Sequence[str]


def fold_name(name: str) -> str:
    """A name without case, accents and the differences of British and American spelling."""
    text = unicodedata.normalize("NFKD", str(name).replace("œ", "oe").replace("Œ", "oe"))
    text = "".join(character for character in text if not unicodedata.combining(character)).casefold().strip()
    for british, american in _SPELLINGS:
        text = text.replace(british, american)
    return " ".join(text.split())


def match_labels(
    target: Mapping[int, str],
    source: Iterable[SourceLabel],
    mapping: Mapping[str, str] | None = None,
) -> dict[int, SourceLabel | None]:
    """Find for each label of the target the source's label that it continues.

    A mapping comes first; then the name or an alias (case, accents and British or American spelling do not count);
    then, for a label whose name the source does not have, an equal value that nothing else has taken. Two labels
    share one of the source's only where the mapping says so.

    Parameters
    ----------
    target : mapping of int to str
        Foreground values of the target's truth, with their names.
    source : iterable of labels
        With ``name``, ``value``, ``channel``, ``aliases``.
    mapping : mapping of str to str, optional
        Target name (or value as text) to source name (or value as text), as in ``--map lesion=oedema``;
        ``none`` on the right starts a label from scratch.

    Returns
    -------
    dict of int to (label or None)
        For each target value; None = new, from scratch.

    Raises
    ------
    UsageError
        For a mapping of something that the target or the source does not have; lists what there is.
    """
    labels = list(source)
    found: dict[int, SourceLabel | None] = {}
    for left, right in (mapping or {}).items():
        value = _target_value(left, target)
        if value in found:
            raise UsageError(f"--map {left}={right}: {target[value]} is mapped twice; map it once")
        found[value] = _source_label(left, right, labels)
    taken = [id(label) for label in found.values() if label is not None]
    rules = (
        lambda value, label: fold_name(target[value]) in _names(label),
        lambda value, label: value == label.value,
    )
    for rule in rules:
        for value in target:
            if value in found:
                continue
            match = next((label for label in labels if id(label) not in taken and rule(value, label)), None)
            if match is not None:
                found[value] = match
                taken.append(id(match))
    return {value: found.get(value) for value in target}


def map_roles(
    target_roles: Sequence[str], source_roles: Sequence[str], *, new: str | None = "mean"
) -> dict[int, int | str | None]:
    """The ``channel_map`` of `transfer_weights`: equal roles match in any order, others start as ``new``.

    ``new`` is ``"mean"`` (of the source's channels) or None (from scratch).
    """
    places = {role: channel for channel, role in enumerate(source_roles)}
    return {channel: places.get(role, new) for channel, role in enumerate(target_roles)}


def _names(label: SourceLabel) -> set[str]:
    return {fold_name(name) for name in (label.name, *(label.aliases or ()))}


def _target_value(text: str, target: Mapping[int, str]) -> int:
    """The target value that a mapping's left side names."""
    for value, name in target.items():
        if fold_name(name) == fold_name(text):
            return value
    for value in target:
        if str(value) == text.strip():
            return value
    there = ", ".join(f"{name} ({value})" for value, name in target.items())
    raise UsageError(f"--map {text}=...: the data have no label {text!r}; use one of {there}")


def _source_label(left: str, text: str, labels: list[SourceLabel]) -> SourceLabel | None:
    """The source label that a mapping's right side names; None for ``none``."""
    for label in labels:
        if fold_name(text) in _names(label):
            return label
    for label in labels:
        if str(label.value) == text.strip():
            return label
    if fold_name(text) == "none":
        return None
    there = ", ".join(f"{label.name} ({label.value})" for label in labels)
    raise UsageError(f"--map {left}={text}: the model has no label {text!r}; use one of {there}, or none")
