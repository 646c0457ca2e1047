"""Panels without the worker: a logic that answers at once, and runs that the test moves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

MODULE = Path(__file__).resolve().parent.parent / "TransferSeg"


def importable() -> None:
    """Put the module's folder on the path, as Slicer does when it loads the module."""
    for folder in (MODULE, MODULE.parent):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))


def resourcePath(name: str) -> str:
    """As the widget's own."""
    return str(MODULE / "Resources" / name)


LABELS = (
    SimpleNamespace(name="necrosis", value=1, colour="#56B4E9", aliases=()),
    SimpleNamespace(name="oedema", value=2, colour="#F0E442", aliases=("edema",)),
    SimpleNamespace(name="enhancing tumour", value=3, colour="#D55E00", aliases=()),
)


def modelInfo(name: str = "brain-unet-phantom", **changes: Any) -> Any:
    """A ``ModelInfo``-like thing."""
    values = {
        "name": name,
        "roles": ("flair", "t1"),
        "labels": LABELS,
        "card": SimpleNamespace(
            task="segmentation",
            reference="flair",
            licence="Apache-2.0",
            origin={},
            measured_on=({"dice": 0.41},),
            weights_sha256="of these weights",
        ),
        "folder": MODULE / "Resources",
        "source": "shipped",
        "offered": True,
        "available": True,
        "problem": "",
        "needs": "FLAIR, T1",
        "gives": "necrosis, oedema, enhancing tumour",
        "origin": "Trained on 400 phantoms. Measured on 2 real patients: mean Dice 0.41.",
        "citation": "TransferSeg, 2026",
        "timing": "About 20 s on this computer.",
        "size": "",
        "sizes": (),
        "weightBytes": 500_000,
    }
    return SimpleNamespace(**{**values, **changes})


class Run:
    """A run that the test moves."""

    def __init__(self, logic: Any, callback: Any, onEvent: Any = None) -> None:
        self.logic = logic
        self.state, self.stage = "running", ""
        self.done = self.total = 0
        self.secondsLeft: float | None = None
        self.memory: dict[str, float] = {}
        self.metrics: list[dict] = []
        self.messages: list[str] = []
        self.stopped = False
        self._callback, self._onEvent = callback, onEvent

    @property
    def finished(self) -> bool:
        """Whether it is over."""
        return self.state != "running"

    def move(self, stage: str, done: int, total: int, left: float | None = None) -> None:
        """A progress event."""
        self.stage, self.done, self.total, self.secondsLeft = stage, done, total, left
        self.memory = {"used_gb": 3.1, "total_gb": 15.6}
        self.tell({"event": "progress", "stage": stage.lower(), "done": done, "total": total})

    def row(self, epoch: int, loss: float, dice: float | None) -> None:
        """A metric event."""
        self.metrics.append({"epoch": epoch, "step": epoch * 50, "loss": loss, "validation_dice": dice})
        self.tell({"event": "metric", **self.metrics[-1]})

    def stop(self) -> None:
        """Noted."""
        self.stopped = True

    def cancel(self) -> None:
        """Ends at once."""
        from TransferSegLib.errors import Cancelled

        self.end(None, Cancelled())

    def end(self, result: Any, error: Any = None) -> None:
        """It is over."""
        self.state = "failed" if error else "done"
        self.logic.running = None
        self._callback(result, error)
        self.logic.runsChanged.emit()

    def tell(self, event: dict) -> None:
        """Any event."""
        if self._onEvent:
            self._onEvent(self, event)


class Cases:
    """A ``TrainingCases``-like list."""

    def __init__(self) -> None:
        from TransferSegGUI.signals import Signal

        self.changed = Signal()
        self.list: list[Any] = []
        self.added: tuple = ()

    def __len__(self) -> int:
        return len(self.list)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.list)

    def put(self, id: str, patient: str = "", kind: str = "scene", problem: str = "", heldOut: bool = False) -> None:
        """Add a case as it would be."""
        case = SimpleNamespace(id=id, patient=patient or id, kind=kind, included=True, heldOut=heldOut, problem=problem)
        case.description, case.roles = "outline (necrosis, oedema) on FLAIR, T1", ("flair", "t1")
        self.list.append(case)
        self.changed.emit()

    def addFromScene(self, volumes: Any, segmentationNode: Any, labelMap: Any, id: str = "") -> Any:
        """Noted."""
        self.added = (volumes, segmentationNode, labelMap, id)
        self.put(id or "case1")
        return self.list[-1]

    def addFolders(self, path: str, labelMap: Any = None, modelName: str = "") -> int:
        """One case, named as the folder."""
        self.put(Path(path).name, kind="folder")
        return 1

    def setIncluded(self, index: int, included: bool) -> None:
        """As the real one."""
        self.list[index].included = included
        self.changed.emit()

    def setHeldOut(self, index: int, heldOut: bool) -> None:
        """As the real one."""
        self.list[index].heldOut = heldOut
        self.changed.emit()

    def remove(self, index: int) -> None:
        """As the real one."""
        del self.list[index]
        self.changed.emit()


