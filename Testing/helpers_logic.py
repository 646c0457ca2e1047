"""Volumes, models and a logic for tests of the module's logic on the real MRML core."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import vtk
from helpers_cli import FILES, ROLES, SIDE, small_model
from host.api import PROJECT

sys.path.insert(0, str(PROJECT / "TransferSeg"))

OBLIQUE = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
"""Orthonormal axes, turned about the third."""


def smallArrays(seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What ``helpers_cli.small_case`` writes: {role: array}, and the truth with one cube of value 1."""
    rng = np.random.default_rng(seed)
    k, j, i = np.mgrid[:SIDE, :SIDE, :SIDE] - SIDE / 2
    brain = k**2 + j**2 + i**2 < (SIDE / 2 - 3) ** 2
    truth = np.zeros((SIDE,) * 3, np.uint8)
    truth[14:22, 14:22, 16:24] = 1
    images = {}
    for number, role in enumerate(ROLES):
        image = 300 + 60 * rng.normal(size=truth.shape) + (400 - 150 * number) * (truth > 0)
        images[role] = np.where(brain, np.maximum(image, 1), 0).astype(np.float32)
    return images, truth


def addVolume(
    scene: Any,
    name: str,
    array: np.ndarray,
    *,
    spacing: tuple[float, ...] = (1.0, 1.0, 1.0),
    origin: tuple[float, ...] = (0.0, 0.0, 0.0),
    directions: np.ndarray | None = None,
    transform: Any = None,
) -> Any:
    """A scalar volume node."""
    from vtk.util.numpy_support import numpy_to_vtk

    image = vtk.vtkImageData()
    image.SetDimensions(*array.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(array.reshape(-1), deep=True))
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetSpacing(*spacing)
    node.SetOrigin(*origin)
    node.SetIJKToRASDirections((np.diag([-1.0, -1.0, 1.0]) if directions is None else directions).tolist())
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    if transform is not None:
        node.SetAndObserveTransformNodeID(transform.GetID())
    return node


def addTransform(scene: Any, angle: float = 30.0, shift: tuple[float, ...] = (7.0, -3.0, 11.0)) -> Any:
    """A linear transform node."""
    transform = vtk.vtkTransform()
    transform.RotateWXYZ(angle, 1, 2, 3)
    transform.Translate(*shift)
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    node.SetMatrixTransformToParent(transform.GetMatrix())
    return node


def addCase(scene: Any, *, seed: int = 0, prefix: str = "", **geometry: Any) -> dict[str, Any]:
    """The four volumes of a small case: {role: node}."""
    images, _ = smallArrays(seed)
    return {role: addVolume(scene, prefix + FILES[role], images[role], **geometry) for role in ROLES}


def placeModel(name: str = "small") -> str:
    """A small model among the user's; its name."""
    from TransferSegLib.places import models_folder

    if not (models_folder() / name).is_dir():
        small_model(models_folder() / name)
    return name


def makeLogic() -> Any:
    """The logic without the module around it."""
    from TransferSegGUI.logic import LogicMethods

    logic = LogicMethods()
    logic.setupLogic()
    return logic


def waitFor(condition: Callable[[], Any], logic: Any, seconds: float = 300.0) -> None:
    """Let Slicer and the worker go on until the condition holds."""
    import slicer

    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        logic.client.pump()
        slicer.app.processEvents()
        time.sleep(0.005)


def exchangeFolders() -> list[Path]:
    """The exchange folders that are there now."""
    from TransferSegGUI.exchange import temporaryFolder

    return list(temporaryFolder().glob("TransferSeg-exchange-*"))


class StepJob:
    """A request to ``StepClient`` that ends when the test says so."""

    def __init__(self, verb: str, args: dict, onEvent: Callable, onDone: Callable) -> None:
        self.verb, self.args = verb, args
        self.state, self.result, self.error = "running", None, None
        self.stopped = False
        self._onEvent, self._onDone = onEvent, onDone

    @property
    def finished(self) -> bool:
        return self.state not in ("queued", "running")

    def event(self, **event: Any) -> None:
        """Send an event."""
        self._onEvent(self, event)

    def end(self, state: str = "done", *, result: Any = None, error: Any = None) -> None:
        """Finish."""
        self.state, self.result, self.error = state, result, error
        self._onDone(self)

    def cancel(self) -> None:
        self.end("cancelled")

    def stop(self) -> None:
        self.stopped = True


class StepClient:
    """Stands for ``WorkerClient`` where a test wants to be between two steps: each ``pump`` does one."""

    def __init__(self) -> None:
        self.jobs: list[StepJob] = []
        self._steps: list[Callable[[], None]] = []

    def background(self, function: Callable[[], Any], onDone: Callable[[Any, Any], None]) -> None:
        def step() -> None:
            try:
                value, error = function(), None
            except Exception as caught:
                value, error = None, caught
            onDone(value, error)

        self._steps.append(step)

    def request(self, verb: str, args: dict, *, onEvent: Callable, onDone: Callable) -> StepJob:
        self.jobs.append(StepJob(verb, args, onEvent, onDone))
        return self.jobs[-1]

    def pump(self) -> None:
        if self._steps:
            self._steps.pop(0)()

    def restart(self) -> None:
        pass

    def close(self) -> None:
        pass

    def answerSegment(self, labels: np.ndarray, **more: Any) -> None:
        """Answer the last segment request with a label map (uint8, on the reference grid)."""
        from TransferSegGUI.exchange import Snapshot, readImage, writeImage

        job = self.jobs[-1]
        images = job.args["image"]
        grid = readImage(next(iter(images.values()))).ijkToLps
        writeImage(Snapshot(labels, grid), Path(job.args["out"]))
        if job.args["uncertainty"]:
            writeImage(Snapshot(np.full(labels.shape, 0.25, np.float32), grid), Path(job.args["uncertainty"]))
        if job.args["brain_mask"]:
            writeImage(Snapshot((labels >= 0).astype(np.uint8), grid), Path(job.args["brain_mask"]))
        if job.args["write_prepared"]:
            Path(job.args["write_prepared"]).mkdir()
            for role, file in images.items():
                writeImage(readImage(file), Path(job.args["write_prepared"]) / f"{role}.nrrd")
        names = {"tumour": 1, "oedema": 3}
        volumes = {name: float((labels == value).sum()) / 1000 for name, value in names.items()}
        job.end(result={"volumes_ml": volumes, "device": "cpu", "seconds": 0.5, "notes": [], "preparation": [], **more})


def segmentAtOnce(logic: Any, volumes: dict[str, Any], labels: np.ndarray, **options: Any) -> Any:
    """A result without a worker: the logic's client must be a ``StepClient``."""
    run = logic.segment(placeModel(), volumes, callback=lambda result, error: None, **options)
    logic.client.pump()
    logic.client.answerSegment(labels)
    logic.client.pump()  # reads and makes the nodes
    logic.client.pump()  # removes the files
    assert run.state == "done", run.error and run.error.details
    return run.result


def someLabels(value: int = 1) -> np.ndarray:
    """A label map with a small box of one label."""
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[10:14, 12:18, 20:28] = value
    return labels


def matrixOf(thing: Any, method: str) -> list[float]:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    getattr(thing, method)(matrix)
    return [matrix.GetElement(row, column) for row in range(4) for column in range(4)]


def nodeNames(scene: Any) -> set[str]:
    """Names of all nodes that a user would see as data."""
    import slicer

    kinds = ("vtkMRMLVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLTableNode")
    return {node.GetName() for kind in kinds for node in slicer.util.getNodesByClass(kind)}
