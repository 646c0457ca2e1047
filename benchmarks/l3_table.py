"""Finding L3 on phantoms: the three tables of the cross-validation, and transfer from another kind of phantoms.

    python benchmarks/l3_table.py --out FOLDER
    python benchmarks/l3_table.py --out FOLDER --part transfer

The tables are ``transferseg crossvalidate l3`` on projections of phantoms (``TransferSegLib.phantoms.ct_projection``),
the transfer is CNN4 pretrained on phantoms of the kind ``other`` and adapted to few of the kind ``adult``. Finished
cells are kept in FOLDER and never run again; a second call of the same command on the same folder shares the work.
FOLDER then holds ``tables/tables.md`` and ``transfer.md``, and the same as CSV.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from TransferSegLib.cli.console import Console
from TransferSegLib.events import Events
from TransferSegLib.jobs.crossvalidate import crossvalidate
from TransferSegLib.jobs.crossvalidate_cells import Cell, Cells
from TransferSegLib.jobs.crossvalidate_data import LevelProjection, digest
from TransferSegLib.jobs.crossvalidate_networks import Start, train_network
from TransferSegLib.jobs.crossvalidate_plan import SMALL, Protocol, variants
from TransferSegLib.jobs.crossvalidate_scores import score, score_constant, summary
from TransferSegLib.phantoms.ct_projection import ct_projection
from TransferSegLib.phantoms.ct_write import case_seed
from TransferSegLib.storage import write_text, writing

# Seeds of the sets of phantoms of each part; none is in two parts.
TABLES, TARGET, TEST, SOURCE = 501, 502, 503, 504
STRATEGIES = ("scratch", "half-lr", "from-level:2", "freeze-encoder")
SCORES = {
    "mm": "error mm",
    "slices": "slices",
    "within": "within 10 mm",
    "sensitive": "not in view: sensitive",
    "specific": "specific",
}


def phantom(seed: int, kind: str, protocol: Protocol) -> LevelProjection:
    """One phantom's projection as training and scoring see it; its slices are as thick as were drawn for it."""
    spec = protocol.spec("frontal")
    made = ct_projection(seed, kind=kind, views=spec.views, hu=spec.hu, row_mm=spec.row_mm, width=spec.width)
    rows, where = made.pixels.shape[1], made.where("L3")
    indices = np.arange(rows) * spec.row_mm / made.attributes["thickness"]
    name = f"{kind}-{seed}"
    row = None if where == "absent" else made.rows["L3"]
    return LevelProjection(name, name, made.pixels, row, where, spec.row_mm, indices, int(indices[-1]) + 1)


def phantoms(args: argparse.Namespace, seed: int, count: int, kind: str, events: Events) -> list[LevelProjection]:
    """``count`` phantoms of a set's seed, kept below ``--out``."""
    found = []
    for number in range(1, count + 1):
        events.progress(f"phantoms of set {seed}, {kind}", number, count)
        one = case_seed(seed, number)
        file = args.out / "phantoms" / f"{kind}-{one}-{args.protocol.row_mm:g}mm.npz"
        if not file.is_file():
            case = phantom(one, kind, args.protocol)
            facts = {"row": np.nan if case.row is None else case.row, "where": case.where, "slices": case.slices}
            with writing(file) as temporary:
                np.savez_compressed(temporary, pixels=case.pixels.astype(np.float16), indices=case.indices, **facts)
        with np.load(file) as kept:
            row = None if np.isnan(kept["row"]) else float(kept["row"])
            values = (kept["pixels"].astype(np.float32), row, str(kept["where"]), args.protocol.row_mm)
            name = f"{kind}-{one}"
            found.append(LevelProjection(name, name, *values, kept["indices"], int(kept["slices"])))
    return found


def tables(args: argparse.Namespace, events: Events) -> None:
    """The three tables."""
    result = crossvalidate(
        data=phantoms(args, TABLES, args.phantoms, "adult", events),
        networks=args.networks,
        out=args.out / "tables",
        folds=args.folds,
        seeds=args.seeds,
        plan=args.protocol,
        imagenet={"": "none"} if any(v.takes_imagenet for v in variants(args.networks)) else {},
        events=events,
    )
    print((args.out / "tables" / "tables.md").read_text(encoding="utf-8"))
    print(result["cells"], f"{result['seconds']:.0f} s")


def learn(args: argparse.Namespace, cases, name: str, seed: int, events: Events, start: Start | None = None):
    """CNN4 trained on whole projections with the table's budget."""
    from TransferSegLib.training import Run

    steps = args.source_steps if name == "source" else args.steps
    return train_network(
        variants(["cnn4"])[0],
        cases,
        replace(args.protocol, steps={"other": steps}),
        views=("frontal",),
        seed=seed,
        run=Run(args.out / "transfer" / "runs" / name, {"cell": name, "cases": digest(cases), "steps": steps}),
        device="cpu",
        events=events,
        start=start,
    )


def source_state(args: argparse.Namespace, events: Events) -> dict:
    """Weights of the model that knows phantoms of the other kind only."""
    import torch

    file = args.out / "transfer" / "source.pt"
    if not file.is_file():
        cases = phantoms(args, SOURCE, args.source_phantoms, "other", events)
        trained = learn(args, cases, "source", 0, events)
        with writing(file) as temporary:
            torch.save(trained.module.state_dict(), temporary)
    return torch.load(file, weights_only=True)


