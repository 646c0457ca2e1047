"""The two networks of TMTV-Net's cascade: a U-Net with a wide middle, and a residual refiner."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

SLOPE = 0.01


class ConvBlock(nn.Sequential):
    """Convolution ("same" padding), instance norm with weights, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, bias: bool = True) -> None:
        super().__init__(
            nn.Conv3d(inputs, outputs, kernel, stride, kernel // 2, bias=bias),
            nn.InstanceNorm3d(outputs, affine=True),
            nn.LeakyReLU(SLOPE, inplace=True),
        )


class UpBlock(nn.Module):
    """Trilinear doubling, convolution; the skip in front of it; convolution."""

    def __init__(self, inputs: int, skip: int) -> None:
        super().__init__()
        self.up = ConvBlock(inputs, skip)
        self.merge = ConvBlock(2 * skip, skip)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """(n, inputs, k, j, i) and the skip of twice that size to (n, skip, 2k, 2j, 2i)."""
        doubled = functional.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)
        return self.merge(torch.cat([skip, self.up(doubled)], dim=1))


class PetCtNet(nn.Module):
    """Stage 1: one convolution a level, a wide one in the middle (methods.md, section 1).

    Parameters
    ----------
    channels : sequence of int
        Of the stem and of each halving.
    middle_kernel : int
        Side of the middle convolution (9 in the published network).
    deep_supervision : bool
        Also have a head at each coarser level of the decoder, for training; they do not change the output.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (32, 64, 96, 128, 156),
        middle_kernel: int = 9,
        deep_supervision: bool = True,
    ) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(channels))
        self.stem = ConvBlock(in_channels, channels[0])
        self.downs = nn.ModuleList(ConvBlock(a, b, stride=2) for a, b in pairs)
        self.middle = ConvBlock(channels[-1], channels[-1], middle_kernel)
        self.ups = nn.ModuleList(UpBlock(b, a) for a, b in reversed(pairs))
        coarse = list(reversed(channels[1:-1])) if deep_supervision else []
        self.supervision = nn.ModuleList(nn.Conv3d(c, out_channels, 1) for c in coarse)
        self.head = nn.Conv3d(channels[0], out_channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, in, k, j, i) to logits (n, out, k, j, i)."""
        skips = [self.stem(x)]
        for down in self.downs:
            skips.append(down(skips[-1]))
        return self.head(self.decoded(skips)[-1])

    def decoded(self, features: list[torch.Tensor]) -> list[torch.Tensor]:
        """What each level of the decoder gives, coarse to fine, from stem to deepest features; empties the list."""
        y, levels = self.middle(features.pop()), []
        for up in self.ups:
            y = up(y, features.pop())
            levels.append(y)
            if not self.supervision:
                del levels[:-1]
        return levels

    def supervised(self, features: list[torch.Tensor]) -> list[torch.Tensor]:
        """Logits of every head at full size, coarse to fine; the last are those of ``forward``."""
        levels = self.decoded(features)
        size = levels[-1].shape[2:]
        coarse = [head(level) for head, level in zip(self.supervision, levels)]
        coarse = [functional.interpolate(y, size=size, mode="trilinear", align_corners=False) for y in coarse]
        return [*coarse, self.head(levels[-1])]


class Residual(nn.Module):
    """Two convolutions with norms and a shortcut (He et al. 2015)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels, bias=False)
        self.second = nn.Sequential(
            nn.Conv3d(channels, channels, 3, 1, 1, bias=False), nn.InstanceNorm3d(channels, affine=True)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, k, j, i) to the same."""
        return functional.leaky_relu(x + self.second(self.first(x)), SLOPE)


class PetCtRefiner(nn.Module):
    """Stage 2: a wide convolution, residual blocks, and a head that ends in a norm, as published (361,796 parameters).

    Parameters
    ----------
    width : int
        Channels inside.
    blocks : int
        Residual blocks.
    kernel : int
        Side of the first convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, width: int = 32, blocks: int = 4, kernel: int = 9) -> None:
        super().__init__()
        self.stem = ConvBlock(in_channels, width, kernel, bias=False)
        self.blocks = nn.ModuleList(Residual(width) for _ in range(blocks))
        self.head = ConvBlock(width, out_channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, in, k, j, i) to logits (n, out, k, j, i)."""
        y = self.stem(x)
        for block in self.blocks:
            y = block(y)
        return self.head(y)
