"""The L3 regressor: a backbone, its features of one window flattened, and one linear output: the level's row."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .level_dense import DensePlan, dense_offsets, grid_step, plan_dense
from .level_trunk import build_trunk, dry_run, stage_starts
from .narrowing import widths

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# torchvision's weights of these expect (x - 0.5) / 0.5, which its ``transform_input`` makes of ImageNet's numbers.
_HALVES = ("googlenet", "inception_v3")
# Views to the three channels of a backbone: grey three times, or frontal, lateral, frontal.
_CHANNELS = {1: (0, 0, 0), 2: (0, 1, 0)}


class LevelRegressor(nn.Module):
    """Row of a vertebral level in a window of a projection (Belharbi et al. 2017).

    Parameters
    ----------
    in_channels : int
        Views of the projection: 1 (made grey in three channels) or 2 (frontal, lateral, frontal).
    out_channels : int
        1, the level's offset.
    backbone : str
        ``cnn4`` or a torchvision classifier's name.
    rows, width : int
        Size of the window in pixels.
    kept : mapping, optional
        Input and output maps by module of the trunk, where pruning left fewer (`kept_maps`).

    Attributes
    ----------
    stride : int
        Rows of the window that one row of features advances.
    finest : int
        Finest step at which `dense` evaluates the network itself; finer ones are interpolated.
    feature_size : (int, int, int)
        Maps, rows and columns of the features of one window.

    Raises
    ------
    UsageError
        For an unknown backbone, other numbers of channels, or a window that the backbone cannot take.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 1,
        backbone: str = "cnn4",
        rows: int = 100,
        width: int = 512,
        kept: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        super().__init__()
        if in_channels not in _CHANNELS or out_channels != 1:
            raise UsageError(
                f"l3-{backbone}: {in_channels} views and {out_channels} outputs; use 1 view or 2, and 1 output"
            )
        self.backbone, self.rows, self.width, self.in_channels = backbone, int(rows), int(width), in_channels
        self.trunk, self.sources = build_trunk(backbone, kept)
        names, parts = zip(*self.trunk.named_children())
        shapes = dry_run(parts, self.rows, self.width, f"l3-{backbone}")
        starts = [*stage_starts(parts, shapes.sizes, self.rows), len(parts)]
        self.stage_names = tuple(tuple(names[a:b]) for a, b in itertools.pairwise(starts))
        self.feature_size, self.stride = shapes.sizes[-1], shapes.stride
        features = torch.Size(self.feature_size).numel()
        self.head = nn.Linear(features, 1)
        nn.init.normal_(self.head.weight, std=0.1 / features**0.5)
        nn.init.constant_(self.head.bias, 0.5)  # the window's middle
        self._plan: DensePlan = plan_dense(self.trunk, self.stride, cheap=backbone == "cnn4")

    @property
    def finest(self) -> int:
        """Finest step in rows at which the network itself is evaluated by `dense`."""
        return self._plan.finest

    @property
    def kept_maps(self) -> dict[str, list[int]]:
        """Input and output maps by module of the trunk: what ``kept`` takes."""
        return widths(self.trunk)

    def prepare(self, x: Tensor) -> Tensor:
        """Views (B, views, rows, width) in [0, 1] to the backbone's three channels, as its weights expect them."""
        if x.shape[1] != self.in_channels or x.shape[-1] != self.width:
            raise UsageError(
                f"l3-{self.backbone}: got {x.shape[1]} views of width {x.shape[-1]}, expected {self.in_channels} of "
                f"{self.width}; project the scan as the model's card says"
            )
        # three channels innermost: the convolutions of a CPU take a fifth to a half less time so
        x = x[:, _CHANNELS[self.in_channels]].contiguous(memory_format=torch.channels_last)
        if self.backbone == "cnn4":
            return x
        mean, std = ((0.5,) * 3, (0.5,) * 3) if self.backbone in _HALVES else (_MEAN, _STD)
        return (x - x.new_tensor(mean).view(3, 1, 1)) / x.new_tensor(std).view(3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Offset in rows (B, 1) of the level from the top of windows (B, views, rows, width)."""
        if x.shape[2] != self.rows:
            raise UsageError(f"l3-{self.backbone}: a window has {self.rows} rows, got {x.shape[2]}; use dense instead")
        return self.finish([self.trunk(self.prepare(x))])

    def dense(self, x: Tensor, step: int, *, finest: int | None = None) -> Tensor:
        """Offsets of all windows of a projection, their convolutions shared.

        A window sees its real neighbours where the window alone would see the zeros that its convolutions are
        padded with: the two differ near a window's top and bottom, so that a network should be trained by the way in
        which it is used. Beyond that the offsets are those of the windows: poolings are evaluated at
        every phase that a step needs. A step that is finer than `finest`, or no multiple of a power of two of it, is
        interpolated between the windows computed (an offset falls linearly as its window moves down); beyond the last
        of them it falls by one a row.

        Parameters
        ----------
        x : tensor (B, views, R, width)
            Projection in [0, 1], R >= ``rows``; with a graph where gradients are on.
        step : int
            Rows between windows, 1 or more.
        finest : int, optional
            Another finest step to evaluate at: ``stride`` divided by a power of two; costs more the finer.

        Returns
        -------
        tensor (B, n)
            Offset in rows of the windows with top 0, step, ..., n = (R - rows) // step + 1.
        """
        return dense_offsets(self, self._plan, x, int(step), finest)

    def dense_step(self, step: int) -> int:
        """The step in rows at which `dense` evaluates the network where ``step`` is asked for."""
        return grid_step(self._plan, step)

    def offsets_of(self, features: Tensor) -> Tensor:
        """Offsets (B, n) of every run of feature rows in features (B, maps, F, columns): the head as a convolution."""
        kernel = self.head.weight.view(1, *self.feature_size)
        return nn.functional.conv2d(features, kernel, self.head.bias)[:, 0, :, 0] * self.rows

    def stages(self) -> list[Callable[[Tensor], Tensor]]:
        """Callables of stem, enc1, ..., encN."""
        parts = [[self.trunk.get_submodule(name) for name in names] for names in self.stage_names]
        return [_Stage(self.prepare if number == 0 else None, part) for number, part in enumerate(parts)]

    def finish(self, features: list[Tensor]) -> Tensor:
        """Offset (B, 1) of the last of the stages' outputs; empties the list."""
        y = features[-1]
        features.clear()
        return self.head(y.flatten(1)) * self.rows

    def load_backbone(self, state: Mapping[str, Any]) -> None:
        """Take the trunk's weights from torchvision's state dict; UsageError names what is missing or misfits."""
        own = {}
        for key, value in self.trunk.state_dict().items():
            unit, _, rest = key.partition(".")
            source = f"{self.sources[unit]}.{rest}"
            if key.endswith("num_batches_tracked") and source not in state:
                continue
            if source not in state or state[source].shape != value.shape:
                raise UsageError(
                    f"weights of {self.backbone}: {source} is missing or of another shape; give torchvision's file"
                )
            own[key] = state[source]
        self.trunk.load_state_dict(own, strict=False)


class _Stage:
    """A run of units as one callable."""

    def __init__(self, first: Callable[[Tensor], Tensor] | None, parts: Sequence[nn.Module]) -> None:
        self._first, self._parts = first, parts

    def __call__(self, x: Tensor) -> Tensor:
        x = self._first(x) if self._first is not None else x
        for part in self._parts:
            x = part(x)
        return x


def regressor_class(backbone: str) -> type[LevelRegressor]:
    """The regressor with its backbone decided, as the registry builds it."""

    class Regressor(LevelRegressor):
        """A `LevelRegressor` of one backbone."""

        def __init__(
            self,
            in_channels: int,
            out_channels: int = 1,
            rows: int = 100,
            width: int = 512,
            kept: Mapping[str, Sequence[int]] | None = None,
        ) -> None:
            super().__init__(in_channels, out_channels, backbone, rows, width, kept)

    Regressor.__name__ = Regressor.__qualname__ = f"LevelRegressor_{backbone}"
    return Regressor
