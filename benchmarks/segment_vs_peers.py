"""Segmenting BraTS-GLI-00001: this library against MONAI's bundle pipeline and nnU-Net v2, side by side.

Same network and weights, same volume, window 128, overlap 0.5, float32 for the peers (what they do on a CPU). Each
contender runs in a fresh process: imports, memory mark, network, one run to warm up, then the timed runs. Memory is
the largest resident size above the mark. The peers live in an environment of their own:

    python -m venv PEERS && PEERS/bin/pip install -r benchmarks/requirements.txt
    python benchmarks/segment_vs_peers.py --data ../shared/data --python-peers PEERS/bin/python --json result.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

HERE = Path(__file__).resolve().parent / "peers"
CASE = "glioma_brainlesion/BraTS-GLI-00001-000"
CONTENDERS = {"TransferSeg": "ours.py", "MONAI bundle": "monai_bundle.py", "nnU-Net v2": "nnunet.py"}


def main() -> None:
    """Train where there are no weights, run every contender, print the table, write the JSON."""
    options = read_options()
    work = Path(options.work or tempfile.mkdtemp(prefix="segment_vs_peers_"))
    work.mkdir(parents=True, exist_ok=True)
    results = {}
    for network in options.network:
        weights = work / f"{network}.pt"
        if not weights.is_file():
            call(sys.executable, "weights.py", network, str(weights))
        results[network] = compare(network, weights, work, options)
        show(network, results[network])
    if options.json:
        record = {"machine": platform.processor() or platform.machine(), "cpus": os.cpu_count(), "results": results}
        Path(options.json).write_text(json.dumps(record, indent=1) + "\n")


def read_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("TRANSFERSEG_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default), help="folder of the real cases")
    parser.add_argument("--network", nargs="+", choices=["unet", "dynunet"], default=["unet", "dynunet"])
    parser.add_argument("--python-peers", help="Python that has the peers; without it only this library runs")
    parser.add_argument("--repeats", type=int, help="timed runs, of which the median counts (unet 3, dynunet 1)")
    parser.add_argument("--work", help="folder for weights and label maps, kept for the next run")
    parser.add_argument("--json", help="file for the figures")
    return parser.parse_args()


def compare(network: str, weights: Path, work: Path, options: argparse.Namespace) -> dict:
    """Figures of every contender, and of our own float32 run (for the agreement)."""
    repeats = options.repeats or {"unet": 3, "dynunet": 1}[network]
    figures, maps = {}, {}
    runs = [(name, script, "auto", repeats) for name, script in CONTENDERS.items()]
    runs.append(("TransferSeg float32", CONTENDERS["TransferSeg"], "float32", 1))
    for name, script, precision, times in runs:
        ours = name.startswith("TransferSeg")
        if not ours and not options.python_peers:
            continue
        out = work / f"{network}_{name.lower().replace(' ', '_')}.nii.gz"
        arguments = ["--network", network, "--case", str(options.data / CASE), "--weights", str(weights)]
        arguments += ["--out", str(out), "--repeats", str(times), "--precision", precision]
        answer = call(sys.executable if ours else options.python_peers, script, *arguments)
        figures[name] = json.loads(answer.splitlines()[-1])
        maps[name] = sitk.GetArrayFromImage(sitk.ReadImage(str(out)))
    reference = maps["TransferSeg float32"]
    for name, labels in maps.items():
        figures[name]["dice_to_float32"] = agreement(labels, reference)
    return figures


def call(python: str, script: str, *arguments: str) -> str:
    """Run one script of the folder in a fresh process; its standard output."""
    # nnU-Net reads these: folders that it names but does not use here, and as many workers as there are cores.
    folders = dict.fromkeys(("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"), tempfile.gettempdir())
    environment = {"nnUNet_def_n_proc": str(os.cpu_count()), **folders, **os.environ}
    command = [python, str(HERE / script), *arguments]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
    if run.returncode:
        sys.exit(f"{script} failed with exit code {run.returncode}; its own message stands above")
    return run.stdout


def agreement(labels: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Dice of each label that either map has; "foreground" for all of them as one."""
    values = [int(v) for v in np.union1d(np.unique(labels), np.unique(reference)) if v]
    pairs = {str(v): (labels == v, reference == v) for v in values} | {"foreground": (labels > 0, reference > 0)}
    return {k: round(float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1)), 5) for k, (a, b) in pairs.items()}


def show(network: str, figures: dict) -> None:
    """The table, and our ratios to the better peer in each column."""
    write = sys.stdout.write
    write(f"\n{network}\n{'':22}{'seconds':>9}{'CPU s':>9}{'GB':>8}  Dice to our float32 result\n")
    for name, row in figures.items():
        dice = "  ".join(f"{k} {v:.4f}" for k, v in row["dice_to_float32"].items())
        write(f"{name:22}{row['seconds']:9.2f}{row['cpu_seconds']:9.2f}{row['memory_gb']:8.2f}  {dice}\n")
    peers = [row for name, row in figures.items() if not name.startswith("TransferSeg")]
    if peers:
        ours = figures["TransferSeg"]
        ratios = {key: ours[key] / min(row[key] for row in peers) for key in ("seconds", "memory_gb")}
        write(f"ours / better peer:   time {ratios['seconds']:.2f}, memory {ratios['memory_gb']:.2f}\n")


if __name__ == "__main__":
    main()
