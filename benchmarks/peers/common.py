"""What every contender shares: the networks, the weights, the timing, the memory, the answer as JSON."""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROLES = ("flair", "t1", "t1gd", "t2")
SUFFIXES = {"flair": "t2f", "t1": "t1n", "t1gd": "t1c", "t2": "t2w"}
LABELS = ("tumour", "necrosis", "oedema", "scar")
WINDOW, OVERLAP = (128, 128, 128), 0.5


def build(network: str):
    """The method sheet's networks, plain MONAI."""
    from monai.networks.nets import DynUNet, UNet

    common = {"spatial_dims": 3, "in_channels": len(ROLES), "out_channels": len(LABELS) + 1}
    if network == "unet":
        return UNet(**common, channels=(4, 8, 16, 32, 64), strides=(2, 2, 2, 2), num_res_units=0)
    return DynUNet(**common, kernel_size=[3] * 5, strides=[1, 2, 2, 2, 2], upsample_kernel_size=[2] * 4)


def load(network: str, weights: Path, *, axes: str = "kji"):
    """A network with the trained weights; ``axes="ijk"`` turns its kernels for readers with the axes reversed."""
    import torch

    module = build(network)
    state = torch.load(weights, weights_only=True)
    if axes == "ijk":
        state = {n: t.permute(0, 1, 4, 3, 2).contiguous() if t.ndim == 5 else t for n, t in state.items()}
    module.load_state_dict(state)
    return module.eval()


def find_images(folder: Path) -> dict[str, Path]:
    """The four files of a BraTS case folder by role."""
    return {role: next(folder.glob(f"*-{SUFFIXES[role]}.nii.gz")) for role in ROLES}


class Peak:
    """Largest resident memory, sampled every 5 ms in a thread (what was reached before is not counted)."""

    def __init__(self) -> None:
        self.start = self.highest = _resident()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.005):
            self.highest = max(self.highest, _resident())


def contend(prepare: Callable[[argparse.Namespace], Callable[[], None]]) -> None:
    """Import everything, then take the memory mark, load, run once to warm up, run and time, answer as JSON.

    ``prepare`` loads the network and returns what segments the case once, from files to a file.
    """
    parser = argparse.ArgumentParser()
    for name in ("network", "case", "weights", "out", "repeats", "precision"):
        parser.add_argument(f"--{name}", default="auto" if name == "precision" else None)
    options = parser.parse_args()
    keep, sys.stdout = sys.stdout, sys.stderr
    with Peak() as peak:
        run = prepare(options)
        run()
        seconds = []
        for _ in range(int(options.repeats)):
            started, used = time.perf_counter(), time.process_time()
            run()
            seconds.append((time.perf_counter() - started, time.process_time() - used))
    answer = {
        "seconds": round(statistics.median(wall for wall, _ in seconds), 2),
        "cpu_seconds": round(statistics.median(cpu for _, cpu in seconds), 2),
        "runs": [round(wall, 2) for wall, _ in seconds],
        "memory_gb": round((peak.highest - peak.start) / 1e9, 3),
        "imports_gb": round(peak.start / 1e9, 3),
        "system_peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 3),
    }
    keep.write(json.dumps(answer) + "\n")


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
