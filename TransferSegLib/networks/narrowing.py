"""Fewer maps in a network that was built whole: the sizes that pruning left, by the names of its layers.

The argument ``kept`` of every network holds them; `registry.construct` and the trunk of a level regressor give it here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from ..errors import UsageError
from .spec import ChannelAxis


def narrow(module: nn.Module, kept: Mapping[str, Sequence[int]], axes: Sequence[ChannelAxis] = ()) -> None:
    """Give convolutions, norms and PReLUs the sizes that pruning left, with new weights.

    A convolution with one filter a map and a group norm with one map a group keep one of them; others keep their number
    of groups, which must divide the maps that are left (a group norm that has fewer maps than groups has one a group).

    Parameters
    ----------
    module : nn.Module
        A network or its trunk; changed in place.
    kept : mapping of str to (int, int)
        Input and output maps by the layer's name, as `widths` returns them.
    axes : sequence of ChannelAxis
        What counts the image's channels or the labels: that stays as the network was built, whatever ``kept`` says.

    Raises
    ------
    UsageError
        A name that the network does not have, another kind of layer, or sizes that it cannot have.
    """
    if not isinstance(kept, Mapping):
        raise UsageError("kept: is no table of layers; use what pruning wrote")
    for name, sizes in kept.items():
        try:
            part = module.get_submodule(name)
        except AttributeError:
            raise UsageError(f"kept: the network has no module {name}; use the names that pruning wrote") from None
        if not _are_sizes(sizes):
            raise UsageError(f"kept: {name} has {sizes}, expected two numbers of maps; use what pruning wrote")
        owner, _, last = name.rpartition(".")
        sides = {_side(part, axis) for axis in axes if axis.tensor == f"{name}.weight"}
        inputs, outputs = (own if side in sides else size for side, (own, size) in enumerate(zip(_own(part), sizes)))
        setattr(module.get_submodule(owner), last, _like(name, part, inputs, outputs))


def widths(module: nn.Module) -> dict[str, list[int]]:
    """Input and output maps of every convolution, norm and PReLU of one weight a map, by name."""
    return {name: list(sizes) for name, part in module.named_modules() if (sizes := _own(part)) != (0, 0)}


def norm_maps(part: nn.Module) -> int | None:
    """The maps that a norm or a PReLU stands for; None for other layers and for a PReLU of one weight."""
    if isinstance(part, _NormBase):
        return part.num_features
    if isinstance(part, nn.GroupNorm):
        return part.num_channels
    return part.num_parameters if isinstance(part, nn.PReLU) and part.num_parameters > 1 else None


def is_depthwise(conv: _ConvNd) -> bool:
    """Whether a convolution has one filter a map."""
    return 1 < conv.groups == conv.in_channels == conv.out_channels


def _own(part: nn.Module) -> tuple[int, int]:
    """Input and output maps of a layer; zeros where it is of another kind."""
    if isinstance(part, _ConvNd):
        return part.in_channels, part.out_channels
    maps = norm_maps(part) or 0
    return maps, maps


def _side(part: nn.Module, axis: ChannelAxis) -> int:
    """0 where an axis of a layer's weight counts what goes in, 1 where it counts what comes out."""
    return int((axis.axis == 0) != getattr(part, "transposed", False))


def _are_sizes(sizes: Sequence[int]) -> bool:
    given = isinstance(sizes, Sequence) and len(sizes) == 2
    return given and all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in sizes)


def _like(name: str, part: nn.Module, inputs: int, outputs: int) -> nn.Module:
    if isinstance(part, _ConvNd):
        return _conv_like(part, inputs, outputs)
    if isinstance(part, _NormBase):
        return type(part)(outputs, part.eps, part.momentum, part.affine, part.track_running_stats)
    if isinstance(part, nn.GroupNorm):
        single = part.num_groups == part.num_channels or outputs < part.num_groups
        return nn.GroupNorm(outputs if single else part.num_groups, outputs, part.eps, part.affine)
    if isinstance(part, nn.PReLU):
        return nn.PReLU(outputs)
    raise UsageError(f"kept: {name} is a {type(part).__name__}; only convolutions, norms and PReLUs have maps")


def _conv_like(conv: _ConvNd, inputs: int, outputs: int) -> _ConvNd:
    options = {name: getattr(conv, name) for name in ("kernel_size", "stride", "padding", "dilation", "padding_mode")}
    if isinstance(conv, _ConvTransposeNd):
        options["output_padding"] = conv.output_padding
    groups = inputs if is_depthwise(conv) else conv.groups
    fresh = type(conv)(inputs, outputs, groups=groups, bias=conv.bias is not None, **options)
    nn.init.kaiming_normal_(fresh.weight, nonlinearity="relu")
    if fresh.bias is not None:
        nn.init.zeros_(fresh.bias)
    return fresh
