"""Error and time of a shipped level model against the share of its maps kept, on CT phantoms; one run.

    python benchmarks/l3_pruning.py --work FOLDER --out FOLDER [--model l3-cnn4-phantom] [--learn 400] [--judge 150]

Maps are scored and networks fine-tuned on the first phantoms that the shipped model was trained on, and judged by the
first of those that its recipe was chosen on (``jobs/level_pretrain.py``); projections are made once and lie below
--work, which may be that training's own folder of projections. Taylor, smallest filters and chance start from one
network; the parts are those of ``transferseg prune``, which takes CTs. A run that was killed goes on where it was: what
it finished lies in --out.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def job_of(args: argparse.Namespace, events):
    """The pruning of a model on phantoms instead of a data set."""
    from TransferSegLib.jobs.level_phantoms import phantom_examples
    from TransferSegLib.jobs.level_pretrain import CHOOSING_SEED, TRAINING_SEED
    from TransferSegLib.jobs.prune_level import LevelTask
    from TransferSegLib.jobs.prune_steps import Pruned, PruneJob
    from TransferSegLib.jobs.segment import find_model
    from TransferSegLib.preparing.projection import ProjectionSpec
    from TransferSegLib.training import default_level_plan

    package = find_model(args.model)
    card, module = package.card, package.network()
    spec = ProjectionSpec.of_card(card)
    learned, judged = (
        tuple(phantom_examples(args.work, seed, count, spec, card.level, jobs=args.jobs, events=events))
        for seed, count in ((TRAINING_SEED, args.learn), (CHOOSING_SEED, args.judge))
    )
    plan = default_level_plan(
        card.network, card.projection["evaluation"], rows=card.window[0], stride=module.stride, early_stopping=False
    )
    plan = dataclasses.replace(plan, rate=args.rate)
    request = {"benchmark": "l3_pruning", "weights": card.weights_sha256, "plan": plan.to_json()}
    request |= {name: getattr(args, name) for name in ("learn", "judge", "keep", "steps", "updates", "last_updates")}
    request |= {"guided": args.guided, "threads": args.threads}
    return PruneJob(package, Pruned(card, module), LevelTask(learned, judged), {}, plan, args.out, args.out, request)


def main() -> None:
    """Prune by each criterion, print the table, write CSV and picture."""
    import torch

    from TransferSegLib.cli.console import Console
    from TransferSegLib.jobs.prune import kept_guide, prune_curve, timed_in_turn
    from TransferSegLib.jobs.prune_keeping import kept
    from TransferSegLib.jobs.prune_options import PruneOptions
    from TransferSegLib.jobs.prune_report import write_curve
    from TransferSegLib.jobs.prune_steps import measured
    from TransferSegLib.training import Run

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="l3-cnn4-phantom")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--learn", type=int, default=400)
    parser.add_argument("--judge", type=int, default=150)
    parser.add_argument("--criteria", nargs="+", default=["taylor", "l1", "random"])
    parser.add_argument("--keep", type=float, default=0.25)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--updates", type=int, default=30)
    parser.add_argument("--last-updates", type=int, default=30)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--guided", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1, help="phantoms made at a time")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    started, events = time.monotonic(), Console(quiet=not sys.stderr.isatty()).events()
    job = job_of(args, events)
    run = Run(args.out, job.request)
    timed = kept_guide(job, events) if args.guided else ()
    for gain in timed:
        print(f"half of {gain.name}'s maps: {100 * gain.share:.1f} % of the time, {'pays' if gain.pays else 'left'}")
    left = tuple(gain.name for gain in timed if not gain.pays)
    first, curve = kept(args.out / "first.json", lambda: measured(job.task, job.start, events)), []
    for criterion in args.criteria:
        options = PruneOptions(
            criterion, args.keep, args.steps, updates=args.updates, last_updates=args.last_updates, device="cpu"
        )
        curve += prune_curve(criterion, job, first, left, options, events)[1]
    curve = timed_in_turn(job, curve, repeats=25)
    print("| maps removed by | kept | parameters | error mm | median | within 10 mm | found | ms a scan |")
    print("|---|---|---|---|---|---|---|---|")
    for row in curve:
        error = f"{row['error_mm']:.2f} ± {row['error_mm_sd']:.2f} | {row['error_mm_median']:.2f}"
        shares = f"{100 * row['within_10_mm']:.1f} % | {100 * row['found']:.1f} %"
        size = f"{100 * row['kept']:.0f} % | {row['parameters']:,}"
        print(f"| {row['criterion']} | {size} | {error} | {shares} | {1000 * row['seconds']:.2f} |")
    run.finish()
    print(f"{curve[0]['scans']} phantoms that show the level; {time.monotonic() - started:.0f} s in this process")
    print(json.dumps(write_curve(args.out, curve, job.package.card.name)))


if __name__ == "__main__":
    main()
