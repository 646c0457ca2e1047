"""The level model that a training starts from: its card, its network, what was transferred."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..events import Events
from ..networks import build_network, load_imagenet
from ..packages import Card, Label, Package
from ..strategies import Strategy, TransferReport, transfer_weights
from .predict import Model

DEFAULT_NETWORK = "l3-cnn4"
VIEWS = {"frontal": ("frontal",), "lateral": ("lateral",), "both": ("frontal", "lateral")}
HEADS = ("offset", "map")
EVALUATIONS = ("dense", "windows")
# Belharbi et al. 2017: windows of 100 rows of 1 mm; Kanavati et al. 2018: maps of 256 rows.
ROWS, MAP_ROWS, WIDTH, HU, STEP = 100, 256, 512, (100.0, 1500.0), 2


@dataclass(frozen=True)
class LevelOptions:
    """What a user may set for a level model; None means the source's, or the default of a new one.

    Parameters
    ----------
    level : str, optional
        Which rows of the data set; its only level by default.
    views : {"frontal", "lateral", "both"}, optional
    evaluation : {"dense", "windows"}, optional
        What it is trained for and read by.
    head : {"offset", "map"}, optional
        ``map`` is the network ``l3-map``.
    imagenet : str, optional
        A file, ``download``, ``hub`` or ``none``: where a new backbone starts from.
    """

    level: str | None = None
    views: str | None = None
    evaluation: str | None = None
    head: str | None = None
    imagenet: str | None = None

    def given(self) -> list[str]:
        """The options that were set, as they are written."""
        return [f"--{name}" for name, value in vars(self).items() if value is not None]


@dataclass(frozen=True)
class LevelTarget:
    """Where a level training starts; ``transfer`` is None without a source's weights."""

    model: Model
    transfer: TransferReport | None


def check_level_options(options: LevelOptions, network: str | None, package: Package | None) -> None:
    """Refuse what does not belong together, before any work (``UsageError``)."""
    for name, value, known in (
        ("views", options.views, VIEWS),
        ("evaluation", options.evaluation, EVALUATIONS),
        ("head", options.head, HEADS),
    ):
        if value is not None and value not in known:
            raise UsageError(f"--{'view' if name == 'views' else name} {value}: choose {', '.join(known)}")
    if package is None:
        is_map = network == "l3-map"
        if options.head is not None and network is not None and (options.head == "map") != is_map:
            raise UsageError(f"--head {options.head}: {network} has another head; leave one of the two out")
        return
    card = package.card
    head = "map" if card.output == "confidence-map" else "offset"
    views = next((name for name, views in VIEWS.items() if list(views) == list(card.projection["views"])), None)
    if options.views not in (None, views):
        raise UsageError(f"--view {options.views}: {card.name} takes {views}; leave it out, or train with --from none")
    if options.head not in (None, head):
        raise UsageError(f"--head {options.head}: {card.name} has the head {head}; leave it out")
    if network not in (None, card.network):
        raise UsageError(f"--network {network}: {card.name} is a {card.network}; leave it out")


def level_target(
    name: str,
    package: Package | None,
    level: str,
    chosen: Strategy,
    network: str | None,
    options: LevelOptions,
    *,
    seed: int,
    events: Events,
) -> LevelTarget:
    """The card and network to start from, with the source's weights, ImageNet's, or new ones drawn by ``seed``."""
    import torch

    torch.manual_seed(seed)
    card = _new_card(name, level, network, options) if package is None else _card(name, package.card, level, options)
    module = build_network(card.network, card.in_channels, card.out_channels, card.arguments)
    transfer = None
    if package is not None and chosen.starts_from_source:
        transfer = transfer_weights(package.state(), module, card.network)
    else:
        events.say(load_imagenet(card.network, module, options.imagenet))
    return LevelTarget(Model(card, module), transfer)


def _card(name: str, old: Card, level: str, options: LevelOptions) -> Card:
    projection = dict(old.projection)
    if options.evaluation is not None:
        projection["evaluation"] = options.evaluation
    projection.pop("confidence", None)  # it was fitted to the source's votes
    return replace(
        old,
        name=name,
        level=level,
        labels=_labels(level),
        projection=projection,
        origin={},
        measured_on=(),
        weights_sha256="",
    )


def _new_card(name: str, level: str, network: str | None, options: LevelOptions) -> Card:
    network = network or ("l3-map" if options.head == "map" else DEFAULT_NETWORK)
    is_map = network == "l3-map"
    rows, views = MAP_ROWS if is_map else ROWS, VIEWS[options.views or "frontal"]
    return Card(
        name=name,
        description="",
        roles=("ct",),
        labels=_labels(level),
        network=network,
        in_channels=len(views),
        out_channels=1,
        arguments={"rows": rows, "width": WIDTH},
        task="level",
        output="confidence-map" if is_map else "offset",
        level=level,
        spacing=(1.0, 1.0),
        window=(rows, WIDTH),
        normalisation="projection",
        projection=_projection(views, options),
    )


def _projection(views: tuple[str, ...], options: LevelOptions) -> dict[str, Any]:
    return {"views": list(views), "hu": list(HU), "evaluation": options.evaluation or "dense", "step": STEP}


def _labels(level: str) -> tuple[Label, ...]:
    return (Label(1, level, 0),)


def default_name(out: str | Path) -> str:
    """The model's name, after its folder."""
    return Path(out).name
