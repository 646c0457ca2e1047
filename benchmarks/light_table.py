"""The source's table on real data: a teacher and its students, plain and distilled (methods.md, section 3).

    python benchmarks/light_table.py ebhi --out FOLDER             # EBHI-Seg, the shared pictures
    python benchmarks/light_table.py liver|l3|brain --out FOLDER   # phantoms
    python benchmarks/light_table.py ebhi --out FOLDER --table     # what is there
    python benchmarks/light_table.py ebhi --out FOLDER --picture PNG

One split by patient, the same for all cells: a quarter of the patients is scored and takes no other part. 20 epochs,
batch 16, Adam 1e-3, cosine, flips, the best epoch on an inner split kept (a fifth of the training patients). Small
plan: pictures of 112 x 112, bfloat16. Cells run seed by seed and are kept, so that an interrupted table is a whole
one with fewer seeds; the teacher of seed 0 teaches all students.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SIDE = 112
WIDTHS = ("32-64-128-256", "32-64-128", "32-64")
# prediction and importance weights of each way; plain learns from the truth alone
WAYS = {"plain": None, "both": (0.1, 0.9), "prediction": (0.1, 0.0), "importance": (0.0, 0.9)}
# Dice of the source (methods.md, section 3)
PUBLISHED = {
    "64-128-256-512": (0.7408, None),
    "32-64-128-256": (0.6931, 0.7345),
    "32-64-128": (0.5647, 0.6487),
    "32-64": (0.3767, 0.4708),
}


@dataclass(frozen=True)
class Task:
    """What is learned: who makes the data, roles, teacher, students, training windows."""

    make: Callable[[argparse.Namespace], Path]
    roles: tuple[str, ...]
    teacher: str
    students: tuple[str, ...]
    patch: int
    batch: int = 16
    loss: str = "dice-ce"


def make_ebhi(args: argparse.Namespace) -> Path:
    """The shared EBHI-Seg pictures at SIDE pixels, in class folders; the masks keep their anti-aliased edges."""
    from PIL import Image

    source, folder = args.data / "histo_ebhi_seg", args.out / "data"
    if not folder.is_dir():
        work = args.out / "data.part"
        shutil.rmtree(work, ignore_errors=True)
        for path in sorted(source.glob("*/*/*.png")):
            target = work / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(path) as picture:
                small = picture.convert("L" if path.parent.name == "label" else "RGB")
                small.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(target)
        os.replace(work, folder)
    return folder


TASKS = {
    "ebhi": Task(
        make_ebhi, ("grey",), "unet2d-64-128-256-512", tuple(f"unet2d-{width}" for width in WIDTHS), patch=SIDE
    ),
}


def split(args: argparse.Namespace, task: Task) -> tuple[Path, list[str], int]:
    """Folder, ids of the cases that are scored, and how many others there are; the same in every cell."""
    from TransferSegLib.cases import open_data_set, split_by_patient

    folder = task.make(args)
    cases = open_data_set(folder, roles=list(task.roles)).cases
    others, held = split_by_patient(cases, fraction=0.25, seed=0)
    return folder, [case.id for case in held], len(others)


def run_cell(args: argparse.Namespace, task: Task, network: str, way: str, seed: int) -> dict:
    """One training and its scores; from the folder where it lies there already."""
    import torch

    from TransferSegLib.errors import Cancelled
    from TransferSegLib.events import Events
    from TransferSegLib.jobs.distill import distill
    from TransferSegLib.jobs.finetune import TrainingOptions, finetune
    from TransferSegLib.training import Distillation

    name = cell_name(network, way, seed)
    file = args.out / f"{name}.json"
    if file.is_file():
        return json.loads(file.read_text())
    torch.set_num_threads(args.threads)
    folder, held, count = split(args, task)
    options = TrainingOptions(
        network=network if WAYS.get(way) is None else None,
        epochs=args.epochs,
        steps=-(-count // task.batch),
        batch=task.batch,
        patch=task.patch,
        rate=1e-3,
        seed=seed,
        loss=task.loss,
        augmentation="flips",
        precision=args.precision,
        early_stopping=True,
    )
    out = args.out / name
    shutil.rmtree(out, ignore_errors=True)
    events = Events(lambda event: print(name, event, flush=True) if event["event"] == "metric" else None)
    common = {"data": folder, "out": out, "hold_out_ids": held, "listed": False, "options": options, "events": events}
    started, cpu = time.monotonic(), time.process_time()
    try:
        if WAYS.get(way) is None:
            result = finetune(source=None, strategy_name="scratch", roles=list(task.roles), **common)
        else:
            prediction, importance = WAYS[way]
            how = Distillation(prediction=prediction, importance=importance)
            teacher = args.out / cell_name(task.teacher, "plain", 0)
            result = distill(teacher=teacher, student=network, how=how, **common)
    except Cancelled:
        raise SystemExit(1) from None
    cell = {
        "network": network,
        "way": way,
        "seed": seed,
        "epochs": args.epochs,
        "dice": result["after"]["mean"]["dice"],
        "cases": {case["id"]: case["dice"] for case in result["after"]["cases"]},
        "steps": result["steps"],
        "distillation": result.get("distillation"),
        "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
    }
    shutil.rmtree(f"{out}.run", ignore_errors=True)
    temporary = file.with_suffix(".part")
    temporary.write_text(json.dumps(cell))
    os.replace(temporary, file)
    return cell


def cell_name(network: str, way: str, seed: int) -> str:
    """Name of a cell's files in the folder."""
    return f"{network}-{way}-{seed}"


