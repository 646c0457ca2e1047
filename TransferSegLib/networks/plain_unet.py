"""The U-Nets of the light models, ``unet2d-<widths>`` and ``unet3d-<widths>`` (methods.md, section 3).

With one channel in and one out the 2-D ones have 7,696,193 (64-128-256-512, the source's teacher), 1,925,025
(32-64-128-256), 465,953 (32-64-128) and 100,961 (32-64) parameters, its students. Other widths have a name too, which
`network_names` does not list; ``channels`` among the arguments goes before the name.

Groups: ``stem`` is the first block, ``enc1..N`` a pooling with its block, ``bottleneck`` the last of them, ``decN..1``
the up blocks, ``head`` the 1x1 convolution. Each but ``head`` ends at the end of a block of the source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from .spec import ChannelAxis, Group, Groups, NetworkSpec

if TYPE_CHECKING:
    from torch import nn

WIDTHS = ((64, 128, 256, 512), (32, 64, 128, 256), (32, 64, 128), (32, 64))


def _anatomical(module: nn.Module) -> Groups:
    depth = len(module.decoder)
    levels = [
        Group("stem" if level == 0 else f"enc{level}", (f"encoder.{level}",), "encoder", level)
        for level in range(depth)
    ]
    ups = [Group(f"dec{depth - i}", (f"decoder.{i}",), "decoder") for i in range(depth)]
    return (*levels, Group("bottleneck", (f"encoder.{depth}",)), *ups, Group("head", ("head",)))


def _axes(module: nn.Module) -> tuple[ChannelAxis, ...]:
    return (
        ChannelAxis("encoder.0.0.weight", 1, "input"),
        ChannelAxis("head.weight", 0, "output"),
        ChannelAxis("head.bias", 0, "output"),
    )


@lru_cache(maxsize=64)
def plain_unet(widths: tuple[int, ...], dims: int) -> NetworkSpec:
    """The entry of the U-Net with these widths in 2 or 3 dimensions."""

    def factory() -> Callable[..., nn.Module]:
        from .plain_unet_net import PlainUNet

        return partial(PlainUNet, channels=widths)

    def divisor(arguments: Mapping[str, Any]) -> int:
        return 2 ** (len(arguments.get("channels", widths)) - 1)

    name = "-".join(str(width) for width in widths)
    return NetworkSpec(
        name=f"unet{dims}d-{name}",
        title=f"{dims}-D U-Net with widths {name.replace('-', ', ')}",
        factory=factory,
        default_arguments={"channels": widths, "activation": "twice"},
        groupings={"anatomical": _anatomical},
        channel_axes=_axes,
        stages=lambda module: list(module.encoder)[:-1],
        finish=lambda module, features: module.finish(features),
        divisor_of=divisor,
        default_channels=(1, 1),
        dims=dims,
        absent={"poster": "the published table has no such network"},
    )


PLAIN_UNETS = tuple(plain_unet(widths, dims) for dims in (2, 3) for widths in WIDTHS)


def plain_unet_by_name(name: str) -> NetworkSpec | None:
    """The entry of ``unet2d-<widths>`` or ``unet3d-<widths>``, made when asked for; None for another name."""
    found = re.fullmatch(r"unet([23])d((?:-[1-9][0-9]{0,3}){2,8})", name)
    return plain_unet(tuple(int(width) for width in found[2][1:].split("-")), int(found[1])) if found else None
