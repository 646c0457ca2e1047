"""What the PET/CT methods of the logic share: the PET in memory, measuring again, what is lacking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from . import models, wording
from .logic_base import LogicBase


class PetBase(LogicBase):
    """Helpers of ``PetMethods``."""

    @property
    def _petLive(self) -> dict[str, Any]:
        """The last PET in memory: ``node key live measured``."""
        if not hasattr(self, "_petLiveKept"):
            self._petLiveKept: dict[str, Any] = {}
        return self._petLiveKept

    def _keepLive(self, node: Any, live: Any, measured: Any) -> None:
        self._petLive.update(node=keyOf(node), key=_state(node), live=live, measured=measured)

    def _measureAgain(
        self, node: Any, rule: str | None, moves: list, drawn: Any, callback: Any, *, rewrite: bool = False,
        reporting: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        from . import pet_results
        from .pet_runs import MeasureRun

        truthNode = node.GetNodeReference(pet_results.TRUTH)
        truth = self._truthArray(truthNode, pet_results.petOf(node))
        run = MeasureRun(
            self.client, node, self._liveOf(node), rule, moves, drawn, truth, self._keepLive, rewrite=rewrite,
            reporting=reporting, callback=self._asResult(callback),
        )  # fmt: skip
        run.whenClosing = self.shutdown
        run.begin()
        return self._finished(run if callback is not None else run.wait(), callback)

    def _liveOf(self, node: Any) -> Callable[[], Any]:
        """What gives the PET in memory, in any thread; copies are made now where it is not there."""
        from . import pet_exchange, pet_results
        from .pet_live import Live
        from .pet_units import PetUnit

        kept = self._petLive
        if kept.get("node") == keyOf(node) and kept.get("key") == _state(node):
            return lambda live=kept["live"]: live
        unit = PetUnit(**pet_results.record(node)["unit"])
        taken = pet_exchange.takeImages(pet_results.petOf(node), pet_results.ctOf(node), unit)
        raw = pet_results.rawOf(node)
        return lambda: Live.of(taken, raw)

    def _asResult(self, callback: Any, truth: Any = None) -> Any:
        """A callback that is told the result of a node."""
        from . import pet_results

        if callback is None:
            return None
        return lambda node, error: callback(None if node is None else self._withTruth(pet_results, node, truth), error)

    def _finished(self, value: Any, callback: Any, truth: Any = None) -> Any:
        from . import pet_results

        return value if callback is not None else self._withTruth(pet_results, value, truth)

    def _withTruth(self, pet_results: Any, node: Any, truth: Any) -> Any:
        if truth is not None and slicer.mrmlScene.IsNodePresent(truth):
            node.SetNodeReferenceID(pet_results.TRUTH, truth.GetID())
        return pet_results.resultOf(node)

    def _truthArray(self, truth: Any, petNode: Any) -> Any:
        """The truth on the PET's grid, bool (k, j, i); None without."""
        from .grids import NodeGrid
        from .truths import labelArray

        if truth is None:
            return None
        segmentation = truth.GetSegmentation()
        values = {segmentId: 1 for segmentId in segmentation.GetSegmentIDs()}
        return labelArray(truth, values, NodeGrid.of(petNode)) > 0

    def _whyNotTmtv(self, petNode: Any, ctNode: Any, model: str | None, unit: Any, byHand: Any) -> str | None:
        from TransferSegLib.errors import TransferSegError

        from .pet_inputs import whyNotPetCt, whyNotSuv

        try:
            info = models.findModel(model) if model else None
            if info is not None and not models.isPet(info):
                return _("{name} finds no lesions in PET/CT; choose another model.").format(name=info.name)
            problem = whyNotPetCt(petNode, ctNode, needsCt=info is not None and "ct" in info.roles)
            return problem or whyNotSuv(petNode, self.petUnit(petNode, unit, byHand))
        except TransferSegError as error:
            return wording.withoutOptions(error.message)

    def _lesionsOf(self, result: Any) -> Any:
        """The segmentation node of a result, or of a node itself, while it and its PET are in the scene."""
        from . import pet_results

        node = getattr(result, "segmentationNode", result)
        if node is None or not slicer.mrmlScene.IsNodePresent(node) or node not in pet_results.results():
            raise wording.problem(_("There are no lesions: measure the TMTV first."))
        if pet_results.petOf(node) is None:
            raise wording.problem(_("The PET of these lesions is no longer in the scene."))
        return node


def keyOf(node: Any) -> str:
    """Tells results apart: another scene uses the same node numbers again."""
    from . import pet_results

    return f"{node.GetID()} {pet_results.record(node).get('date')}" if node is not None else ""


def _state(node: Any) -> tuple:
    """What the PET in memory was made from: its voxels and where they lie, and those of the CT."""
    from . import pet_results
    from .geometry import worldIjkToRas

    found = []
    for one in (pet_results.petOf(node), pet_results.ctOf(node)):
        found += [None] if one is None else [one.GetID(), one.GetImageData().GetMTime(), worldIjkToRas(one).tobytes()]
    return tuple(found)
