"""Makes the shipped PET/CT model again: whole-body phantoms and crops about their lesions, one training, one package.

python -m TransferSegLib.cli.petct_pretrain --work FOLDER --out FOLDER
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..events import Events, quiet
from ..packages import Card, Label, Package, write_package
from ..phantoms.petct_write import write_petct_phantoms
from ..storage import check_folder_is_free, write_json
from .pretrain import train_on_phantoms

NAME = "petct-light-phantom"
TERMINOLOGY = (
    "Segmentation category and type - DICOM master list~SCT^49755003^Morphologically Altered Structure"
    "~SCT^52988006^Lesion~^^~Anatomic codes - DICOM master list~^^~^^"
)
LABELS = (Label(1, "lesion", 1, "#D55E00", TERMINOLOGY, ("tumour", "tumor", "lymphoma", "sarcoma", "GTV")),)
# First seeds of the parts, so far apart that they never share a phantom.
BODY_SEED, CROP_SEED, HELD_OUT_SEED = 100_000, 200_000, 900_000


@dataclass(frozen=True)
class PetCtRecipe:
    """How many phantoms, and how long.

    ``bodies`` whole-body phantoms and ``crops`` about the largest lesion, with margins drawn between ``margins`` mm,
    are trained on; half of ``held_out`` of each, of another population and scanner, are only scored.
    """

    bodies: int = 48
    crops: int = 96
    held_out: int = 16
    margins: tuple[float, float] = (5.0, 50.0)
    network: str = "petct-light"
    epochs: int = 120
    patch: int = 48
    batch: int = 2
    rate: float = 2e-3
    foreground: float = 0.5
    loss: str = "dice-ce"
    precision: str = "bfloat16"
    seed: int = 0


def make_petct_phantoms(folder: Path, recipe: PetCtRecipe, events: Events) -> list[str]:
    """Write all phantoms as one data set; returns the ids of the held-out ones. What lies there is not made again."""
    half = recipe.held_out // 2
    # prefix, first seed, count, kind, cropped
    parts = (
        ("body", BODY_SEED, recipe.bodies, "adult", False),
        ("crop", CROP_SEED, recipe.crops, "adult", True),
        ("held-body", HELD_OUT_SEED, recipe.held_out - half, "other", False),
        ("held-crop", HELD_OUT_SEED + 50_000, half, "other", True),
    )
    held_out = []
    for prefix, first, count, kind, cropped in parts:
        if not count:
            continue
        part = folder.parent / f"{folder.name}-{prefix}"
        seed = first + 1_000_000 * recipe.seed
        if not (part / "dataset.json").is_file():
            crop = recipe.margins if cropped else None
            write_petct_phantoms(part, count, seed, kind, crop=crop, events=events)
        for case in sorted(p for p in part.iterdir() if p.is_dir()):
            name = f"{prefix}-{case.name.rsplit('-', 1)[-1]}"
            shutil.copytree(case, folder / name, dirs_exist_ok=True)
            held_out += [name] if prefix.startswith("held") else []
    write_json(folder / "dataset.json", {"name": "PET/CT phantoms", "labels": {"background": 0, "lesion": 1}})
    return held_out


def pretrain_petct(
    out: str | Path,
    work: str | Path,
    *,
    recipe: PetCtRecipe | None = None,
    command: str = "",
    device: str = "auto",
    events: Events | None = None,
) -> Package:
    """Make phantoms below ``work``, train, and write the package ``out``; an interrupted training is gone on with."""
    events, recipe, work = quiet(events), recipe or PetCtRecipe(), Path(work)
    check_folder_is_free(out)
    held_out = make_petct_phantoms(work / "phantoms", recipe, events)
    package, result = train_on_phantoms(work, recipe, held_out, events, device=device)
    return write_package(out, _card(package.card, recipe, result, command), package.state())


def _card(card: Card, recipe: PetCtRecipe, result: dict[str, Any], command: str) -> Card:
    measured = ()
    if result["after"] is not None:
        found = {kind: _mean_dice(result["after"]["cases"], f"held-{kind}") for kind in ("crop", "body")}
        parts = {"crop": "crops about a lesion", "body": "whole bodies"}
        text = "held-out phantoms of another population and scanner, by the same generator: mean Dice " + ", ".join(
            f"{dice:.3f} on {count} {parts[kind]}" for kind, (dice, count) in found.items() if count
        )
        means = {f"dice_{kind}": round(dice, 4) for kind, (dice, count) in found.items() if count}
        measured = ({"text": text, "mean": means, "command": command},)
    return replace(
        card,
        name=NAME,
        description=(
            "Lesions on FDG PET/CT (SUV and HU). Trained on computer-made phantoms only, never on a patient: a "
            "starting point to adapt to a few real cases, not a model to read scans with."
        ),
        labels=LABELS,
        origin={
            "text": f"{recipe.network} trained from new weights on {recipe.bodies} whole-body phantoms and "
            f"{recipe.crops} crops about a lesion",
            "command": command,
            "recipe": json.loads(json.dumps(vars(recipe))),
            "plan": card.origin["plan"],
        },
        measured_on=measured,
        licence="Apache-2.0",
        citation="TransferSeg contributors, 2026 (CITATION.cff)",
    )


def _mean_dice(rows: list[dict], prefix: str) -> tuple[float, int]:
    """Mean Dice of the cases that are called so and have a lesion, and how many they are."""
    found = [row["dice"][LABELS[0].name] for row in rows if row["id"].startswith(prefix)]
    found = [dice for dice in found if dice is not None]
    return (sum(found) / len(found) if found else 0.0), len(found)
