"""Live mode: frames a second and latency of a 2-D network through the real worker process, and through Slicer's client.

    python benchmarks/live.py [--network unet2d-32-64-128] [--size 256] [--seconds 10] [--feed 50] [--threads 2]

The network's weights are drawn (its time does not depend on them); the case is noise in HU, ``--size`` squared.
Frames are fed at ``--feed`` a second, faster than they can be answered; what waits when a newer one comes is dropped.
``worker``: requests on the process' pipes, once for slices of a volume that stays and once with new pixels a frame.
``client``: the module's own client and logic on the stand-in host (its event loop, real MRML scene), the view moved at
``--feed`` a second. ``cpu_ms_per_frame`` hardly depends on
what else the machine does. Latency is from a frame's request to its labels (worker), or to the segmentation (client).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import queue
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "Testing"), str(ROOT / "TransferSeg")]
SLICES = 32


def main() -> None:
    """Make model and case, measure, print one JSON value."""
    options = _options()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    with tempfile.TemporaryDirectory() as name:
        os.environ["TRANSFERSEG_HOME"] = name
        folder = Path(name)
        parameters = _make_model(folder / "models" / "live-benchmark", options.network)
        case = _make_case(folder / "ct.nii.gz", options.size)
        found: dict[str, Any] = {
            "network": options.network,
            "parameters": parameters,
            "size": options.size,
            "threads": options.threads,
            "fed_per_second": options.feed,
        }
        for title, pixels in (("worker, slices", False), ("worker, new pixels", True)):
            found[title] = _through_worker(folder, case, options, pixels)
        if not options.no_client:
            found["client"] = _through_client(options)
    print(json.dumps(found, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="unet2d-32-64-128")
    parser.add_argument("--size", type=int, default=256, help="pixels a side")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--feed", type=float, default=50.0, help="frames a second that are asked for")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-client", action="store_true", help="leave out the module's client")
    return parser.parse_args()


def _make_model(folder: Path, network: str) -> int:
    import torch

    from TransferSegLib.networks import build_network, state_to_save
    from TransferSegLib.packages import Card, Label, write_package

    torch.manual_seed(0)
    module = build_network(network, 1, 1)
    intensities = {"window": [-160, 240], "mean": [0.4], "sd": [0.3]}
    card = Card(
        name=folder.name,
        description="weights drawn for a measurement of time",
        roles=("ct",),
        labels=(Label(1, "something", 0),),
        network=network,
        in_channels=1,
        out_channels=1,
        output="sigmoid",
        normalisation="ct",
        intensities=intensities,
        spacing=(1.0, 1.0),
        window=(256, 256),
    )
    write_package(folder, card, state_to_save(network, module))
    return sum(parameter.numel() for parameter in module.parameters())


def _volume(size: int) -> Any:
    """Fat, tissue and a round hole of air, HU int16, up to every edge: the body's crop then leaves every pixel."""
    import numpy as np

    rng = np.random.default_rng(0)
    j, i = np.mgrid[:size, :size] / size - 0.5
    mean = np.where(np.hypot(j, i) < 0.3, 40.0, -110.0)
    array = rng.normal(mean, 40, (SLICES, size, size))
    array[:, np.hypot(j, i) < 0.1] = -1000
    return array.astype(np.int16)


def _make_case(path: Path, size: int) -> Path:
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(_volume(size)), str(path))
    return path


