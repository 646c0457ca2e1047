"""The cells of a cross-validation: finished ones never run again, one in work belongs to one process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import StorageError
from ..processes import is_abandoned, mark
from ..storage import storage_error, write_json


@dataclass(frozen=True)
class Cell:
    """A piece of work with a result of its own: a model on a fold with a seed, or the timing of a backbone."""

    name: str
    work: Callable[[], dict[str, Any]]


def cell_name(model: str, fold: int, seed: int) -> str:
    """Name of the cell of a model on a fold (counted from 1) with a seed."""
    return f"{model.replace(':', '-').replace(' ', '-')}-fold{fold}-seed{seed}"


class Cells:
    """A folder of results, one JSON file a cell, each written whole or not at all.

    Several processes may work on the same folder: a cell in work is marked, and the mark of a process of this
    machine that is gone does not count.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def result(self, name: str) -> dict[str, Any] | None:
        """The result of a finished cell, None for another; ``StorageError`` when it is damaged."""
        file = self.folder / f"{name}.json"
        if not file.is_file():
            return None
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise StorageError(f"{file}: is damaged; remove it, and the same command makes it again") from error

    def run(self, cells: Sequence[Cell], afterwards: Callable[[], object] | None = None) -> list[str]:
        """Run what is not finished, in order; returns the names of those that another process has in work."""
        elsewhere = []
        for cell in cells:
            if self.result(cell.name) is not None:
                continue
            with self._claimed(cell.name) as mine:
                if not mine:
                    elsewhere.append(cell.name)
                elif self.result(cell.name) is None:  # finished by another while we looked
                    write_json(self.folder / f"{cell.name}.json", cell.work())
                    if afterwards is not None:
                        afterwards()
        return elsewhere

    @contextmanager
    def _claimed(self, name: str) -> Iterator[bool]:
        """Whether the cell is this process's to run, until the block ends."""
        claim = self.folder / f"{name}.claim"
        mine = _claim(claim)
        try:
            yield mine
        finally:
            if mine:
                with suppress(OSError):
                    claim.unlink()


def _claim(claim: Path) -> bool:
    """Put this process's mark in a file that does not exist yet, or whose owner is gone."""
    for _ in range(2):
        try:
            claim.parent.mkdir(parents=True, exist_ok=True)
            with claim.open("x", encoding="utf-8") as file:
                file.write(mark())
            return True
        except FileExistsError:
            if not _is_left_over(claim):
                return False
            with suppress(OSError):
                claim.unlink()
        except OSError as error:
            raise storage_error(claim, error) from error
    return False


def _is_left_over(claim: Path) -> bool:
    try:
        owner = claim.read_text(encoding="utf-8")
    except OSError:
        return True
    return owner == mark() or is_abandoned(owner)
