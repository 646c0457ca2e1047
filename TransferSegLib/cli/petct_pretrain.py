"""Makes the shipped PET/CT model again.

python -m TransferSegLib.cli.petct_pretrain --work FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from ..jobs.petct_pretrain import PetCtRecipe, pretrain_petct
from .console import Console

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
    for name in TUNABLE:
        default = getattr(PetCtRecipe, name)
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(default), default=default, help=f"default: {default}")
    args = parser.parse_args(arguments)
    recipe = replace(PetCtRecipe(), **{name: getattr(args, name) for name in TUNABLE})
    events = Console(quiet=False).events()
    package = pretrain_petct(
        args.out, args.work, recipe=recipe, command=_command(recipe), device=args.device, events=events
    )
    print(package.card.measured_on[0]["text"] if package.card.measured_on else "not measured: nothing was held out")
    return 0


def _command(recipe: PetCtRecipe) -> str:
    """The command that makes this model, without the paths of this machine."""
    words = ["python -m TransferSegLib.cli.petct_pretrain"]
    for name in TUNABLE:
        value = getattr(recipe, name)
        if value != getattr(PetCtRecipe, name):
            words.append(f"--{name.replace('_', '-')} {value}")
    return " ".join([*words, "--work WORK --out OUT"])


if __name__ == "__main__":
    raise SystemExit(main())