def adapt(args: argparse.Namespace, state: dict, strategy: str, count: int, seed: int, events: Events) -> dict:
    """One training on ``count`` target phantoms and its scores on the test phantoms."""
    from TransferSegLib.strategies import strategy as named

    pool, test = args.pool, args.test
    some = [pool[n] for n in np.random.default_rng(seed).permutation(len(pool))[:count]]
    if strategy == "constant height":
        return {"scores": _scores(score_constant(some, test))}
    start = None if strategy == "scratch" else Start(imagenet="none", state=state, strategy=named(strategy))
    name = f"{strategy.replace(':', '-')}-{count}-{seed}"
    trained = learn(args, some, name, seed, events, start)
    return {"scores": _scores(score(trained, test, events)), "trainable": trained.facts["trainable"]}


def unadapted(args: argparse.Namespace, state: dict, events: Events) -> dict:
    """The source on the test phantoms, as it is."""
    from TransferSegLib.jobs.crossvalidate_networks import new_network
    from TransferSegLib.jobs.crossvalidate_reading import Trained

    cnn4 = variants(["cnn4"])[0]
    module, _ = new_network(cnn4, args.protocol, ("frontal",), 0, Start(imagenet="none", state=state))
    return {"scores": _scores(score(Trained(cnn4, module, args.protocol, "cpu", {}), args.test, events))}


def _scores(rows: list[dict]) -> dict[str, float | None]:
    found = summary(rows)
    return {key: value[0] if isinstance(value := found[key], tuple) else value for key in SCORES}


def transfer(args: argparse.Namespace, events: Events) -> None:
    """Few target cases, from the source and from new weights, several seeds; one table."""
    args.pool = phantoms(args, TARGET, args.pool_phantoms, "adult", events)
    args.test = phantoms(args, TEST, args.test_phantoms, "adult", events)
    state = source_state(args, events)
    todo = [Cell("unadapted", partial(unadapted, args, state, events))]
    rows = ("constant height", *STRATEGIES)
    for seed, count, strategy in product(range(args.transfer_seeds), args.counts, rows):
        name = f"{strategy.replace(':', '-').replace(' ', '-')}-{count}-{seed}"
        todo.append(Cell(name, partial(adapt, args, state, strategy, count, seed, events)))
    cells = Cells(args.out / "transfer" / "cells")
    elsewhere = cells.run(todo)
    lines = [("cases", "strategy", "weights that learn", *SCORES.values(), "seeds")]
    lines.append(("0", "unadapted source", "0", *_cells_of([cells.result("unadapted")]), "1"))
    for count, strategy in product(args.counts, rows):
        name = f"{strategy.replace(':', '-').replace(' ', '-')}-{count}"
        found = [cells.result(f"{name}-{seed}") for seed in range(args.transfer_seeds)]
        found = [result for result in found if result is not None]
        learns = str(found[0].get("trainable", 0)) if found else ""
        lines.append((str(count), strategy, learns, *_cells_of(found), str(len(found))))
    with writing(args.out / "transfer.csv") as file, file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(lines)
    rule = "|" + "|".join(["---:", "---", *["---:"] * (len(lines[0]) - 2)]) + "|"
    text = ["| " + " | ".join(line) + " |" for line in lines]
    write_text(args.out / "transfer.md", "\n".join([text[0], rule, *text[1:]]) + "\n")
    print((args.out / "transfer.md").read_text(encoding="utf-8"), f"\nin work elsewhere: {elsewhere}")


def _cells_of(results: list[dict]) -> list[str]:
    """Mean ± SD over the seeds of each score."""
    found = []
    for key in SCORES:
        values = [r["scores"][key] for r in results if r["scores"][key] is not None]
        scale, digits = (100, 1) if key in ("within", "sensitive", "specific") else (1, 2)
        if not values:
            found.append("–")
            continue
        spread = f" ± {scale * statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
        found.append(f"{scale * statistics.mean(values):.{digits}f}{spread}" + (" %" if scale == 100 else ""))
    return found


def main() -> int:
    """Run what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", default="all", choices=["all", "tables", "transfer"])
    networks = ["cnn4", "cnn4:windows", "rf500", "rf100", "rf10", "vgg16", "googlenet", "map"]
    parser.add_argument("--networks", nargs="+", default=networks)
    parser.add_argument("--phantoms", type=int, default=400, help="of the tables (published: 642 CTs)")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--counts", nargs="+", type=int, default=[10, 30, 100])
    parser.add_argument("--transfer-seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=500, help="optimiser steps of each adaptation, and of scratch")
    parser.add_argument("--source-steps", type=int, default=2000)
    parser.add_argument("--source-phantoms", type=int, default=300)
    parser.add_argument("--pool-phantoms", type=int, default=150)
    parser.add_argument("--test-phantoms", type=int, default=150)
    args = parser.parse_args()
    args.protocol = SMALL
    events = Console(quiet=False).events()
    if args.part != "transfer":
        tables(args, events)
    if args.part != "tables":
        transfer(args, events)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
