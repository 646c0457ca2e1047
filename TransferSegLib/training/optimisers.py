"""Optimisers and falls of the rate by name: a new one is a function and a line in the registry."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    import torch


def _adam(parameters: Iterable[torch.nn.Parameter], rate: float, decay: float) -> torch.optim.Optimizer:
    from torch.optim import Adam

    return Adam(parameters, lr=rate, weight_decay=decay)


def _amsgrad(parameters: Iterable[torch.nn.Parameter], rate: float, decay: float) -> torch.optim.Optimizer:
    from torch.optim import Adam

    return Adam(parameters, lr=rate, weight_decay=decay, amsgrad=True)


def _adamw(parameters: Iterable[torch.nn.Parameter], rate: float, decay: float) -> torch.optim.Optimizer:
    from torch.optim import AdamW

    return AdamW(parameters, lr=rate, weight_decay=decay)


OPTIMISERS: dict[str, Callable[..., Any]] = {"adam": _adam, "adam-amsgrad": _amsgrad, "adamw": _adamw}


def _cosine(step: int, steps: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * step / steps))


def _poly(step: int, steps: int) -> float:
    return (1 - step / steps) ** 0.9


# What the rate is multiplied by at a step of so many.
SCHEDULES: dict[str, Callable[[int, int], float]] = {"cosine": _cosine, "poly": _poly}


def rate_factor(plan: Any, step: int) -> float:
    """What a plan multiplies its rate by at a step: 1 without ``decay``, else by its ``schedule`` (cosine)."""
    if not plan.decay:
        return 1.0
    name = getattr(plan, "schedule", "cosine")
    if name not in SCHEDULES:
        raise UsageError(f"schedule {name}: unknown; choose one of {', '.join(SCHEDULES)}")
    return SCHEDULES[name](step, plan.steps)


def optimiser_of(plan: Any, module: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
    """The optimiser that a plan names (``optimiser``, ``weight_decay``; Adam where it names none), over what learns."""
    name = getattr(plan, "optimiser", "adam")
    if name not in OPTIMISERS:
        raise UsageError(f"optimiser {name}: unknown; choose one of {', '.join(OPTIMISERS)}")
    learning = [p for p in module.parameters() if p.requires_grad]
    return OPTIMISERS[name](learning, rate, getattr(plan, "weight_decay", 0.0))
