"""Cards and packages of small networks for the tests of exporting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers_networks import VARIANTS, build

from TransferSegLib.networks import network_spec, state_to_save
from TransferSegLib.packages import Card, Label, Package, write_package

ROLES = ("flair", "t1", "t1gd", "t2")
# One of each kind: the plain U-Nets of other widths and VGG19 are the same layers again, refiners are second stages.
KINDS = tuple(
    name
    for name in VARIANTS
    if name != "regressor"
    and "refiner" not in name
    and name not in ("unet2d-64-128-256-512", "unet2d-32-64-128-256", "unet3d-64-128-256-512", "unet3d-32-64-128-256")
    and name != "l3-vgg19"
)


def card_of(variant: str, **change: Any) -> Card:
    """A card that fits a small variant: four sequences and three classes, or a level."""
    name, arguments = VARIANTS[variant]
    if variant.startswith("l3-"):
        return level_card(variant, **change)
    given = {
        "name": variant,
        "description": "made in a test",
        "roles": ROLES,
        "labels": (Label(1, "tumour", 1), Label(2, "oedema", 2)),
        "network": name,
        "arguments": arguments,
        "in_channels": 4,
        "out_channels": 3,
        "window": (32, 32, 32)[-network_spec(name).dims :],
    }
    return Card(**given | change)


def level_card(variant: str, **change: Any) -> Card:
    """The card of a small level network."""
    name, arguments = VARIANTS[variant]
    confidence = variant == "l3-map"
    given = {
        "name": variant,
        "description": "made in a test",
        "roles": ("ct",),
        "labels": (Label(1, "L3", 0),),
        "network": name,
        "arguments": arguments,
        "in_channels": 1,
        "out_channels": 1,
        "task": "level",
        "output": "confidence-map" if confidence else "offset",
        "level": "L3",
        "normalisation": "projection",
        "window": (arguments["rows"], arguments["width"]),
        "spacing": (8.0, 8.0),
        "projection": {"views": ["frontal"], "hu": [100, 1500], "evaluation": "dense", "step": 4},
    }
    return Card(**given | change)


def small_package(folder: Path, variant: str, **change: Any) -> Package:
    """A package of a small variant with new weights."""
    card = card_of(variant, **change)
    module = built(variant)
    return write_package(folder, card, state_to_save(card.network, module))


def built(variant: str) -> Any:
    """The module that fits `card_of`."""
    confidence = variant == "l3-map"
    return build(variant, inputs=1 if confidence else 4, outputs=1 if confidence else 3)[2].eval()
