"""The work behind the PET/CT panel: finding lesions, and measuring them again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from . import history, pet_display, pet_exchange, pet_results, pet_writing, wording
from .grids import NodeGrid
from .pet_live import Drawn, Live, Measured, Taken
from .pet_units import PetUnit
from .runs import Run

_TOLD = ("border", "may be urine", "No lesion")  # what notes on totals and lesions hold


@dataclass(frozen=True)
class Wanted:
    """What is asked for: ``model`` a ``ModelInfo`` or None, ``naming`` tell organs' uptake apart by rule."""

    rule: str | None
    model: Any
    unit: PetUnit
    naming: bool = True
    device: str = "auto"


class PetRun(Run):
    """An exchange folder, and the scene watched meanwhile."""

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)
        self.folder: Any = None
        self.started = time.monotonic()
        self._observation = slicer.mrmlScene.AddObserver(slicer.mrmlScene.StartCloseEvent, self._onSceneCloses)

    def cleanUp(self) -> None:
        """Remove the exchange folder and the observation of the scene."""
        if self._observation is not None:
            slicer.mrmlScene.RemoveObserver(self._observation)
            self._observation = None
        if self.folder is not None:
            self.folder.remove()

    def begin_exchange(self) -> Path:
        """A folder of this run's own."""
        from .exchange import ExchangeFolder

        self.started = time.monotonic()
        self.folder = ExchangeFolder()
        self.say(wording.handingOver())
        return self.folder.path

    def _onSceneCloses(self, caller: Any, event: Any) -> None:
        self.cancel(_("The scene was closed, so the measurement was ended."))


class FindRun(PetRun):
    """Lesions of a PET by the worker; its result is the segmentation node."""

    def __init__(
        self, client: Any, petNode: Any, ctNode: Any, wanted: Wanted, truth: np.ndarray | None, keepLive: Any, **o: Any
    ) -> None:
        super().__init__(client, **o)
        self._taken: Taken = pet_exchange.takeImages(petNode, ctNode, wanted.unit)
        self._grid, self._ctId = NodeGrid.of(petNode), ctNode.GetID() if ctNode is not None else ""
        self._wanted, self._truth, self._keepLive = wanted, truth, keepLive

    def work(self) -> None:
        """Write the images for the worker."""
        folder = self.begin_exchange()
        self.inBackground(lambda: pet_exchange.writeImages(folder, self._taken, self._wanted.unit), self._ask)

    def _ask(self, args: dict[str, Any]) -> None:
        wanted, model = self._wanted, self._wanted.model
        args = {**args, "out": str(self.folder.file("report")), "id": "PET", "device": wanted.device}
        if model is not None:  # its mask as it is; the threshold is applied here, so that it can be moved
            args |= {"model": str(model.folder), "threshold": "none", "physiological": "off"}
        else:
            args |= {"threshold": wanted.rule, "physiological": "auto" if wanted.naming else "off"}
        self.ask("tmtv", args, self._answered)

    def _answered(self, value: dict[str, Any]) -> None:
        self.say(_("Measuring the lesions"))
        self.inBackground(lambda: self._measure(value), lambda found: self._take(value, *found))

    def _measure(self, value: dict[str, Any]) -> tuple[Live, Measured]:
        raw = _readMask(Path(value["files"]["lesions"])) if self._wanted.model is not None else None
        live = Live.of(self._taken, raw)
        return live, live.measure(self._wanted.rule, (), naming=self._wanted.naming, truth=self._truth)

    def _take(self, value: dict[str, Any], live: Live, measured: Measured) -> None:
        petNode, wanted = self._grid.node, self._wanted
        if petNode is None:
            text = _("{volume} was removed or changed while it was measured; nothing was put into the scene.")
            raise wording.problem(text.format(volume=self._grid.nodeName))
        ctNode = slicer.mrmlScene.GetNodeByID(self._ctId) if self._ctId else None
        values = {
            "method": wanted.model.name if wanted.model is not None else "",
            "naming": wanted.naming,
            "unit": asdict(wanted.unit),
            "moves": [],
            "notes": list(dict.fromkeys([*wanted.unit.notes, *_notes(value)])),
            "device": value.get("device", ""),
            "seconds": round(time.monotonic() - self.started, 2),
        }
        made: list[Any] = []
        try:
            with slicer.util.RenderBlocker():
                node = pet_writing.makeResult(petNode, ctNode, values, live.raw, made)
                pet_writing.write(node, live, measured)
                pet_writing.putBeside(node)
                pet_display.showPet(petNode, ctNode, wanted.unit.factor)
        except Exception:
            for one in made:
                history.removeNode(one)
            raise
        self._keepLive(node, live, measured)
        self.succeed(node)


class MeasureRun(PetRun):
    """Measuring a result again with another threshold, other moves, or outlines that were edited."""

    def __init__(
        self,
        client: Any,
        node: Any,
        live: Callable[[], Live],
        rule: str | None,
        moves: list[dict[str, Any]],
        drawn: Drawn | None,
        truth: np.ndarray | None,
        keepLive: Any,
        *,
        rewrite: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(client, **options)
        self._nodeId, self._live, self._rule, self._moves = node.GetID(), live, rule, list(moves)
        self._drawn, self._truth, self._keepLive, self._rewrite = drawn, truth, keepLive, rewrite
        self._naming = bool(pet_results.record(node).get("naming"))

    def work(self) -> None:
        """Measure off the main thread."""
        self.say(_("Measuring the lesions"))
        self.inBackground(self._measure, lambda found: self._take(*found))

    def _measure(self) -> tuple[Live, Measured]:
        live = self._live()
        moves = [(one["voxel"], one["to"]) for one in self._moves]
        given = {"naming": self._naming, "drawn": self._drawn, "truth": self._truth}
        return live, live.measure(self._rule, moves, **given)

    def _take(self, live: Live, measured: Measured) -> None:
        node = slicer.mrmlScene.GetNodeByID(self._nodeId)
        if node is None or pet_results.petOf(node) is None:
            raise wording.problem(_("The lesions or their PET were removed meanwhile."))
        with slicer.util.RenderBlocker():
            pet_results.keep(node, {"moves": self._moves})
            pet_writing.write(node, live, measured, self._drawn)
            if self._drawn is not None and self._rewrite:
                pet_writing.renumber(node, live, measured)
        self._keepLive(node, live, measured)
        self.succeed(node)


def _readMask(file: Path) -> np.ndarray:
    """bool (k, j, i) of a label map that the worker wrote."""
    import SimpleITK as sitk

    return sitk.GetArrayFromImage(sitk.ReadImage(str(file))) > 0


def _notes(value: dict[str, Any]) -> list[str]:
    """The worker's notes but those on totals, which are written anew at every change."""
    return [note for note in value.get("notes") or [] if not any(told in note for told in _TOLD)]