def read_cells(args: argparse.Namespace, task: Task) -> list[dict]:
    """All finished cells."""
    return [json.loads(path.read_text()) for path in sorted(args.out.glob("unet*-[0-9].json"))]


def table(args: argparse.Namespace, task: Task) -> str:
    """Mean and SD over the seeds of each network and way, the gain beyond the plain student, the published figures."""
    from TransferSegLib.reporting import markdown_table

    cells = read_cells(args, task)
    rows = []
    for network in (task.teacher, *task.students):
        plain = {c["seed"]: c["dice"] for c in cells if c["network"] == network and c["way"] == "plain"}
        for way in WAYS:
            found = {c["seed"]: c["dice"] for c in cells if c["network"] == network and c["way"] == way}
            if not found:
                continue
            gains = [found[seed] - plain[seed] for seed in found if seed in plain]
            published = PUBLISHED.get(network.split("d-", 1)[1], (None, None))
            rows.append(
                (
                    network,
                    way,
                    len(found),
                    _spread(list(found.values())),
                    _spread(gains, sign=True) if way != "plain" and gains else None,
                    published[0] if way == "plain" else published[1] if way == "both" else None,
                )
            )
    return markdown_table(rows, ("network", "taught by", "seeds", "Dice", "gain (paired by seed)", "source"))


def _spread(values: list[float], *, sign: bool = False) -> str:
    mean = statistics.fmean(values)
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean:+.3f}{spread}" if sign else f"{mean:.3f}{spread}"


def foreground_dice(args: argparse.Namespace, task: Task) -> float:
    """Mean Dice of calling every voxel foreground, which needs no model."""
    from TransferSegLib.cases import open_data_set
    from TransferSegLib.cases.loading import load_case

    folder, held, _ = split(args, task)
    cases = [case for case in open_data_set(folder, roles=list(task.roles)).cases if case.id in set(held)]
    import SimpleITK as sitk

    shares = []
    for case in cases:
        truth = sitk.GetArrayViewFromImage(load_case(case, roles=task.roles, with_truth=True).truth) > 0
        shares.append(2 * truth.mean() / (1 + truth.mean()))
    return statistics.fmean(shares)


def main() -> None:
    """Run the cells that are not there yet, seed by seed, and print the table."""
    args = read_options()
    args.out.mkdir(parents=True, exist_ok=True)
    task = TASKS[args.task]
    if not args.table:
        if any(WAYS[way] for way in args.ways):
            run_cell(args, task, task.teacher, "plain", 0)
        for seed in range(args.seeds):
            for network in reversed(task.students):
                for way in args.ways:
                    cell = run_cell(args, task, network, way, seed)
                    print(cell_name(network, way, seed), round(cell["dice"], 4), cell["seconds"], "s", flush=True)
    print(table(args, task))
    print(f"everything foreground: {foreground_dice(args, task):.3f}")


def read_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=list(TASKS))
    parser.add_argument("--out", type=Path, required=True, help="folder of the cells")
    default = os.environ.get("TRANSFERSEG_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default), help="folder of the real cases")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="print the table of what is there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
