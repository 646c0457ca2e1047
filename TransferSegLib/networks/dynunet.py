"""MONAI's Dynamic U-Net; with the default arguments 16,546,341 parameters (methods, section 0).

MONAI registers every block twice, in its own lists and in ``skip_layers`` (33,092,517 parameters by name): both
counts are reported, and the repetition is never saved. Deep-supervision heads serve training only and leave the
inference result untouched: the network is built without them, and such entries of a foreign state dict are dropped.

Groups: ``stem`` is the input block, ``enc1..N`` the downsampling blocks, ``decN..1`` the upsampling blocks, ``head``
the output block. In the published table (``poster``) "encoder" is downsamples[1], downsamples[2] and the bottleneck,
"decoder" the first convolution of the deepest up block alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from .spec import ChannelAxis, Group, Groups, NetworkSpec

if TYPE_CHECKING:
    from torch import Tensor, nn


def _factory() -> type[nn.Module]:
    from monai.networks.nets import DynUNet

    return DynUNet


def _anatomical(module: nn.Module) -> Groups:
    depth = len(module.upsamples)
    downs = [Group(f"enc{i + 1}", (f"downsamples.{i}",), "encoder", i + 1) for i in range(len(module.downsamples))]
    ups = [Group(f"dec{depth - i}", (f"upsamples.{i}",), "decoder") for i in range(depth)]
    return (
        Group("stem", ("input_block",), "encoder", 0),
        *downs,
        Group("bottleneck", ("bottleneck",)),
        *ups,
        Group("head", ("output_block",)),
    )


def _poster(module: nn.Module) -> Groups:
    halves = {"enc2": "encoder", "enc3": "encoder", "bottleneck": "encoder"}
    groups = [Group(g.name, g.prefixes, halves.get(g.name), g.level) for g in _anatomical(module)]
    deepest = next(index for index, group in enumerate(groups) if group.name.startswith("dec"))
    first_conv = Group(f"{groups[deepest].name}-conv1", ("upsamples.0.conv_block.conv1",), "decoder")
    return (*groups[:deepest], first_conv, *groups[deepest:])


def _channel_axes(module: nn.Module) -> tuple[ChannelAxis, ...]:
    axes = [ChannelAxis("input_block.conv1.conv.weight", 1, "input")]
    if hasattr(module.input_block, "conv3"):  # the shortcut of a residual block
        axes.append(ChannelAxis("input_block.conv3.conv.weight", 1, "input"))
    axes.append(ChannelAxis("output_block.conv.conv.weight", 0, "output"))
    axes.append(ChannelAxis("output_block.conv.conv.bias", 0, "output"))
    return tuple(axes)


def _stages(module: nn.Module) -> list[nn.Module]:
    return [module.input_block, *module.downsamples]


def _finish(module: nn.Module, features: list[Tensor]) -> Tensor:
    y = module.bottleneck(features[-1])
    for up in module.upsamples:
        y = up(y, features.pop())
    return module.output_block(y)


def _divisor(arguments: Mapping[str, Any]) -> int:
    return prod(max(s) if isinstance(s, (list, tuple)) else int(s) for s in arguments.get("strides", ()))


DYNUNET = NetworkSpec(
    name="dynunet",
    title="Dynamic U-Net (16,546,341 parameters)",
    factory=_factory,
    default_arguments={"kernel_size": [3] * 5, "strides": [1, 2, 2, 2, 2], "upsample_kernel_size": [2] * 4},
    groupings={"anatomical": _anatomical, "poster": _poster},
    channel_axes=_channel_axes,
    stages=_stages,
    finish=_finish,
    divisor_of=_divisor,
    monai_target="monai.networks.nets.DynUNet",
    targets=("DynUnet", "Dynunet"),
    duplicates=("skip_layers", "deep_supervision_heads"),
    dropped_arguments=("deep_supervision", "deep_supr_num"),
)
