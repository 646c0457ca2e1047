"""What the making of a light version keeps on disk, so that it can go on where it was cut off."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from .adaptation_store import DISCARDED, DONE, AdaptationStore, interruptedIn
from .claims import isClaimed
from .light_request import DISTIL, PRUNE, LightRequest, fromJson
from .removing import removeWhole


class StepStore(AdaptationStore):
    """One step: its run in the folder of the whole, the model that it makes."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.folder = folder


class LightStore(AdaptationStore):
    """The folder of one light version: ``request.json``, ``cases/`` of the scene, and a run of each step.

    Parameters
    ----------
    name : of the first model that is made, or of the model itself where only a file is
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.folder = storesFolder() / name

    @property
    def light(self) -> LightRequest:
        """What was asked for."""
        return fromJson(self.request["light"])

    def step(self, kind: str, name: str) -> StepStore:
        """Where a step keeps its run, and the model of that name that it makes."""
        return StepStore(name, self.folder / kind)

    def finished(self) -> dict[str, dict[str, Any]]:
        """The answers of the steps that have made their model: {step: the verb's answer}."""
        names = self.request.get("light", {}).get("names", {})
        found = {kind: self.step(kind, name).finishedRun() for kind, name in names.items()}
        return {kind: value for kind, value in found.items() if value is not None}

    def begun(self) -> bool:
        """Whether a step has something that can be gone on with."""
        return any((self.folder / kind / "run" / "run.json").is_file() for kind in (DISTIL, PRUNE))

    def finish(self) -> None:
        """All is made: copies of cases go, runs with their reports stay."""
        if not self.begun():
            self.release()
            removeWhole(self.folder)
            return
        self.keep(state=DONE)
        shutil.rmtree(self.folder / "cases", ignore_errors=True)
        self.release()

    def giveUp(self) -> None:
        """Remove what is half-made; finished models and their runs stay."""
        if self._claim is None and isClaimed(self.folder):
            return
        done = self.finished()
        for kind, name in self.request.get("light", {}).get("names", {}).items():
            if kind not in done:
                self.step(kind, name).clearHalf()
                removeWhole(self.folder / kind)
        if self.request:
            self.keep(state=DONE if done else DISCARDED)
        shutil.rmtree(self.folder / "cases", ignore_errors=True)
        self.release()
        if not done:
            removeWhole(self.folder)


def storesFolder() -> Path:
    """Where they lie."""
    from TransferSegLib.places import home

    return home() / "light"


def interruptedLight() -> list[LightStore]:
    """Those that were cut off; what was cut off while cases were collected is removed."""
    return interruptedIn(storesFolder(), LightStore)
