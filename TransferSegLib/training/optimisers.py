"""Optimisers by name: a new one is a function and a line in the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    import torch


def _adam(parameters: Iterable[torch.nn.Parameter], rate: float, decay: float) -> torch.optim.Optimizer:
    from torch.optim import Adam

    return Adam(parameters, lr=rate, weight_decay=decay)


def _adamw(parameters: Iterable[torch.nn.Parameter], rate: float, decay: float) -> torch.optim.Optimizer:
    from torch.optim import AdamW

    return AdamW(parameters, lr=rate, weight_decay=decay)


OPTIMISERS: dict[str, Callable[..., Any]] = {"adam": _adam, "adamw": _adamw}


def optimiser_of(plan: Any, module: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
    """The optimiser that a plan names (``optimiser``, ``weight_decay``; Adam where it names none), over what learns."""
    name = getattr(plan, "optimiser", "adam")
    if name not in OPTIMISERS:
        raise UsageError(f"optimiser {name}: unknown; choose one of {', '.join(OPTIMISERS)}")
    learning = [p for p in module.parameters() if p.requires_grad]
    return OPTIMISERS[name](learning, rate, getattr(plan, "weight_decay", 0.0))