class Logic:
    """The module's logic as the panels see it; ``asked`` notes what they wanted, ``run`` is the last run."""

    def __init__(self, folder: Path) -> None:
        from TransferSegGUI.signals import Signal

        self.changed, self.runsChanged = Signal(), Signal()
        self.running: Any = None
        self.folder = folder
        self.infos = [modelInfo()]
        self.cases = Cases()
        self.interrupted: list[Any] = []
        self.asked: list[tuple] = []
        self.run: Any = None
        self.pictures: list[tuple] = []

    def models(self) -> list[Any]:
        return self.infos

    def strategies(self, modelName: str | None = None) -> list[tuple[str, str]]:
        return [
            ("half-lr", "The whole model learns, in small steps. This is the usual choice."),
            ("freeze-encoder", "The encoder, which recognises structures, stays as it is; the decoder learns."),
            ("scratch", "Nothing is taken over but the model's shape: everything is learned anew."),
        ]

    def curricula(self) -> list[tuple[str, str]]:
        return [
            ("none", "Every case takes part from the beginning. This is the usual choice."),
            ("transfer-teacher", "Begins with the cases that the model to start from gets right."),
        ]

    def groups(self, modelName: str, strategy: str, onDone: Any) -> None:
        self.pictures.append((modelName, strategy, onDone))

    def trainingCases(self, parameterNode: Any = None) -> Any:
        return self.cases

    def imagesOf(self, segmentationNode: Any, modelName: str) -> dict[str, Any]:
        return {}

    def cannotAdapt(self, modelName: str, cases: Any, name: str) -> str | None:
        return None if len(cases) else "Add at least one training case."

    def interruptedAdaptations(self) -> list[Any]:
        return self.interrupted

    def discardAdaptation(self, name: str) -> None:
        self.interrupted = [one for one in self.interrupted if one.name != name]

    def adapt(self, model: str, cases: Any, **options: Any) -> Run:
        return self._begin(("adapt", model, options), options)

    def resumeAdaptation(self, name: str, **options: Any) -> Run:
        return self._begin(("resume", name), options)

    def importModel(self, path: str, name: str | None = None, **options: Any) -> Run:
        return self._begin(("import", path, name), options)

    def exportModel(self, name: str, path: str, **options: Any) -> Run:
        return self._begin(("export", name, path), options)

    def verifyModel(self, name: str | None = None, **options: Any) -> Run:
        return self._begin(("verify", name), options)

    def measureModel(self, name: str, **options: Any) -> Run:
        return self._begin(("measure", name), options)

    def deleteModel(self, name: str, **options: Any) -> Run:
        return self._begin(("delete", name), options)

    def storageFolder(self) -> Path:
        return self.folder

    def moveStorage(self, path: Any, **options: Any) -> Run:
        return self._begin(("move", path), options)

    def setStorageFolder(self, path: Any) -> None:
        self.asked.append(("storage", path))
        self.folder = Path(path) if path else self.folder

    def _begin(self, asked: tuple, options: dict) -> Run:
        self.asked.append(asked)
        self.run = self.running = Run(self, options.get("callback"), options.get("onEvent"))
        self.runsChanged.emit()
        return self.run


@pytest.fixture
def logic(scene: Any, tmp_path: Path) -> Logic:
    """Answers at once."""
    importable()
    return Logic(tmp_path)


@pytest.fixture
def panel(logic: Any, app: Any) -> Iterator[Any]:
    """The Adapt panel, 420 pixels wide, shown."""
    import slicer
    from TransferSegGUI.adapt_panel import AdaptPanel
    from TransferSegGUI.parameters import TransferSegParameterNode

    made = AdaptPanel(logic, resourcePath)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    made.setParameterNode(TransferSegParameterNode(node))
    made.widget.resize(420, 1400)
    made.widget.show()
    made.enter()
    app.processEvents()
    yield made
    made.cleanup()
    made.widget.close()


@pytest.fixture
def outline(scene: Any) -> tuple[dict, Any]:
    """FLAIR and T1 volumes, and a segmentation with a known and an unknown segment."""
    import slicer

    volumes = {
        role: slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", role.upper()) for role in ("flair", "t1")
    }
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "outline")
    node.GetSegmentation().AddEmptySegment("1", "Edema", (0.9, 0.8, 0.2))
    node.GetSegmentation().AddEmptySegment("2", "Plaque", (0.2, 0.8, 0.2))
    return volumes, node


def ready(logic: Any, *ids: str) -> None:
    """Put cases into the list."""
    for name in ids or ("p03",):
        logic.cases.put(name)


def started(panel: Any, logic: Any, *ids: str) -> Run:
    """A training that was just started by its button."""
    ready(logic, *ids)
    panel.ui.startButton.click()
    return logic.run
