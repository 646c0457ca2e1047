"""Makes the shipped light brain model again.

python -m TransferSegLib.cli.brain_light --work FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace

from ..jobs.brain_light import LightRecipe, make_brain_light
from .console import Console
from .recipe import add_fields, command_of, fields_of

TUNABLE = tuple(entry.name for entry in fields(LightRecipe) if entry.name != "phantoms")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command that the model's card names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="the package to write")
    parser.add_argument("--work", required=True, help="folder for phantoms and runs; kept, so that it can go on")
    add_fields(parser, LightRecipe, TUNABLE)
    args = parser.parse_args(arguments)
    recipe = replace(LightRecipe(), **fields_of(args, TUNABLE))
    events = Console(quiet=False).events()
    package = make_brain_light(args.out, args.work, recipe=recipe, command=_command(recipe), events=events)
    print(package.card.measured_on[0]["text"] if package.card.measured_on else "not measured: nothing was held out")
    return 0


def _command(recipe: LightRecipe) -> str:
    """The command that makes this model, without the paths of this machine."""
    return command_of("brain_light", recipe, TUNABLE)


if __name__ == "__main__":
    raise SystemExit(main())
