"""From volume nodes to a segmentation node: snapshot, exchange, worker, result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from . import data_tree, display, history, results, wording
from .grids import NodeGrid
from .inputs import Inputs
from .models import ModelInfo
from .runs import Run
from .timings import noteSeconds


@dataclass
class SegmentResult:
    """What a segmentation put into the scene.

    ``volumesMl`` is {label name: millilitres}, ``notes`` are sentences for the user (a step skipped, a fallback),
    ``steps`` what the preparation did; ``seconds`` is the time from asking to the result, ``workerSeconds`` the
    worker's share.
    """

    model: str
    segmentationNode: Any
    tableNode: Any
    uncertaintyNode: Any = None
    preparationNodes: list[Any] = field(default_factory=list)
    volumesMl: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    workerSeconds: float = 0.0
    device: str = ""
    notes: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)


@dataclass
class _Arrays:
    """The worker's files, read."""

    labels: np.ndarray
    voxels: np.ndarray
    mark: str
    uncertainty: np.ndarray | None
    mask: np.ndarray | None
    aligned: dict[str, np.ndarray]


class SegmentRun(Run):
    """A segmentation that is going on; see ``Run``."""

    def __init__(
        self,
        client: Any,
        model: ModelInfo,
        inputs: Inputs,
        options: Mapping[str, Any],
        callback: Callable[[SegmentResult | None, Any], None] | None = None,
        onEvent: Callable[[SegmentRun, dict], None] | None = None,
    ) -> None:
        super().__init__(client, callback, onEvent)
        self.model = model
        self._inputs = inputs
        self._options = dict(options)
        self._folder: Any = None
        self._started = 0.0
        self._made: SegmentResult | None = None
        self._observation = slicer.mrmlScene.AddObserver(slicer.mrmlScene.StartCloseEvent, self._onSceneCloses)

    def work(self) -> None:
        """Write the images for the worker."""
        from .exchange import ExchangeFolder

        self._started = time.monotonic()
        self._folder = ExchangeFolder()
        self.say(wording.handingOver())
        folder = self._folder.path
        self.inBackground(lambda: self._inputs.write(folder), self._ask)

    def cancel(self, message: str = "") -> None:
        """End without a result; one that is in the scene already is kept."""
        if self._made is None:
            super().cancel(message)

    def endNow(self) -> None:
        """End at once; what is in the scene already is the result."""
        if self._made is None:
            super().endNow()
        elif not self.finished:
            self.succeed(self._made)

    def cleanUp(self) -> None:
        """Remove the exchange folder and the observation of the scene."""
        if self._observation is not None:
            slicer.mrmlScene.RemoveObserver(self._observation)
            self._observation = None
        if self._folder is not None:
            self._folder.remove()

    def _ask(self, files: dict[str, str]) -> None:
        self.ask("segment", segmentArguments(self.model, files, self._folder.path, self._options), self._answered)

    def _answered(self, value: dict[str, Any]) -> None:
        self.say(wording.takingResult())
        self.inBackground(lambda: _read(self._folder.path), lambda arrays: self._take(value, arrays))

    def _take(self, value: dict[str, Any], arrays: _Arrays) -> None:
        """Make the nodes; the views render once."""
        made: list[Any] = []
        try:
            with slicer.util.RenderBlocker():
                result = self._makeNodes(value, arrays, made)
        except Exception:
            for node in made:
                history.removeNode(node)
            raise
        shape = self._inputs.grid.shape
        result.workerSeconds = float(value.get("seconds") or 0.0)
        result.seconds = round(time.monotonic() - self._started, 2)
        noteSeconds(self.model.name, self.model.card.weights_sha256, result.device, shape, result.workerSeconds)
        # Large files take a moment to remove: the views need not wait for it.
        self._made = result
        self.inBackground(self._folder.remove, lambda _value: self.succeed(result))

    def _makeNodes(self, value: dict[str, Any], arrays: _Arrays, made: list[Any]) -> SegmentResult:
        card, grid = self.model.card, self._inputs.grid.now()
        name = f"{grid.nodeName} {self.model.name}"
        segmentation = results.makeSegmentation(arrays.labels, grid, card.labels, name)
        made.append(segmentation)
        name = segmentation.GetName()
        volumes = {label.name: float(value["volumes_ml"].get(label.name, 0.0)) for label in card.labels}
        voxels = {label.name: int(arrays.voxels[label.value]) for label in card.labels}
        table = results.makeTable(volumes, voxels, _("{name} volumes").format(name=name))
        made.append(table)
        uncertainty = None
        if arrays.uncertainty is not None:
            uncertainty = results.makeUncertainty(arrays.uncertainty, grid, _("{name} uncertainty").format(name=name))
            made.append(uncertainty)
        prepared = self._makePreparation(arrays, grid, name, made)
        segments = segmentation.GetSegmentation()
        values = {segmentId: segments.GetSegment(segmentId).GetLabelValue() for segmentId in segments.GetSegmentIDs()}
        data_tree.putBeside(made, grid.node)
        data_tree.putIntoFolder(prepared, _("{name} preparation").format(name=name))
        nodes = {role: slicer.mrmlScene.GetNodeByID(nodeId) for role, nodeId in self._inputs.nodeIds.items()}
        display.showResult(nodes, self._inputs.reference)
        history.record(
            segmentation,
            parts=made[1:],
            inputIds=self._inputs.nodeIds,
            values=values,
            mark=arrays.mark,
            facts=self._facts(value),
        )
        return SegmentResult(
            model=self.model.name,
            segmentationNode=segmentation,
            tableNode=table,
            uncertaintyNode=uncertainty,
            preparationNodes=prepared,
            volumesMl=volumes,
            device=str(value.get("device") or ""),
            notes=list(value.get("notes") or []),
            steps=list(value.get("preparation") or []),
        )

    def _makePreparation(self, arrays: _Arrays, grid: NodeGrid, name: str, made: list[Any]) -> list[Any]:
        """The aligned images and the brain mask, in a folder of their own."""
        first = len(made)
        for role, array in arrays.aligned.items():
            if role == self._inputs.reference:
                continue  # it is what the others were laid over
            title = _("{name} {role} aligned").format(name=name, role=wording.roleName(role))
            source = slicer.mrmlScene.GetNodeByID(self._inputs.nodeIds[role])
            made.append(results.makeAligned(array, grid, title, source))
        if arrays.mask is not None:
            made.append(results.makeBrainMask(arrays.mask, grid, _("{name} brain mask").format(name=name)))
        return made[first:]

    def _facts(self, value: dict[str, Any]) -> dict[str, str]:
        from TransferSegLib import __version__

        return {
            "Model": self.model.name,
            "Weights": self.model.card.weights_sha256,
            "Version": __version__,
            "Device": str(value.get("device") or ""),
            "Preparation": "; ".join(value.get("preparation") or []),
        }

    def _onSceneCloses(self, caller: Any, event: Any) -> None:
        message = _("The scene was closed, so the segmentation was ended.")
        if self._made is None:
            self.cancel(message)
        else:
            self.fail(wording.cancelled(message))


