"""Which models can follow slices as they change."""

from __future__ import annotations

from .card import Card
from .inputs import PETCT


def live_obstacle(card: Card) -> str:
    """What keeps a model from following slices.

    Returns
    -------
    str
        ``task`` (no segmentation), ``pet`` (needs units and body of the whole scan), ``volume`` (works in three
        dimensions), ``refiner`` (a second stage), ``space`` (slices of an atlas, not of the patient); empty for none.
    """
    if card.task != "segmentation":
        return "task"
    if card.normalisation == PETCT:
        return "pet"
    if card.dims != 2:
        return "volume"
    if card.refiner:
        return "refiner"
    return "space" if card.space != "native" else ""
