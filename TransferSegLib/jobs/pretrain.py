"""Makes the shipped brain model again: phantoms of three kinds, one training, one package.

python -m TransferSegLib.jobs.pretrain --work FOLDER --out FOLDER
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..events import Events, quiet
from ..packages import Card, Label, Package, read_package, write_package
from ..phantoms import write_phantoms
from ..storage import check_folder_is_free, remove_folder, write_json
from .finetune import TrainingOptions, finetune

NAME = "brain-unet-phantom"
TERMINOLOGY = (
    "Segmentation category and type - DICOM master list~SCT^49755003^Morphologically Altered Structure~{type}~^^"
    "~Anatomic codes - DICOM master list~SCT^12738006^Brain~^^"
)


def _label(value: int, name: str, colour: str, coded: str, *aliases: str) -> Label:
    return Label(value, name, value, colour, TERMINOLOGY.format(type=coded), aliases)


# One output each (methods.md, section 0); an MS lesion takes the oedema's, as it is bright on FLAIR.
LABELS = (
    _label(1, "tumour", "#D55E00", "SCT^108369006^Neoplasm", "enhancing tumour", "ET"),
    _label(2, "necrosis", "#56B4E9", "SCT^6574001^Necrosis", "cavity", "necrosis/cavity", "resection cavity"),
    _label(3, "oedema", "#F0E442", "SCT^79654002^Edema", "lesion", "MS lesion", "white matter lesion"),
    _label(4, "scar", "#CC79A7", "SCT^12402003^Scar", "gliosis"),
)


@dataclass(frozen=True)
class Recipe:
    """How many phantoms of each kind, and how long.

    ``counts`` is phantoms to train on by flavour, a quarter of them procedural, the rest from the atlas;
    ``held_out`` more of each flavour are only scored.
    """

    counts: tuple[tuple[str, int], ...] = (("glioma", 16), ("postoperative", 12), ("ms", 28))
    held_out: int = 2
    shape: tuple[int, int, int] = (144, 176, 144)
    epochs: int = 90
    patch: int = 80
    rate: float = 2e-3
    batch: int = 2
    foreground: float = 0.67
    seed: int = 0


def make_phantoms(folder: Path, recipe: Recipe, events: Events) -> list[str]:
    """Write all phantoms as one data set with the source's labels; returns the ids of the held-out ones."""
    held_out = []
    for number, (flavour, count) in enumerate(recipe.counts):
        for anatomy, share in (("procedural", count // 4), ("atlas", count - count // 4)):
            part = folder.parent / f"{folder.name}-{flavour}-{anatomy}"
            wanted = share + recipe.held_out // 2
            if not (part / "dataset.json").is_file():
                seed = 1000 * (recipe.seed + 1) + 2 * number + (anatomy == "atlas")
                write_phantoms(
                    part,
                    count=wanted,
                    flavour=flavour,
                    seed=seed,
                    shape=recipe.shape,
                    anatomy=anatomy,
                    source_labels=True,
                    events=events,
                )
            for place, case in enumerate(sorted(p for p in part.iterdir() if p.is_dir())):
                name = f"{flavour}-{anatomy}-{case.name.rsplit('-', 1)[-1]}"
                shutil.copytree(case, folder / name, dirs_exist_ok=True)
                if place >= share:
                    held_out.append(name)
    names = {"background": 0} | {label.name: label.value for label in LABELS}
    write_json(folder / "dataset.json", {"name": "phantoms", "labels": names})
    return held_out


def pretrain(
    out: str | Path, work: str | Path, *, recipe: Recipe | None = None, command: str = "", events: Events | None = None
) -> Package:
    """Make phantoms below ``work``, train, and write the package ``out``; an interrupted training is gone on with."""
    events, recipe, work = quiet(events), recipe or Recipe(), Path(work)
    check_folder_is_free(out)
    held_out = make_phantoms(work / "phantoms", recipe, events)
    package, result = train_on_phantoms(work, recipe, held_out, events, network="unet")
    return write_package(out, _card(package.card, recipe, result, command), package.state())


def train_on_phantoms(
    work: Path, recipe: Any, held_out: list[str], events: Events, **more: Any
) -> tuple[Package, dict[str, Any]]:
    """Train new weights on ``work/phantoms``; the package in ``work/trained`` and what ``finetune`` answered.

    What ``recipe`` (a dataclass) and ``more`` name is taken as ``TrainingOptions``.
    """
    trained = work / "trained"
    if trained.is_dir():
        remove_folder(trained)
    named = {name: value for name, value in vars(recipe).items() if name in TrainingOptions.__dataclass_fields__}
    result = finetune(
        source=None,
        data=work / "phantoms",
        strategy_name="scratch",
        out=trained,
        hold_out_ids=held_out or ["none"],
        listed=False,
        options=TrainingOptions(**named, **more, early_stopping=False),
        events=events,
    )
    return read_package(trained), result


def _card(card: Card, recipe: Recipe, result: dict[str, Any], command: str) -> Card:
    counts = ", ".join(f"{count} {flavour}" for flavour, count in recipe.counts)
    dice = result["after"]["mean"]["dice"]
    text = f"mean Dice {dice:.3f} on {len(result['held_out'])} held-out phantoms (made by the same generator)"
    return replace(
        card,
        name=NAME,
        description=(
            "Brain lesions on FLAIR, T1, T1-Gd and T2. Trained on computer-made phantoms only, never on a patient: a "
            "starting point to adapt to a few real cases, not a model to read scans with."
        ),
        labels=LABELS,
        origin={
            "text": f"U-Net of 125,229 parameters trained from new weights on phantoms ({counts})",
            "command": command,
            "recipe": json.loads(json.dumps(vars(recipe))),
            "plan": card.origin["plan"],
        },
        measured_on=({"text": text, "dice": dice},),
        licence="Apache-2.0",
        citation="TransferSeg contributors, 2026 (CITATION.cff)",
    )
