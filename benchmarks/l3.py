"""The whole of ``transferseg l3`` on a CT of 512 x 512 x 600 voxels: seconds beyond reading the file, and memory.

    python benchmarks/l3.py --work FOLDER [--model l3-map-phantom] [--picture] [--repeats 5] [--json result.json]

The CT is a phantom's trunk (seeded), resampled to 0.8 x 0.8 x 1 mm, int16, kept in ``--work`` as an uncompressed NRRD.
A fresh process opens the model, answers once to warm up, and then ``--repeats`` times; seconds are the whole job less
reading, the median counts. Memory is the process's largest resident size less the volume's own 315 MB: once from the
start (interpreter, torch and network included), once beyond what was resident when the model was open.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
SIZE, SPACING = (512, 512, 600), (0.8, 0.8, 1.0)


def main() -> None:
    """Make the CT where it is absent, measure in a fresh process, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", help="folder for the CT, kept for the next run (default: a temporary one)")
    parser.add_argument("--model", default="l3-map-phantom", help="a level model's name, folder or zip")
    parser.add_argument("--seed", type=int, default=4, help="of the phantom (default: 4)")
    parser.add_argument("--repeats", type=int, default=5, help="timed answers (default: 5)")
    parser.add_argument("--picture", action="store_true", help="draw the picture too, and write the label map")
    parser.add_argument("--json", help="file for the figures")
    parser.add_argument("--inner", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        print(json.dumps(measure(Path(options.inner), options)))
        return
    work = Path(options.work or tempfile.mkdtemp(prefix="l3_"))
    ct = work / f"phantom-{options.seed}-{'x'.join(map(str, SIZE))}.nrrd"
    if not ct.is_file():
        make(ct, options.seed)
    call = [sys.executable, __file__, *sys.argv[1:], "--inner", str(ct)]
    found = json.loads(subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
    print(
        f"{found['answer']}, slice {found['slice_index']}: {found['seconds']:.2f} s beyond reading "
        f"({', '.join(f'{s:.2f}' for s in found['runs'])}), first answer {found['first']:.2f} s, reading "
        f"{found['reading']:.2f} s, processor time of a whole answer {found['cpu']:.2f} s; "
        f"peak memory beyond the volume {found['whole_mb']:.0f} MB of the whole process, "
        f"{found['beyond_model_mb']:.0f} MB beyond the open model; {found['threads']} threads"
    )
    if options.json:
        record = {"machine": platform.processor() or platform.machine(), "cpus": os.cpu_count(), **found}
        Path(options.json).write_text(json.dumps(record, indent=1) + "\n")


def make(path: Path, seed: int) -> None:
    """Write the CT."""
    import SimpleITK as sitk

    from TransferSegLib.imaging import write_image
    from TransferSegLib.phantoms.ct_phantom import ct_phantom

    image = ct_phantom(seed, field="trunk").image
    axial = sitk.DICOMOrient(image, "LPS")
    centre = axial.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in axial.GetSize()])
    origin = [c - (n - 1) / 2 * s for c, n, s in zip(centre, SIZE, SPACING)]
    grid = sitk.Resample(
        axial, SIZE, sitk.Transform(), sitk.sitkLinear, origin, SPACING, axial.GetDirection(), -1024, sitk.sitkInt16
    )
    write_image(grid, path, compress=False)


def measure(ct: Path, options: argparse.Namespace) -> dict:
    """In this process: open the model, warm up, time."""
    import torch

    from TransferSegLib.jobs.l3 import find_l3
    from TransferSegLib.jobs.predict import Model
    from TransferSegLib.packages import find_package

    model = Model.open(find_package(options.model))
    resident = memory("VmRSS")
    volume = 2 * SIZE[0] * SIZE[1] * SIZE[2] / 1e6
    with tempfile.TemporaryDirectory() as folder:
        files = {"picture": f"{folder}/l3.png", "composition": f"{folder}/l3.nrrd"} if options.picture else {}
        answers, cpu = [], []
        for _ in range(options.repeats + 1):
            began = time.process_time()
            answers.append(find_l3(ct=ct, model=model, height_m=1.7, **files))
            cpu.append(time.process_time() - began)
    runs = [answer["seconds"] - answer["seconds_reading"] for answer in answers]
    peak = memory("VmHWM")
    return {
        "answer": answers[-1]["answer"],
        "slice_index": answers[-1]["slice_index"],
        "seconds": statistics.median(runs[1:]),
        "runs": runs[1:],
        "cpu": statistics.median(cpu[1:]),
        "first": runs[0],
        "reading": statistics.median(answer["seconds_reading"] for answer in answers),
        "whole_mb": peak - volume,
        "beyond_model_mb": peak - resident - volume,
        "threads": torch.get_num_threads(),
    }


def memory(field: str) -> float:
    """A line of Linux's process status, MB."""
    text = Path("/proc/self/status").read_text()
    return next(float(line.split()[1]) / 1e3 for line in text.splitlines() if line.startswith(field))


if __name__ == "__main__":
    main()
