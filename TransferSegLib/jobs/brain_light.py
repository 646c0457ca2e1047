"""Makes the shipped light brain model again: a strong teacher on phantoms, and a light student that it teaches.

python -m TransferSegLib.cli.brain_light --work FOLDER --out FOLDER
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..events import Events, quiet
from ..packages import Package, read_package, write_package
from ..storage import check_folder_is_free, remove_folder
from ..training import Distillation
from .distill import distill
from .finetune import TrainingOptions, finetune
from .pretrain import LABELS, Recipe, make_phantoms

NAME = "brain-light"


@dataclass(frozen=True)
class LightRecipe:
    """Phantoms, the teacher's training and the student's.

    The phantoms are those of ``brain-unet-phantom``. ``loss`` and ``precision`` are the teacher's; grouped 3-D
    convolutions need float32 on a CPU.
    """

    phantoms: Recipe = field(default_factory=Recipe)
    teacher: str = "dmfnet"
    teacher_epochs: int = 40
    teacher_patch: int = 64
    teacher_batch: int = 2
    teacher_rate: float = 1e-3
    loss: str = "generalised-dice"
    precision: str = "float32"
    student: str = "unet3d-8-16-32"
    epochs: int = 40
    patch: int = 64
    batch: int = 2
    rate: float = 2e-3
    seed: int = 0


def make_brain_light(
    out: str | Path,
    work: str | Path,
    *,
    recipe: LightRecipe | None = None,
    command: str = "",
    events: Events | None = None,
) -> Package:
    """Train the teacher below ``work``, distil the student, write the package ``out``.

    What is finished in ``work`` is not done again, an interrupted training is gone on with.
    """
    events, recipe, work = quiet(events), recipe or LightRecipe(), Path(work)
    check_folder_is_free(out)
    held_out = make_phantoms(work / "phantoms", recipe.phantoms, events)
    teacher = _teacher(work, recipe, held_out, events)
    result = _student(work, teacher, recipe, held_out, events)
    student = read_package(work / "student")
    return write_package(out, _card(student, teacher, recipe, result, command), student.state())


def _teacher(work: Path, recipe: LightRecipe, held_out: list[str], events: Events) -> Package:
    place = work / "teacher"
    if not place.is_dir():
        finetune(
            source=None,
            data=work / "phantoms",
            strategy_name="scratch",
            out=place,
            hold_out_ids=held_out or ["none"],
            listed=False,
            options=TrainingOptions(
                network=recipe.teacher,
                epochs=recipe.teacher_epochs,
                patch=recipe.teacher_patch,
                batch=recipe.teacher_batch,
                rate=recipe.teacher_rate,
                foreground=recipe.phantoms.foreground,
                loss=recipe.loss,
                precision=recipe.precision,
                seed=recipe.seed,
                early_stopping=False,
            ),
            events=events,
        )
    return read_package(place)


def _student(work: Path, teacher: Package, recipe: LightRecipe, held_out: list[str], events: Events) -> dict[str, Any]:
    place = work / "student"
    result = _finished(place) if place.is_dir() else None
    if result is None:
        if place.is_dir():  # killed between its package and the end of its run
            remove_folder(place)
        result = distill(
            teacher=teacher,
            student=recipe.student,
            data=work / "phantoms",
            out=place,
            how=Distillation(),
            hold_out_ids=held_out or ["none"],
            listed=False,
            options=TrainingOptions(
                epochs=recipe.epochs,
                patch=recipe.patch,
                batch=recipe.batch,
                rate=recipe.rate,
                foreground=recipe.phantoms.foreground,
                precision=recipe.precision,
                seed=recipe.seed,
                early_stopping=False,
            ),
            events=events,
        )
    return result


def _finished(place: Path) -> dict[str, Any] | None:
    """What a distillation that came to its end said, as its run keeps it."""
    told = Path(f"{place}.run") / "run.json"
    return json.loads(told.read_text(encoding="utf-8")).get("result") if told.is_file() else None


def _card(student: Package, teacher: Package, recipe: LightRecipe, result: dict[str, Any], command: str):
    counts = ", ".join(f"{count} {flavour}" for flavour, count in recipe.phantoms.counts)
    card, sizes = student.card, result["sizes"]
    measured = ()
    if result["after"] is not None and None not in (result["after"]["mean"]["dice"], result["before"]["mean"]["dice"]):
        dice, before = result["after"]["mean"]["dice"], result["before"]["mean"]["dice"]
        count = len(result["held_out"])
        text = f"mean Dice {dice:.3f} on {count} held-out phantoms (same generator), its teacher's {before:.3f}"
        measured = ({"text": text, "dice": dice, "teacher": before},)
    text = (
        f"{recipe.student} of {sizes['student']:,} parameters, taught by a {recipe.teacher} of {sizes['teacher']:,} "
        f"on phantoms ({counts})"
    )
    kept = {key: card.origin[key] for key in ("distillation", "parameters", "plan", "inputs")}
    labels = tuple(replace(label, channel=own.channel) for label, own in zip(LABELS, card.labels))
    return replace(
        card,
        name=NAME,
        description=(
            "Brain lesions on FLAIR, T1, T1-Gd and T2, light and fast without a GPU. Trained on computer-made phantoms "
            "only, never on a patient: a starting point to adapt to a few real cases, not a model to read scans with."
        ),
        labels=labels,
        origin={
            "text": text,
            "command": command,
            "recipe": json.loads(json.dumps(vars(recipe), default=vars)),
            "distilled_from": recipe.teacher,
            "teacher": {"network": recipe.teacher, "sha256": teacher.card.weights_sha256},
            **kept,
        },
        measured_on=measured,
        licence="Apache-2.0",
        citation="TransferSeg contributors, 2026 (CITATION.cff)",
    )
