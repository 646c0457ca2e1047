"""DMFNet's and MFNet's layers, in 3-D and 2-D: multi-fibre units with dilated branches (Chen et al. 2019).

Why a 2-D form that is trained as the public code trains does not learn (Testing/test_networks_fiber.py shows it):

- Its loss weighs a class by 1 / (g^2 + 1e-5). A class that a batch lacks then weighs 1e5, one of 700 pixels 2e-6: the
  loss stays at 1, the gradients lie far below Adam's epsilon of 1e-8, and a step does next to nothing. A 3-D window of
  128 voxels about a tumour has every class; a slice often has not. ``training/generalised_dice.py`` gives such a class
  the weight of the rarest one.
- The softmax is applied twice: the loss sees at most e / (e + classes - 1), 0.475 with four, so that a perfect answer
  still costs most of what a wrong one does. `FiberNet` gives logits.
- Carried over to 2-D, the second kernel, 3x3x1 there, becomes 3x1 and sees one axis only. Ours is 3x3.

Which of them the source's own attempt had is not known: its code is not at hand.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from .plain_unet_net import of_dims


class NormConv(nn.Sequential):
    """Batch norm, ReLU, convolution without bias."""

    def __init__(self, inputs: int, outputs: int, kernel: int | tuple[int, ...], *, dims: int, **options: int) -> None:
        conv = of_dims("Conv", dims)(inputs, outputs, kernel, bias=False, **options)
        super().__init__(of_dims("BatchNorm", dims)(inputs), nn.ReLU(inplace=True), conv)


class FiberUnit(nn.Module):
    """Two 1x1 convolutions that mix the fibres, two grouped ones, and a shortcut.

    Parameters
    ----------
    stride : {1, 2}
        Of the first grouped convolution; the shortcut then has kernel and stride 2.
    dilations : sequence of int
        One branch of the first grouped convolution each. Several are summed with learned weights that start at 1
        (dilated multi-fibre unit); a single one has no weight (multi-fibre unit).
    """

    def __init__(
        self, inputs: int, outputs: int, *, stride: int = 1, groups: int, dilations: Sequence[int], dims: int
    ) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        self.mix = nn.Sequential(
            NormConv(inputs, inputs // 4, 1, dims=dims), NormConv(inputs // 4, middle, 1, dims=dims)
        )
        given = {"groups": groups, "dims": dims}
        self.branches = nn.ModuleList(
            NormConv(middle, outputs, 3, stride=stride, padding=d, dilation=d, **given) for d in dilations
        )
        self.weights = nn.Parameter(torch.ones(len(dilations))) if len(dilations) > 1 else None
        # In 3-D the second grouped convolution stays within the slice (k), in 2-D it is a full 3x3.
        flat = {2: ((3, 3), (1, 1)), 3: ((1, 3, 3), (0, 1, 1))}[dims]
        self.flat = NormConv(outputs, outputs, flat[0], padding=flat[1], **given)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = NormConv(inputs, outputs, stride, stride=stride, dims=dims)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, inputs, [k,] j, i) to (n, outputs, [k,] j, i), each size divided by the stride."""
        y = self.mix(x)
        branches = [branch(y) for branch in self.branches]
        y = branches[0] if self.weights is None else self.weights[0] * branches[0]
        for number in range(1, len(branches)):
            y = y + self.weights[number] * branches[number]
        y = self.flat(y)
        return y + (x if self.shortcut is None else self.shortcut(x))


class FiberUp(nn.Module):
    """Linear doubling, the skip in front of it, a multi-fibre unit."""

    def __init__(self, inputs: int, skip: int, outputs: int, *, groups: int, dims: int) -> None:
        super().__init__()
        self.unit = FiberUnit(inputs + skip, outputs, groups=groups, dilations=(1,), dims=dims)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """(n, inputs, [k,] j, i) and the skip of twice that size to (n, outputs, [2k,] 2j, 2i)."""
        return self.unit(torch.cat([skip, doubled(x)], dim=1))


def doubled(x: torch.Tensor) -> torch.Tensor:
    """(n, c, [k,] j, i) at twice the size, linearly."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear" if x.ndim == 4 else "trilinear")


class FiberNet(nn.Module):
    """Encoder of multi-fibre units, decoder of linear doublings (methods.md, section 3). Gives logits.

    The 1x1 convolution of the head comes before the last doubling, not after it: both are linear, the result is the
    same but for rounding, at an eighth of the work (a quarter in 2-D).

    Parameters
    ----------
    dilations : sequence of int
        Of the units in the encoder: (1, 2, 3) is DMFNet, (1,) MFNet.
    width : int
        Channels of the first convolution.
    channels : int
        Channels at a quarter of the size; deeper levels have two and three times as many.
    groups : int
        Fibres; must divide width and channels.
    spatial_dims : {2, 3}

    Raises
    ------
    ValueError
        No dilation, or numbers that the groups do not divide.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dilations: Sequence[int],
        width: int = 32,
        channels: int = 128,
        groups: int = 16,
        spatial_dims: int = 3,
    ) -> None:
        super().__init__()
        if not dilations or min(dilations) < 1:
            raise ValueError(f"dilations {list(dilations)}: give one or more, each at least 1")
        if min(width, channels, groups) < 1 or width % groups or channels % groups or width < 4 or channels < 4:
            raise ValueError(f"width {width} and channels {channels}: use multiples of groups ({groups}), at least 4")
        c, dims = channels, spatial_dims

        def level(widths: Sequence[int], dilations: Sequence[int]) -> nn.Sequential:
            given = {"groups": groups, "dilations": dilations, "dims": dims}
            first = FiberUnit(widths[0], widths[1], stride=2, **given)
            return nn.Sequential(first, *(FiberUnit(a, b, **given) for a, b in itertools.pairwise(widths[1:])))

        self.stem = of_dims("Conv", dims)(in_channels, width, 3, 2, 1, bias=False)
        self.levels = nn.ModuleList([level((width, c, c, c), dilations), level((c, 2 * c, 2 * c, 2 * c), dilations)])
        self.bottleneck = level((2 * c, 3 * c, 3 * c, 2 * c), (1,))
        ups = ((2 * c, 2 * c, 2 * c), (2 * c, c, c), (c, width, width))
        self.decoder = nn.ModuleList(FiberUp(*widths, groups=groups, dims=dims) for widths in ups)
        self.head = of_dims("Conv", dims)(width, out_channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, in, [k,] j, i), each size a multiple of 16, to logits (n, out, [k,] j, i)."""
        features = [self.stem(x)]
        for level in self.levels:
            features.append(level(features[-1]))
        return self.finish(features)

    def finish(self, features: list[torch.Tensor]) -> torch.Tensor:
        """Bottleneck, decoder and head; empties the list, so that each skip is freed once used."""
        y = self.bottleneck(features[-1])
        for up in self.decoder:
            y = up(y, features.pop())
        return doubled(self.head(y))
