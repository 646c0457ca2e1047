"""Seconds of an L3 network on one projection: every window on its own against the shared convolutions; one run.

    python benchmarks/l3_dense.py [--networks l3-vgg16 l3-cnn4] [--rows 1000] [--steps 1 2 4 6 8 16 32] [--part WINDOWS]
    python benchmarks/l3_dense.py --networks l3-vgg16 --keep 1 0.5 0.25 --steps 1 --no-plain

Weights are random: the time does not depend on them. Every window of the plain loops is run; with --part only so many
windows are, spread over the projection, and the seconds are multiplied up, which the table then says. Each dense
evaluation is the median of five after one to warm up. With --keep the same share of every layer's maps is pruned
first (smallest filters, Li et al. 2017): the time of the smaller network, not its error, which training decides.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def plain(module, x, stride: int, batch: int, part: int | None) -> tuple[float, int, int]:
    """Seconds of the loop over windows, how many windows it has, and how many of them were run."""
    import torch

    tops = list(range(0, x.shape[2] - module.rows + 1, stride))
    run = tops if part is None or part >= len(tops) else tops[:: -(-len(tops) // part)]
    started = time.perf_counter()
    for first in range(0, len(run), batch):
        module(torch.cat([x[:, :, top : top + module.rows] for top in run[first : first + batch]]))
    return (time.perf_counter() - started) * len(tops) / len(run), len(tops), len(run)


def dense(module, x, step: int) -> float:
    """Median seconds of five dense evaluations."""
    module.dense(x, step)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        module.dense(x, step)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def network_of(network: str, width: int, keep: float):
    """A network with random weights, and the given share of the maps of every layer."""
    import torch

    from TransferSegLib.networks import build_network
    from TransferSegLib.training.pruning import choose_maps, map_groups, without_maps
    from TransferSegLib.training.pruning_scores import l1_scores

    torch.manual_seed(0)
    arguments = {"rows": 100, "width": width}
    module = build_network(network, 1, 1, arguments).eval()
    if keep == 1:
        return module
    groups = map_groups(module)
    surplus = round((1 - keep) * sum(group.maps for group in groups))
    chosen = choose_maps(groups, l1_scores(module.trunk), surplus, by_layer=True)
    return without_maps(module, network, arguments, chosen)[0]


def measure(network: str, keep: float, args: argparse.Namespace) -> dict:
    """All rows of one network."""
    import torch

    module = network_of(network, args.width, keep)
    parameters = sum(p.numel() for p in module.parameters())
    name = network if keep == 1 else f"{network}, {100 * keep:g} % of its maps, {parameters:,} parameters"
    x = torch.rand(1, 1, args.rows, args.width)
    rows = []
    with torch.inference_mode():
        module(x[:, :, :100])
        for stride in () if args.no_plain else (1, 6):
            seconds, windows, run = plain(module, x, stride, args.batch, args.part)
            how = "plain loop" + ("" if run == windows else f", {run} of {windows} windows run and multiplied up")
            rows.append({"how": how, "step": stride, "windows": windows, "seconds": seconds})
            print(text(name, rows[-1], rows[0]["seconds"]), flush=True)
        for step in args.steps:
            windows = (args.rows - 100) // step + 1
            grid = module.dense_step(step)
            how = (
                "dense, every window"
                if step % grid == 0
                else f"dense, evaluated every {grid} rows, between them interpolated"
            )
            rows.append({"how": how, "step": step, "windows": windows, "seconds": dense(module, x, step)})
            print(text(name, rows[-1], rows[0]["seconds"]), flush=True)
    return {"network": network, "keep": keep, "parameters": parameters, "rows": rows}


def text(network: str, row: dict, first: float) -> str:
    """One line of the table."""
    faster = f"{first / row['seconds']:.1f} x the first row's"
    return f"| {network} | {row['how']} | {row['step']} | {row['windows']} | {row['seconds']:.2f} s | {faster} |"


def main() -> None:
    """Measure, print a table, write JSON where asked for."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["l3-vgg16", "l3-cnn4"])
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 2, 4, 6, 8, 16, 32])
    parser.add_argument("--batch", type=int, default=8, help="windows at a time in the plain loop")
    parser.add_argument("--keep", type=float, nargs="+", default=[1.0], metavar="SHARE", help="of every layer's maps")
    parser.add_argument("--no-plain", action="store_true", help="only the dense evaluation")
    parser.add_argument("--part", type=int, help="run only so many windows of each plain loop, said in the table")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, metavar="JSON")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(
        f"{args.threads} threads, a projection of {args.rows} x {args.width}, windows of 100 rows, batch {args.batch}"
    )
    print("| network | evaluation | step | windows | seconds | faster than |\n|---|---|---|---|---|---|")
    found = [measure(network, keep, args) for network in args.networks for keep in args.keep]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"largest memory of the process: {memory:.0f} MB")
    if args.out:
        args.out.write_text(json.dumps({"threads": args.threads, "memory_mb": memory, "networks": found}, indent=1))


if __name__ == "__main__":
    main()
