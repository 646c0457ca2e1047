"""From a case and a model to a label map on the case's reference grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..cases import Case, LoadedCase
from ..events import Events
from ..inference import Box, Fitted, OutputRule, Prediction, choose_device, segment_array
from ..networks import network_divisor
from ..packages import Card, Package
from ..preparing import PreparationOptions, Prepared, restore_labels, restore_map
from ..training import load_for, prepare_loaded
from .refining import refined

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Model:
    """A card and a network with its weights, ready to predict."""

    card: Card
    module: nn.Module | Fitted

    @staticmethod
    def open(package: Package) -> Model:
        """Load a package's weights (checked)."""
        return Model(package.card, package.network())

    @property
    def rule(self) -> OutputRule:
        """How the network's channels become label values."""
        return OutputRule.of_card(self.card)


@dataclass(frozen=True)
class Segmented:
    """The result for one case: ``labels`` uint8 and, on request, ``entropy`` float32 on the reference grid."""

    labels: sitk.Image
    entropy: sitk.Image | None
    loaded: LoadedCase
    prepared: Prepared
    device: str
    precision: str


def predict_array(
    model: Model,
    array: np.ndarray,
    mask: np.ndarray | None,
    *,
    device: str = "auto",
    precision: str = "auto",
    flips: bool = False,
    uncertainty: bool = False,
    probability: int | None = None,
    within: Box | None = None,
    events: Events | None = None,
) -> Prediction:
    """Segment a prepared array (channel, k, j, i), in the axes of the card; labels end at the mask.

    With ``probability`` (a place among the card's labels) that label's map comes too. ``within`` (of a network that
    works on slices) is what the windows cover, instead of the mask's bounding box.
    """
    card = model.card
    turned = card.axes == "ijk"
    if turned:
        array = np.ascontiguousarray(array.transpose(0, 3, 2, 1))
        mask = None if mask is None else np.ascontiguousarray(mask.transpose(2, 1, 0))
    divisor = network_divisor(card.network, card.arguments)
    prediction = segment_array(
        model.module,
        array,
        mask,
        outputs=model.rule,
        window=card.window_kji,
        overlap=card.overlap,
        device=device,
        precision=precision,
        flips=flips,
        uncertainty=uncertainty,
        probability=probability,
        divisor=(1, divisor, divisor) if card.dims == 2 else divisor,
        dims=card.dims,
        within=within,
        events=events,
    )
    labels = prediction.labels
    if mask is not None:
        labels = np.where(mask, labels, np.uint8(0))
    parts = {"labels": labels, "entropy": prediction.entropy, "probability": prediction.probability}
    if turned:
        parts = {name: None if p is None else np.ascontiguousarray(p.transpose(2, 1, 0)) for name, p in parts.items()}
    return replace(prediction, **parts)


def segment_case(
    model: Model,
    case: Case,
    *,
    options: PreparationOptions,
    device: str = "auto",
    precision: str = "auto",
    flips: bool = False,
    uncertainty: bool = False,
    with_truth: bool = False,
    events: Events,
) -> Segmented:
    """Load and prepare a case, predict, and bring the result back to the reference image's own grid."""
    choose_device(device)  # a GPU that is not there is said before any work
    loaded = load_for(case, model.card, options=options, events=events, with_truth=with_truth)
    how = {"device": device, "precision": precision, "flips": flips, "uncertainty": uncertainty}
    return segment_loaded(model, loaded, options=options, events=events, **how)


def segment_loaded(
    model: Model,
    loaded: LoadedCase,
    *,
    options: PreparationOptions,
    device: str = "auto",
    precision: str = "auto",
    flips: bool = False,
    uncertainty: bool = False,
    events: Events,
) -> Segmented:
    """The same for a case in memory, whose images were read and checked.

    Where the package has a refiner, what the network gives is refined at the reference image's spacing.
    """
    choose_device(device)
    prepared = prepare_loaded(loaded, model.card, options=options, events=events)
    how = {"device": device, "precision": precision, "flips": flips, "events": events}
    two = bool(model.card.refiner)
    prediction = predict_array(
        model,
        prepared.array,
        prepared.mask,
        uncertainty=uncertainty and not two,
        probability=0 if two else None,
        **how,
    )
    if two:
        prepared, prediction = refined(
            model.card, model.module, model.rule, loaded, prepared, prediction, options, uncertainty, how
        )
    entropy = None if prediction.entropy is None else restore_map(prediction.entropy, prepared)
    labels = restore_labels(prediction.labels, prepared)
    return Segmented(labels, entropy, loaded, prepared, prediction.device, prediction.precision)
