"""transferseg crossvalidate."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..events import Events
from . import options


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "crossvalidate",
        "train and score models on patient-wise folds of a data set, and write the tables",
        "transferseg crossvalidate l3 --data levels.csv --networks cnn4 cnn4:windows rf500 --out tables",
    )
    parser.add_argument("task", choices=["l3"], help="what is cross-validated: finding a vertebral level in CT")
    parser.add_argument("--data", required=True, metavar="CSV", help=f"CTs and where the level is: {options.LEVEL_CSV}")
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="tables and cells; finished cells never run again"
    )
    parser.add_argument(
        "--networks",
        nargs="+",
        default=["cnn4", "cnn4:windows", "rf500", "rf100", "rf10"],
        metavar="N",
        help="cnn4 alexnet vgg16 vgg19 googlenet or another classifier of torchvision, with :windows for the published "
        "training; map; rf500 rf100 rf10 (default: cnn4 cnn4:windows rf500 rf100 rf10)",
    )
    parser.add_argument("--level", metavar="L", help="which level, where the table holds several (default: L3)")
    parser.add_argument("--folds", type=int, default=5, metavar="K", help="folds by patient (default: 5)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="trainings a model and fold (default: 1)")
    parser.add_argument("--plan", default="small", choices=["small", "full"], help="for two cores, or for a GPU")
    parser.add_argument("--steps", type=int, metavar="N", help="optimiser steps of every network instead of the plan's")
    parser.add_argument(
        "--strides",
        nargs="+",
        type=int,
        default=[1, 2, 4, 6, 8],
        metavar="S",
        help="rows between windows at which error and time are compared (default: 1 2 4 6 8)",
    )
    parser.add_argument("--view", default="frontal", choices=["frontal", "lateral", "both"], help="default: frontal")
    parser.add_argument(
        "--imagenet",
        action="append",
        default=[],
        metavar="[N=]W",
        help="where ImageNet weights are: a file, download, hub (torch's folder) or none; vgg16=FILE for one network",
    )
    parser.add_argument("--time", nargs="*", metavar="N", help="networks that are only timed (default: the published)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.crossvalidate import crossvalidate

    timed = {} if args.time is None else {"backbones": args.time}
    return crossvalidate(
        data=args.data,
        networks=args.networks,
        out=args.out,
        folds=args.folds,
        seeds=args.seeds,
        plan=args.plan,
        strides=args.strides,
        view=args.view,
        level=args.level,
        imagenet=_imagenet(args.imagenet),
        steps=args.steps,
        device=args.device,
        events=events,
        **timed,
    )


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """The tables and where they lie."""
    text = Path(value["out"], "tables.txt").read_text(encoding="utf-8")
    elsewhere = value["cells"]["elsewhere"]
    if elsewhere:
        text += f"\n{len(elsewhere)} cells are in work by another process: the same command waits for none of them\n"
    left_out = [f"left out: {line}" for line in value["left_out"]]
    return "\n".join([text.rstrip(), *left_out, f"written to {value['out']}"])


def _imagenet(values: list[str]) -> dict[str, str]:
    """``none`` for all, ``vgg16=FILE`` for one; ``UsageError`` for one named twice."""
    found: dict[str, str] = {}
    for value in values:
        name, sign, where = value.partition("=")
        key, where = (name, where) if sign else ("", value)
        if key in found or not where:
            raise UsageError(f"--imagenet {value}: write FILE, download, hub or none, or NETWORK=FILE; each once")
        found[key] = where
    return found
