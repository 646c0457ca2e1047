"""Command lines of the modules that make the shipped models again: a recipe's fields as options, and back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any


def add_fields(parser: argparse.ArgumentParser, recipe: type, names: Sequence[str]) -> None:
    """An option for each of these fields of a recipe (a dataclass), with its default."""
    for name in names:
        default = getattr(recipe, name)
        parser.add_argument(_option(name), type=type(default), default=default, help=f"default: {default}")


def fields_of(args: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """What was given for these fields."""
    return {name: getattr(args, name) for name in names}


def command_of(module: str, recipe: Any, names: Sequence[str], places: str = "--work WORK --out OUT") -> str:
    """The command that makes a model by a recipe: what differs from the defaults, without the paths of this machine."""
    words = [f"python -m TransferSegLib.cli.{module}"]
    for name in names:
        value = getattr(recipe, name)
        if value != getattr(type(recipe), name):
            words.append(f"{_option(name)} {' '.join(value) if isinstance(value, tuple) else value}")
    return " ".join([*words, places])


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
