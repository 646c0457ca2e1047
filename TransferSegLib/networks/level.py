"""Networks that find a vertebral level: regressors on torchvision's backbones and on CNN4, and the confidence map.

Belharbi et al. 2017 name CNN4, AlexNet, VGG16, VGG19 and GoogLeNet; any other classifier of torchvision is there as
``l3-<name>``. Groups: ``stem`` is the first stage, ``enc1..N`` the further ones (a stage ends where the rows become
fewer), ``head`` the linear output; a regressor has no decoder. The map has one (``decN..1``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import UsageError
from .spec import Group, Groups, NetworkSpec

if TYPE_CHECKING:
    from torch import nn

PUBLISHED = {"cnn4": "CNN4", "alexnet": "AlexNet", "vgg16": "VGG16", "vgg19": "VGG19", "googlenet": "GoogLeNet"}
_ABSENT = {"poster": "the published table has no such network"}


def _regressor_groups(module: nn.Module) -> Groups:
    stages = [tuple(f"trunk.{name}" for name in names) for names in module.stage_names]
    levels = [
        Group("stem" if level == 0 else f"enc{level}", names, "encoder", level) for level, names in enumerate(stages)
    ]
    return (*levels, Group("head", ("head",)))


def _map_groups(module: nn.Module) -> Groups:
    deepest, depth = len(module.downs) - 1, len(module.ups)
    levels = [
        Group("stem" if level == 0 else f"enc{level}", (f"downs.{level}",), "encoder", level)
        for level in range(deepest)
    ]
    ups = [Group(f"dec{depth - number}", (f"ups.{number}",), "decoder") for number in range(depth)]
    return (*levels, Group("bottleneck", (f"downs.{deepest}",)), *ups, Group("head", ("head",)))


def _map_factory() -> type[nn.Module]:
    from .level_map import LevelMap

    return LevelMap


def _map_axes(module: nn.Module) -> tuple:
    from .spec import ChannelAxis

    return (
        ChannelAxis("downs.0.0.weight", 1, "input"),
        ChannelAxis("head.weight", 0, "output"),
        ChannelAxis("head.bias", 0, "output"),
    )


def regressor_spec(backbone: str) -> NetworkSpec:
    """The entry of a regressor; its tensors do not change with the number of views, so it has no channel axes."""

    @lru_cache(maxsize=1)
    def factory() -> type[nn.Module]:
        from .level_regressor import regressor_class

        return regressor_class(backbone)

    title = PUBLISHED.get(backbone, backbone)
    return NetworkSpec(
        name=f"l3-{backbone}",
        title=f"{title}, one vertebral level in a window",
        factory=factory,
        default_arguments={"rows": 100, "width": 512},
        groupings={"anatomical": _regressor_groups},
        channel_axes=lambda module: (),
        stages=lambda module: module.stages(),
        finish=lambda module, features: module.finish(features),
        default_channels=(1, 1),
        dims=2,
        has_decoder=False,
        stem_is_skip=False,
        absent=_ABSENT,
    )


MAP = NetworkSpec(
    name="l3-map",
    title="confidence of one vertebral level by row",
    factory=_map_factory,
    default_arguments={"rows": 256, "width": 512},
    groupings={"anatomical": _map_groups},
    channel_axes=_map_axes,
    stages=lambda module: module.stages(),
    finish=lambda module, features: module.finish(features),
    default_channels=(1, 1),
    dims=2,
    absent=_ABSENT,
)

LEVEL_NETWORKS = (*(regressor_spec(name) for name in PUBLISHED), MAP)


def level_spec(name: str) -> NetworkSpec | None:
    """The entry of ``l3-<torchvision classifier>``, made when asked for; None for another name.

    UsageError for an ``l3-`` name that torchvision does not have.
    """
    if not name.startswith("l3-"):
        return None
    from torchvision import models

    backbone = name.removeprefix("l3-")
    if backbone not in models.list_models(module=models):
        known = ", ".join(spec.name for spec in LEVEL_NETWORKS)
        raise UsageError(f"network {name!r} does not exist; use {known} or l3- and a classifier of torchvision")
    return regressor_spec(backbone)
