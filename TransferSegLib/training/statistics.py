"""What a card says of its training set: mean and SD of each channel, and the spacing that is usual in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..cases import Case
from ..errors import InputError
from ..events import Events
from ..imaging import read_header
from ..packages import CT, PICTURE, Card
from ..preparing import PreparationOptions
from .prepared import prepare_case


def usual_spacing(cases: Sequence[Case], card: Card) -> tuple[float, ...]:
    """Median over the cases of the reference images' spacing, mm, along the card's axes i, j (and k in 3-D)."""
    found = [read_header(case.images[card.reference]).reoriented(card.orientation).spacing for case in cases]
    return tuple(round(float(s), 3) for s in np.median(np.array(found), axis=0)[: card.dims])


def with_statistics(cases: Sequence[Case], card: Card, *, options: PreparationOptions, events: Events) -> Card:
    """The card with ``mean`` and ``sd`` of each channel over all prepared pixels of the training cases.

    Each pixel of each case counts once; a spacing that is not given yet is the usual one. Nothing is done for a card
    that has both already, or whose normalisation takes neither.

    Raises
    ------
    InputError
        All pixels have one value: nothing lies inside the HU window.
    """
    if not card.spacing:
        card = replace(card, spacing=usual_spacing(cases, card))
    if card.normalisation not in (CT, PICTURE) or "mean" in card.intensities:
        return card
    channels = card.in_channels
    scale = {"mean": [0.0] * channels, "sd": [1.0] * channels}
    plain = replace(card, intensities=card.intensities | scale)
    count, total, squares = 0, np.zeros(channels), np.zeros(channels)
    for number, case in enumerate(cases):
        events.progress("measuring the training set", number, len(cases))
        _, prepared = prepare_case(case, plain, options=options, events=events.silent(), with_truth=False)
        values = prepared.array.reshape(channels, -1)
        count += values.shape[1]
        total += values.sum(axis=1, dtype=np.float64)
        squares += np.einsum("cn,cn->c", values, values, dtype=np.float64)
    events.progress("measuring the training set", len(cases), len(cases))
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0))
    if (spread < 1e-4).any():
        where = "inside the HU window" if card.normalisation == CT else "in a channel"
        raise InputError(f"{cases[0].id}: nothing differs {where} over the training cases; check window and images")
    numbers = {"mean": [round(float(m), 6) for m in mean], "sd": [round(float(s), 6) for s in spread]}
    return replace(card, intensities=card.intensities | numbers)
