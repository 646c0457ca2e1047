"""A network in PyTorch, ONNX Runtime and OpenVINO on the CPU, in float32, bfloat16 and int8: time and ratio.

    python benchmarks/runtimes.py [--network unet2d-32-64-128] [--size 512 512] [--channels 1] [--rounds 20]

Weights are new and the input is noise: time does not depend on them. PyTorch runs as ``segment`` runs it
(``inference/fitting.py``). The ways take turns, so that what else the machine does hits all alike; the table has the
least and the median time, the least CPU time of all threads (which other programs lengthen little), and the ratio of
the least times to PyTorch in float32.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def ways(args: argparse.Namespace) -> dict[str, Callable[[], object]]:
    """What is timed, by name; each runs the network once."""
    import numpy as np
    import torch

    from TransferSegLib.exporting import form_of, onnx_bytes, quantised
    from TransferSegLib.exporting.runtimes import onnxruntime_run, openvino_run
    from TransferSegLib.inference import Device, fit_network
    from TransferSegLib.networks import build_network, network_spec
    from TransferSegLib.packages import Card, Label

    spec = network_spec(args.network)
    if len(args.size) != spec.dims:
        raise SystemExit(f"--size: {args.network} takes {spec.dims} sizes")
    roles = tuple(f"image{n}" for n in range(args.channels))
    card = Card(
        "benchmark", "", roles, (Label(1, "label", 1),), args.network, args.channels, 2, window=tuple(args.size)
    )
    module = build_network(args.network, args.channels, 2).eval()
    graph = onnx_bytes(card, module, form_of(card))[0]
    x = np.random.default_rng(0).standard_normal((1, args.channels, *args.size)).astype(np.float32)
    small = quantised(graph, [x], args.network)
    windows = torch.from_numpy(x)[:, :, None] if spec.dims == 2 else torch.from_numpy(x)
    found: dict[str, Callable[[], object]] = {}
    for precision in ("float32", "bfloat16"):
        run = fit_network(module, Device("cpu", precision, ""), dims=spec.dims)
        found[f"PyTorch {precision}"] = lambda run=run: run(windows)
    for title, opened in (("ONNX Runtime", onnxruntime_run), ("OpenVINO", openvino_run)):
        for precision, content in (("float32", graph), ("int8", small)):
            run = opened(content, args.network)
            found[f"{title} {precision}"] = lambda run=run: run(x)
    return found


def timed(found: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds (elapsed, of the CPU) of each way, in turn, after one run that does not count."""
    import torch

    times: dict[str, list[tuple[float, float]]] = {name: [] for name in found}
    with torch.inference_mode():
        for number in range(rounds + 1):
            for name, run in found.items():
                started, used = time.perf_counter(), time.process_time()
                run()
                if number:
                    took = time.perf_counter() - started, time.process_time() - used
                    times[name].append((1000 * took[0], 1000 * took[1]))
    return times


def main() -> None:
    """Print the table."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="unet2d-32-64-128")
    parser.add_argument("--size", type=int, nargs="+", default=[512, 512])
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    times = timed(ways(args), args.rounds)
    base = min(elapsed for elapsed, _ in times["PyTorch float32"])
    size = "x".join(map(str, args.size))
    print(f"{args.network}, {args.channels}x{size}, {args.threads} threads, {args.rounds} rounds")
    print(f"{'':22} {'least ms':>9} {'median ms':>10} {'CPU ms':>9} {'times as fast':>14}")
    for name, values in times.items():
        elapsed, used = zip(*values)
        shown = f"{min(elapsed):9.1f} {statistics.median(elapsed):10.1f} {min(used):9.1f}"
        print(f"{name:22} {shown} {base / min(elapsed):14.2f}")


if __name__ == "__main__":
    main()
