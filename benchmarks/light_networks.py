"""Every segmentation network on a CPU: a brain MRI of 240 x 240 x 155 voxels in four sequences, and one CT slice.

Weights are random: time and memory do not depend on what they are. Each row is measured in a process of its own, once
to warm up and then ``--repeats`` times (the median): ``network`` is from the prepared case in memory to labels,
``segment`` from four files to a label map on the patient's grid, GB what that takes above the loaded model, x the
Dynamic U-Net's time of the same file over this one's. 2-D networks go through the brain slice by slice, and alone
through a slice of 512 x 512 pixels with one channel in and out. The precision is the one that ``segment`` chooses.

    python benchmarks/light_networks.py --data ../shared/data --json light_networks.json
    python benchmarks/light_networks.py --json light_networks.json --only dmfnet unet2d-32-64  # goes on in that file

A row that stands in the file (same threads, same case) is not measured again; ``--again`` does. Without the real case
(BraTS-GLI-00001) a made one is taken: an ellipsoid of 1.5 l with noise.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

CASE = Path("glioma_brainlesion") / "BraTS-GLI-00001-000"
SUFFIXES = {"flair": "t2f", "t1": "t1n", "t1gd": "t1c", "t2": "t2w"}
NAMES = ("tumour", "necrosis", "oedema", "scar")
CANDIDATES = ("unet3d-8-16-32-64", "unet3d-8-16-32")
"""Networks that the registry knows but does not list, and that may become the light model."""
REFERENCE = "dynunet"
VOLUME, SLICE = "volume", "slice"
TARGET_TIMES, TARGET_SECONDS = 10, 3.0


def main() -> None:
    """Measure every row that is not there yet, print the table."""
    from TransferSegLib.networks import network_spec
    from TransferSegLib.processes import machine_name
    from TransferSegLib.storage import write_json

    options = read_options()
    if options.row:
        measure_row(*options.row, options)
        return
    rows = read_rows(options.json)
    for name in options.only or names():
        for what in (VOLUME, SLICE) if network_spec(name).dims == 2 else (VOLUME,):
            if options.again or not is_there(rows.get(f"{name} {what}"), what, options):
                rows[f"{name} {what}"] = in_own_process(name, what, options)
                if options.json:
                    write_json(options.json, {"machine": machine_name(), "rows": rows})
    sys.stdout.write(table(rows))


def read_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("TRANSFERSEG_DATA") or ROOT.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default), help="folder of the real cases")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these networks; all by default")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs, of which the median counts (3)")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (2)")
    parser.add_argument("--json", type=Path, help="file for the figures, kept for the next call")
    parser.add_argument("--again", action="store_true", help="measure rows anew that stand in the file")
    parser.add_argument("--row", nargs=2, metavar=("NAME", "WHAT"), help=argparse.SUPPRESS)
    return parser.parse_args()


def names() -> list[str]:
    """The segmentation networks of the registry, the reference first, and the candidates."""
    from TransferSegLib.networks import network_names

    found = [name for name in network_names() if not name.startswith("l3-")]
    return sorted([*found, *(name for name in CANDIDATES if name not in found)], key=lambda name: name != REFERENCE)


def card_of(name: str, what: str) -> Any:
    """A card as `finetune` would write it: 1 mm and windows of 128 voxels, or whole slices."""
    from TransferSegLib.networks import network_spec
    from TransferSegLib.packages import Card, Label

    flat = network_spec(name).dims == 2
    grid = {"window": (512, 512), "spacing": (1.0, 1.0)} if flat else {"window": (128, 128, 128)}
    labels = tuple(Label(value=n, name=label, channel=n) for n, label in enumerate(NAMES, 1))
    card = Card(name, "benchmark", tuple(SUFFIXES), labels, name, len(SUFFIXES), len(NAMES) + 1, **grid)
    if what == VOLUME:
        return card
    scale = {"mean": [0.5], "sd": [0.2], "window": [-160, 240]}
    one = {"in_channels": 1, "out_channels": 1, "output": "sigmoid", "labels": (Label(1, "liver", 0),)}
    return replace(card, roles=("ct",), normalisation="ct", intensities=scale, **one)


def is_there(row: dict[str, Any] | None, what: str, options: argparse.Namespace) -> bool:
    """Whether a row was measured in the same way."""
    same = row is not None and "problem" not in row and row["threads"] == options.threads
    return same and (what == SLICE or row["real"] == (options.data / CASE).is_dir())


def read_rows(path: Path | None) -> dict[str, Any]:
    """The rows of an earlier call on this machine."""
    from TransferSegLib.processes import machine_name

    if path is None or not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    if found["machine"] != machine_name():
        sys.exit(f"{path}: was measured on {found['machine']}, this is {machine_name()}; name another file")
    return found["rows"]


def in_own_process(name: str, what: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one row in a fresh process."""
    sys.stderr.write(f"{name}, {what} ...\n")
    command = [sys.executable, __file__, "--row", name, what, "--data", str(options.data)]
    command += ["--repeats", str(options.repeats), "--threads", str(options.threads)]
    threads = {"OMP_NUM_THREADS": str(options.threads), "MKL_NUM_THREADS": str(options.threads)}
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads})
    if run.returncode:
        sys.exit(f"{name}, {what}: failed with exit code {run.returncode}; its own message stands above")
    return json.loads(run.stdout.splitlines()[-1])


