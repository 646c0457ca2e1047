"""Seconds a CT phantom: the quick projection that training takes, and the volume, on one core.

    python benchmarks/ct_phantoms.py [--count 20] [--volumes 3] [--json result.json]

Processor time of this process with one thread, so that other work on the machine counts little; the median counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from TransferSegLib.phantoms import KINDS, ct_phantom, ct_projection


def main() -> None:
    """Measure and print one line a path and kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="projections of each kind (default: 20)")
    parser.add_argument("--volumes", type=int, default=3, help="volumes of each kind (default: 3)")
    parser.add_argument("--json", help="file for the figures")
    args = parser.parse_args()
    figures = {}
    for kind in KINDS:
        draws = {
            "projection, frontal": (args.count, lambda n, kind=kind: ct_projection(n, kind=kind)),
            "projection, both views": (
                args.count,
                lambda n, kind=kind: ct_projection(n + 500, kind=kind, views=("frontal", "lateral")),
            ),
            "volume, matrix 256": (args.volumes, lambda n, kind=kind: ct_phantom(n + 1000, kind=kind)),
        }
        for name, (count, draw) in draws.items():
            if count:
                figures[f"{kind}: {name}"] = timed(count, draw)
                print(f"{kind}: {name}: " + ", ".join(f"{k} {v:.2f} s" for k, v in figures[f"{kind}: {name}"].items()))
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=1))


def timed(count: int, draw) -> dict[str, float]:
    """Median and largest processor seconds of ``count`` draws."""
    seconds = []
    for number in range(count):
        start = time.process_time()
        draw(number)
        seconds.append(time.process_time() - start)
    return {"median": statistics.median(seconds), "largest": max(seconds)}


if __name__ == "__main__":
    main()
