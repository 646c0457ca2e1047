"""Makes the shipped PET/CT model again.

python -m TransferSegLib.cli.petct_pretrain --work FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from ..jobs.petct_pretrain import PetCtRecipe, pretrain_petct
from .console import Console
from .recipe import add_fields, command_of, fields_of

TUNABLE = (
    "bodies",
    "crops",
    "held_out",
    "network",
    "epochs",
    "patch",
    "batch",
    "rate",
    "foreground",
    "loss",
    "precision",
    "seed",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command that the model's card names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="the package to write")
    parser.add_argument("--work", required=True, help="folder for phantoms and the run; kept, so that it can go on")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add_fields(parser, PetCtRecipe, TUNABLE)
    args = parser.parse_args(arguments)
    recipe = replace(PetCtRecipe(), **fields_of(args, TUNABLE))
    events, command = Console(quiet=False).events(), command_of("petct_pretrain", recipe, TUNABLE)
    package = pretrain_petct(
        args.out,
        args.work,
        recipe=recipe,
        command=command,
        device=args.device,
        events=events,
    )
    print(package.card.measured_on[0]["text"] if package.card.measured_on else "not measured: nothing was held out")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
