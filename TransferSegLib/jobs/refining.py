"""The second stage of a PET/CT model: from the first one's probability to labels at the PET's own spacing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..cases import LoadedCase
from ..events import Events
from ..imaging import from_array
from ..inference import OutputRule, Prediction, segment_array
from ..networks import network_divisor
from ..packages import Card
from ..preparing import PreparationOptions, Prepared, place_image, prepare_petct

OVERLAP = 0.5


def refiner_inputs(
    card: Card, loaded: LoadedCase, coarse: Prepared, first: Prediction, options: PreparationOptions, events: Events
) -> Prepared:
    """The case at the reference's own spacing; ``array`` (6, k, j, i) float32 is what the refiner takes.

    That is the five channels and, last, the first stage's probability (``first.probability`` on ``coarse``), laid over
    them linearly, 0 where the first stage did not look. Inference and training take it from here alike.
    """
    how = {"orientation": card.orientation, "options": options, "events": events.silent()}
    fine = prepare_petct(loaded, spacing=None, **how)
    probability = place_image(from_array(first.probability, coarse.grid), fine.grid)
    return replace(fine, array=np.concatenate([fine.array, probability[None]]))


def refined(
    card: Card,
    module: Any,
    rule: OutputRule,
    loaded: LoadedCase,
    coarse: Prepared,
    first: Prediction,
    options: PreparationOptions,
    uncertainty: bool,
    how: dict[str, Any],
) -> tuple[Prepared, Prediction]:
    """Prepare the case at the reference's own spacing (`refiner_inputs`) and run the refiner over it.

    Parameters
    ----------
    module : Ensemble
        With the refiner.
    how : dict
        ``device, precision, flips, events``, as `segment_array` takes them.
    """
    fine = refiner_inputs(card, loaded, coarse, first, options, how["events"])
    second = refined_array(card, module, rule, fine.array, fine.mask, uncertainty=uncertainty, **how)
    labels = np.where(fine.mask, second.labels, np.uint8(0))
    return fine, replace(second, labels=labels, seconds=first.seconds + second.seconds)


def refined_array(
    card: Card, module: Any, rule: OutputRule, array: np.ndarray, mask: np.ndarray, **how: Any
) -> Prediction:
    """Run the refiner over what `refiner_inputs` gives; windows are weighed centrally."""
    return segment_array(
        module.refiner,
        array,
        mask,
        outputs=replace(rule, channels=(1,)),
        window=tuple(card.refiner["window"]),
        overlap=card.refiner.get("overlap", OVERLAP),
        weighting="central",
        divisor=network_divisor(card.refiner["network"], card.refiner.get("arguments") or None),
        **how,
    )
