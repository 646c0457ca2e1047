"""Dense evaluation of an L3 regressor: the convolutions once over a whole projection, the late poolings in all phases.

A network that strides N rows gives one window in N. Finer windows differ from those in the phase of its poolings
only: a pooling of stride 2 is evaluated from its first and from its second row, and both go on as one batch. That
doubles the cost of what follows, which is small for the last poolings (VGG16: steps 16 and 8 cost next to nothing, 4 a
quarter more). Networks that are no plain sequence run on shifted projections instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ..errors import UsageError

if TYPE_CHECKING:
    from .level_regressor import LevelRegressor

# Rows evaluated at a time where no graph is kept: bounds the memory on a tall projection.
CHUNK_ROWS = 1280
_UNKNOWN_REACH = 256


@dataclass(frozen=True)
class DensePlan:
    """How a trunk is evaluated densely.

    Attributes
    ----------
    stride : int
        Rows between windows of one phase.
    phased : bool
        A plain sequence, whose poolings are phased; otherwise the projection is shifted.
    finest : int
        Finest step evaluated where nothing else is said.
    limit : int
        Finest step that can be evaluated.
    reach : int
        Rows above and below that a feature sees, rounded up to a multiple of the stride.
    """

    stride: int
    phased: bool
    finest: int
    limit: int
    reach: int


def plan_dense(trunk: nn.Sequential, stride: int, *, cheap: bool) -> DensePlan:
    """The plan for a trunk; ``cheap`` evaluates every phase that there is."""
    parts = list(trunk)
    plain = (nn.Conv2d, nn.ReLU, nn.BatchNorm2d, nn.Dropout, nn.Identity)
    phased = all(isinstance(part, plain) or _can_phase(part) or _keeps_rows(part) for part in parts)
    reach = _reach(parts) if phased else _UNKNOWN_REACH
    reach = -(-reach // stride) * stride
    poolings = sum(_can_phase(part) for part in parts)
    limit = max(stride >> poolings, 1) if phased else 1
    finest = limit if cheap else max(stride // (8 if phased else 2), limit)
    return DensePlan(stride, phased, finest, limit, reach)


def dense_offsets(network: LevelRegressor, plan: DensePlan, x: Tensor, step: int, finest: int | None) -> Tensor:
    """Offsets (B, n) of the windows with top 0, step, ...; see `LevelRegressor.dense`."""
    learns = torch.is_grad_enabled() and network.head.weight.requires_grad

    def evaluate(part: Tensor, grid: int) -> Tensor:
        return _evaluate(network, plan, part, grid)

    return offsets_by(evaluate, network.rows, plan, x, step, finest, whole=learns)


def offsets_by(
    evaluate: Callable[[Tensor, int], Tensor],
    rows: int,
    plan: DensePlan,
    x: Tensor,
    step: int,
    finest: int | None = None,
    *,
    whole: bool = False,
) -> Tensor:
    """Offsets (B, n) of the windows with top 0, step, ... by ``evaluate``, which gives them at the steps of a grid.

    ``evaluate`` takes (B, views, R, width) and the grid's step to (B, (R - rows) // step + 1). A tall projection goes
    through it in parts, unless ``whole``.
    """
    total = x.shape[2]
    if step < 1 or total < rows:
        raise UsageError(f"dense: {total} rows at step {step}; use at least {rows} rows and a step from 1")
    grid = grid_step(plan, step, finest)
    count = (total - rows) // step + 1
    offsets = evaluate(x, grid) if whole or total <= CHUNK_ROWS else _chunked(evaluate, rows, plan, x, grid)
    if grid == step:
        return offsets[:, :count]
    tops = torch.arange(count, device=x.device) * step
    left = torch.div(tops, grid, rounding_mode="floor")
    share = (tops - left * grid).to(offsets.dtype) / grid
    right = torch.minimum(left + 1, torch.full_like(left, offsets.shape[1] - 1))
    beyond = (right == left).to(offsets.dtype)
    # an offset falls by one a row where no further window was computed
    return offsets[:, left] * (1 - share) + (offsets[:, right] - beyond * grid) * share


def grid_step(plan: DensePlan, step: int, finest: int | None = None) -> int:
    """The step to evaluate at: the coarsest that divides the one asked for, else the finest."""
    finest = plan.finest if finest is None else int(finest)
    if finest < plan.limit or finest > plan.stride or plan.stride % finest or (plan.stride // finest).bit_count() != 1:
        raise UsageError(f"finest: got {finest}, expected {plan.stride} divided by a power of two, from {plan.limit}")
    grid = plan.stride
    while grid > finest and step % grid:
        grid //= 2
    return grid


def _chunked(evaluate: Callable[[Tensor, int], Tensor], rows: int, plan: DensePlan, x: Tensor, grid: int) -> Tensor:
    """Offsets at every grid step of a tall projection, in parts that overlap."""
    total = x.shape[2]
    size = max(CHUNK_ROWS - rows - 2 * plan.reach, plan.stride) // plan.stride * plan.stride
    parts, last = [], total - rows
    for first in range(0, last + 1, size):
        top = max(first - plan.reach, 0)
        bottom = min(first + size + rows + plan.reach, total)
        offsets = evaluate(x[:, :, top:bottom], grid)
        skipped = (first - top) // grid
        parts.append(offsets[:, skipped : skipped + (min(first + size - 1, last) - first) // grid + 1])
    return torch.cat(parts, dim=1)


def grid_offsets(network: LevelRegressor, plan: DensePlan, x: Tensor) -> Tensor:
    """Offsets (B, n) at every ``plan.finest`` rows of a projection of any height, without a question to its size.

    What an exported network computes. The last up to ``stride / finest`` of them belong to no whole window.
    """
    prepared = network.prepare(x)
    if plan.phased:
        features = _phases(network.trunk, plan, prepared, plan.finest)
    else:
        found = [network.trunk(prepared[:, :, shift:]) for shift in range(0, plan.stride, plan.finest)]
        # a shifted projection has as many rows of features, or one fewer
        features = [pad(part, (0, 0, 0, 1))[:, :, : found[0].shape[2]] for part in found]
    return torch.stack([network.offsets_of(part) for part in features], dim=2).flatten(1)


def _evaluate(network: LevelRegressor, plan: DensePlan, x: Tensor, grid: int) -> Tensor:
    """Offsets (B, (R - rows) // grid + 1) of one projection."""
    prepared = network.prepare(x)
    phases = _phases(network.trunk, plan, prepared, grid) if plan.phased else _shifts(network, plan, prepared, grid)
    offsets = [network.offsets_of(part) for part in phases]
    longest = max(part.shape[1] for part in offsets)
    offsets = [pad(part, (0, longest - part.shape[1])) for part in offsets]
    count = (x.shape[2] - network.rows) // grid + 1
    return torch.stack(offsets, dim=2).flatten(1)[:, :count]


def _shifts(network: LevelRegressor, plan: DensePlan, x: Tensor, grid: int) -> list[Tensor]:
    """Features of the projection without its first 0, grid, ... rows."""
    shifts = range(0, min(plan.stride, x.shape[2] - network.rows + 1), grid)
    found = [network.trunk(x[:, :, shift:]) for shift in shifts]
    return found + [found[-1]] * (plan.stride // grid - len(found))  # cut off again: no window begins there


def _phases(trunk: nn.Sequential, plan: DensePlan, x: Tensor, grid: int) -> list[Tensor]:
    """Features of every phase, in the order of the phases' first rows 0, grid, ..."""
    wanted = (plan.stride // grid).bit_length() - 1
    poolings = [number for number, part in enumerate(trunk) if _can_phase(part)]
    split = set(poolings[len(poolings) - wanted :])
    batch, shifts, jump = x.shape[0], [0], 1
    for number, part in enumerate(trunk):
        if number in split:
            x = _both_phases(part, x)
            shifts += [shift + jump for shift in shifts]
        else:
            x = part(x)
        jump *= _row_stride(part)
    features = x.unflatten(0, (len(shifts), batch))
    return [features[shifts.index(shift)] for shift in sorted(shifts)]


def _both_phases(pool: nn.Module, x: Tensor) -> Tensor:
    """A pooling from the first and from the second row on, one after the other along the batch."""
    first, second = pool(x), pool(x[:, :, 1:])
    # the second has as many rows, or one fewer
    return torch.cat([first, pad(second, (0, 0, 0, 1))[:, :, : first.shape[2]]])


def _can_phase(part: nn.Module) -> bool:
    """A pooling that halves the rows and pads nothing."""
    if not isinstance(part, nn.MaxPool2d) or part.ceil_mode or _pair(part.padding)[0] or _pair(part.dilation)[0] != 1:
        return False
    return _row_stride(part) == 2


def _keeps_rows(part: nn.Module) -> bool:
    """A pooling along the columns only."""
    return isinstance(part, nn.MaxPool2d) and _pair(part.kernel_size)[0] == 1 and _row_stride(part) == 1


def _row_stride(part: nn.Module) -> int:
    return _pair(part.stride)[0] if isinstance(part, (nn.Conv2d, nn.MaxPool2d)) else 1


def _reach(parts: list[nn.Module]) -> int:
    """Rows that a row of features sees above and below those it stands for, the more of the two."""
    above, below, jump = 0, 0, 1
    for part in parts:
        if isinstance(part, (nn.Conv2d, nn.MaxPool2d)):
            padding = _pair(part.padding)[0]
            above += padding * jump
            below += ((_pair(part.kernel_size)[0] - 1) * _pair(part.dilation)[0] - padding) * jump
            jump *= _row_stride(part)
    return max(above, below)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)
