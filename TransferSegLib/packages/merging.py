"""Several models of one kind put into one package, whose probabilities are averaged (for example four folds)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .card import Card
from .composed import composed_state, network_parts
from .learned import learned_digests
from .package import Package, write_package

# What members must have in common: all that decides what goes in and what comes out.
_ALIKE = ("task", "roles", "reference", "labels", "network", "in_channels", "out_channels", "arguments", "space")
_ALIKE = (*_ALIKE, "spacing", "orientation", "axes", "normalisation", "intensities", "output", "combination")


def merge_packages(packages: Sequence[Package], target: Path | str, *, name: str) -> Package:
    """Write a package of all networks of ``packages``; the refiner, where one has it, comes along.

    Raises
    ------
    UsageError
        Fewer than two, models of another task or kind, two refiners.
    """
    cards = [package.card for package in packages]
    if len(cards) < 2:
        raise UsageError("models merge: name at least two models")
    first = cards[0]
    if first.task != "segmentation":
        raise UsageError(f"{first.name}: is a model for {first.task}; only models that make labels are merged")
    for card in cards[1:]:
        other = next((field for field in _ALIKE if _value(card, field) != _value(first, field)), None)
        if other is not None:
            raise UsageError(f"{card.name}: has another {other} than {first.name}; merge models of one kind")
    if first.combination != "mean":
        raise UsageError(f"{first.name}: weighs its networks; such a model is not merged")
    members: list[dict[str, Any]] = []
    refiners = []
    for package in packages:
        parts = network_parts(package.card, package.state())
        members += [parts[f"members.{n}"] for n in range(package.card.members)]
        refiners += [(package.card.refiner, parts["refiner"])] if package.card.refiner else []
    if len(refiners) > 1:
        raise UsageError("models merge: two of the models have a refiner; only one can come along")
    stage, weights = refiners[0] if refiners else ({}, None)
    card = replace(
        first,
        name=name,
        description=f"{len(members)} networks whose probabilities are averaged. {first.description}",
        members=len(members),
        refiner=stage,
        origin={"text": f"merged from {', '.join(card.name for card in cards)}"} | _learned(cards),
        measured_on=(),
        weights_sha256="",
    )
    return write_package(target, card, composed_state(members, refiner=weights))


def _learned(cards: Sequence[Card]) -> dict[str, Any]:
    """The record of what the members learned from, where each keeps one."""
    found = [learned_digests(card) for card in cards]
    return {} if None in found else {"inputs": {"training": sorted(set().union(*found))}}


def _value(card: Card, field: str) -> Any:
    """What is compared of a field: of labels only what decides the output."""
    if field == "labels":
        return [(label.value, label.name, label.channel) for label in card.labels]
    value = getattr(card, field)
    return list(value) if isinstance(value, tuple) else value
