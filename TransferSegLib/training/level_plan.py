"""What a training of a level model is asked to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .plan import PATIENCE, STEPS_PER_EPOCH

EVALUATIONS = ("dense", "windows")
MAPS = "map"


@dataclass(frozen=True)
class LevelPlan:
    """The numbers of one training on projections.

    Parameters
    ----------
    epochs : int
        An epoch is 50 optimiser steps, whatever the number of scans.
    evaluation : {"dense", "windows", "map"}
        ``windows``: single windows that all contain the level, as published (Belharbi et al. 2017). ``dense``: tall
        crops at any phase, all their windows at once, those beside the level too. ``map``: tall crops whose truth is a
        Gaussian along the rows (Kanavati et al. 2018).
    rows, crop_rows : int
        Height of a window, and of the crops it is taken from, in rows of the projection.
    step : int
        Rows between the windows of a crop: the network's own stride, so that its convolutions are shared.
    rate : float
        Adam's learning rate before the strategy's factor.
    margin : int
        A window further than this from the level may answer anything beyond ``rows + margin`` (or ``-margin``), rows.
    huber : float
        Errors above this share of the window's height count linearly instead of squared; 0 squares all.
    head_decay : float
        L2 penalty on the head's weights (published: 1e-3 on the squared error in rows).
    rehearsal : float
        Share of the training pictures that come from the source's phantoms, so that the source is not forgotten.
    """

    epochs: int
    evaluation: str
    rows: int
    crop_rows: int
    step: int = 16
    seed: int = 0
    steps_per_epoch: int = STEPS_PER_EPOCH
    batch: int = 8
    rate: float = 1e-3
    decay: bool = True
    early_stopping: bool = False
    patience: int = PATIENCE
    augment: bool = True
    margin: int = 10
    huber: float = 0.0
    head_decay: float = 0.0
    rehearsal: float = 0.0

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.epochs * self.steps_per_epoch

    @property
    def windows(self) -> int:
        """Windows of one crop."""
        return 1 if self.evaluation == "windows" else (self.crop_rows - self.rows) // self.step + 1

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


# Optimiser steps of a training from new weights on two cores, and pictures a step; the heavy backbones as they fit.
CPU_STEPS = {"l3-cnn4": 3000, "l3-map": 2000}
CPU_BATCH = {"dense": 8, "windows": 32, "map": 8}
HEAVY = {"dense": 2, "windows": 8, "map": 2}
# Published (Belharbi et al. 2017): Adam 1e-5 for the ImageNet backbones.
BACKBONE_RATE = 1e-5
RATE = 1e-3


def default_level_plan(
    network: str, evaluation: str, *, rows: int, stride: int = 16, on_gpu: bool = False, early_stopping: bool = False
) -> LevelPlan:
    """The plan of a training from new (or ImageNet) weights; a crop is as tall as 2.5 windows, on whole strides."""
    light = network in CPU_STEPS
    steps = CPU_STEPS.get(network, 600) * (5 if on_gpu else 1)
    step = stride if evaluation == "dense" else 1
    crop = rows if evaluation != "dense" else rows + -(-rows * 3 // 2 // step) * step
    batch = (CPU_BATCH if light or on_gpu else HEAVY)[evaluation]
    return LevelPlan(
        epochs=-(-steps // STEPS_PER_EPOCH),
        evaluation=evaluation,
        rows=rows,
        crop_rows=crop,
        step=step,
        batch=batch,
        rate=RATE if light else BACKBONE_RATE,
        early_stopping=early_stopping,
    )
