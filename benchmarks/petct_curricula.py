"""Curricula against plain order on the 12 sarcomas: all weights adapted from phantoms, 9 training cases, four folds.

    python benchmarks/petct_curricula.py --out FOLDER --model MODEL [--pictures FOLDER]

Folds, budget and seeds are those of ``petct_table.py``; given the same FOLDER, its cells of plain order are not run
again. The worst quarter is the quarter of the patients with the lowest Dice, of each method and seed on its own.
``--pictures`` draws the quarter that the unadapted model segments worst: truth, before, plain order and the transfer
teacher, with true positives, false negatives and false positives in colour.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from itertools import product
from pathlib import Path

from petct_table import FOLDS, cases_of, cell_name, make_parser, run_cells, spread

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

STRATEGY, COUNT = "half-lr", 9
TEACHER = "transfer-teacher"


def curricula() -> tuple[str | None, ...]:
    """Plain order, then every family and control."""
    from TransferSegLib.training.curricula import CURRICULA

    return (None, *CURRICULA)


def quarter(count: int) -> int:
    """How many patients are a quarter, rounded up."""
    return math.ceil(count / 4)


def worst_quarter(dice: list[float]) -> float:
    """Mean of the lowest quarter."""
    return statistics.mean(sorted(dice)[: quarter(len(dice))])


def table(args: argparse.Namespace, cells: dict[tuple, dict]) -> str:
    """Markdown: a row a curriculum, mean and spread over seeds, and each seed's difference to plain order."""
    lines = ["| curriculum | Dice | worst quarter | Dice - plain, by seed | worst quarter - plain, by seed | seeds |"]
    lines.append("|---|---:|---:|---:|---:|---:|")
    found: dict[str | None, dict[int, tuple[float, float]]] = {}
    for name in curricula():
        for seed in range(args.seeds):
            parts = [cells.get(key(name, fold, seed)) for fold in range(FOLDS)]
            if all(parts):
                dice = [row["dice"] for part in parts for row in part["rows"].values()]
                found.setdefault(name, {})[seed] = (statistics.mean(dice), worst_quarter(dice))
    for name, seeds in found.items():
        texts = [spread([pair[n] for pair in seeds.values()]) for n in (0, 1)]
        both = [seed for seed in seeds if name is not None and seed in found.get(None, {})]
        texts += [", ".join(f"{seeds[s][n] - found[None][s][n]:+.3f}" for s in both) for n in (0, 1)]
        lines.append(f"| {name or 'plain order'} | {' | '.join(texts)} | {len(seeds)} |")
    return "\n".join(lines)


def key(curriculum: str | None, fold: int, seed: int) -> tuple:
    """Arguments of the cell."""
    return (STRATEGY, COUNT, fold, seed, curriculum)


def pictures(args: argparse.Namespace) -> list[Path]:
    """One PNG for each patient of the quarter that the unadapted model segments worst."""
    import numpy as np

    from TransferSegLib.cases import load_case
    from TransferSegLib.events import Events
    from TransferSegLib.imaging import to_array
    from TransferSegLib.jobs.predict import Model, segment_case
    from TransferSegLib.packages import find_package
    from TransferSegLib.preparing import PreparationOptions

    args.pictures.mkdir(parents=True, exist_ok=True)
    source = Model.open(find_package(args.model))
    cases, held = cases_of(args)
    options, seen = PreparationOptions(pet_unit="suv"), []
    for case in cases:
        loaded = load_case(case, roles=["pet"], reference_role="pet", with_truth=True, pet_unit="suv")
        suv, truth = to_array(loaded.images["pet"]), to_array(loaded.truth) > 0
        before = segment_case(source, case, options=options, with_truth=True, device="cpu", events=Events())
        fold = next(n for n, ids in enumerate(held) if case.id in ids)
        masks = {"before adaptation": to_array(before.labels) > 0}
        for title, curriculum in (("plain order", None), (TEACHER, TEACHER)):
            with np.load(args.out / f"{cell_name(*key(curriculum, fold, 0))}.npz") as file:
                masks[title] = file[case.id]
        seen.append((dice_of(masks["before adaptation"], truth), case.id, suv, truth, masks, loaded.reference))
    written = []
    for _, name, suv, truth, masks, grid in sorted(seen, key=lambda one: one[:2])[: quarter(len(seen))]:
        written.append(draw(args.pictures / f"{name}.png", name, suv, truth, masks, grid.spacing))
    return written


def dice_of(prediction, truth) -> float:
    """Dice of two bool masks."""
    from TransferSegLib.measuring import count_voxels, overlap_measures

    return overlap_measures(count_voxels(prediction, truth))[0]["dice"]


def draw(file: Path, name: str, suv, truth, masks: dict, spacing: tuple[float, float, float]) -> Path:
    """Frontal maximum intensity projections in inverted grey, head up."""
    import numpy as np
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from TransferSegLib.reporting.tmtv_mip import FALSE_NEGATIVE, FALSE_POSITIVE, OPACITY, TRUE_POSITIVE

    high, wide = suv.shape[0] * spacing[2], suv.shape[2] * spacing[0]
    figure = Figure(figsize=(11, 11 * high / wide / (len(masks) + 1) + 1.1), layout="constrained")
    axes = figure.subplots(1, len(masks) + 1)
    columns = {"truth": {TRUE_POSITIVE: truth}}
    for title, mask in masks.items():
        parts = {TRUE_POSITIVE: mask & truth, FALSE_NEGATIVE: truth & ~mask, FALSE_POSITIVE: mask & ~truth}
        columns[f"{title}\nDice {dice_of(mask, truth):.2f}"] = parts
    for one, (title, parts) in zip(axes, columns.items()):
        extent = (0, wide, 0, high)
        one.imshow(suv.max(1), cmap="gray_r", vmin=0, vmax=10, origin="lower", extent=extent)
        # A ray has the colour of what most of its voxels are: rims of error would else hide what is right behind them.
        most = np.stack([mask.sum(1) for mask in parts.values()])
        paint = np.zeros((*most.shape[1:], 4), np.float32)
        for number, colour in enumerate(parts):
            paint[(most.argmax(0) == number) & (most.max(0) > 0)] = (*to_rgb(colour), OPACITY)
        one.imshow(paint, origin="lower", extent=extent, interpolation="nearest")
        one.set_title(title, fontsize=10)
        one.set_axis_off()
    words = {TRUE_POSITIVE: "true positive", FALSE_NEGATIVE: "false negative", FALSE_POSITIVE: "false positive"}
    handles = [Patch(facecolor=colour, label=text) for colour, text in words.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    figure.suptitle(f"{name}: frontal projections, SUV 0 to 10; a ray shows what most of it is", fontsize=11)
    figure.savefig(file, dpi=110)
    return file


def main() -> int:
    """Run what is missing, print the table, draw."""
    parser = make_parser(__doc__)
    parser.add_argument("--pictures", type=Path, help="draw the worst quarter there")
    args = parser.parse_args()
    keys = [key(name, fold, seed) for seed, fold, name in product(range(args.seeds), range(FOLDS), curricula())]
    print(table(args, run_cells(args, keys)))
    if args.pictures:
        print("\n".join(map(str, pictures(args))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
