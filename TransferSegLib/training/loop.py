"""The one training loop: optimiser steps over windows, checkpoints, early stopping, resume."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import Cancelled, TransferSegError
from ..events import Events
from .curricula.curriculum import Curriculum, NoCurriculum
from .interrupting import interruptible
from .level_plan import LevelPlan
from .losses import Loss, judge
from .optimisers import optimiser_of, rate_factor
from .plan import TrainingPlan
from .rating import autocast, rate_batch, to_device
from .run import Run

if TYPE_CHECKING:
    import torch

CHECKPOINT_SECONDS = 60


Plan = TrainingPlan | LevelPlan


class Source(Protocol):
    """Where batches come from: windows of cases, projections, a bank of frozen features, or a `Curriculum`."""

    def batch(self, step: int) -> tuple[Any, Any]:
        """Inputs of ``forward`` and what the loss takes as truth (class indices (B, 1, k, j, i), bounds of offsets)."""


@dataclass(frozen=True)
class Metric:
    """What ``validate`` measures: its name in metrics and events, and whether more of it is better."""

    name: str = "validation_dice"
    more_is_better: bool = True

    def improves(self, score: float, best: float | None) -> bool:
        """Whether a score beats the best so far."""
        return best is None or (score > best if self.more_is_better else score < best)


DICE = Metric()
LEVEL_ERROR = Metric("validation_error_mm", more_is_better=False)


@dataclass
class Progress:
    """What a checkpoint keeps beside weights and optimiser."""

    step: int = 0
    best_score: float | None = None
    best_epoch: int = 0
    best_state: dict[str, Any] | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    loss_sum: float = 0.0


def train(
    module: torch.nn.Module,
    *,
    forward: Callable[[Any], torch.Tensor],
    source: Source,
    plan: Plan,
    loss: Loss,
    rate: float,
    device: str,
    precision: str,
    run: Run,
    events: Events,
    validate: Callable[[torch.nn.Module], float | None] | None = None,
    metric: Metric = DICE,
    afterwards: float = 0.0,
) -> Progress:
    """Train ``module`` in place and leave it with its best (or last) weights.

    Parameters
    ----------
    forward : callable
        Inputs of a batch on ``device`` to what ``loss`` judges (logits (B, C, k, j, i)); it knows what is frozen.
    validate : callable, optional
        The ``metric`` (mean Dice) on the inner split, called each epoch; the best epoch's weights are kept and the
        training ends after ``plan.patience`` epochs without a better one. Without it the last are kept.
    afterwards : float
        Seconds that the caller's work takes after the training, added to the time that is left.

    Raises
    ------
    Cancelled
        After a checkpoint was written; or when it was stopped before anything was learned.
    TransferSegError
        The loss became NaN or infinite.
    """
    import torch

    optimiser = optimiser_of(plan, module, rate)
    scaler = torch.amp.GradScaler(enabled=device.startswith("cuda") and precision == "float16")
    lesson = source if isinstance(source, Curriculum) else NoCurriculum()
    progress = _restore(run, module, optimiser, scaler, lesson)
    module.train()
    saved = started = time.monotonic()
    first = progress.step
    events.progress("training", first, plan.steps)
    rated = partial(rate_batch, module, forward, loss, device, precision)
    with _one_ahead() as pool, interruptible(module, events.check):
        lesson.decide(progress.step, rated)
        upcoming = pool.submit(source.batch, progress.step)
        while progress.step < plan.steps and not events.stopping and not _out_of_patience(progress, plan, validate):
            inputs, truth = upcoming.result()
            try:
                if progress.step + 1 < plan.steps:
                    lesson.decide(progress.step + 1, rated)
                    upcoming = pool.submit(source.batch, progress.step + 1)
                _set_rate(optimiser, rate, plan, progress.step)
                torch.manual_seed(_seed(plan, progress.step))
                inputs, truth = to_device(inputs, device), truth.to(device)
                with lesson.during(progress.step):
                    value = _step(forward, loss, optimiser, scaler, inputs, truth, device, precision)
            except torch.OutOfMemoryError as error:
                raise TransferSegError(
                    f"training: {device} has too little memory; use --batch 1, a smaller --patch, or --device cpu"
                ) from error
            except Cancelled:
                if any(True for _ in module.buffers()):  # half a step moved running statistics: go back further
                    raise
                raise _leave(run, _state(module, optimiser, scaler, progress, lesson), progress, plan) from None
            again = partial(rated, inputs, truth, training=True, seed=_seed(plan, progress.step))
            lesson.observe(progress.step, value, again)  # one who cancels here goes on from the last checkpoint
            progress.loss_sum += value
            progress.step += 1
            if progress.step % plan.steps_per_epoch == 0:
                _end_epoch(module, progress, plan, validate, metric, run, events)
            if progress.step % plan.steps_per_epoch == 0 or time.monotonic() - saved > CHECKPOINT_SECONDS:
                run.save_checkpoint(_state(module, optimiser, scaler, progress, lesson))
                saved = time.monotonic()
            left = (time.monotonic() - started) / (progress.step - first) * (plan.steps - progress.step)
            try:
                events.progress("training", progress.step, plan.steps, left + afterwards)
            except Cancelled:
                raise _leave(run, _state(module, optimiser, scaler, progress, lesson), progress, plan) from None
    if progress.step == 0:
        raise Cancelled("stopped before anything was learned; there is nothing to keep")
    if progress.best_state is not None:
        module.load_state_dict(progress.best_state)
    module.eval()
    return progress


@contextmanager
def _one_ahead() -> Iterator[ThreadPoolExecutor]:
    """A thread that makes the next batch; a user who cancelled does not wait for one that is in work."""
    pool, wait = ThreadPoolExecutor(1), True
    try:
        yield pool
    except Cancelled:
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)


def _leave(run: Run, state: dict[str, Any], progress: Progress, plan: Plan) -> Cancelled:
    """Keep what was reached; the exception to raise."""
    run.save_checkpoint(state)
    return Cancelled(f"cancelled at step {progress.step} of {plan.steps}; the same command goes on from there")


def _seed(plan: Plan, step: int) -> int:
    """For dropout, the same after a resume."""
    return plan.seed * 1_000_003 + step


def _step(forward, loss, optimiser, scaler, inputs, truth, device: str, precision: str) -> float:
    optimiser.zero_grad(set_to_none=True)
    with autocast(device, precision):
        logits = forward(inputs)
    value = judge(loss, logits.float(), truth, inputs)
    number = float(value.detach())
    if not math.isfinite(number):
        raise TransferSegError("training: the loss became NaN; lower the learning rate or use --precision float32")
    scaler.scale(value).backward()
    scaler.step(optimiser)
    scaler.update()
    return number


def _set_rate(optimiser, rate: float, plan: Plan, step: int) -> None:
    factor = rate_factor(plan, step)
    for group in optimiser.param_groups:
        group["lr"] = rate * factor


def _end_epoch(module, progress: Progress, plan: Plan, validate, metric: Metric, run: Run, events: Events) -> None:
    epoch = progress.step // plan.steps_per_epoch
    score = None
    if validate is not None:
        score = validate(module)
        module.train()
        if score is not None and metric.improves(score, progress.best_score):
            progress.best_score, progress.best_epoch = score, epoch
            progress.best_state = copy.deepcopy(module.state_dict())
    row = {
        "epoch": epoch,
        "step": progress.step,
        "loss": round(progress.loss_sum / plan.steps_per_epoch, 6),
        metric.name: None if score is None else round(score, 6),
        "seconds": round(run.seconds, 1),
    }
    progress.loss_sum = 0.0
    progress.rows.append(row)
    run.write_metrics(progress.rows)
    events.metric(**row)


def _out_of_patience(progress: Progress, plan: Plan, validate) -> bool:
    epoch = progress.step // plan.steps_per_epoch
    return validate is not None and plan.early_stopping and epoch - progress.best_epoch >= plan.patience


def _state(module, optimiser, scaler, progress: Progress, lesson: Curriculum) -> dict[str, Any]:
    return {
        "module": module.state_dict(),
        "optimiser": optimiser.state_dict(),
        "scaler": scaler.state_dict(),
        "progress": vars(progress),
        "curriculum": lesson.state(),
    }


def _restore(run: Run, module, optimiser, scaler, lesson: Curriculum) -> Progress:
    saved = run.load_checkpoint()
    if saved is None:
        return Progress()
    module.load_state_dict(saved["module"])
    optimiser.load_state_dict(saved["optimiser"])
    scaler.load_state_dict(saved["scaler"])
    lesson.restore(saved.get("curriculum", {}))
    return Progress(**saved["progress"])
