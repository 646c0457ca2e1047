"""Few-case PET/CT on the 12 sarcomas: from nothing and from phantoms, each strategy, beside what needs no learning.

    python benchmarks/petct_table.py --out FOLDER --model MODEL

Four folds by patient; in each, 3, 6 or 9 of the other nine patients are trained on (drawn by seed) and the fold's three
are scored. Every cell has the same fixed budget (the small plan: --epochs of 50 steps, patch 40, bfloat16, no early
stopping). Finished cells are kept in FOLDER and never run twice; they run seed by seed, so that an interrupted table is
a whole one with fewer seeds. ``--table`` prints what is there. Lesions are counted by any overlap (approach 1), masks
as they are, not thresholded.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

STRATEGIES = ("scratch", "half-lr", "freeze-encoder", "freeze-decoder", "freeze-both", "head-only")
COUNTS = (3, 6, 9)
FOLDS = 4
# The ellipsoid's half axes as a share of half the crop: the one of the data's README (Dice 0.72 times SUV >= 1.5).
ELLIPSOID = 0.7
MEASURES = ("dice", "precision", "recall")


def cases_of(args: argparse.Namespace):
    """The data set's cases and their folds, the same in every cell."""
    from TransferSegLib.cases import folds, open_data_set

    cases = open_data_set(args.data, roles=["pet", "ct"], reference_role="pet").cases
    return cases, [sorted(case.id for case in held) for _, held in folds(cases, FOLDS, 0)]


def score(prediction, truth) -> dict:
    """Overlap and lesions found, missed and made up."""
    from TransferSegLib.measuring import LesionPairs, count_voxels, overlap_measures
    from TransferSegLib.measuring.components import components

    found = overlap_measures(count_voxels(prediction, truth))[0]
    counts = LesionPairs.of(components(prediction), components(truth)).any_overlap()
    lesions = {"tp": counts.true_positive, "fn": counts.false_negative, "fp": counts.false_positive}
    return {name: found[name] for name in MEASURES} | {"lesions": lesions}


def cell_name(strategy: str, count: int, fold: int, seed: int, curriculum: str | None = None) -> str:
    """Name of a cell's files in the folder."""
    return "-".join(map(str, (strategy, count, fold, seed, *([curriculum] if curriculum else []))))


def run_cell(
    args: argparse.Namespace, strategy: str, count: int, fold: int, seed: int, curriculum: str | None = None
) -> dict:
    """One training and its scores; from the folder where it lies there already.

    Beside the scores (JSON) the predicted masks stay (NPZ, bool (k, j, i) by case on the PET's grid).
    """
    import shutil

    import numpy as np
    import torch

    from TransferSegLib.errors import Cancelled
    from TransferSegLib.events import Events
    from TransferSegLib.imaging import to_array
    from TransferSegLib.jobs.finetune import TrainingOptions, finetune
    from TransferSegLib.jobs.predict import Model, segment_case
    from TransferSegLib.packages import find_package, read_package
    from TransferSegLib.preparing import PreparationOptions

    name = cell_name(strategy, count, fold, seed, curriculum)
    file = args.out / f"{name}.json"
    if file.is_file():
        return json.loads(file.read_text())
    torch.set_num_threads(args.threads)
    cases, held = cases_of(args)
    options = PreparationOptions(pet_unit="suv")
    plan = {"epochs": args.epochs, "patch": args.patch, "batch": 2, "early_stopping": False, "seed": seed}
    plan["curriculum"] = curriculum
    card = find_package(args.model).card
    scratch = strategy == "scratch"
    shutil.rmtree(args.out / name, ignore_errors=True)
    started = time.process_time()
    try:
        result = finetune(
            source=None if scratch else args.model,
            data=args.data,
            strategy_name=strategy,
            out=args.out / name,
            hold_out_ids=held[fold],
            cases=count,
            listed=False,
            options=TrainingOptions(
                network=card.network if scratch else None, preparation=options, precision=args.precision, **plan
            ),
        )
    except Cancelled:
        raise SystemExit(1) from None
    model = Model.open(read_package(args.out / name))
    rows, predicted = {}, {}
    for case in cases:
        if case.id in held[fold]:
            done = segment_case(model, case, options=options, with_truth=True, device="cpu", events=Events())
            masks = to_array(done.labels) > 0, to_array(done.loaded.truth) > 0
            rows[case.id], predicted[case.id] = score(*masks), masks[0]
    before = None if result["before"] is None else result["before"]["mean"]["dice"]
    cell = {"rows": rows, "before": before, "trainable": result["trainable"], "total": result["total"]}
    cell |= {"trained_on": result["trained_on"], "cpu_seconds": round(time.process_time() - started, 1)}
    shutil.rmtree(f"{args.out / name}.run", ignore_errors=True)
    np.savez_compressed(args.out / f"{name}.npz", **predicted)
    temporary = file.with_suffix(".part")
    temporary.write_text(json.dumps(cell))
    os.replace(temporary, file)
    print(f"{name}: {statistics.mean(r['dice'] for r in rows.values()):.3f}, {cell['cpu_seconds']} s", file=sys.stderr)
    return cell


