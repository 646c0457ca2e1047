"""transferseg prune."""

from __future__ import annotations

import argparse
from typing import Any

from ..events import Events
from . import options


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "prune",
        "make a segmentation or level model smaller and faster on a CPU, and say what that costs",
        "transferseg prune brain-unet-phantom --data CASES --criterion taylor --keep 0.5 --out brain-small",
    )
    parser.add_argument("model", metavar="MODEL", help="a model's name, folder or zip")
    parser.add_argument(
        "--data",
        required=True,
        metavar="FOLDER|CSV",
        help=f"to fine-tune and judge by: a data set with truths, or for a level model a CSV, {options.LEVEL_CSV}",
    )
    parser.add_argument("--out", required=True, metavar="PACKAGE", help="folder of the pruned model (new)")
    parser.add_argument(
        "--criterion", default="taylor", choices=["taylor", "l1", "random"], help="which maps go (default: taylor)"
    )
    parser.add_argument(
        "--keep", type=float, default=0.5, metavar="SHARE", help="of the maps in the end (default: 0.5)"
    )
    parser.add_argument("--steps", type=int, default=4, metavar="N", help="of pruning and fine-tuning (default: 4)")
    parser.add_argument("--guided", action="store_true", help="leave alone layers whose maps cost no measured time")
    parser.add_argument("--control", action="store_true", help="also prune at random, for the curve")
    parser.add_argument(
        "--hold-out",
        nargs="+",
        action="extend",
        metavar="ID",
        help="cases that are only scored (default: a fifth of the patients from 5 cases on)",
    )
    parser.add_argument("--run", dest="run_folder", metavar="FOLDER", help="the run's folder (default: PACKAGE.run)")
    training = parser.add_argument_group("fine-tuning")
    training.add_argument("--updates", type=int, default=30, metavar="N", help="after each step (default: 30)")
    training.add_argument("--last-updates", type=int, default=200, metavar="N", help="after the last (default: 200)")
    training.add_argument("--batches", type=int, default=8, metavar="N", help="that maps are scored on (default: 8)")
    training.add_argument("--batch", type=int, metavar="N", help="pictures or windows a batch (default: by network)")
    training.add_argument("--patch", type=int, metavar="N", help="side of a window in voxels (not for level models)")
    training.add_argument("--rate", type=float, metavar="R", help="learning rate (default: by network)")
    training.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    options.labels(parser)
    options.preparation(parser)
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.prune import prune
    from ..jobs.prune_options import PruneOptions

    names = ("criterion", "keep", "steps", "guided", "control", "updates", "last_updates", "batches", "batch", "rate")
    names += ("patch",)
    return prune(
        model=args.model,
        data=args.data,
        out=args.out,
        options=PruneOptions(**{name: getattr(args, name) for name in names}, seed=args.seed, device=args.device),
        hold_out=args.hold_out,
        label_map=options.pairs(args.map, "--map"),
        truth_name=args.truth_name,
        preparation=options.preparation_of(args),
        run_folder=args.run_folder,
        events=events,
    )


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    from ..reporting import text_table

    level = "error_mm" in value["curve"][0]
    own = ("error_mm", "error_mm_sd", "found") if level else ("dice", "dice_sd", "cases")
    words = ["error mm", "sd", "found", "seconds a scan"] if level else ["dice", "sd", "cases", "ms a window"]
    columns = ["maps removed by", "step", "kept %", "parameters", *words]
    rows = [
        [
            row["criterion"],
            row["step"],
            round(100 * row["kept"], 1),
            row["parameters"],
            *(row[name] for name in own),
            row["seconds"] if level else round(1000 * row["seconds"], 2),
        ]
        for row in value["curve"]
    ]
    foot = [value["message"], f"model: {value['package']}", f"curve: {value['curve_csv']}, {value['picture']}"]
    return "\n".join([text_table(rows, columns), "", *foot])
