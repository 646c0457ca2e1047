"""Calibrates the confidence of ``transferseg l3``: fits on half of the scans, says on the other how honest it is.

python benchmarks/l3_confidence.py --model l3-cnn4-phantom --count 400 --seed 12000 --write   # phantoms
python benchmarks/l3_confidence.py --synthetic --write      # vote curves made up here: shape only, no network
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "Testing")]
from TransferSegLib.level.calibrating import Samples, expected_calibration_error, fit  # noqa: E402
from TransferSegLib.level.confidence import Calibration  # noqa: E402
from TransferSegLib.packages import find_package  # noqa: E402
from TransferSegLib.storage import write_json  # noqa: E402

FILE = PROJECT / "TransferSegLib" / "Resources" / "level_confidence.json"
START = Calibration(
    (-8.0, 3.0, 7.0, -1.0, 2.0, 1.0, 2.0), (1.0, -6.0, 3.0), (-5.0, 8.0, -4.0, 2.0), "start values, not fitted"
)


def main() -> None:
    """Collect, fit, score, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="l3-cnn4-phantom", help="a level model's name, folder or zip")
    parser.add_argument("--count", type=int, default=400, help="scans (default: 400)")
    parser.add_argument("--seed", type=int, default=12000, help="seed of the first phantom (default: 12000)")
    parser.add_argument("--step", type=int, help="rows between windows (default: the model's; 1 for vote curves)")
    parser.add_argument("--synthetic", action="store_true", help="vote curves instead of phantoms and a model")
    parser.add_argument("--write", action="store_true", help=f"write {FILE.name}")
    args = parser.parse_args()
    halves = (Samples(), Samples())
    scans = synthetic(args) if args.synthetic else phantoms(args)
    row_mm = 1.0 if args.synthetic else find_package(args.model).card.spacing[0]
    for number, kind, curve, height, truth, others in scans:
        half = halves[number % 2]
        half.add_map(curve, truth, row_mm, others) if kind == "map" else half.add_votes(
            curve, height, truth, row_mm, others
        )
    what = "--synthetic" if args.synthetic else f"--model {args.model}"
    before = _before()
    origin = f"python benchmarks/l3_confidence.py {what} --count {args.count} --seed {args.seed} --write"
    fitted = fit(halves[0], before=before, origin=origin)
    report(fitted, halves[1])
    if args.write:
        FILE.parent.mkdir(exist_ok=True)
        write_json(FILE, fitted.to_json())
        print(f"{FILE} written")


def _before() -> Calibration:
    """The coefficients that stand now."""
    try:
        return Calibration.from_json(json.loads(FILE.read_text()))
    except (OSError, ValueError):
        return START


def report(fitted: Calibration, half: Samples) -> None:
    """Calibration error and share of right answers by word, on scans that the fit has not seen."""
    for name in ("row", "absent", "map"):
        samples, weights = getattr(half, name), getattr(fitted, f"{name}_weights")
        if not samples:
            continue
        sure = [1 / (1 + math.exp(-float(np.dot(weights, features)))) for features, _ in samples]
        right = [true for _, true in samples]
        print(f"{name}: {len(samples)} held-out scans, calibration error {expected_calibration_error(sure, right):.3f}")
        for low, high in ((0.9, 1.01), (0.7, 0.9), (0.5, 0.7), (0.0, 0.5)):
            among = [true for value, true in zip(sure, right) if low <= value < high]
            if among:
                print(f"  confidence {low} to {min(high, 1)}: {len(among)} scans, {np.mean(among):.1%} right")


def synthetic(args: argparse.Namespace):
    """Vote curves and maps of a level anywhere, or of none; yields (number, kind, curve, height, truth)."""
    from helpers_level import vote_curve

    rng = np.random.default_rng(args.seed)
    for number in range(args.count):
        height, there = int(rng.integers(120, 900)), rng.random() < 0.7
        level = float(rng.uniform(5, height - 6)) if there else None
        outside = str(rng.choice(["hinge", "noise", "flat"]))
        curve = vote_curve(
            level, height, step=args.step or 1, noise=float(rng.uniform(0, 25)), outside=outside,
            side=str(rng.choice(["above", "below", ""])), seed=args.seed + number,
        )  # fmt: skip
        yield number, "votes", curve, height, level, ()
        yield number, "map", _map(rng, height, level), height, level, ()


def _map(rng: np.random.Generator, height: int, level: float | None) -> np.ndarray:
    rows, peak = np.arange(height), rng.uniform(0.2, 1)
    heights = 0.1 * rng.random(height)
    if level is not None:
        heights += peak * np.exp(-0.5 * ((rows - level) / 4) ** 2)
    if rng.random() < 0.4:
        heights += rng.uniform(0, 0.9) * peak * np.exp(-0.5 * ((rows - rng.uniform(0, height)) / 4) ** 2)
    return heights


def phantoms(args: argparse.Namespace):
    """The model's votes on phantoms that no training has seen; yields (number, kind, curve, height, truth)."""
    from TransferSegLib.jobs.predict import Model
    from TransferSegLib.level.finding import curve_of, rows_of_second_looks
    from TransferSegLib.phantoms.ct_projection import ct_projection
    from TransferSegLib.phantoms.ct_write import case_seed

    model = Model.open(find_package(args.model))
    card = model.card
    shape = {"hu": card.projection["hu"], "row_mm": card.spacing[0], "width": card.window[1]}
    for number in range(args.count):
        made = ct_projection(case_seed(args.seed, number + 1), views=tuple(card.projection["views"]), **shape)
        curve = curve_of(card, model.module, made.pixels, step=args.step)
        others = rows_of_second_looks(card, model.module, made.pixels, step=args.step)
        kind = "map" if card.output == "confidence-map" else "votes"
        row, height = made.rows.get(card.level), made.pixels.shape[1]
        yield number, kind, curve, height, row if not made.where(card.level) else None, others


if __name__ == "__main__":
    main()
