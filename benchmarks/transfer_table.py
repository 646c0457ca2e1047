"""Few-case transfer on the two real MS patients: each strategy, both ways round, several seeds, one table.

    python benchmarks/transfer_table.py --out FOLDER

Each cell is one call of ``transferseg finetune`` with its defaults; finished cells are kept in FOLDER and
never run twice. ``before`` is the unadapted source on the same held-out patient.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

STRATEGIES = ("scratch", "half-lr", "freeze-encoder", "freeze-decoder", "freeze-both")
PATIENTS = ("patient07", "patient19")


def run_cell(args: argparse.Namespace, held_out: str, strategy: str, seed: int) -> dict:
    """One training and its scores; from the folder where it lies there already."""
    name = f"{strategy}-{held_out}-{seed}"
    file = args.out / f"{name}.json"
    if file.is_file():
        return json.loads(file.read_text())
    command = [sys.executable, "-m", "TransferSegLib", "finetune", "--from", args.model, "--data", str(args.data)]
    command += ["--strategy", strategy, "--hold-out", held_out, "--map", "lesion=oedema", "--seed", str(seed)]
    command += ["--out", str(args.out / name), "--json", "--quiet"]
    environment = os.environ | {"OMP_NUM_THREADS": str(args.threads), "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    file.write_text(done.stdout)
    print(f"{name}: {json.loads(done.stdout)['message']}", file=sys.stderr, flush=True)
    return json.loads(done.stdout)


def mean_sd(values: list[float]) -> str:
    """Mean and sample standard deviation over the seeds."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.3f} ± {spread:.3f}"


def table(results: dict[tuple[str, str, int], dict], seeds: list[int]) -> str:
    """Markdown: a row a strategy, a column a direction, Dice on the held-out patient."""
    lines = ["| strategy | learns | " + " | ".join(f"held out {p}" for p in PATIENTS) + " | mean | seconds |"]
    lines.append("|---|---:|" + "---:|" * (len(PATIENTS) + 2))
    before = {p: next(r for (s, q, n), r in results.items() if q == p)["before"]["mean"]["dice"] for p in PATIENTS}
    cells = " | ".join(f"{before[p]:.3f}" for p in PATIENTS)
    lines.append(f"| unadapted source | 0 % | {cells} | {statistics.mean(before.values()):.3f} | |")
    for strategy in STRATEGIES:
        rows = {p: [results[strategy, p, n] for n in seeds] for p in PATIENTS}
        dice = {p: [r["after"]["mean"]["dice"] for r in rows[p]] for p in PATIENTS}
        both = [statistics.mean(pair) for pair in zip(*dice.values())]
        first = rows[PATIENTS[0]][0]
        share = 100 * first["trainable"] / first["total"]
        seconds = statistics.mean(r["seconds"] for p in PATIENTS for r in rows[p])
        cells = " | ".join(mean_sd(dice[p]) for p in PATIENTS)
        lines.append(f"| {strategy} | {share:.1f} % | {cells} | {mean_sd(both)} | {seconds:.0f} |")
    return "\n".join(lines)


def main() -> int:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ms_open_ms_data"))
    parser.add_argument("--model", default="brain-unet-phantom")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side")
    parser.add_argument("--threads", type=int, default=1, help="threads of each")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    seeds = list(range(args.seeds))
    # Seed by seed, so that an interrupted table is a whole one with fewer seeds.
    cells = [(s, p, n) for n, p, s in product(seeds, PATIENTS, STRATEGIES)]
    with ThreadPoolExecutor(args.jobs) as pool:
        found = list(pool.map(lambda cell: run_cell(args, cell[1], cell[0], cell[2]), cells))
    print(table(dict(zip(cells, found)), seeds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
