"""Losses of level models: offsets held between two bounds, and a confidence map along the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .level_plan import MAPS, LevelPlan

if TYPE_CHECKING:
    import torch

    from .losses import Loss

# Kanavati et al. 2018: a Gaussian of 1.5 rows on maps of 256 rows.
MAP_SIGMA = 1.5


def offset_bounds(
    tops: np.ndarray, rows: int, margin: int, *, row: float | None, where: str = "", count: float = 0
) -> np.ndarray:
    """What each window of a projection may answer, (n, 2) float32: lowest and highest offset in rows.

    Parameters
    ----------
    tops : (n,) first rows of the windows
    rows : int
        Height of a window.
    margin : int
        How far beyond its edge a window must at least point when the level is further away than that.
    row : float or None
        The level's row; it may lie outside the projection.
    where : {"", "above", "below", "absent"}
        Without ``row``: on which side of the projection's ``count`` rows the level lies.

    Returns
    -------
    array (n, 2)
        Equal bounds: exactly this offset. One infinite bound: at least, or at most. The lowest above the highest: not
        between them (the level is nowhere, and on neither side for certain).
    """
    tops = np.asarray(tops, dtype=np.float32)
    bounds = np.empty((len(tops), 2), dtype=np.float32)
    if row is None and where == "absent":
        bounds[:] = rows + margin, -margin
        return bounds
    if row is None:
        known = (count if where == "below" else 0) - tops
        low, high = (known, np.inf) if where == "below" else (-np.inf, known)
        bounds[:, 0], bounds[:, 1] = low, high
    else:
        bounds[:] = (row - tops)[:, None]
    below, above = bounds[:, 0] > rows, bounds[:, 1] < 0
    bounds[below, 0], bounds[below, 1] = np.minimum(bounds[below, 0], rows + margin), np.inf
    bounds[above, 1], bounds[above, 0] = np.maximum(bounds[above, 1], -margin), -np.inf
    return bounds


def offset_loss(plan: LevelPlan, head: Sequence[torch.Tensor] = ()) -> Loss:
    """Squared distance of offsets (B, n) from their bounds (B, n, 2), in window heights; `offset_bounds` makes them.

    ``head`` are the head's weights, for the penalty ``plan.head_decay`` (methods.md, section 2).
    """
    import torch

    def loss(offsets: torch.Tensor, bounds: torch.Tensor) -> torch.Tensor:
        low, high = bounds[..., 0], bounds[..., 1]
        under, over = low - offsets, offsets - high
        away = torch.where(low > high, torch.minimum(under, over), torch.maximum(under, over)).clamp(min=0) / plan.rows
        value = _squared(away, plan.huber).mean()
        penalty = sum(weights.square().sum() for weights in head) if plan.head_decay else 0.0
        return value + plan.head_decay / plan.rows**2 * penalty

    return loss


def _squared(away: torch.Tensor, huber: float) -> torch.Tensor:
    """The square, or Huber's continuation of it by a line from ``huber`` on."""
    import torch

    return away.square() if not huber else torch.where(away < huber, away.square(), huber * (2 * away - huber))


def map_target(count: int, row: float | None, *, reference: int = 256) -> np.ndarray:
    """The confidence along ``count`` rows, float32: a Gaussian of height 1 at the level, zero where it is not."""
    if row is None:
        return np.zeros(count, dtype=np.float32)
    sigma = MAP_SIGMA * count / reference
    return np.exp(-0.5 * ((np.arange(count) - row) / sigma) ** 2).astype(np.float32)


def map_loss() -> Loss:
    """Mean squared error of confidence maps (B, 1, R), times the rows so that its size does not depend on them."""

    def loss(maps: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        return (maps - truth).square().mean() * truth.shape[-1]

    return loss


def level_loss(plan: LevelPlan, module: torch.nn.Module | None = None, *, head: str = "head") -> Loss:
    """The loss that belongs to a plan; ``module`` where its head's weights are penalised (``plan.head_decay``)."""
    if plan.evaluation == MAPS:
        return map_loss()
    tensors = [] if module is None else [p for n, p in module.named_parameters() if n.startswith(head) and p.ndim > 1]
    return offset_loss(plan, tensors)


def level_forward(module: torch.nn.Module, plan: LevelPlan) -> Callable[[torch.Tensor], torch.Tensor]:
    """How a plan's pictures run through a network: (B, n) offsets in rows, or maps (B, 1, rows)."""
    import torch

    def forward(pictures: torch.Tensor) -> torch.Tensor:
        pictures = pictures.contiguous(memory_format=torch.channels_last)  # half the time on a CPU
        return module.dense(pictures, plan.step)[:, : plan.windows] if plan.evaluation == "dense" else module(pictures)

    return forward
