"""Makes the shipped PET/CT model for soft-tissue sarcoma again.

python -m TransferSegLib.cli.petct_sarcoma --data FOLDER --work FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from ..jobs.petct_sarcoma import SarcomaRecipe, adapt_sarcoma
from .console import Console
from .recipe import add_fields, command_of, fields_of

TUNABLE = ("source", "strategy", "folds", "epochs", "patch", "precision", "seed")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command that the model's card names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the sarcoma cases: a folder each with PET (SUV), CT and truth")
    parser.add_argument("--work", required=True, help="folder of the trainings")
    parser.add_argument("--out", required=True, help="the package to write")
    add_fields(parser, SarcomaRecipe, TUNABLE)
    args = parser.parse_args(arguments)
    recipe = replace(SarcomaRecipe(), **fields_of(args, TUNABLE))
    command = command_of("petct_sarcoma", recipe, TUNABLE, "--data DATA --work WORK --out OUT")
    events = Console(quiet=False).events()
    package = adapt_sarcoma(args.data, args.out, args.work, recipe=recipe, command=command, events=events)
    print(package.card.measured_on[0]["text"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
