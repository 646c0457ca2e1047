"""Which verbs' work is a level model's, and what does not go together with one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..level.data_set import is_level_csv
from ..packages import Card, Package
from .finetune_plan import TrainingOptions
from .level_target import LevelOptions

CSV_WORDS = "a CSV with the columns ct and slice, mm, mask or where"


def is_level_job(package: Package | None, network: str | None, data: str | Path) -> bool:
    """Whether a training is a level model's; ``UsageError`` where model and data are of different tasks."""
    levels = is_level_csv(data)
    if package is not None:
        wanted = package.card.task == "level"
        check_data(package.card, data)
    else:
        wanted = (network or "").startswith("l3-") or (network is None and levels)
    if levels and not wanted:
        raise UsageError(f"--network {network}: {data} is a list of levels; name a network such as l3-cnn4")
    if wanted and not levels and not Path(data).is_file():
        raise UsageError(f"--data {data}: a level model learns from {CSV_WORDS}; give such a file")
    return wanted


def check_data(card: Card, data: str | Path) -> None:
    """Refuse a list of levels for another model, and a folder of cases for a level model (``UsageError``)."""
    levels = is_level_csv(data)
    if card.task == "level" and not levels and not Path(data).is_file():
        raise UsageError(f"--data {data}: {card.name} finds {card.level}; give {CSV_WORDS}")
    if card.task != "level" and levels:
        raise UsageError(f"--data {data}: is a list of levels, {card.name} is a model for {card.task}; use an l3 model")


def check_segments(card: Card) -> None:
    """Refuse a level model where labels are asked for (``UsageError``)."""
    if card.task == "level":
        raise UsageError(
            f"--model {card.name}: finds {card.level} and makes no labels; use `transferseg l3 CT --model {card.name}`"
        )


def refuse_others(given: Mapping[str, Any], options: TrainingOptions) -> None:
    """Options of segmentation have no meaning for a level model (``UsageError``)."""
    wrong = [name for name, value in given.items() if value]
    for name, value in (
        ("--patch", options.patch),
        ("--foreground", options.foreground),
        ("--feature-bank", options.feature_bank),
        ("--unlabelled", options.unlabelled),
        ("--stage1", options.stage1),
        ("--curriculum", options.curriculum not in (None, "none")),
    ):
        wrong += [name] if value else []
    wrong += ["--loss"] if options.loss != "dice-ce" else []
    wrong += ["--augmentation"] if options.augmentation != "full" else []
    wrong += options.new_model.given()
    if wrong:
        raise UsageError(f"{wrong[0]}: has no meaning for a level model; leave it out")


def refuse_level_options(options: LevelOptions | None) -> None:
    """Options of level models have no meaning for others (``UsageError``)."""
    if options is not None and options.given():
        word = options.given()[0].replace("--views", "--view")
        raise UsageError(f"{word}: is for level models (--network l3-...) only; leave it out")


def refuse_labels(label_map: object, truth_name: object, reference: object) -> None:
    """Options about labels and grids have no meaning for a level model (``UsageError``)."""
    for name, value in (("--map", label_map), ("--truth-name", truth_name), ("--reference", reference)):
        if value:
            raise UsageError(f"{name}: has no meaning for a level model; leave it out")
