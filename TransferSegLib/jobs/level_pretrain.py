"""Makes the shipped level model again: projections of CT phantoms, one training, one package.

python -m TransferSegLib.cli.level_pretrain --work FOLDER --out FOLDER
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..events import Events, quiet
from ..level.finding import curve_of, judge, rows_of_second_looks
from ..level.scoring import score_row, score_summary
from ..networks import build_network, state_to_save
from ..packages import Card, Package, read_package, write_package
from ..preparing.projection import ProjectionSpec
from ..storage import check_folder_is_free, remove_folder, write_json, writing
from ..training import LevelExample, LevelPlan, Run
from .level_phantoms import phantom_examples
from .level_recipe import LevelRecipe, finished_card, recipe_card, recipe_plan
from .level_training import train_level

# First seeds of the parts, beyond those of `write_ct_phantoms` and so far apart that they never share a phantom.
TRAINING_SEED, CHOOSING_SEED, HELD_OUT_SEED = 4_000_000_000, 5_000_000_000, 9_000_000_000


def pretrain_level(
    out: str | Path,
    work: str | Path,
    *,
    recipe: LevelRecipe | None = None,
    command: str = "",
    jobs: int = 1,
    events: Events | None = None,
) -> Package:
    """Make projections of phantoms below ``work``, train, score, and write the package ``out``.

    An interrupted training is gone on with. ``jobs`` phantoms are made at a time.
    """
    import torch

    events, recipe, work = quiet(events), recipe or LevelRecipe(), Path(work)
    check_folder_is_free(out)
    card = recipe_card(recipe)
    torch.manual_seed(recipe.seed)
    module = build_network(card.network, card.in_channels, 1, card.arguments)
    plan = recipe_plan(recipe, getattr(module, "stride", 1))
    for number in range(recipe.rounds):
        _round(number, module, card, recipe, plan, work, jobs, events)
    scores = {
        name: score_examples(card, module, _phantoms(work, seed, count, card, jobs, events), events)
        for name, seed, count in _judged(recipe)
    }
    write_json(work / "scores.json", scores)
    return write_package(out, finished_card(card, recipe, plan, scores, command), state_to_save(card.network, module))


def _judged(recipe: LevelRecipe) -> tuple[tuple[str, int, int], ...]:
    """Name, first seed and number of the phantoms that are only scored."""
    return ("choosing", CHOOSING_SEED, recipe.choosing), ("held out", HELD_OUT_SEED, recipe.held_out)


def _phantoms(work: Path, seed: int, count: int, card: Card, jobs: int, events: Events) -> list[LevelExample]:
    spec = ProjectionSpec.of_card(card)
    return phantom_examples(work / "projections", seed, count, spec, card.level, jobs=jobs, events=events)


def _round(
    number: int,
    module: Any,
    card: Card,
    recipe: LevelRecipe,
    plan: LevelPlan,
    work: Path,
    jobs: int,
    events: Events,
) -> None:
    """One round from the weights of the one before; a finished one is read, an interrupted one gone on with."""
    import torch

    folder = work / f"round-{number + 1}"
    if (folder / "weights.pt").is_file():
        module.load_state_dict(torch.load(folder / "weights.pt", map_location="cpu", weights_only=True))
        return
    examples = _phantoms(work, TRAINING_SEED, (number + 1) * recipe.count, card, jobs, events)
    plan = replace(plan, seed=recipe.seed + 1000 * number)
    run = Run(folder, {"verb": "level-pretrain", "recipe": asdict(recipe), "round": number, "plan": plan.to_json()})
    train_level(module, card, examples, plan, run=run, events=events)
    with writing(folder / "weights.pt") as temporary:
        torch.save(module.state_dict(), temporary)
    run.finish()


def score_examples(card: Card, module: Any, examples: Sequence[LevelExample], events: Events) -> dict[str, Any]:
    """``{cases, mean}`` of a model on projections whose level is known; slices are rows here.

    Judged as ``find_level`` judges a scan, second looks included; what looks at the scan itself has no say.
    """
    rows, millimetres = [], card.spacing[0]
    for number, example in enumerate(examples):
        events.progress("scoring", number, len(examples))
        pixels = np.asarray(example.pixels, dtype=np.float32)
        looks = rows_of_second_looks(card, module, pixels, device="cpu")
        located = judge(curve_of(card, module, pixels, device="cpu"), card, pixels.shape[1], others=looks)
        shown = example.row is not None and -0.5 <= example.row <= example.height - 0.5
        row = None if located.row is None else float(located.row)
        rows.append(
            score_row(
                example.id,
                answer=located.answer,
                mm=None if row is None else row * millimetres,
                index=row,
                true_mm=example.row * millimetres if shown else None,
                true_index=example.row if shown else None,
                where="" if shown else example.where or ("above" if example.row < 0 else "below"),
                confidence=located.confidence,
                message=located.message,
            )
        )
    events.progress("scoring", len(examples), len(examples))
    return {"cases": rows, "mean": score_summary(rows)}


def refresh_scores(folder: str | Path, work: str | Path, *, jobs: int = 1, events: Events | None = None) -> Package:
    """Score a package again on its held-out phantoms, where what reads the votes has changed; weights stay."""
    events, package = quiet(events), read_package(folder)
    stated = package.card.origin.get("recipe")
    if stated is None:
        raise InputError(f"{folder}: was not made by level_pretrain; nothing to score it on")
    recipe = LevelRecipe(**{k: tuple(v) if isinstance(v, list) else v for k, v in stated.items()})
    module, work = package.network(), Path(work)
    scores = {
        name: score_examples(package.card, module, _phantoms(work, seed, count, package.card, jobs, events), events)
        for name, seed, count in _judged(recipe)
    }
    plan = recipe_plan(recipe, getattr(module, "stride", 1))
    card = finished_card(package.card, recipe, plan, scores, package.card.origin.get("command", ""))
    return replace_package(folder, card, package.state())


def replace_package(folder: str | Path, card: Card, state: dict[str, Any]) -> Package:
    """Put a package in another's place: written beside it first, so that the old one stays until the new is whole."""
    folder = Path(folder)
    beside = folder.with_name(f"{folder.name}.new")
    if beside.exists():  # of a process that was killed
        remove_folder(beside)
    write_package(beside, card, state)
    remove_folder(folder)
    beside.rename(folder)
    return read_package(folder)
