"""DMFNet and MFNet (Chen et al. 2019; methods.md, section 3), 3-D as published and in 2-D.

With four channels in and four out DMFNet has 3,875,890 parameters, MFNet 3,194,784. Groups: ``stem`` is the first
convolution, ``enc1`` and ``enc2`` three units each, ``bottleneck`` the three deepest, ``dec3..1`` a doubling with its
unit, ``head`` the 1x1 convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .spec import ChannelAxis, Group, Groups, NetworkSpec

if TYPE_CHECKING:
    from torch import nn

DIVISOR = 16


def _anatomical(module: nn.Module) -> Groups:
    levels = [Group(f"enc{i + 1}", (f"levels.{i}",), "encoder", i + 1) for i in range(len(module.levels))]
    depth = len(module.decoder)
    ups = [Group(f"dec{depth - i}", (f"decoder.{i}",), "decoder") for i in range(depth)]
    stem, bottom = Group("stem", ("stem",), "encoder", 0), Group("bottleneck", ("bottleneck",))
    return (stem, *levels, bottom, *ups, Group("head", ("head",)))


def _spec(name: str, title: str, dilations: tuple[int, ...], dims: int) -> NetworkSpec:
    def factory() -> Callable[..., nn.Module]:
        from .fiber_net import FiberNet

        return partial(FiberNet, dilations=dilations)

    return NetworkSpec(
        name=name,
        title=title,
        factory=factory,
        default_arguments={"dilations": dilations, "width": 32, "channels": 128, "groups": 16},
        groupings={"anatomical": _anatomical},
        channel_axes=lambda module: (ChannelAxis("stem.weight", 1, "input"), ChannelAxis("head.weight", 0, "output")),
        stages=lambda module: [module.stem, *module.levels],
        finish=lambda module, features: module.finish(features),
        divisor_of=lambda arguments: DIVISOR,
        default_channels=(4, 4),
        dims=dims,
        absent={"poster": "the published table has no such network"},
    )


FIBER_NETWORKS = (
    _spec("dmfnet", "DMFNet (3,875,890 parameters)", (1, 2, 3), 3),
    _spec("mfnet", "MFNet (3,194,784 parameters)", (1,), 3),
    _spec("dmfnet2d", "DMFNet in 2-D", (1, 2, 3), 2),
    _spec("mfnet2d", "MFNet in 2-D", (1,), 2),
)