def _through_worker(folder: Path, case: Path, options: argparse.Namespace, pixels: bool) -> dict[str, Any]:
    import numpy as np
    from helpers_worker import Worker

    worker = Worker(env={"OMP_NUM_THREADS": str(options.threads)})
    sent: dict[int, float] = {}
    got: dict[int, tuple[float, dict]] = {}
    done = threading.Event()

    def listen() -> None:
        while not done.is_set() or set(sent) - set(got):
            with contextlib.suppress(queue.Empty):
                event = worker._fresh.get(timeout=0.2)
                if event is None:
                    return
                if event["event"] in ("result", "error"):
                    got[event["id"]] = (time.perf_counter(), event)

    try:
        started = time.perf_counter()
        opened = worker.do("live", action="open", model="live-benchmark", image={"ct": str(case)}, resample="off")
        ready = time.perf_counter() - started
        volume = _volume(options.size)
        listener = threading.Thread(target=listen)
        listener.start()
        end, number, used = time.perf_counter() + options.seconds, 0, _cpu_seconds(worker.process.pid)
        while time.perf_counter() < end:
            frame = {"session": opened["session"], "index": number % SLICES, "out": str(folder / f"o{number % 4}.npy")}
            if pixels:  # a file is free once its frame is answered: at most one is done and one waits
                file = folder / f"p{number % 4}.npy"
                np.save(file, volume[number % SLICES])
                frame["image"] = {"ct": str(file)}
            at = time.perf_counter()
            sent[worker.ask("live", action="frame", **frame)] = at
            number += 1
            time.sleep(max(0.0, at + 1 / options.feed - time.perf_counter()))
        done.set()
        listener.join(60)
        used = _cpu_seconds(worker.process.pid) - used
    finally:
        worker.close()
    errors = [event for _at, event in got.values() if event["event"] == "error"]
    if errors:
        raise SystemExit(f"a frame failed: {errors[0]}")
    shown = {name: (at, event["value"]) for name, (at, event) in got.items() if not event["value"]["dropped"]}
    parts = {
        part: _ms([v["seconds"][part] for _at, v in shown.values()])
        for part in next(iter(shown.values()))[1]["seconds"]
    }
    late = [at - sent[name] for name, (at, _value) in shown.items()]
    times = sorted(at for at, _value in shown.values())
    return {
        "device": opened["device"],
        "precision": opened["precision"],
        "open_seconds": round(ready, 2),
        **_rates(times, late, len(sent)),
        "cpu_ms_per_frame": round(1000 * used / len(shown), 1),
        "median_ms_of_parts": parts,
    }


def _through_client(options: argparse.Namespace) -> dict[str, Any]:
    import host

    if host.missing():
        return {"skipped": host.missing()}
    host.install()
    import slicer
    from helpers_logic import addVolume, makeLogic

    logic = makeLogic()
    size = options.size
    node = addVolume(slicer.mrmlScene, "CT", _volume(size))
    run = logic.startLive("live-benchmark", {"ct": node}, resample="off")
    times: list[float] = []
    late: list[float] = []
    longest = 0.0
    view = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    asked, end, last = 0, None, 0
    following = time.perf_counter()
    next_move = 0.0
    while end is None or time.perf_counter() < end:
        before = time.perf_counter()
        if run.finished:
            raise SystemExit(f"live mode ended: {run.error}")
        if run.rate.frames and end is None:
            end = time.perf_counter() + options.seconds
            first_frame, last, dropped_before = time.perf_counter() - following, run.rate.frames, run.dropped
        if end is not None and before >= next_move:
            next_move = before + 1 / options.feed
            asked += 1
            view.SetSliceOffset(float(asked % SLICES))
        logic.client.pump()
        slicer.app.processEvents()
        if end is not None and run.rate.frames > last:
            last = run.rate.frames
            times.append(time.perf_counter())
            late.append(run.rate._shown[-1][1])
        longest = max(longest, time.perf_counter() - before) if end is not None else 0.0
        time.sleep(0.002)
    dropped = run.dropped - dropped_before
    logic.stopLive()
    logic.shutdown()
    rates = _rates(times, late, asked)
    return {
        "open_and_first_frame_seconds": round(first_frame, 2),
        **rates,
        "dropped": dropped,
        "longest_block_of_the_main_thread_ms": round(1000 * longest, 1),
    }


def _cpu_seconds(pid: int) -> float:
    """What a process has used of the CPU (Linux; elsewhere NaN)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.nan
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rates(times: list[float], late: list[float], asked: int) -> dict[str, Any]:
    if len(times) < 2:
        raise SystemExit(f"only {len(times)} frames were shown; measure for longer (--seconds)")
    ordered = sorted(late)
    return {
        "frames_per_second": round((len(times) - 1) / (times[-1] - times[0]), 1),
        "latency_ms_median": _ms(late),
        "latency_ms_95_percent": round(1000 * ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)], 1),
        "asked": asked,
        "shown": len(times),
        "dropped": asked - len(times),
    }


def _ms(seconds: list[float]) -> float:
    return round(1000 * statistics.median(seconds), 1)


if __name__ == "__main__":
    main()
