"""A confidence for every row of a projection: 2-D encoder, columns pooled away at each skip, 1-D decoder.

After Kanavati et al. 2018 (automatic L3 slice detection with fully convolutional networks): the answer is a
one-dimensional map along the body instead of one number a window. Widths and depth are ours.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ..errors import UsageError


class LevelMap(nn.Module):
    """Confidence of a vertebral level by row.

    Parameters
    ----------
    in_channels : int
        Views of the projection.
    out_channels : int
        1, the level's map.
    channels : sequence of int
        Maps at each encoder level; the last is the bottleneck.
    rows, width : int
        Size of the training crop in pixels, for the card; the network takes any size from 2^levels pixels on.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 1,
        channels: Sequence[int] = (16, 24, 32, 48, 64, 64),
        rows: int = 256,
        width: int = 512,
    ) -> None:
        super().__init__()
        if len(channels) < 2 or min(rows, width) < 2 ** (len(channels) - 1):
            raise UsageError(
                f"l3-map: {len(channels)} levels on {rows} x {width}; use 2 or more that the size can halve"
            )
        self.rows, self.width, self.factor = int(rows), int(width), 2 ** (len(channels) - 1)
        before = [in_channels, *channels]
        self.downs = nn.ModuleList(_block(nn.Conv2d, nn.BatchNorm2d, a, b) for a, b in zip(before, channels))
        deep_first = list(channels[::-1])
        self.ups = nn.ModuleList(
            _block(nn.Conv1d, nn.BatchNorm1d, deep + skip, skip) for deep, skip in itertools.pairwise(deep_first)
        )
        self.head = nn.Conv1d(channels[0], out_channels, 1)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Confidence (B, 1, R) of projections (B, views, R, width) in [0, 1]: about 1 at the level, 0 elsewhere."""
        features = []
        for stage in self.stages():
            x = stage(x)
            features.append(x)
        return self.finish(features)

    def stages(self) -> list[Callable[[Tensor], Tensor]]:
        """Callables of stem, enc1, ..., encN; each but the first begins by halving both axes."""
        return [self._first, *(_Down(block) for block in list(self.downs)[1:-1])]

    def finish(self, features: list[Tensor]) -> Tensor:
        """The bottleneck, the decoder along the rows and the head; empties the list of the encoder's outputs."""
        y = _columns_away(_Down(self.downs[-1])(features[-1]))
        for up in self.ups:
            skip = _columns_away(features.pop())
            y = up(torch.cat([interpolate(y, size=skip.shape[2], mode="linear", align_corners=False), skip], dim=1))
        return self.head(y)

    def _first(self, x: Tensor) -> Tensor:
        return self.downs[0](x)


class _Down:
    """Halving of both axes and a block, as one callable; an odd last row or column counts as well."""

    def __init__(self, block: nn.Module) -> None:
        self._block = block

    def __call__(self, x: Tensor) -> Tensor:
        return self._block(nn.functional.max_pool2d(x, 2, ceil_mode=True))


def _columns_away(x: Tensor) -> Tensor:
    """Largest value of each row (B, maps, rows) of features (B, maps, rows, columns)."""
    return x.amax(dim=3)


def _block(conv: type[nn.Module], norm: type[nn.Module], inputs: int, outputs: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for before in (inputs, outputs):
        parts += [conv(before, outputs, 3, padding=1, bias=False), norm(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*parts)
