"""From a CT node to the level's slice: snapshot, exchange, worker, plane, outlines and numbers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from . import data_tree, history, level_numbers, level_plane, level_results, wording
from .inputs import Inputs
from .level_axis import AXES, LevelAxis
from .level_results import L3Result
from .level_words import GIVEN
from .runs import Run

ROLE = "ct"


class _LevelRun(Run):
    """What finding and measuring share: the CT on its way to the worker, the scene watched meanwhile."""

    def __init__(self, client: Any, inputs: Inputs, **options: Any) -> None:
        super().__init__(client, **options)
        self._inputs = inputs
        self._folder: Any = None
        self._started = time.monotonic()
        self._observation = slicer.mrmlScene.AddObserver(slicer.mrmlScene.StartCloseEvent, self._onSceneCloses)

    def arguments(self, folder: Path) -> dict[str, Any]:
        """The worker's arguments besides the CT."""
        raise NotImplementedError

    def take(self, value: dict[str, Any], labels: Any, made: list[Any]) -> L3Result:
        """Make the nodes of an answer."""
        raise NotImplementedError

    def work(self) -> None:
        """Write the CT for the worker."""
        from .exchange import ExchangeFolder

        self._started = time.monotonic()
        self._folder = ExchangeFolder()
        self.say(wording.handingOver())
        folder = self._folder.path
        self.inBackground(lambda: self._inputs.write(folder), self._ask)

    def cleanUp(self) -> None:
        """Remove the exchange folder and the observation of the scene."""
        if self._observation is not None:
            slicer.mrmlScene.RemoveObserver(self._observation)
            self._observation = None
        if self._folder is not None:
            self._folder.remove()

    def _ask(self, files: dict[str, str]) -> None:
        args = {"ct": files[ROLE], "composition": str(self._folder.file("composition.nrrd"))}
        self.ask("l3", args | self.arguments(self._folder.path), self._answered)

    def _answered(self, value: dict[str, Any]) -> None:
        self.say(wording.takingResult())
        self.inBackground(lambda: _read(self._folder.path), lambda read: self._takeAll(value, *read))

    def _takeAll(self, value: dict[str, Any], labels: Any, picture: bytes) -> None:
        made: list[Any] = []
        try:
            with slicer.util.RenderBlocker():
                result = self.take(value, labels, made)
        except Exception:
            for node in made:
                history.removeNode(node)
            raise
        result.seconds = round(time.monotonic() - self._started, 2)
        if picture:
            result.picture = {**(value.get("projection") or {}), "png": picture, "row": value.get("row")}
        self.succeed(result)

    def _onSceneCloses(self, caller: Any, event: Any) -> None:
        self.cancel(_("The scene was closed, so the search was ended."))


class FindRun(_LevelRun):
    """Finding the level in a CT; see ``Run``. Its result is an ``L3Result``."""

    def __init__(self, client: Any, model: Any, inputs: Inputs, height: float | None, device: str, **options: Any):
        super().__init__(client, inputs, **options)
        self._model, self._height, self._device = model, height, device

    def arguments(self, folder: Path) -> dict[str, Any]:
        """Model, and where the projection goes."""
        return {
            "model": str(self._model.folder),
            "device": self._device,
            "height": self._height,
            "projection": str(folder / "projection.png"),
        }

    def take(self, value: dict[str, Any], labels: Any, made: list[Any]) -> L3Result:
        """Plane, outlines and numbers; only words where there is no slice, or where the CT is gone."""
        node = self._inputs.grid.node
        if value.get("slice_index") is None and not value.get("candidates"):
            said = level_results.fromAnswer(value, node, self._model.name)
            said.volumeName = self._inputs.grid.nodeName
            return said
        if node is None:
            text = _("{volume} was removed or changed while it was searched; nothing was put into the scene.")
            raise wording.problem(text.format(volume=self._inputs.grid.nodeName))
        plane = level_results.makeResult(value, node, self._model.name, made)
        if labels is not None and value.get("slice_index") is not None:
            level_numbers.setComposition(plane, labels, int(value["slice_index"]), made)
            level_numbers.update(plane, self._height)
        return _shown(plane, node)


class MeasureRun(_LevelRun):
    """Outlining and measuring the slice on which a plane stands."""

    def __init__(self, client: Any, model: Any, plane: Any, index: int, inputs: Inputs, height: float | None, **o: Any):
        super().__init__(client, inputs, **o)
        self._model, self._planeId, self._index, self._height = model, plane.GetID(), index, height

    def arguments(self, folder: Path) -> dict[str, Any]:
        """The slice; the model only says which level it is."""
        return {"slice": self._index, "model": str(self._model.folder), "height": self._height}

    def take(self, value: dict[str, Any], labels: Any, made: list[Any]) -> L3Result:
        """Other outlines and numbers for the plane."""
        node, plane = self._inputs.grid.node, slicer.mrmlScene.GetNodeByID(self._planeId)
        if node is None or plane is None or plane not in level_results.planes():
            raise wording.problem(_("The CT or its plane was removed meanwhile; nothing was put into the scene."))
        if labels is None:
            text = value.get("message") or _("Nothing could be outlined on this slice.")
            raise wording.problem(str(text))
        axis = LevelAxis.of(node, AXES.index(str(value.get("slice_axis") or "k")))
        if axis.axis != level_results.axisOf(plane).axis:
            raise wording.problem(_("The CT was turned meanwhile; find the level again."))
        level_numbers.setComposition(plane, labels, self._index, made)
        level_plane.place(plane, axis, self._index)
        level_results.keep(plane, {"notes": _notesNow(plane, value)})
        level_numbers.update(plane, self._height)
        return _shown(plane, node)


def takeCt(volumeNode: Any) -> Inputs:
    """The CT as it is now (main thread, quick)."""
    from .inputs import takeInputs

    return takeInputs({ROLE: volumeNode}, (ROLE,), ROLE)


def markByHand(volumeNode: Any, index: int, level: str) -> L3Result:
    """A plane on a slice that a reader chose."""
    axis = LevelAxis.of(volumeNode)
    value = {"answer": GIVEN, "level": level, "slice_index": index, "slice_axis": AXES[axis.axis]}
    return _shown(level_results.makeResult(value, volumeNode, "", []), volumeNode)


def _notesNow(plane: Any, value: dict[str, Any]) -> list[str]:
    """What was noted about another slice does not hold for this one; what was noted about the model's answer does."""
    notes = list(value.get("notes") or [])
    kept = level_results.record(plane).get("notes") or []
    return notes + [note for note in kept if "calibrated" in note or "trained on" in note]


def _shown(plane: Any, volumeNode: Any) -> L3Result:
    """Put what was made beside the CT in the tree, and let the views show it."""
    result = level_results.resultOf(plane)
    parts = (plane, result.segmentationNode, result.tableNode)
    data_tree.putBeside([part for part in parts if part is not None], volumeNode)
    level_plane.jump(plane, volumeNode)
    return result


def _read(folder: Path) -> tuple[Any, bytes]:
    """What the worker wrote: the label map, and the projection as PNG; None and nothing where it did not."""
    from .exchange import readImage

    labels, picture = folder / "composition.nrrd", folder / "projection.png"
    return (
        readImage(labels).array if labels.is_file() else None,
        picture.read_bytes() if picture.is_file() else b"",
    )
