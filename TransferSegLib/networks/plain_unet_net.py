"""The plain U-Net of the light models, in 2-D and 3-D: two convolutions a level, norms without parameters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn

ACTIVATIONS = ("twice", "once")


def of_dims(kind: str, dims: int) -> type[nn.Module]:
    """PyTorch's layer for 2 or 3 spatial dimensions (``Conv`` and 2: ``nn.Conv2d``); ValueError for others."""
    if dims not in (2, 3):
        raise ValueError(f"{dims} spatial dimensions; use 2 or 3")
    return getattr(nn, f"{kind}{dims}d")


class Block(nn.Sequential):
    """(Convolution 3, instance norm, ReLU) twice; with ``activation='once'`` nothing follows the second norm."""

    def __init__(self, inputs: int, outputs: int, *, dims: int, activation: str) -> None:
        conv, norm = of_dims("Conv", dims), of_dims("InstanceNorm", dims)
        layers = [
            conv(inputs, outputs, 3, padding=1),
            norm(outputs),
            nn.ReLU(inplace=True),
            conv(outputs, outputs, 3, padding=1),
            norm(outputs),
        ]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if activation == "twice" else []))


class Up(nn.Module):
    """Transposed convolution that doubles the size and halves the width; the skip in front of it; a block."""

    def __init__(self, inputs: int, outputs: int, *, dims: int, activation: str) -> None:
        super().__init__()
        self.up = of_dims("ConvTranspose", dims)(inputs, outputs, 2, 2)
        self.block = Block(2 * outputs, outputs, dims=dims, activation=activation)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """(n, inputs, [k,] j, i) and the skip (n, outputs, [2k,] 2j, 2i) to the skip's shape."""
        return self.block(torch.cat([skip, self.up(x)], dim=1))


class PlainUNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) with padding, instance norm without parameters, max pooling (methods, section 3).

    Parameters
    ----------
    channels : sequence of int
        Width of each level; the last is the bottleneck, so there is one pooling less than widths.
    activation : {"twice", "once"}
        ReLU after both convolutions of a block, or after the first alone, as the source lists its layers. The number
        of parameters is the same.
    spatial_dims : {2, 3}

    Raises
    ------
    ValueError
        Fewer than two widths, a width below 1, another activation or dimension.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int],
        activation: str = "twice",
        spatial_dims: int = 2,
    ) -> None:
        super().__init__()
        if len(channels) < 2 or min(channels) < 1:
            raise ValueError(f"channels {list(channels)}: give two widths or more, each at least 1")
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r}: use one of {', '.join(ACTIVATIONS)}")
        given = {"dims": spatial_dims, "activation": activation}
        pairs = list(itertools.pairwise(channels))
        pool = of_dims("MaxPool", spatial_dims)
        first = Block(in_channels, channels[0], **given)
        self.encoder = nn.ModuleList([first, *(nn.Sequential(pool(2), Block(a, b, **given)) for a, b in pairs)])
        self.decoder = nn.ModuleList(Up(b, a, **given) for a, b in reversed(pairs))
        self.head = of_dims("Conv", spatial_dims)(channels[0], out_channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, in, [k,] j, i), each size a multiple of 2 to the poolings, to logits (n, out, [k,] j, i)."""
        features = []
        for stage in self.encoder[:-1]:
            x = stage(x)
            features.append(x)
        del x
        return self.finish(features)

    def finish(self, features: list[torch.Tensor]) -> torch.Tensor:
        """Bottleneck, decoder and head; empties the list, so that each skip is freed once used."""
        y = self.encoder[-1](features[-1])
        for up in self.decoder:
            y = up(y, features.pop())
        return self.head(y)
