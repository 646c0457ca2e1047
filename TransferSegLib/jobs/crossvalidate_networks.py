"""Training one model on the projections of a fold, from new weights, ImageNet's or a model's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..events import Events
from ..level.forest import FORESTS, Forest
from ..packages import Card, Label
from ..training.level_plan import MAPS, LevelPlan
from .crossvalidate_data import LevelProjection
from .crossvalidate_plan import Protocol, Variant
from .crossvalidate_reading import Trained

if TYPE_CHECKING:
    from torch import nn

    from ..strategies import Strategy
    from ..training import Run


@dataclass(frozen=True)
class Start:
    """Where a network's weights come from.

    ``imagenet`` is a file, ``download``, ``hub`` or ``none``; ``state`` the weights of a model of our own, which
    ``strategy`` then adapts.
    """

    imagenet: str | None = None
    state: Mapping[str, Any] | None = None
    strategy: Strategy | None = None


def train_forest(
    variant: Variant, cases: Sequence[LevelProjection], protocol: Protocol, *, seed: int, events: Events
) -> Trained:
    """A random forest on the windows of a fold."""
    forest = Forest(
        FORESTS[variant.backbone], protocol.rows, protocol.width, windows=protocol.forest_windows, seed=seed
    )
    forest.fit([(case.pixels, case.row if case.in_view else None) for case in cases], events=events)
    return Trained(variant, forest, protocol, "cpu", {"nodes": forest.nodes, "start": "grown anew"})


def train_network(
    variant: Variant,
    cases: Sequence[LevelProjection],
    protocol: Protocol,
    *,
    views: tuple[str, ...],
    seed: int,
    run: Run,
    device: str,
    events: Events,
    start: Start | None = None,
) -> Trained:
    """A network trained on the projections of a fold; an interrupted ``run`` is gone on with.

    Raises
    ------
    UsageError
        It is not said where a backbone's ImageNet weights are.
    """
    from ..inference import choose_device
    from .level_training import train_level

    start = start or Start()
    module, words = new_network(variant, protocol, views, seed, start)
    freezing = None
    if start.strategy is not None:
        from ..strategies import apply_strategy

        freezing = apply_strategy(start.strategy, variant.network, module)
    chosen = choose_device(device, network=module)
    plan = _plan(variant, protocol, module, seed, start)
    progress = train_level(
        module,
        card_of(variant, protocol, views),
        [_example(case) for case in cases],
        plan,
        run=run,
        events=events,
        freezing=freezing,
        device=device,
    )
    facts = {
        "parameters": sum(p.numel() for p in module.parameters()),
        "trainable": sum(p.numel() for p in module.parameters() if p.requires_grad),
        "steps": progress.step,
        "precision": chosen.precision,
        "device": chosen.name,
        "start": words,
        "plan": plan.to_json(),
    }
    return Trained(variant, module, protocol, chosen.name, facts)


def card_of(variant: Variant, protocol: Protocol, views: tuple[str, ...]) -> Card:
    """What training and reading know of a model; it is of no use as a package."""
    return Card(
        name=variant.name.replace(":", "-"),
        description="one cell of a cross-validation",
        roles=("ct",),
        labels=(Label(1, "level", 0),),
        network=variant.network,
        in_channels=len(views),
        out_channels=1,
        task="level",
        output="confidence-map" if variant.evaluation == MAPS else "offset",
        level="level",
        spacing=(protocol.row_mm, protocol.row_mm),
        window=(protocol.rows, protocol.width),
        normalisation="projection",
        projection={
            "views": list(views),
            "hu": list(protocol.spec("frontal").hu),
            "evaluation": "windows" if variant.evaluation == "windows" else "dense",
            "step": 1,
        },
    )


def new_network(
    variant: Variant, protocol: Protocol, views: tuple[str, ...], seed: int, start: Start
) -> tuple[nn.Module, str]:
    """The network with its first weights, and a sentence on where they come from."""
    import torch

    from ..networks import build_network
    from ..networks.imagenet import load_imagenet

    torch.manual_seed(seed)
    sizes = {} if variant.evaluation == MAPS else {"rows": protocol.rows, "width": protocol.width}
    module = build_network(variant.network, len(views), 1, sizes)
    if start.state is None:
        return module, load_imagenet(variant.network, module, start.imagenet)
    module.load_state_dict(start.state)
    return module, f"{variant.network} starts from a model of another kind of scans"


def check_imagenet(chosen: Sequence[Variant], imagenet: Mapping[str, str]) -> None:
    """Refuse now what would be refused after hours.

    Raises
    ------
    UsageError
        It is not said where the ImageNet weights of a backbone are, or a backbone is named that is not trained.
    InputError
        A weights file that cannot be used.
    """
    from ..networks.imagenet import imagenet_state

    backbones = {variant.backbone for variant in chosen if variant.takes_imagenet}
    unknown = sorted(set(imagenet) - backbones - {""})
    if unknown:
        raise UsageError(f"--imagenet {unknown[0]}=...: {unknown[0]} is not among the networks; leave it out")
    for backbone in sorted(backbones):
        imagenet_state(backbone, imagenet_of(backbone, imagenet))


def check_window(variant: Variant, protocol: Protocol, views: tuple[str, ...]) -> None:
    """``UsageError`` now where a backbone cannot take the plan's window."""
    if variant.evaluation != "forest":
        try:
            new_network(variant, protocol, views, 0, Start(imagenet="none"))
        except UsageError as error:
            raise UsageError(f"--networks {variant.name}, plan {protocol.name}: {error.message}") from None


def imagenet_of(backbone: str, imagenet: Mapping[str, str]) -> str | None:
    """Where a backbone's weights are: its own entry, else the one for all (under an empty name)."""
    return imagenet.get(backbone, imagenet.get(""))


def _plan(variant: Variant, protocol: Protocol, module: nn.Module, seed: int, start: Start) -> LevelPlan:
    stride = getattr(module, "stride", 1)
    plan = protocol.training_plan(
        variant, stride=stride, seed=seed, imagenet=start.imagenet not in (None, "none") or start.state is not None
    )
    if variant.evaluation == MAPS:  # tall crops, as a map has no window
        plan = replace(plan, crop_rows=-(-plan.rows * 5 // 2 // 16) * 16)
    return plan


def _example(case: LevelProjection) -> Any:
    from ..training.level_batches import LevelExample

    return LevelExample(case.id, case.pixels, case.row, case.where)
