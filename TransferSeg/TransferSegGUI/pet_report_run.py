"""The report of a PET/CT result, written by the worker; reports of PETs that share a name stand beside each other."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np

from . import pet_exchange, pet_results
from .pet_live import Drawn, Taken
from .pet_runs import PetRun
from .pet_units import PetUnit


class ExportRun(PetRun):
    """The report of a result as it is now; its result is the worker's value, with ``beside``.

    ``beside`` is the name of a report in the folder that is of another PET of this name, or empty: this one has a
    number after its name then.
    """

    def __init__(
        self, client: Any, node: Any, out: Path, language: str, drawn: Drawn | None, truth: np.ndarray | None, **o: Any
    ) -> None:
        super().__init__(client, **o)
        self._record = pet_results.record(node)
        self._unit = PetUnit(**self._record["unit"])
        petNode = pet_results.petOf(node)
        self._taken = pet_exchange.takeImages(petNode, pet_results.ctOf(node), self._unit)
        self._raw = None if drawn is not None else pet_results.rawOf(node)
        self._out, self._language, self._drawn, self._truth = out, language, drawn, truth
        self._name = petNode.GetName() or "PET"

    def work(self) -> None:
        """Write images and masks for the worker."""
        folder = self.begin_exchange()
        self.inBackground(lambda: self._write(folder), self._ask)

    def _write(self, folder: Path) -> dict[str, Any]:
        args = pet_exchange.writeImages(folder, self._taken, self._unit)
        args |= pet_exchange.reportArguments(folder, self._taken, self._record, self._raw, self._drawn)
        if self._truth is not None:
            args["truth"] = pet_exchange.writeMask(folder / "truth.nrrd", self._truth, self._taken)
        pet = f"{self._name} [{markOf(self._taken)}]"
        args |= {"out": str(self._out), "id": freeReport(self._out, self._name, pet), "pet_name": pet}
        return args | {"lang": self._language}

    def _ask(self, args: dict[str, Any]) -> None:
        beside = self._name if args["id"] != self._name else ""
        self.ask("tmtv", args, lambda value: self.succeed({**value, "beside": beside}))


def markOf(taken: Taken) -> str:
    """What tells a PET from others, also of the same name: a checksum of its voxels (any thread)."""
    return f"{zlib.crc32(np.ascontiguousarray(taken.pet.array)):08x}"


def freeReport(folder: Path, name: str, pet: str) -> str:
    """The name, or the name and a number, under which the folder holds no report of another PET than ``pet``."""
    from TransferSegLib.errors import InputError
    from TransferSegLib.jobs.tmtv_outputs import check_patient

    number, free = 1, name
    while True:
        try:
            check_patient(folder, free, pet)
            return free
        except InputError:
            number += 1
            free = f"{name} {number}"