def baselines(args: argparse.Namespace) -> dict[str, dict]:
    """What needs no training: thresholds, and an ellipsoid in the crop that looks at nothing."""
    import numpy as np

    from TransferSegLib.cases import load_case
    from TransferSegLib.imaging import to_array

    found: dict[str, dict] = {}
    for case in cases_of(args)[0]:
        loaded = load_case(case, roles=["pet"], reference_role="pet", with_truth=True, pet_unit="suv")
        suv, truth = to_array(loaded.images["pet"]), to_array(loaded.truth) > 0
        axes = [(np.arange(n) - (n - 1) / 2) / (n / 2) for n in suv.shape]
        blind = sum(x * x for x in np.meshgrid(*axes, indexing="ij")) <= ELLIPSOID**2
        masks = {
            "SUV >= 2": suv >= 2,
            "SUV >= 41 % of SUVmax": suv >= 0.41 * suv.max(),
            "ellipsoid, image-blind": blind,
            "ellipsoid x SUV >= 1.5": blind & (suv >= 1.5),
        }
        for name, mask in masks.items():
            found.setdefault(name, {})[case.id] = score(mask, truth)
    return found


def summary(rows: list[dict]) -> dict[str, float]:
    """Means over patients (precision 0 where nothing was predicted), and lesions in all."""
    means = {m: statistics.mean(r[m] or 0.0 for r in rows) for m in MEASURES}
    return means | {k: sum(r["lesions"][k] for r in rows) for k in ("tp", "fn", "fp")}


def spread(values: list[float], digits: int = 3) -> str:
    """Mean and, over seeds, the sample standard deviation."""
    text = f"{statistics.mean(values):.{digits}f}"
    return f"{text} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else text


def table(args: argparse.Namespace, cells: dict[tuple, dict]) -> str:
    """Markdown: a row a method and number of training cases."""
    lines = ["| method | cases | learns | Dice | precision | recall | lesions TP / FN / FP | seeds |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---:|")
    best = 0.0
    for name, rows in baselines(args).items():
        s = summary(list(rows.values()))
        best = max(best, s["dice"])
        counts = f"{s['tp']} / {s['fn']} / {s['fp']}"
        lines.append(f"| {name} | 0 | | {s['dice']:.3f} | {s['precision']:.3f} | {s['recall']:.3f} | {counts} | |")
    before = [cells.get(("half-lr", COUNTS[0], fold, 0), {}).get("before") for fold in range(FOLDS)]
    if all(dice is not None for dice in before):
        lines.append(f"| unadapted, phantoms only | 0 | 0 % | {statistics.mean(before):.3f} | | | | |")
    means: dict[tuple[str, int], list[float]] = {}
    for strategy, count in product(STRATEGIES, COUNTS):
        runs = []
        for seed in range(args.seeds):
            parts = [cells.get((strategy, count, fold, seed)) for fold in range(FOLDS)]
            if all(parts):
                runs.append(summary([row for part in parts for row in part["rows"].values()]))
        if not runs:
            continue
        means[strategy, count] = [run["dice"] for run in runs]
        first = cells[strategy, count, 0, 0]
        share = f"{100 * first['trainable'] / first['total']:.1f} %"
        measures = " | ".join(spread([run[m] for run in runs]) for m in MEASURES)
        counts = " / ".join(spread([run[k] for run in runs], 1) for k in ("tp", "fn", "fp"))
        lines.append(f"| {strategy} | {count} | {share} | {measures} | {counts} | {len(runs)} |")
    return "\n".join([*lines, "", *verdicts(means, best)])


