"""One training loop, and the parts that are handed to it."""

from .augmentation import Augmentation
from .bank import FeatureBank
from .distillation import Distillation
from .lessons import LessonCache
from .level_batches import LevelExample, LevelPictures
from .level_losses import level_forward, level_loss
from .level_plan import LevelPlan, default_level_plan
from .loop import LEVEL_ERROR, Metric, Progress, train
from .losses import LOSSES, active_logits, judge, learns_without_truth, loss_by_name, needs_image, region_logits
from .petct_augmentation import PetCtAugmentation
from .plan import STEPS_PER_EPOCH, TrainingPlan, default_plan
from .planes import as_planes, as_volume
from .prepared import (
    CACHE_VERSION,
    case_hash,
    class_counts,
    kept_arrays,
    load_for,
    prepare_case,
    prepare_loaded,
    prepared_arrays,
    training_case,
    unlabelled_case,
)
from .run import Run, versions
from .slice_augmentation import Flips, SliceAugmentation
from .statistics import with_statistics
from .supervision import DeepSupervised, stacked
from .teaching import Teacher, Teaching
from .terms import UNLABELLED
from .windows import UNLABELLED_A_STEP, TrainingCase, Windows

__all__ = [
    "CACHE_VERSION",
    "LEVEL_ERROR",
    "LOSSES",
    "STEPS_PER_EPOCH",
    "UNLABELLED",
    "UNLABELLED_A_STEP",
    "Augmentation",
    "DeepSupervised",
    "Distillation",
    "FeatureBank",
    "Flips",
    "LessonCache",
    "LevelExample",
    "LevelPictures",
    "LevelPlan",
    "Metric",
    "PetCtAugmentation",
    "Progress",
    "Run",
    "SliceAugmentation",
    "Teacher",
    "Teaching",
    "TrainingCase",
    "TrainingPlan",
    "Windows",
    "active_logits",
    "as_planes",
    "as_volume",
    "case_hash",
    "class_counts",
    "default_level_plan",
    "default_plan",
    "judge",
    "kept_arrays",
    "learns_without_truth",
    "level_forward",
    "level_loss",
    "load_for",
    "loss_by_name",
    "needs_image",
    "prepare_case",
    "prepare_loaded",
    "prepared_arrays",
    "region_logits",
    "stacked",
    "train",
    "training_case",
    "unlabelled_case",
    "versions",
    "with_statistics",
]
