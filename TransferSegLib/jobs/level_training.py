"""The training inside every level model: pictures, loss, what is frozen, the inner split's error."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..events import Events
from ..inference import choose_device
from ..level.scoring import MISSED_MM
from ..packages import Card
from ..preparing.projection import ProjectionSpec
from ..strategies import Freezing
from ..training import (
    LEVEL_ERROR,
    LevelExample,
    LevelPictures,
    LevelPlan,
    Progress,
    Run,
    level_forward,
    level_loss,
    train,
)

if TYPE_CHECKING:
    from torch import nn

    from ..level.locating import Located

# Rows between windows while training is watched: coarser than an answer's, which is fine enough for a mean error.
WATCH_STEP_MM = 8.0


def train_level(
    module: nn.Module,
    card: Card,
    examples: Sequence[LevelExample],
    plan: LevelPlan,
    *,
    run: Run,
    events: Events,
    freezing: Freezing | None = None,
    inner: Sequence[LevelExample] = (),
    rehearsal: Sequence[LevelExample] = (),
    anchor: float = 0.0,
    device: str = "auto",
    precision: str = "auto",
    afterwards: float = 0.0,
) -> Progress:
    """Train a level model in place, through the one loop; it ends in eval mode on the CPU.

    Parameters
    ----------
    examples, inner, rehearsal : sequences of LevelExample
        To learn from; to stop by (their mean error in mm); of the source's kind, mixed in by ``plan.rehearsal``.
    freezing : Freezing, optional
        What a strategy froze; its rate counts.
    anchor : float
        Strength of a pull of all weights to where they start (L2), so that few cases move them little.
    """
    import torch

    spec = ProjectionSpec.of_card(card)
    chosen = choose_device(device, precision=precision, network=module)
    module.to(chosen.name, memory_format=torch.channels_last)
    source = LevelPictures(examples, plan, views=spec.views, row_mm=spec.row_mm, rehearsal=rehearsal)
    progress = train(
        module,
        forward=level_forward(module, plan),
        source=source,
        plan=plan,
        loss=anchored(level_loss(plan, module), module, anchor),
        rate=plan.rate * (freezing.strategy.rate if freezing is not None else 1.0),
        device=chosen.name,
        precision=chosen.precision,
        run=run,
        events=events,
        validate=(lambda network: inner_error(card, network, inner, device=chosen.name)) if inner else None,
        metric=LEVEL_ERROR,
        afterwards=afterwards,
    )
    module.to("cpu", memory_format=torch.contiguous_format)
    return progress


def anchored(loss: Any, module: nn.Module, strength: float) -> Any:
    """A loss with ``strength`` times the squared distance of the weights from their values now (L2-SP, Li et al. 2018).

    Only what learns is held. Where a training is resumed the module must hold its first weights when this is called.
    """
    if not strength:
        return loss
    held = [(p, p.detach().clone()) for p in module.parameters() if p.requires_grad]

    def together(found: Any, truth: Any) -> Any:
        return loss(found, truth) + strength * sum((p - start).square().sum() for p, start in held)

    return together


def locate_pixels(
    card: Card, module: nn.Module, pixels: np.ndarray, *, step: int | None = None, device: str = "cpu"
) -> Located:
    """The answer of a model on a projection's pixels (views, rows, width), as its card says how."""
    from ..level.finding import calibration_of, curve_of
    from ..level.locating import locate, locate_map

    curve = curve_of(card, module, np.asarray(pixels, dtype=np.float32), step=step, device=device)
    options = {"row_mm": card.spacing[0], "level": card.level, "calibration": calibration_of(card)}
    if isinstance(curve, np.ndarray):
        return locate_map(curve, **options)
    return locate(curve, height=pixels.shape[1], **options)


def inner_error(card: Card, module: nn.Module, inner: Sequence[LevelExample], *, device: str) -> float | None:
    """Mean cost in mm over the inner split: the error of the row, or `MISSED_MM` for a wrong kind of answer."""
    step = max(1, round(WATCH_STEP_MM / card.spacing[0]))
    costs = []
    for example in inner:
        located = locate_pixels(card, module, example.pixels, step=step, device=device)
        shown = example.row is not None and 0 <= example.row <= example.height - 1
        if located.row is None or located.answer == "not-in-view":
            costs.append(MISSED_MM if shown else 0.0)
        else:
            costs.append(min(abs(located.row - example.row) * card.spacing[0], 2 * MISSED_MM) if shown else MISSED_MM)
    return round(statistics.fmean(costs), 6) if costs else None
