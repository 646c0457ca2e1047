"""MONAI's U-Net; with the default arguments the 125,229-parameter network of the transfer study (methods, section 0).

Groups: ``stem`` is the first down block d0, ``enc1..N`` the further ones, ``bottleneck`` the bottom block, ``decN..1``
the up blocks. ``dec1`` (the last up block) ends in the logits: decoder and head in one, so ``head`` is empty.
In the published table (``poster``) "encoder" is the bottom block alone and "decoder" the deepest up block alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from .spec import ChannelAxis, Group, Groups, NetworkSpec

if TYPE_CHECKING:
    from torch import Tensor, nn


def _factory() -> type[nn.Module]:
    from monai.networks.nets import UNet

    return UNet


def _nested(
    module: nn.Module,
) -> tuple[list[tuple[str, nn.Module]], tuple[str, nn.Module], list[tuple[str, nn.Module]]]:
    """Down blocks (shallow to deep), the bottom block, up blocks (deep to shallow), each with its name."""
    from monai.networks.layers.simplelayers import SkipConnection

    downs, ups = [], []
    name, block = "model", module.model
    while len(parts := list(block.children())) == 3 and isinstance(parts[1], SkipConnection):
        downs.append((f"{name}.0", parts[0]))
        ups.append((f"{name}.2", parts[2]))
        name, block = f"{name}.1.submodule", parts[1].submodule
    return downs, (name, block), ups[::-1]


def _groups(module: nn.Module, *, poster: bool) -> Groups:
    downs, (bottom, _), ups = _nested(module)
    depth = len(downs)
    encoder, decoder = (None, None) if poster else ("encoder", "decoder")
    groups = [
        Group("stem" if level == 0 else f"enc{level}", (name,), encoder, level) for level, (name, _) in enumerate(downs)
    ]
    groups.append(Group("bottleneck", (bottom,), "encoder" if poster else None))
    for number, (name, _) in enumerate(ups):
        groups.append(Group(f"dec{depth - number}", (name,), "decoder" if poster and number == 0 else decoder))
    return (*groups, Group("head", ()))


def _anatomical(module: nn.Module) -> Groups:
    return _groups(module, poster=False)


def _poster(module: nn.Module) -> Groups:
    return _groups(module, poster=True)


def _channel_axes(module: nn.Module) -> tuple[ChannelAxis, ...]:
    """Axes of the first and last blocks; residual units (``num_res_units``) have several such tensors."""
    from torch.nn import GroupNorm
    from torch.nn.modules.batchnorm import _NormBase
    from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

    downs, _, ups = _nested(module)
    axes = []
    for name, conv in downs[0][1].named_modules(prefix=downs[0][0]):
        is_first = name.endswith((".conv.unit0.conv", ".residual")) or name == f"{downs[0][0]}.conv"
        if isinstance(conv, _ConvNd) and is_first:
            axes.append(ChannelAxis(f"{name}.weight", 1, "input"))
    for name, part in ups[-1][1].named_modules(prefix=ups[-1][0]):
        if isinstance(part, _ConvNd):
            transposed = isinstance(part, _ConvTransposeNd)
            axes.append(ChannelAxis(f"{name}.weight", 1 if transposed else 0, "output"))
            if not transposed:  # residual unit after the transposed convolution: label channels in and out
                axes.append(ChannelAxis(f"{name}.weight", 1, "output"))
            if part.bias is not None:
                axes.append(ChannelAxis(f"{name}.bias", 0, "output"))
        elif isinstance(part, (_NormBase, GroupNorm)):  # between the two: weights and running statistics
            vectors = [key for key, value in part.state_dict().items() if value.ndim == 1]
            axes += [ChannelAxis(f"{name}.{key}", 0, "output") for key in vectors]
    return tuple(axes)


def _stages(module: nn.Module) -> list[nn.Module]:
    return [block for _, block in _nested(module)[0]]


def _finish(module: nn.Module, features: list[Tensor]) -> Tensor:
    import torch

    _, (_, bottom), ups = _nested(module)
    y = bottom(features[-1])
    for _, up in ups:
        y = up(torch.cat([features.pop(), y], dim=1))
    return y


def _divisor(arguments: Mapping[str, Any]) -> int:
    return prod(max(s) if isinstance(s, (list, tuple)) else int(s) for s in arguments.get("strides", ()))


UNET = NetworkSpec(
    name="unet",
    title="U-Net (125,229 parameters)",
    factory=_factory,
    default_arguments={"channels": (4, 8, 16, 32, 64), "strides": (2, 2, 2, 2), "num_res_units": 0},
    groupings={"anatomical": _anatomical, "poster": _poster},
    channel_axes=_channel_axes,
    stages=_stages,
    finish=_finish,
    divisor_of=_divisor,
    monai_target="monai.networks.nets.UNet",
    targets=("Unet",),
)
