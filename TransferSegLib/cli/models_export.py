"""transferseg models export: a package as zip, or its network as ONNX."""

from __future__ import annotations

import argparse
from typing import Any

from ..events import Events
from . import options


def arguments(action: argparse.ArgumentParser) -> None:
    """What it takes beside the model's name."""
    action.add_argument(
        "--out", required=True, metavar="FILE", help=".zip: the package; .onnx: its network, for other runtimes"
    )
    action.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    group = action.add_argument_group("8 bits", "for an .onnx, calibrated and measured on cases with truths")
    group.add_argument("--int8", action="store_true", help="convolutions in 8 bits, where it keeps the Dice")
    group.add_argument("--data", metavar="FOLDER", help="data set to calibrate and to measure it on")
    group.add_argument(
        "--hold-out",
        nargs="+",
        action="extend",
        default=[],
        metavar="ID",
        help="cases to measure (default: those it did not learn from, else of half the patients)",
    )
    options.labels(action)
    options.preparation(action)


def run(args: argparse.Namespace, events: Events) -> Any:
    """Call the job."""
    from ..jobs.models import models_export

    return models_export(
        args.name,
        args.out,
        overwrite=args.overwrite,
        int8=args.int8,
        data=args.data,
        hold_out=args.hold_out,
        label_map=options.pairs(args.map, "--map"),
        truth_name=args.truth_name,
        options=options.preparation_of(args),
        events=events,
    )


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    lines = [f"{value['name']}: {value['path']}"]
    if value.get("format") == "onnx":
        lines.append(f"{value['bytes'] / 1e6:.1f} MB, {value['precision']}; {_agreement(value)}")
    if value.get("int8"):
        lines.append(value["int8"]["text"])
    return "\n".join(lines)


def _agreement(value: dict[str, Any]) -> str:
    """How the file was checked, and where the package may answer otherwise."""
    level, ties = value["task"] == "level", value["near_ties"]
    text = "before it was int8, " if value["precision"] == "int8" else ""
    text += f"ONNX Runtime gave the same {'rows' if level else 'labels'} as PyTorch in float32"
    text += f" on {value['checked_windows']} random inputs"
    if ties:
        text += f", {ties} voxel{'' if ties == 1 else 's'} apart where two classes are as good as equal"
    if value["package_precision"] != "float32":
        text += f"; the package itself runs in {value['package_precision']} on this CPU: labels can differ at edges"
    return text
