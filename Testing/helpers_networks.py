"""Small variants of every network, and a network without a decoder, for the tests of networks and strategies.

An L3 regressor takes 1 view or 2 and gives one number: where a test asks for 4 or 5 inputs, it gets 1 or 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import nn

from TransferSegLib.networks import ChannelAxis, Group, NetworkSpec, build_network, network_spec, register
from TransferSegLib.networks import registry as network_registry
from TransferSegLib.networks.level_trunk import trunk_units
from TransferSegLib.networks.narrowing import widths

torch.set_num_threads(1)


class Regressor(nn.Module):
    """Stem, one level, a head that returns one number a sample: batch norm and dropout, no decoder."""

    def __init__(self, in_channels: int, out_channels: int, width: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(in_channels, width, 3, 2, 1), nn.BatchNorm3d(width), nn.ReLU())
        self.level = nn.Sequential(nn.Conv3d(width, 8, 3, 2, 1), nn.BatchNorm3d(8), nn.ReLU(), nn.Dropout3d(0.5))
        self.head = nn.Linear(8, out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.level(self.stem(x)).mean((2, 3, 4)))


REGRESSOR = NetworkSpec(
    name="test-regressor",
    title="Regressor of the tests",
    factory=lambda: Regressor,
    default_arguments={"width": 4},
    groupings={
        "anatomical": (
            Group("stem", ("stem",), "encoder", 0),
            Group("enc1", ("level",), "encoder", 1),
            Group("head", ("head",)),
        )
    },
    channel_axes=lambda module: (
        ChannelAxis("stem.0.weight", 1, "input"),
        ChannelAxis("head.weight", 0, "output"),
        ChannelAxis("head.bias", 0, "output"),
    ),
    stages=lambda module: [module.stem, module.level],
    finish=lambda module, features: module.head(features.pop().mean((2, 3, 4))),
    divisor_of=lambda arguments: 4,
    default_channels=(4, 1),
    has_decoder=False,
    stem_is_skip=False,
    absent={"poster": "the published table has no such network"},
)


_BRANCH_STARTS = ("branch1.conv", "branch2.0.conv", "branch3.0.conv", "branch4.1.conv")


@cache
def narrow_maps(backbone: str, maps: int = 4) -> dict[str, list[int]]:
    """``kept`` of an L3 regressor whose every convolution gives so few maps (a block of GoogLeNet four times that)."""
    kept, given = {}, 3
    with torch.device("meta"):
        units = trunk_units(backbone)
    for unit in units:
        own = widths(unit.module)
        for inner in own:
            starts = not inner.startswith("branch") or inner in _BRANCH_STARTS
            inputs = maps if inner.endswith("bn") else given if starts else maps
            kept[f"{unit.name}.{inner}".rstrip(".")] = [inputs, maps]
        if own:
            given = 4 * maps if "branch1.conv" in own else maps
    return kept


# name of the variant -> network and arguments: every registered network, small, and with batch norm and dropout
VARIANTS: dict[str, tuple[str, dict]] = {
    "unet": ("unet", {}),
    "unet-batchnorm": (
        "unet",
        {"channels": (4, 8, 16), "strides": (2, 2), "num_res_units": 1, "norm": "batch", "dropout": 0.3},
    ),
    "unet2d": ("unet2d", {"channels": (4, 8, 16), "strides": (2, 2)}),
    "segresnet2d": ("segresnet2d", {"init_filters": 8, "blocks_down": [1, 2, 2], "blocks_up": [1, 1]}),
    "dynunet": (
        "dynunet",
        {
            "kernel_size": [3] * 5,
            "strides": [1, 2, 2, 2, 2],
            "upsample_kernel_size": [2] * 4,
            "filters": [4, 8, 8, 12, 16],
        },
    ),
    "dynunet-batchnorm": (
        "dynunet",
        {
            "kernel_size": [3] * 4,
            "strides": [1, 2, 2, 2],
            "upsample_kernel_size": [2] * 3,
            "filters": [6, 8, 8, 12],
            "norm_name": "batch",
            "dropout": 0.3,
            "res_block": True,
        },
    ),
    "segresnet": ("segresnet", {"init_filters": 8, "blocks_down": [1, 2, 2, 4], "blocks_up": [1, 1, 1]}),
    "segresnet-batchnorm": (
        "segresnet",
        {"init_filters": 4, "blocks_down": [1, 1, 2], "blocks_up": [1, 1], "norm": "batch", "dropout_prob": 0.3},
    ),
    **{
        f"unet{dims}d-{name}": (f"unet{dims}d-{name}", {"channels": widths, "activation": activation})
        for dims in (2, 3)
        for name, widths, activation in (
            ("64-128-256-512", (4, 6, 8, 10), "twice"),
            ("32-64-128-256", (3, 4, 5, 6), "once"),
            ("32-64-128", (4, 6, 8), "twice"),
            ("32-64", (4, 6), "once"),
        )
    },
    "dmfnet": ("dmfnet", {"width": 4, "channels": 4, "groups": 2}),
    "mfnet": ("mfnet", {"width": 4, "channels": 8, "groups": 4}),
    "dmfnet2d": ("dmfnet2d", {"width": 4, "channels": 4, "groups": 2}),
    "mfnet2d": ("mfnet2d", {"width": 4, "channels": 8, "groups": 4}),
    "petct": ("petct", {"channels": (4, 6, 8, 10), "middle_kernel": 5, "deep_supervision": False}),
    "petct-light": ("petct-light", {"channels": (4, 6, 8), "middle_kernel": 3}),
    "petct-refiner": ("petct-refiner", {"width": 4, "blocks": 2, "kernel": 5}),
    "petct-refiner-light": ("petct-refiner-light", {"width": 4, "blocks": 2, "kernel": 3}),
    "regressor": ("test-regressor", {}),
    "l3-cnn4": ("l3-cnn4", {"rows": 36, "width": 32}),
    **{
        f"l3-{name}": (f"l3-{name}", {"rows": 70, "width": 64, "kept": narrow_maps(name)})
        for name in ("alexnet", "vgg16", "vgg19", "googlenet")
    },
    "l3-map": ("l3-map", {"channels": (4, 6, 8), "rows": 30, "width": 35}),
}
NO_DECODER = (
    "regressor",
    "petct-refiner",
    "petct-refiner-light",
    "l3-cnn4",
    "l3-alexnet",
    "l3-vgg16",
    "l3-vgg19",
    "l3-googlenet",
)
# Without a tensor that follows the channels of the image or of the labels.
NO_CHANNELS = tuple(name for name in NO_DECODER if name.startswith("l3-"))


@contextmanager
def registered_regressor() -> Iterator[None]:
    """The network without a decoder is registered inside the block only."""
    register(REGRESSOR)
    try:
        yield
    finally:
        del network_registry._NETWORKS[REGRESSOR.name]


def build(variant: str, *, inputs: int = 4, outputs: int = 3, seed: int = 0) -> tuple[str, NetworkSpec, nn.Module]:
    """Network name, specification and seeded module of a variant."""
    name, arguments = VARIANTS[variant]
    torch.manual_seed(seed)
    if variant in NO_CHANNELS:
        inputs, outputs = inputs - 3, 1
    return name, network_spec(name), build_network(name, inputs, outputs, arguments)


def window(variant: str = "unet", *, inputs: int = 4, seed: int = 1) -> torch.Tensor:
    """A seeded batch of two small windows (2, inputs, [16,] 32, 32), or of the size that an L3 variant takes."""
    name, arguments = VARIANTS[variant]
    size = (16, 32, 32)[-network_spec(name).dims :]
    if variant.startswith("l3-"):
        size = (arguments["rows"], arguments["width"])
    inputs = inputs - 3 if variant in NO_CHANNELS else inputs
    return torch.randn(2, inputs, *size, generator=torch.Generator().manual_seed(seed))


def snapshot(module: nn.Module) -> dict[str, torch.Tensor]:
    """Copies of every parameter and buffer."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
