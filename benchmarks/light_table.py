"""The source's table on real data: a teacher and its students, plain and distilled (methods.md, section 3).

    python benchmarks/light_table.py ebhi --out FOLDER             # EBHI-Seg, the shared pictures
    python benchmarks/light_table.py liver|l3|brain --out FOLDER   # phantoms
    python benchmarks/light_table.py ebhi --out FOLDER --table     # what is there
    python benchmarks/light_table.py ebhi --out FOLDER --picture PNG

One split by patient, the same for all cells: a quarter of the patients is scored and takes no other part. 20 epochs,
batch 16, Adam 1e-3, cosine, flips, the best epoch on an inner split kept (a fifth of the training patients). Small
plan: pictures of 112 x 112, bfloat16. Cells run seed by seed and are kept, so that an interrupted table is a whole
one with fewer seeds; the teacher of seed 0 teaches all students. Several processes may share a folder.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SIDE = 112
CT_PHANTOMS = 24
# TotalSegmentator's number
L3 = 29
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
    # (side of a window, windows a step) of networks of two and of three dimensions; a window of 2-D is a slice
    slices: tuple[int, int] = (112, 16)
    volumes: tuple[int, int] = (64, 2)
    # optimiser steps an epoch; 0: all training pictures once
    steps: int = 0
    teacher_loss: str = "dice-ce"
    spacing: tuple[float, ...] | None = None


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


def make_liver(args: argparse.Namespace) -> Path:
    """24 CT phantoms of the abdomen, 3.5 x 3.5 x 5 mm, and where the liver lies."""
    return _make_ct(args, "abdomen", lambda phantom: phantom.organ("liver"), "liver")


def make_l3(args: argparse.Namespace) -> Path:
    """24 CT phantoms of abdomen and pelvis, 3.5 x 3.5 x 5 mm, and where the vertebra L3 lies."""
    return _make_ct(args, "abdomen-pelvis", lambda phantom: phantom.vertebrae == L3, "L3")


def _make_ct(args: argparse.Namespace, field: str, truth: Callable, name: str) -> Path:
    import SimpleITK as sitk

    from TransferSegLib.phantoms import ct_phantom

    folder = args.out / "data"
    if not folder.is_dir():
        work = args.out / "data.part"
        shutil.rmtree(work, ignore_errors=True)
        seed = made = 0
        while made < CT_PHANTOMS:
            seed += 1
            phantom = ct_phantom(700_000 + seed, field=field, spacing=(3.5, 3.5, 5.0))
            mask = sitk.Cast(truth(phantom), sitk.sitkUInt8)
            if not sitk.GetArrayViewFromImage(mask).any():
                continue
            made += 1
            place = work / f"ct-{made:02d}"
            place.mkdir(parents=True)
            sitk.WriteImage(phantom.image, str(place / "ct.nii.gz"))
            sitk.WriteImage(mask, str(place / "seg.nii.gz"))
        (work / "dataset.json").write_text(json.dumps({"labels": {"background": 0, name: 1}}))
        os.replace(work, folder)
    return folder


def make_brain(args: argparse.Namespace) -> Path:
    """The phantoms that brain-unet-phantom was made from: 56, and six that nothing learns from."""
    from TransferSegLib.events import Events
    from TransferSegLib.jobs.pretrain import Recipe, make_phantoms

    folder = args.out / "phantoms"
    if not (args.out / "held.json").is_file():
        held = make_phantoms(folder, Recipe(), Events())
        (args.out / "held.json").write_text(json.dumps(held))
    return folder


def students_of(dims: int) -> tuple[str, ...]:
    """The source's three students."""
    return tuple(f"unet{dims}d-{width}" for width in WIDTHS)


CT = {"roles": ("ct",), "teacher": "unet2d-64-128-256-512", "students": students_of(2), "steps": 20}
TASKS = {
    "ebhi": Task(make_ebhi, ("grey",), "unet2d-64-128-256-512", students_of(2)),
    "liver": Task(make_liver, **CT, spacing=(3.5, 3.5, 5.0)),
    "l3": Task(make_l3, **CT, spacing=(3.5, 3.5, 5.0)),
    # other families and dimensions than the teacher's
    "brain": Task(
        make_brain,
        ("flair", "t1", "t1gd", "t2"),
        "dmfnet",
        ("unet3d-8-16-32", "unet2d-32-64-128", "unet"),
        steps=50,
        teacher_loss="generalised-dice",
    ),
}


