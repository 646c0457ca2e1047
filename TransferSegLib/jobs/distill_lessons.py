"""Where the lessons of a teacher are kept between trainings."""

from __future__ import annotations

import hashlib
import json

from ..packages import Card
from ..places import cache_folder
from ..training import Distillation, LessonCache, TrainingPlan
from .distill_target import Student

# Raise when what a teacher says of a window changes, so that stale lessons are not used.
LESSON_VERSION = 1


def lesson_cache(
    card: Card, student: Student, how: Distillation, plan: TrainingPlan, *, device: str, precision: str
) -> LessonCache | None:
    """Where what the teacher says is kept: by its weights and all that decides what it says of a window.

    Weights alone do not: another activation, or another reading of the channels, goes with the same ones. None where
    the augmentation brings no window again; in memory alone where the weights have no hash.
    """
    if plan.augment and not plan.flips_only:
        return None
    if not card.weights_sha256:
        return LessonCache()
    teacher = student.teacher
    asked = {
        "weights": card.weights_sha256,
        "network": [card.network, card.arguments, card.members, card.combination, teacher.network],
        "classes": [teacher.kind, teacher.channels, teacher.places],
        "turned": teacher.turned,
        "maps": how.exponent if how.importance else None,
        "run": [device.split(":")[0], precision],
        "version": LESSON_VERSION,
    }
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]
    return LessonCache(cache_folder("lessons") / key)