def measure_row(name: str, what: str, options: argparse.Namespace) -> None:
    """Build the network, measure it in this process, write the row as JSON."""
    import torch

    from TransferSegLib.errors import UsageError
    from TransferSegLib.exporting.sizes_measuring import held_at_rest, needed
    from TransferSegLib.jobs.models_measuring import measure_here
    from TransferSegLib.jobs.predict import Model
    from TransferSegLib.jobs.segment import segment
    from TransferSegLib.networks import build_network

    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    card = card_of(name, what)
    row = {"threads": options.threads, "repeats": options.repeats, "real": (options.data / CASE).is_dir()}
    row["date"] = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        module = build_network(name, card.in_channels, card.out_channels).eval()
    except UsageError as error:  # a refiner that takes no other channels
        sys.stdout.write(json.dumps({**row, "problem": error.message}) + "\n")
        return
    model = Model(card, module)
    floor = held_at_rest()  # memory counts from here: the network is loaded, nothing was read
    with tempfile.TemporaryDirectory() as folder:
        images = {} if what == SLICE else images_of(options.data / CASE, Path(folder))
        case = prepared(card, images) if images else None
        found = measure_here(model, device="cpu", repeats=options.repeats, case=case, floor=floor)
        row |= {key: getattr(found, key) for key in ("parameters", "macs", "precision", "case", "seconds", "peak_mb")}
        if images:
            case = None
            arguments = {"model": model, "images": images, "out": Path(folder) / "labels.nii.gz", "device": "cpu"}
            whole = needed(lambda: segment(**arguments), repeats=options.repeats, floor=floor)
            row |= {"segment_seconds": round(whole.seconds, 3), "segment_peak_mb": round(whole.peak_mb or 0, 1)}
    sys.stdout.write(json.dumps(row) + "\n")


def images_of(folder: Path, scratch: Path) -> dict[str, Path]:
    """The four files by role: those of the real case, else made ones."""
    if folder.is_dir():
        return {role: next(folder.glob(f"*-{suffix}.nii.gz")) for role, suffix in SUFFIXES.items()}
    import numpy as np
    import SimpleITK as sitk

    noise = np.random.default_rng(0)
    k, j, i = np.ogrid[-77:78, -120:120, -120:120]
    brain = (k / 64) ** 2 + (j / 84) ** 2 + (i / 66) ** 2 <= 1
    for role in SUFFIXES:
        image = np.where(brain, 300 + 60 * noise.standard_normal(brain.shape, np.float32), 0).clip(0)
        sitk.WriteImage(sitk.GetImageFromArray(image.astype(np.float32)), str(scratch / f"{role}.nii.gz"))
    return {role: scratch / f"{role}.nii.gz" for role in SUFFIXES}


def prepared(card: Any, images: dict[str, Path]) -> Any:
    """The case as `segment` hands it to the network."""
    from TransferSegLib.cases import case_from_files
    from TransferSegLib.events import quiet
    from TransferSegLib.exporting.sizes_case import StandardCase
    from TransferSegLib.preparing import PreparationOptions
    from TransferSegLib.training import load_for, prepare_loaded

    how = {"options": PreparationOptions(), "events": quiet(None)}
    found = prepare_loaded(load_for(case_from_files(images), card, with_truth=False, **how), card, **how)
    return StandardCase("brain MRI of 240 x 240 x 155 voxels, prepared", found.array, found.mask)


def table(rows: dict[str, Any]) -> str:
    """The rows as text, the targets below."""
    reference = rows.get(f"{REFERENCE} {VOLUME}", {})
    lines = [
        f"{'network':24}{'parameters':>12}{'GMAC':>9}{'network s':>11}{'x':>7}{'segment s':>11}{'x':>7}{'GB':>7}  "
    ]
    slices = [f"{'one slice of 512 x 512':24}{'parameters':>12}{'GMAC':>9}{'s':>11}{'MB':>7}"]
    for key, row in rows.items():
        name, what = key.split(" ")
        if "problem" in row:
            lines.append(f"{name:24}  {row['problem']}")
            continue
        start = f"{name:24}{row['parameters']:>12,}{row['macs'] / 1e9:>9.2f}"
        if what == SLICE:
            slices.append(f"{start}{row['seconds']:>11.3f}{row['peak_mb'] or 0:>7.0f}")
            continue
        parts = [f"{row[key]:>11.2f}{times(reference, row, key)}" for key in ("seconds", "segment_seconds")]
        lines.append(f"{start}{''.join(parts)}{row['segment_peak_mb'] / 1e3:>7.2f}  {row['precision']}")
    return "\n".join([*lines, "", *slices, "", reached(rows, reference), ""])


def times(reference: dict[str, Any], row: dict[str, Any], key: str) -> str:
    """How many times as quick as the reference."""
    return f"{reference[key] / row[key]:>7.1f}" if key in reference else f"{'–':>7}"


def reached(rows: dict[str, Any], reference: dict[str, Any]) -> str:
    """Which rows meet the targets."""
    if "seconds" not in reference:
        return f"targets: not known yet, {REFERENCE} was not measured"
    volumes = {key.split(" ")[0]: row for key, row in rows.items() if "segment_seconds" in row}
    good = [
        name
        for name, row in volumes.items()
        if reference["seconds"] >= TARGET_TIMES * row["seconds"] and row["segment_seconds"] < TARGET_SECONDS
    ]
    return f"{TARGET_TIMES} x {REFERENCE} and segment below {TARGET_SECONDS:g} s: {', '.join(good) or 'none'}"


if __name__ == "__main__":
    main()
