"""Calibrates the confidence of ``transferseg l3``: fits on some scans, says on others how honest it is.

python benchmarks/l3_confidence.py --synthetic --write      # vote curves made up here: shape only, no network
python benchmarks/l3_confidence.py --model l3-cnn4-phantom --count 300 --write      # phantoms; after the line above
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "Testing")]
from TransferSegLib.level.calibrating import Samples, expected_calibration_error, fit  # noqa: E402
from TransferSegLib.level.confidence import Calibration  # noqa: E402
from TransferSegLib.level.finding import weights_mark  # noqa: E402
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
    parser.add_argument(
        "--count", type=int, default=300, help="scans to fit on, and as many to check on (default: 300)"
    )
    parser.add_argument("--seed", type=int, default=12000, help="of the first set; the next seed is checked on")
    parser.add_argument("--step", type=int, help="rows between windows (default: the model's; 1 for vote curves)")
    parser.add_argument("--synthetic", action="store_true", help="vote curves instead of phantoms and a model")
    parser.add_argument("--work", type=Path, help="folder for the phantoms, which are not made again")
    parser.add_argument("--jobs", type=int, default=1, help="phantoms made at a time")
    parser.add_argument("--write", action="store_true", help=f"write {FILE.name}")
    args = parser.parse_args()
    what = "--synthetic" if args.synthetic else f"--model {args.model}"
    origin = f"python benchmarks/l3_confidence.py {what} --count {args.count} --seed {args.seed} --write"
    row_mm = 1.0
    if not args.synthetic:
        card = find_package(args.model).card
        row_mm, origin = card.spacing[0], f"{origin} ({weights_mark(card)})"
    samples, others = collect(args, args.seed, row_mm), collect(args, args.seed + 1000, row_mm)
    fitted = fit(samples, before=_before(), origin=origin)
    print(json.dumps(fitted.to_json(), indent=1))
    report(fitted, others)
    if args.write:
        FILE.parent.mkdir(exist_ok=True)
        write_json(FILE, fitted.to_json())
        print(f"{FILE} written")


def collect(args: argparse.Namespace, seed: int, row_mm: float) -> Samples:
    """Features and truth of one set of scans."""
    samples = Samples()
    for kind, curve, height, truth, others in synthetic(args, seed) if args.synthetic else phantoms(args, seed):
        add = samples.add_map if kind == "map" else partial(samples.add_votes, height=height)
        add(curve, truth=truth, row_mm=row_mm, others=others)
    return samples


def _before() -> Calibration:
    """The coefficients that stand now."""
    try:
        return Calibration.from_json(json.loads(FILE.read_text()))
    except (OSError, ValueError):
        return START


def report(fitted: Calibration, half: Samples) -> None:
    """Calibration error, and the share of right answers by confidence, on scans that the fit has not seen."""
    for name in ("row", "absent", "map"):
        samples, weights = getattr(half, name), getattr(fitted, f"{name}_weights")
        if not samples:
            continue
        sure = [1 / (1 + math.exp(-float(np.dot(weights, features)))) for features, _ in samples]
        right = [true for _, true in samples]
        print(f"{name}: {len(samples)} held-out scans, calibration error {expected_calibration_error(sure, right):.3f}")
        for low, high in ((0.95, 1.01), (0.9, 0.95), (0.8, 0.9), (0.7, 0.8), (0.5, 0.7), (0.0, 0.5)):
            among = [(value, true) for value, true in zip(sure, right) if low <= value < high]
            if among:
                mean, share = np.mean(among, axis=0)
                told = f"{len(among)} scans, mean confidence {mean:.3f}, {share:.1%} right"
                print(f"  confidence {low} to {min(high, 1)}: {told}")


def synthetic(args: argparse.Namespace, seed: int):
    """Vote curves and maps of a level anywhere, or of none; yields (kind, curve, height, truth, second looks' rows)."""
    from helpers_level import vote_curve

    rng = np.random.default_rng(seed)
    for number in range(args.count):
        height, there = int(rng.integers(120, 900)), rng.random() < 0.7
        level = float(rng.uniform(5, height - 6)) if there else None
        outside = str(rng.choice(["hinge", "noise", "flat"]))
        curve = vote_curve(
            level, height, step=args.step or 1, noise=float(rng.uniform(0, 25)), outside=outside,
            side=str(rng.choice(["above", "below", ""])), seed=seed + number,
        )  # fmt: skip
        yield "votes", curve, height, level, ()
        yield "map", _map(rng, height, level), height, level, ()


def _map(rng: np.random.Generator, height: int, level: float | None) -> np.ndarray:
    rows, peak = np.arange(height), rng.uniform(0.2, 1)
    heights = 0.1 * rng.random(height)
    if level is not None:
        heights += peak * np.exp(-0.5 * ((rows - level) / 4) ** 2)
    if rng.random() < 0.4:
        heights += rng.uniform(0, 0.9) * peak * np.exp(-0.5 * ((rows - rng.uniform(0, height)) / 4) ** 2)
    return heights


def phantoms(args: argparse.Namespace, seed: int):
    """The model's votes on phantoms that no training has seen; yields as ``synthetic``."""
    from TransferSegLib.events import quiet
    from TransferSegLib.jobs.level_phantoms import phantom_examples
    from TransferSegLib.jobs.predict import Model
    from TransferSegLib.level.finding import curve_of, rows_of_second_looks
    from TransferSegLib.phantoms.ct_write import case_seed
    from TransferSegLib.preparing.projection import ProjectionSpec

    model = Model.open(find_package(args.model))
    card = model.card
    with tempfile.TemporaryDirectory() as scratch:
        about = {"spec": ProjectionSpec.of_card(card), "level": card.level, "jobs": args.jobs, "events": quiet(None)}
        made = phantom_examples(args.work or Path(scratch), case_seed(seed, 1), args.count, **about)
    for example in made:
        pixels = np.asarray(example.pixels, np.float32)
        curve = curve_of(card, model.module, pixels, step=args.step)
        others = rows_of_second_looks(card, model.module, pixels, step=args.step)
        kind = "map" if card.output == "confidence-map" else "votes"
        shown = example.row is not None and 0 <= example.row <= example.height - 1  # it may be known beyond the edge
        yield kind, curve, pixels.shape[1], example.row if shown else None, others


if __name__ == "__main__":
    main()