def verdicts(means: dict[tuple[str, int], list[float]], best: float) -> list[str]:
    """The issue's two targets, met or not, for every strategy that starts from phantoms."""
    lines = []
    for strategy, count in means:
        found, plain = means[strategy, count], means.get(("scratch", count))
        if strategy == "scratch" or plain is None:
            continue
        gain = statistics.mean(found) - statistics.mean(plain)
        noise = sum(statistics.stdev(v) if len(v) > 1 else 0.0 for v in (found, plain))
        lines.append(
            f"- {strategy}, {count} cases: {gain:+.3f} against scratch (spreads together {noise:.3f}), "
            f"{statistics.mean(found) - best:+.3f} against the best baseline"
        )
    return lines


def make_parser(description: str) -> argparse.ArgumentParser:
    """The options that every table of these cells has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/petct_ibsi_sts"))
    parser.add_argument("--model", default="petct-light-phantom")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6, help="of 50 steps, in every cell (default: 6)")
    parser.add_argument("--patch", type=int, default=40)
    parser.add_argument("--precision", default="bfloat16", choices=["float32", "bfloat16", "auto"])
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side")
    parser.add_argument("--threads", type=int, default=1, help="threads of each")
    parser.add_argument("--table", action="store_true", help="only print what is there")
    return parser


def settle(args: argparse.Namespace) -> None:
    """Note in the folder what its cells are made of; ends the program where it holds cells of something else."""
    from TransferSegLib.packages import find_package

    wanted = {
        "model": find_package(args.model).card.weights_sha256,
        "cases": sorted(case.id for case in cases_of(args)[0]),
        "plan": {"epochs": args.epochs, "patch": args.patch, "precision": args.precision},
    }
    file = args.out / "settings.json"
    args.out.mkdir(parents=True, exist_ok=True)
    if file.is_file():
        other = [name for name, value in json.loads(file.read_text()).items() if value != wanted[name]]
        if other:
            raise SystemExit(f"{args.out}: holds cells of another {', '.join(other)}; give another --out")
    elif any(args.out.glob("*.json")):
        raise SystemExit(f"{args.out}: holds cells that do not say what they are made of; give another --out")
    else:
        file.write_text(json.dumps(wanted))


def run_cells(args: argparse.Namespace, keys: list[tuple]) -> dict[tuple, dict]:
    """The cells of these keys (arguments of `run_cell`), run where they are missing, but with ``--table``."""
    settle(args)
    cells = {}
    if not args.table:
        with ProcessPoolExecutor(args.jobs) as pool:
            for future in [pool.submit(run_cell, args, *key) for key in keys]:
                future.result()
    for key in keys:
        file = args.out / f"{cell_name(*key)}.json"
        if file.is_file():
            cells[key] = json.loads(file.read_text())
    return cells


def main() -> int:
    """Run what is missing and print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=STRATEGIES, help="run only these")
    args = parser.parse_args()
    # Seed by seed, so that an interrupted table is a whole one with fewer seeds.
    keys = [(s, n, f, k) for k, n, f, s in product(range(args.seeds), COUNTS, range(FOLDS), args.strategies)]
    print(table(args, run_cells(args, keys)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
