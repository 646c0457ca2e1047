"""Seconds and memory of a training step by strategy, and what a bank of frozen features gains; one run.

    python benchmarks/training_step.py [--network unet dynunet] [--patch 96]

Variants take turns step by step in one process, so that a change of the machine's speed meets all of them; memory is
measured in a process each. "requires_grad alone" is the same freeze without our no-grad prefix.
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


def prepare(network: str, variant: str, patch: int):
    """The step of a variant as a function without arguments, and its precision."""
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
    kind = torch.bfloat16 if precision == "bfloat16" else None
    loss = loss_by_name("dice-ce")
    optimiser = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=5e-4)
    module.train()
    x, truth = torch.randn(2, 4, patch, patch, patch), torch.randint(0, 5, (2, 1, patch, patch, patch))
    features = None
    if how == "bank":
        with torch.no_grad(), torch.autocast("cpu", dtype=kind, enabled=kind is not None):
            features = tuple(spec.encode(module, x))

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=kind, enabled=kind is not None):
            if how == "bank":
                logits = spec.decode(module, features)
            else:
                logits = module(x) if how == "requires_grad" else freezing.forward(module, x)
        loss(logits.float(), truth).backward()
        optimiser.step()

    return step, precision


def seconds_of(network: str, patch: int, steps: int) -> dict[str, list[float]]:
    """Seconds of every step; the variants take turns step by step, after two rounds to warm up."""
    run = {variant: prepare(network, variant, patch)[0] for variant in VARIANTS}
    seconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for number in range(steps + 2):
        for variant, step in run.items():
            start = time.perf_counter()
            step()
            if number >= 2:
                seconds[variant].append(time.perf_counter() - start)
    return seconds


def memory_of(network: str, variant: str, patch: int) -> dict:
    """Peak of three steps above what the imports took, in MB."""
    import monai.losses
    import torch

    _ = (monai.losses, torch)
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step, precision = prepare(network, variant, patch)
    for _ in range(3):
        step()
    return {"mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - floor) / 1024, "precision": precision}


def main() -> int:
    """Measure every variant in its own process, in rounds, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", nargs="+", default=["unet", "dynunet"])
    parser.add_argument("--patch", type=int, help="default: 80 for the U-Net, 64 for others")
    parser.add_argument("--steps", type=int, help="timed steps of each variant (default: 25, others 4)")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        network, variant, patch = args.one
        print(json.dumps(memory_of(network, variant, int(patch))))
        return 0
    for network in args.network:
        patch, steps = args.patch or (80 if network == "unet" else 64), args.steps or (25 if network == "unet" else 4)
        memory = {}
        for variant in VARIANTS:
            command = [sys.executable, __file__, "--one", network, variant, str(patch)]
            memory[variant] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        seconds = seconds_of(network, patch, steps)
        print(f"\n{network}, {patch}³ x 2, {memory['half-lr']['precision']}, {steps} steps in turn\n")
        print("| step | seconds (least) | half-lr / this: of medians (of least) | memory MB |\n|---|---:|---:|---:|")
        full = seconds["half-lr"]
        for variant, rows in seconds.items():
            ratio = f"{statistics.median(full) / statistics.median(rows):.2f} ({min(full) / min(rows):.2f})"
            spent = f"{statistics.median(rows):.3f} ({min(rows):.3f})"
            print(f"| {variant} | {spent} | {ratio} | {memory[variant]['mb']:.0f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
