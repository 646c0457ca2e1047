"""Makes the shipped brain model again.

python -m TransferSegLib.cli.pretrain --work FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from ..jobs.pretrain import Recipe, pretrain
from .console import Console


def main(arguments: Sequence[str] | None = None) -> int:
    """The command that the model's card names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="the package to write")
    parser.add_argument("--work", required=True, help="folder for phantoms and the run; kept, so that it can go on")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    args = parser.parse_args(arguments)
    command = f"python -m TransferSegLib.cli.pretrain --epochs {args.epochs} --seed {args.seed} --work WORK --out OUT"
    recipe = replace(Recipe(), epochs=args.epochs, seed=args.seed)
    package = pretrain(args.out, args.work, recipe=recipe, command=command, events=Console(quiet=False).events())
    print(package.card.measured_on[0]["text"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
