"""Which networks can be taught in a model's place."""

from __future__ import annotations

from ..networks import REFINERS, NetworkSpec, network_names, network_spec
from .card import Card
from .inputs import PETCT

SLICES = "unet2d-32-64-128"
"""The usual student: quick on a CPU, and able to follow slices."""
VOLUMES = "unet3d-8-16-32"
"""The usual student of a 3-D model of brain MRI; the shipped light one is such a network."""


def student_networks(card: Card) -> tuple[NetworkSpec, ...]:
    """The networks that `distill` takes as students of a model, 2-D ones first; none for a model without labels.

    Beside those of the registry there is ``unet3d-8-16-32``, which is lighter than all of its 3-D ones.
    """
    if card.task != "segmentation":
        return ()
    names = dict.fromkeys((*network_names(), VOLUMES))
    specs = [network_spec(name) for name in names]
    return tuple(sorted((spec for spec in specs if is_student(spec, card)), key=lambda spec: spec.dims))


def usual_student(card: Card) -> str:
    """The network to propose as a student."""
    return VOLUMES if card.dims == 3 and card.normalisation == "zscore-brain" else SLICES


def is_student(spec: NetworkSpec, card: Card) -> bool:
    """Whether a segmentation model can teach a network: it gives labels, for the model's roles and dimensions."""
    if not spec.has_decoder or spec.name in REFINERS or spec.name.startswith("l3-"):
        return False
    if spec.name.startswith("petct") and card.normalisation != PETCT:
        return False
    return spec.dims == 2 or len(card.spacing) == 3
