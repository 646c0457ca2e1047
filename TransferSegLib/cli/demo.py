"""transferseg demo."""

from __future__ import annotations

import argparse
from typing import Any

from ..events import Events
from . import options


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "demo",
        "adapt the shipped model to phantoms of another clinic, offline, in under two minutes",
        "transferseg demo --out transferseg-demo",
    )
    parser.add_argument("--out", default="transferseg-demo", metavar="FOLDER", help="default: transferseg-demo")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.demo import demo

    return demo(args.out, events=events)


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    return value["text"]
