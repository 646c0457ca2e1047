"""The record that a segmentation model keeps of the cases it learned from: digests of their files, no name."""

from __future__ import annotations

from .card import Card


def learned_digests(card: Card) -> set[str] | None:
    """Digests of all cases (``training.case_hash``) that a model learned from; None where its card keeps no record."""
    inputs = card.origin.get("inputs")
    if not isinstance(inputs, dict):
        return None
    return {digest for part in ("training", "before", "unlabelled") for digest in inputs.get(part) or ()}
