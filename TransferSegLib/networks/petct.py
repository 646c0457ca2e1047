"""Networks for PET/CT, after TMTV-Net (Yousefirizi et al. 2024; methods.md, section 1).

``petct`` is stage 1 as published, at 6 mm; ``petct-light`` the same in small, for a CPU; ``petct-refiner`` stage 2,
whose sixth input is the probability that stage 1 gave, ``petct-refiner-light`` that in small. Groups: ``stem``,
``enc1..N`` the halvings, ``bottleneck`` the middle convolution, ``decN..1`` the doublings, ``head`` the output with the
heads of the deep supervision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .spec import ChannelAxis, Group, Groups, NetworkSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

_NO_POSTER = {"poster": "the published table has no such network"}


def _factory() -> type[nn.Module]:
    from .petct_net import PetCtNet

    return PetCtNet


def _refiner() -> type[nn.Module]:
    from .petct_net import PetCtRefiner

    return PetCtRefiner


def _anatomical(module: nn.Module) -> Groups:
    depth = len(module.downs)
    downs = [Group(f"enc{i + 1}", (f"downs.{i}",), "encoder", i + 1) for i in range(depth)]
    ups = [Group(f"dec{depth - i}", (f"ups.{i}",), "decoder") for i in range(depth)]
    heads = tuple(f"supervision.{i}" for i in range(len(module.supervision)))
    return (
        Group("stem", ("stem",), "encoder", 0),
        *downs,
        Group("bottleneck", ("middle",)),
        *ups,
        Group("head", ("head", *heads)),
    )


def _axes(module: nn.Module) -> tuple[ChannelAxis, ...]:
    heads = ["head", *(f"supervision.{i}" for i in range(len(module.supervision)))]
    outputs = [ChannelAxis(f"{head}.{part}", 0, "output") for head in heads for part in ("weight", "bias")]
    return (ChannelAxis("stem.0.weight", 1, "input"), *outputs)


def _stages(module: nn.Module) -> list[nn.Module]:
    return [module.stem, *module.downs]


def _finish(module: nn.Module, features: list[Tensor]) -> Tensor:
    return module.head(module.decoded(features)[-1])


def _supervise(module: nn.Module, features: list[Tensor]) -> list[Tensor]:
    return module.supervised(features)


def _divisor(arguments: Mapping[str, Any]) -> int:
    return 2 ** (len(arguments.get("channels", range(5))) - 1)


def _spec(name: str, title: str, channels: tuple[int, ...], middle_kernel: int) -> NetworkSpec:
    return NetworkSpec(
        name=name,
        title=title,
        factory=_factory,
        default_arguments={"channels": channels, "middle_kernel": middle_kernel, "deep_supervision": True},
        groupings={"anatomical": _anatomical},
        channel_axes=_axes,
        stages=_stages,
        finish=_finish,
        supervise=_supervise,
        divisor_of=_divisor,
        default_channels=(5, 2),
        absent=_NO_POSTER,
    )


PETCT = _spec("petct", "PET/CT U-Net, stage 1 of TMTV-Net (21.6 million parameters)", (32, 64, 96, 128, 156), 9)
PETCT_LIGHT = _spec("petct-light", "PET/CT U-Net for a CPU (0.33 million parameters)", (8, 16, 32, 64), 3)


def _refiner_groups(module: nn.Module) -> Groups:
    blocks = [Group(f"enc{i + 1}", (f"blocks.{i}",), "encoder", i + 1) for i in range(len(module.blocks))]
    return (Group("stem", ("stem",), "encoder", 0), *blocks, Group("head", ("head",)))


def _refiner_axes(module: nn.Module) -> tuple[ChannelAxis, ...]:
    outputs = ("head.0.weight", "head.1.weight", "head.1.bias")
    return (ChannelAxis("stem.0.weight", 1, "input"), *(ChannelAxis(name, 0, "output") for name in outputs))


def _refiner_stages(module: nn.Module) -> list[Callable[[Tensor], Tensor]]:
    return [module.stem, *module.blocks]


def _refiner_finish(module: nn.Module, features: list[Tensor]) -> Tensor:
    deepest = features.pop()
    features.clear()
    return module.head(deepest)


def _refiner_spec(name: str, title: str, width: int, blocks: int, kernel: int) -> NetworkSpec:
    return NetworkSpec(
        name=name,
        title=title,
        factory=_refiner,
        default_arguments={"width": width, "blocks": blocks, "kernel": kernel},
        groupings={"anatomical": _refiner_groups},
        channel_axes=_refiner_axes,
        stages=_refiner_stages,
        finish=_refiner_finish,
        default_channels=(6, 2),
        has_decoder=False,
        absent=_NO_POSTER,
    )


PETCT_REFINER = _refiner_spec("petct-refiner", "PET/CT refiner, stage 2 of TMTV-Net (361,796 parameters)", 32, 4, 9)
PETCT_REFINER_LIGHT = _refiner_spec("petct-refiner-light", "PET/CT refiner for a CPU (13,012 parameters)", 8, 2, 5)
PETCT_NETWORKS = (PETCT, PETCT_LIGHT, PETCT_REFINER, PETCT_REFINER_LIGHT)
# Networks that take the probability of a first stage as their last input.
REFINERS = (PETCT_REFINER.name, PETCT_REFINER_LIGHT.name)
