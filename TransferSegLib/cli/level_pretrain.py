"""Makes the shipped level model again.

python -m TransferSegLib.cli.level_pretrain --work FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from ..jobs.level_pretrain import pretrain_level, refresh_scores
from ..jobs.level_recipe import LevelRecipe
from .console import Console
from .recipe import add_fields, command_of, fields_of

TUNABLE = ("count", "choosing", "held_out", "steps", "rounds", "batch", "rate", "row_mm", "rows", "width", "crop_rows")
TUNABLE = (*TUNABLE, "step", "huber", "margin", "variants", "seed", "level", "network")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command that the model's card names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="the package to write")
    parser.add_argument("--work", required=True, help="folder for projections and the run; kept, so that it can go on")
    parser.add_argument("--jobs", type=int, default=1, help="phantoms made at a time (default: 1)")
    parser.add_argument("--views", nargs="+", default=list(LevelRecipe.views), choices=["frontal", "lateral"])
    parser.add_argument("--score", action="store_true", help="only score the package at OUT again")
    add_fields(parser, LevelRecipe, TUNABLE)
    args = parser.parse_args(arguments)
    changes = fields_of(args, TUNABLE) | {"views": tuple(args.views)}
    recipe, events = replace(LevelRecipe(), **changes), Console(quiet=False).events()
    if args.score:
        package = refresh_scores(args.out, args.work, jobs=args.jobs, events=events)
    else:
        package = pretrain_level(
            args.out,
            args.work,
            recipe=recipe,
            command=command_of("level_pretrain", recipe, ("views", *TUNABLE)),
            jobs=args.jobs,
            events=events,
        )
    print(package.card.measured_on[0]["text"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
