"""Seconds and memory of a training step by strategy, and what a bank of frozen features gains; one run.

    python benchmarks/training_step.py [--network unet dynunet] [--patch 96]

Every measurement runs in a process of its own; strategies take turns, round by round, so that a change of the
machine's speed meets all of them. "requires_grad alone" is the same freeze without our no-grad prefix.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
VARIANTS = ("half-lr", "freeze-encoder", "freeze-encoder requires_grad", "freeze-encoder bank", "freeze-both",
            "freeze-both requires_grad", "freeze-both bank")  # fmt: skip


def measure(network: str, variant: str, patch: int, steps: int) -> dict:
    """Median seconds of a step after two warm-up ones, and the peak above what the imports took."""
    import torch

    from TransferSegLib.inference import choose_device
    from TransferSegLib.networks import build_network, network_spec
    from TransferSegLib.strategies import apply_strategy, strategy
    from TransferSegLib.training import loss_by_name

    torch.manual_seed(0)
    name, _, how = variant.partition(" ")
    module, spec = build_network(network, 4, 5), network_spec(network)
    freezing = apply_strategy(strategy(name), network, module)
    precision = choose_device("cpu", network=module).precision
    loss = loss_by_name("dice-ce")
    optimiser = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=5e-4)
    module.train()
    x, truth = torch.randn(2, 4, patch, patch, patch), torch.randint(0, 5, (2, 1, patch, patch, patch))
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kind = torch.bfloat16 if precision == "bfloat16" else None

    def step(inputs: object) -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=kind, enabled=kind is not None):
            if how == "bank":
                logits = spec.decode(module, inputs)
            else:
                logits = module(inputs) if how == "requires_grad" else freezing.forward(module, inputs)
        loss(logits.float(), truth).backward()
        optimiser.step()

    inputs: object = x
    if how == "bank":
        with torch.no_grad(), torch.autocast("cpu", dtype=kind, enabled=kind is not None):
            inputs = tuple(spec.encode(module, x))
    seconds = []
    for number in range(steps + 2):
        start = time.perf_counter()
        step(inputs)
        if number >= 2:
            seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - floor
    return {"seconds": statistics.median(seconds), "mb": peak / 1024, "precision": precision}


def main() -> int:
    """Measure every variant in its own process, in rounds, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", nargs="+", default=["unet", "dynunet"])
    parser.add_argument("--patch", type=int, help="default: 80 for the U-Net, 64 for others")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        network, variant, patch, steps = args.one
        print(json.dumps(measure(network, variant, int(patch), int(steps))))
        return 0
    for network in args.network:
        patch, steps = args.patch or (80 if network == "unet" else 64), 8 if network == "unet" else 3
        found: dict[str, list[dict]] = {variant: [] for variant in VARIANTS}
        for _ in range(args.rounds):
            for variant in VARIANTS:
                command = [sys.executable, __file__, "--one", network, variant, str(patch), str(steps)]
                found[variant].append(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
        print(f"\n{network}, {patch}³ x 2, {found['half-lr'][0]['precision']}, {args.rounds} rounds of {steps} steps\n")
        print("| step | seconds | half-lr / this (min-max) | memory MB |\n|---|---:|---:|---:|")
        for variant, rows in found.items():
            ratios = [a["seconds"] / b["seconds"] for a, b in zip(found["half-lr"], rows)]
            seconds = statistics.median(row["seconds"] for row in rows)
            memory = statistics.median(row["mb"] for row in rows)
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
            print(f"| {variant} | {seconds:.3f} | {spread} | {memory:.0f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
