"""The errors of a whole-body lesion segmentation: this library's whole report against MedPy's and MONAI's distances.

A seeded pair of masks of 400x400x600 voxels (1.65 x 1.65 x 2 mm) with 25 true lesions of 0.5 to 500 ml; of the
prediction some are missing, all others grown, shrunk or moved, and two are made up. Each contender runs once in a fresh
process, after its imports and with the arrays in memory, with two threads; memory is the largest resident size above
that. Ours is everything: lesions of both masks with SUVpeak, totals with Dmax both ways, surface distances, HD, HD95,
NSD, BJI, all matchings, volumes. The peers compute one or two of these. MedPy (GPL) lives in an environment of its own:

    python -m venv PEERS && PEERS/bin/pip install medpy
    python benchmarks/tmtv_report.py --python-peers PEERS/bin/python --json result.json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent / "peers"
SHAPE, SPACING = (600, 400, 400), (2.0, 1.65, 1.65)
OURS, MEDPY, MONAI = "ours", ("medpy-hd", "medpy-assd"), ("monai-nsd", "monai-hd")
CHECKS = ("monai-nsd-elements",)


def main() -> None:
    """Make the masks, run every contender, print figures, ratios and whether the values agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python-peers", help="Python that has MedPy; without it MedPy is left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=[OURS, *MEDPY, *MONAI, *CHECKS], help="these contenders")
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tmtv_report_") as work:
        mask_bytes = write_case(Path(work), options.seed)
        figures = {}
        for name in options.only or (OURS, *MEDPY, *MONAI, *CHECKS):
            python = options.python_peers if name in MEDPY else sys.executable
            if python:
                figures[name] = call(python, name, work)
                show(name, figures[name], mask_bytes)
    conclude(figures, mask_bytes)
    if options.json:
        Path(options.json).write_text(json.dumps({"mask_bytes": mask_bytes, "figures": figures}, indent=1) + "\n")


def write_case(work: Path, seed: int) -> int:
    """Write ``truth``, ``prediction`` (uint8) and ``suv`` (float32) as .npy; the bytes of both masks."""
    generator = np.random.default_rng(seed)
    truth, prediction = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    for number, volume in enumerate(np.geomspace(0.5, 500, 25)):
        field = lesion_field(generator, volume)
        start = free_place(generator, field.shape, truth)
        put(truth, field <= 1, start)
        if number % 8 != 3:
            put(prediction, field <= generator.uniform(0.7, 1.2), start + generator.integers(-2, 3, 3))
    for volume in (1.0, 8.0):
        field = lesion_field(generator, volume)
        put(prediction, field <= 1, free_place(generator, field.shape, truth | prediction))
    suv = generator.random(SHAPE, dtype=np.float32)
    suv += 5 * (truth | prediction)
    for name, array in (("truth", truth), ("prediction", prediction), ("suv", suv)):
        np.save(work / f"{name}.npy", array)
    return truth.nbytes + prediction.nbytes


def lesion_field(generator: np.random.Generator, volume_ml: float) -> np.ndarray:
    """A bumpy ellipsoid of about this volume: its voxels are those with values up to 1."""
    first, second = generator.uniform(0.7, 1.3, 2)
    radius = (volume_ml * 1000 * 0.75 / np.pi) ** (1 / 3)
    radii = radius * np.array([first, second, 1 / (first * second)]) / SPACING
    reach = np.ceil(radii * 1.35).astype(int) + 1
    k, j, i = (axis / own for axis, own in zip(np.ogrid[tuple(slice(-n, n + 1) for n in reach)], radii))
    phase = generator.uniform(0, 6, 2)
    return k**2 + j**2 + i**2 + 0.25 * np.sin(3 * k + phase[0]) * np.cos(4 * j + phase[1])


def free_place(generator: np.random.Generator, size: tuple[int, ...], taken: np.ndarray) -> np.ndarray:
    """First voxel of a box of this size that lies 8 voxels inside the volume and away from what is there."""
    while True:
        start = generator.integers(8, np.array(SHAPE) - size - 8)
        if not taken[tuple(slice(a - 6, a + n + 6) for a, n in zip(start, size))].any():
            return start


def put(mask: np.ndarray, lesion: np.ndarray, start: np.ndarray) -> None:
    """Set a lesion's voxels."""
    mask[tuple(slice(a, a + n) for a, n in zip(start, lesion.shape))] |= lesion


def call(python: str, name: str, work: str) -> dict:
    """Run one contender in a fresh process with two threads; its answer."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    command = [python, str(HERE / "tmtv.py"), name, work, *map(str, SPACING)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | threads)
    if run.returncode:
        sys.exit(f"{name} failed with exit code {run.returncode}; its own message stands above")
    return json.loads(run.stdout.splitlines()[-1])


def show(name: str, figure: dict, mask_bytes: int) -> None:
    """One line."""
    memory = 1 + figure["memory_bytes"] / mask_bytes
    values = "  ".join(f"{key} {value:.4f}" for key, value in figure["values"].items())
    print(
        f"{name:20}{figure['seconds']:8.2f} s {figure['cpu_seconds']:8.2f} CPU s  "
        f"{figure['memory_bytes'] / 1e9:6.2f} GB (with the masks {memory:.2f} x the masks)  {values}",
        flush=True,
    )


def conclude(figures: dict, mask_bytes: int) -> None:
    """Ratios, and the greatest difference of our values from each peer's."""
    if OURS not in figures:
        return
    ours = figures[OURS]
    memory = 1 + ours["memory_bytes"] / mask_bytes
    print(f"\nours: {ours['seconds']:.2f} s (target 5), memory {memory:.2f} x the two masks (target 4)")
    for peer, names in (("MedPy's HD and ASSD", MEDPY), ("MONAI's NSD and HD", MONAI)):
        if all(name in figures for name in names):
            ratios = [sum(figures[name][key] for name in names) / ours[key] for key in ("seconds", "cpu_seconds")]
            ratios.append((max(figures[name]["memory_bytes"] for name in names) + mask_bytes) / (memory * mask_bytes))
            print(f"{peer} / our whole report: {ratios[0]:.1f} x the time, {ratios[1]:.1f} CPU, {ratios[2]:.1f} memory")
    for name, figure in figures.items():
        for key, value in figure["values"].items():
            if name != OURS and key in ours["values"]:
                print(f"{name}: {key} differs by {abs(value - ours['values'][key]):.1e} from ours")


if __name__ == "__main__":
    main()
