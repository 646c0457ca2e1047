"""Makes the shipped PET/CT model for soft-tissue sarcoma again: cross-validated, then adapted on every case.

python -m TransferSegLib.cli.petct_sarcoma --data FOLDER --work FOLDER --out FOLDER
"""

from __future__ import annotations

import shutil
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..cases import Case, folds, open_data_set
from ..events import Events, quiet
from ..packages import Card, Package, find_package, read_package, write_package
from ..preparing import PreparationOptions
from ..storage import check_folder_is_free, remove_folder
from .finetune import TrainingOptions, finetune
from .petct_pretrain import LABELS

NAME = "petct-light-sarcoma"
MEASURES = ("dice", "precision", "recall")
CITATION = (
    "TransferSeg contributors, 2026 (CITATION.cff); images: Soft-tissue-Sarcoma, The Cancer Imaging Archive, "
    "Vallieres et al. 2015 (Phys Med Biol 60:5471), as prepared by the Image Biomarker Standardisation Initiative, "
    "CC BY 3.0"
)


@dataclass(frozen=True)
class SarcomaRecipe:
    """The small plan of ``benchmarks/petct_table.py`` and the strategy, both fixed before any figure was seen."""

    source: str = "petct-light-phantom"
    strategy: str = "half-lr"
    folds: int = 4
    epochs: int = 6
    patch: int = 40
    precision: str = "bfloat16"
    seed: int = 0


def adapt_sarcoma(
    data: str | Path,
    out: str | Path,
    work: str | Path,
    *,
    recipe: SarcomaRecipe | None = None,
    command: str = "",
    events: Events | None = None,
) -> Package:
    """Score the recipe on each fold's patients, adapt the source on all of them, write the package ``out``.

    The figure on the card is the folds': the model itself has seen every case.
    """
    events, recipe, work = quiet(events), recipe or SarcomaRecipe(), Path(work)
    check_folder_is_free(out)
    cases = open_data_set(data, roles=["pet", "ct"], reference_role="pet").cases
    rows = []
    for number, (_, held) in enumerate(folds(cases, recipe.folds, 0), 1):
        events.say(f"fold {number} of {recipe.folds}")
        rows += _trained(data, work / f"fold-{number}", recipe, held, events)["after"]["cases"]
    events.say(f"all {len(cases)} cases")
    _trained(data, work / "all", recipe, (), events)
    package = read_package(work / "all")
    card = _card(package.card, find_package(recipe.source).card, recipe, rows, command)
    return write_package(out, card, package.state())


def _trained(data: str | Path, out: Path, recipe: SarcomaRecipe, held: tuple[Case, ...], events: Events) -> dict:
    """One training, from its beginning."""
    if out.is_dir():
        remove_folder(out)
    shutil.rmtree(f"{out}.run", ignore_errors=True)
    options = TrainingOptions(
        epochs=recipe.epochs,
        patch=recipe.patch,
        batch=2,
        precision=recipe.precision,
        seed=recipe.seed,
        early_stopping=False,
        preparation=PreparationOptions(pet_unit="suv"),
    )
    return finetune(
        source=recipe.source,
        data=data,
        strategy_name=recipe.strategy,
        out=out,
        hold_out_ids=[case.id for case in held] or ["none"],
        listed=False,
        options=options,
        events=events,
    )


def _card(card: Card, source: Card, recipe: SarcomaRecipe, rows: list[dict], command: str) -> Card:
    means: dict[str, Any] = {}
    for measure in MEASURES:
        values = [value for row in rows if (value := row[measure][LABELS[0].name]) is not None]
        means |= {measure: round(statistics.mean(values), 4), f"{measure}_sd": round(statistics.stdev(values), 4)}
    text = (
        f"{len(rows)} patients, each by a model of the same recipe that had not seen it ({recipe.folds} folds by "
        f"patient, one seed): Dice {means['dice']:.3f} ± {means['dice_sd']:.3f}, precision {means['precision']:.3f}, "
        f"recall {means['recall']:.3f}; in crops about the tumour, whose frame alone gives much away (baselines: "
        "benchmarks/README.md); this model itself has seen all of them"
    )
    origin = {
        "text": f"{source.name}, adapted with {recipe.strategy} on {len(rows)} patients with soft-tissue sarcoma",
        "source": source.name,
        "source_sha256": source.weights_sha256,
        "strategy": recipe.strategy,
        "cases": len(rows),
        "inputs": card.origin["inputs"],
        "recipe": vars(recipe),
        "plan": card.origin["plan"],
        "command": command,
    }
    return replace(
        card,
        name=NAME,
        description=(
            f"Soft-tissue sarcoma on FDG PET/CT, in a region about the tumour (SUV and HU). Sarcoma, not lymphoma: it "
            f"has seen {len(rows)} patients with one large tumour each, cut out of their scans, and no whole body: "
            "elsewhere it takes physiological uptake for tumour. A starting point to adapt, and an example of it."
        ),
        labels=LABELS,
        origin=origin,
        measured_on=({"text": text, "mean": means, "command": command},),
        licence="Apache-2.0; the images it learned from: CC BY 3.0",
        citation=CITATION,
    )