def split(args: argparse.Namespace, task: Task) -> tuple[Path, list[str], int]:
    """Folder, ids of the cases that are scored, and how many others there are; the same in every cell."""
    from TransferSegLib.cases import open_data_set, split_by_patient

    folder = task.make(args)
    cases = open_data_set(folder, roles=list(task.roles)).cases
    if (args.out / "held.json").is_file():
        held = json.loads((args.out / "held.json").read_text())
        return folder, held, len(cases) - len(held)
    others, held = split_by_patient(cases, fraction=0.25, seed=0)
    return folder, [case.id for case in held], len(others)


def run_cell(args: argparse.Namespace, task: Task, network: str, way: str, seed: int) -> dict:
    """One training and its scores; from the folder where it lies there already."""
    import torch

    from TransferSegLib.errors import Cancelled
    from TransferSegLib.events import Events
    from TransferSegLib.jobs.distill import distill
    from TransferSegLib.jobs.finetune import TrainingOptions, finetune
    from TransferSegLib.jobs.new_model import NewModel
    from TransferSegLib.networks import network_spec
    from TransferSegLib.training import Distillation

    name = cell_name(network, way, seed)
    file = args.out / f"{name}.json"
    if file.is_file():
        return json.loads(file.read_text())
    torch.set_num_threads(args.threads)
    folder, held, count = split(args, task)
    dims = network_spec(network).dims
    patch, batch = task.slices if dims == 2 else task.volumes
    teaches = network == task.teacher
    distils = WAYS[way] is not None
    spacing = task.spacing and (task.spacing if dims == 3 else task.spacing[:2])
    options = TrainingOptions(
        network=None if distils else network,
        epochs=args.epochs,
        steps=task.steps or -(-count // batch),
        batch=batch,
        patch=patch,
        rate=1e-3,
        seed=seed,
        loss=task.teacher_loss if teaches else "dice-ce",
        augmentation="flips",
        precision=args.precision if args.precision != "bfloat16" or "mfnet" not in network else "float32",
        early_stopping=True,
        new_model=NewModel() if distils else NewModel(spacing=spacing),
    )
    out = args.out / name
    shutil.rmtree(out, ignore_errors=True)
    events = Events(lambda event: print(name, event, flush=True) if event["event"] == "metric" else None)
    common = {"data": folder, "out": out, "hold_out_ids": held, "listed": False, "options": options, "events": events}
    started, cpu = time.monotonic(), time.process_time()
    try:
        if not distils:
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


@contextmanager
def claimed(file: Path) -> Iterator[bool]:
    """Whether this process may do a cell: no other one that still runs is at it."""
    try:
        with file.open("x") as claim:
            claim.write(str(os.getpid()))
    except FileExistsError:
        if Path(f"/proc/{file.read_text() or 0}").exists():
            yield False
            return
        file.write_text(str(os.getpid()))
    try:
        yield True
    finally:
        file.unlink(missing_ok=True)


def cell_name(network: str, way: str, seed: int) -> str:
    """Name of a cell's files in the folder."""
    return f"{network}-{way}-{seed}"


def read_cells(args: argparse.Namespace, task: Task) -> list[dict]:
    """All finished cells."""
    names = {task.teacher, *task.students, *(args.networks or ())}
    cells = [json.loads(path.read_text()) for path in sorted(args.out.glob("*-[0-9].json"))]
    return [cell for cell in cells if cell["network"] in names]


def table(args: argparse.Namespace, task: Task) -> str:
    """Mean and SD over the seeds of each network and way, the gain beyond the plain student, the published figures."""
    from TransferSegLib.reporting import markdown_table

    cells = read_cells(args, task)
    rows = []
    for network in dict.fromkeys((task.teacher, *task.students, *(args.networks or ()))):
        plain = {c["seed"]: c["dice"] for c in cells if c["network"] == network and c["way"] == "plain"}
        for way in WAYS:
            found = {c["seed"]: c["dice"] for c in cells if c["network"] == network and c["way"] == way}
            if not found:
                continue
            gains = [found[seed] - plain[seed] for seed in found if seed in plain]
            published = (
                PUBLISHED.get(network.split("d-", 1)[-1], (None, None)) if args.task != "brain" else (None, None)
            )
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


def draw(args: argparse.Namespace, task: Task) -> None:
    """Image, truth, teacher, plain and distilled student (the smallest, seed 0) of three scored cases.

    The cases are those at the 10th, 50th and 90th percentile of the teacher's Dice, so that nobody chose them.
    """
    import numpy as np

    from TransferSegLib.cases import open_data_set
    from TransferSegLib.events import Events
    from TransferSegLib.imaging import to_array
    from TransferSegLib.jobs.predict import Model, segment_case
    from TransferSegLib.packages import read_package
    from TransferSegLib.preparing import PreparationOptions
    from TransferSegLib.reporting import new_figure, save_figure

    student = task.students[-1]
    columns = {"teacher": (task.teacher, "plain"), "student, plain": (student, "plain")}
    columns["student, distilled"] = (student, "both")
    cells = {name: run_cell(args, task, *which, 0) for name, which in columns.items()}
    models = {n: Model.open(read_package(args.out / cell_name(*which, 0))) for n, which in columns.items()}
    ranked = sorted(cells["teacher"]["cases"].items(), key=lambda item: _mean_of(item[1]))
    chosen = [ranked[round(share * (len(ranked) - 1))][0] for share in (0.1, 0.5, 0.9)]
    folder, _, _ = split(args, task)
    known = {case.id: case for case in open_data_set(folder, roles=list(task.roles)).cases}
    figure = new_figure(11, 7)
    axes = figure.subplots(3, 5)
    for row, name in zip(axes, chosen):
        how = {"options": PreparationOptions(), "with_truth": True, "device": "cpu", "events": Events()}
        found = {n: segment_case(model, known[name], **how) for n, model in models.items()}
        loaded = found["teacher"].loaded
        truth = to_array(loaded.truth) > 0
        k = int(np.argmax(truth.sum((1, 2))))
        image = to_array(loaded.images[task.roles[0]])[k]
        masks = {"truth": truth[k]} | {n: to_array(part.labels)[k] > 0 for n, part in found.items()}
        for axis, title in zip(row, (name, *masks)):
            axis.imshow(image, cmap="gray")
            axis.set_axis_off()
            if title in masks:
                axis.contour(masks[title], [0.5], colors="#E69F00" if title == "truth" else "#56B4E9", linewidths=1.4)
            dice = f" {_mean_of(cells[title]['cases'][name]):.2f}" if title in cells else ""
            axis.set_title(f"{title}{dice}" if title in masks else "image", fontsize=9)
    save_figure(figure, args.picture)


def _mean_of(dice: dict[str, float | None]) -> float:
    known = [value for value in dice.values() if value is not None]
    return statistics.fmean(known) if known else 0.0


def main() -> None:
    """Run the cells that are not there yet, seed by seed, and print the table."""
    args = read_options()
    args.out.mkdir(parents=True, exist_ok=True)
    task = TASKS[args.task]
    if args.picture:
        return draw(args, task)
    if not args.table:
        if any(WAYS[way] for way in args.ways):
            run_cell(args, task, task.teacher, "plain", 0)
        for seed in range(args.seeds):
            for network in args.networks or reversed(task.students):
                for way in args.ways:
                    with claimed(args.out / f"{cell_name(network, way, seed)}.claim") as mine:
                        if mine:
                            cell = run_cell(args, task, network, way, seed)
                            print(cell_name(network, way, seed), round(cell["dice"], 4), cell["seconds"], flush=True)
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
    parser.add_argument("--networks", nargs="+", help="students (default: the task's three); plain 3-D ones too")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--picture", type=Path, help="draw three scored cases (PNG) instead")
    parser.add_argument("--table", action="store_true", help="print the table of what is there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
