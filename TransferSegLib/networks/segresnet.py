"""MONAI's SegResNet, with the arguments of the BraTS bundle in MONAI's model zoo (4,702,227 parameters).

Groups: ``stem`` is the first convolution with the dropout after it, ``enc1..N`` the down layers that give skips,
``bottleneck`` the deepest down layer (nothing skips over it), ``decN..1`` the up samples with their up layers, ``head``
the final norm and convolution. The transfer study did not use this network: there is no ``poster`` grouping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .spec import ChannelAxis, Group, Groups, NetworkSpec

if TYPE_CHECKING:
    from torch import Tensor, nn


def _factory() -> type[nn.Module]:
    from monai.networks.nets import SegResNet

    return SegResNet


def _anatomical(module: nn.Module) -> Groups:
    deepest = len(module.down_layers) - 1
    depth = len(module.up_layers)
    downs = [Group(f"enc{i + 1}", (f"down_layers.{i}",), "encoder", i + 1) for i in range(deepest)]
    ups = [Group(f"dec{depth - i}", (f"up_samples.{i}", f"up_layers.{i}"), "decoder") for i in range(depth)]
    return (
        Group("stem", ("convInit", "dropout"), "encoder", 0),
        *downs,
        Group("bottleneck", (f"down_layers.{deepest}",)),
        *ups,
        Group("head", ("conv_final",)),
    )


def _channel_axes(module: nn.Module) -> tuple[ChannelAxis, ...]:
    return (
        ChannelAxis("convInit.conv.weight", 1, "input"),
        ChannelAxis("conv_final.2.conv.weight", 0, "output"),
        ChannelAxis("conv_final.2.conv.bias", 0, "output"),
    )


def _stages(module: nn.Module) -> list[Callable[[Tensor], Tensor]]:
    def stem(x: Tensor) -> Tensor:
        y = module.convInit(x)
        return module.dropout(y) if module.dropout_prob is not None else y

    return [stem, *list(module.down_layers)[:-1]]


def _finish(module: nn.Module, features: list[Tensor]) -> Tensor:
    y = module.down_layers[-1](features[-1])
    for up_sample, up_layer in zip(module.up_samples, module.up_layers):
        y = up_layer(up_sample(y) + features.pop())
    return module.conv_final(y) if module.use_conv_final else y


def _divisor(arguments: Mapping[str, Any]) -> int:
    return 2 ** (len(arguments.get("blocks_down", (1, 2, 2, 4))) - 1)


SEGRESNET = NetworkSpec(
    name="segresnet",
    title="SegResNet (4.7 million parameters, MONAI's BraTS bundle)",
    factory=_factory,
    default_arguments={
        "init_filters": 16,
        "blocks_down": [1, 2, 2, 4],
        "blocks_up": [1, 1, 1],
        "dropout_prob": 0.2,
    },
    groupings={"anatomical": _anatomical},
    channel_axes=_channel_axes,
    stages=_stages,
    finish=_finish,
    divisor_of=_divisor,
    default_channels=(4, 3),
    stem_is_skip=False,
    monai_target="monai.networks.nets.SegResNet",
    targets=("SegResnet", "Segresnet"),
    absent={"poster": "the published table has no such network"},
)
