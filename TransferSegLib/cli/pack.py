"""transferseg pack."""

from __future__ import annotations

import argparse
from typing import Any

from ..events import Events
from . import options


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "pack",
        "collect what Slicer needs into one folder, for a computer without internet",
        "transferseg pack --out pack --platform windows --models all",
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="an unfinished pack in it is gone on with")
    parser.add_argument("--platform", metavar="P", help="windows, linux or a wheel tag (default: this computer's)")
    parser.add_argument("--python", metavar="V", help="Slicer's Python there (default: 3.12)")
    parser.add_argument("--models", nargs="+", default=[], metavar="NAME", help="models to take along, or all")
    parser.add_argument(
        "--torch",
        default="any",
        choices=["any", "cpu", "gpu", "none"],
        help="PyTorch as the index has it (default), only without or with CUDA, or not at all",
    )
    parser.add_argument("--index", metavar="ADDRESS", help="a further package index, for example PyTorch's own")
    parser.add_argument("--check", action="store_true", help="hold the pack in --out against its hashes, make nothing")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.pack import check, pack

    if args.check:
        return check(args.out, events=events)
    return pack(
        args.out,
        python=args.python,
        platform=args.platform,
        models=args.models,
        torch=args.torch,
        index=args.index,
        events=events,
    )


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    models = ", ".join(value["models"]) or "none"
    if args.check:
        return f"{value['pack']}: every file is as it was made; fingerprint {value['fingerprint']}; models: {models}"
    return "\n".join(
        [
            f"{value['pack']}: {len(value['wheels'])} packages for {value['platform']}, Python {value['python']}, "
            f"{value['bytes'] / 1e6:,.0f} MB; models: {models}",
            f"fingerprint {value['fingerprint']} (Slicer shows it before it installs)",
            "Carry the whole folder over; in Slicer: TransferSeg, Install from a folder.",
        ]
    )