def segmentArguments(
    model: ModelInfo, files: Mapping[str, str], folder: Path, options: Mapping[str, Any]
) -> dict[str, Any]:
    """The worker's arguments; ``options`` are those of ``segment`` in the logic."""
    shown = options["showPreparation"]
    return {
        "model": str(model.folder),
        "image": dict(files),
        "out": str(folder / "labels.nrrd"),
        "resample": options["resample"],
        "register": options["register"],
        "mask": options["brainMask"],
        "device": options["device"],
        "uncertainty": str(folder / "uncertainty.nrrd") if options["uncertainty"] else None,
        "brain_mask": str(folder / "mask.nrrd") if shown else None,
        "write_prepared": str(folder / "aligned") if shown else None,
        "uncompressed": True,
    }


def _read(folder: Path) -> _Arrays:
    """Read what the worker wrote (any thread)."""
    from .exchange import readImage

    def optional(name: str) -> np.ndarray | None:
        file = folder / name
        return readImage(file).array if file.is_file() else None

    labels = readImage(folder / "labels.nrrd").array
    aligned = {file.stem: readImage(file).array for file in sorted((folder / "aligned").glob("*.nrrd"))}
    return _Arrays(
        labels,
        np.bincount(labels.reshape(-1), minlength=256),
        history.fingerprint(labels),
        optional("uncertainty.nrrd"),
        optional("mask.nrrd"),
        aligned,
    )
