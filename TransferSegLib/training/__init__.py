"""One training loop, and the parts that are handed to it."""

from .bank import FeatureBank
from .loop import Progress, train
from .losses import LOSSES, active_logits, loss_by_name
from .plan import STEPS_PER_EPOCH, TrainingPlan, default_plan
from .prepared import case_hash, class_counts, prepare_case, prepared_arrays, training_case
from .run import Run, versions
from .windows import TrainingCase, Windows

__all__ = [
    "LOSSES",
    "STEPS_PER_EPOCH",
    "FeatureBank",
    "Progress",
    "Run",
    "TrainingCase",
    "TrainingPlan",
    "Windows",
    "active_logits",
    "case_hash",
    "class_counts",
    "default_plan",
    "loss_by_name",
    "prepare_case",
    "prepared_arrays",
    "train",
    "training_case",
    "versions",
]
