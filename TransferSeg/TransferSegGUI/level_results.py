"""Levels that were found, kept in the scene: the plane holds what is known, and points to CT, outlines and table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import slicer
from slicer.i18n import tr as _

from . import history
from .level_axis import AXES, LevelAxis
from .level_plane import PLANE, makePlane, sliceOf
from .results import KIND

# Names in scenes: do not rename.
RECORD, NUMBER, UNDONE = "TransferSeg.Level", "TransferSeg.LevelNumber", "TransferSeg.LevelUndone"
VOLUME, OUTLINES, TABLE = "TransferSegLevelVolume", "TransferSegLevelComposition", "TransferSegLevelTable"


@dataclass
class L3Result:
    """What is known about a level in a CT.

    ``answer`` is ``found not-in-view uncertain refused`` or ``given`` (a reader set it); ``sliceIndex`` (0-based, along
    image axis ``sliceAxis``) is where the plane stands now, ``foundIndex`` where the model put it; both are None where
    there is no slice. ``positionRas`` is the slice's middle in the world, mm. ``numbers`` are the areas of the slice
    ``measuredIndex`` as it was outlined when they were last updated, ``checked`` whether a reader confirmed them.
    """

    answer: str
    level: str = "L3"
    volumeName: str = ""
    model: str = ""
    sliceIndex: int | None = None
    sliceAxis: str = "k"
    foundIndex: int | None = None
    positionRas: tuple[float, float, float] | None = None
    confidence: float | None = None
    confidenceWords: str = ""
    message: str = ""
    candidates: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[str, Any] | None = None
    measuredIndex: int | None = None
    checked: bool = False
    device: str = ""
    seconds: float = 0.0
    picture: dict[str, Any] = field(default_factory=dict, repr=False)
    volumeNode: Any = field(default=None, repr=False)
    planeNode: Any = field(default=None, repr=False)
    segmentationNode: Any = field(default=None, repr=False)
    tableNode: Any = field(default=None, repr=False)

    @property
    def areasCm2(self) -> dict[str, float]:
        """{tissue: cm²} of the slice."""
        return dict((self.numbers or {}).get("areas_cm2") or {})

    @property
    def muscleDensityHu(self) -> float | None:
        """Mean HU of the muscle."""
        return (self.numbers or {}).get("muscle_density_hu")

    @property
    def skeletalMuscleIndex(self) -> float | None:
        """cm²/m², None without a height."""
        return (self.numbers or {}).get("skeletal_muscle_index")


def fromAnswer(value: Mapping[str, Any], volumeNode: Any, model: str) -> L3Result:
    """The worker's answer without nodes: for answers that name no slice."""
    return L3Result(
        answer=str(value["answer"]),
        level=str(value.get("level") or "L3"),
        volumeName=volumeNode.GetName() if volumeNode is not None else "",
        volumeNode=volumeNode,
        model=model,
        confidence=value.get("confidence"),
        confidenceWords=str(value.get("confidence_words") or ""),
        message=str(value.get("message") or ""),
        candidates=list(value.get("candidates") or []),
        notes=list(value.get("notes") or []),
        findings=list(value.get("findings") or []),
        sliceAxis=str(value.get("slice_axis") or "k"),
        device=str(value.get("device") or ""),
        seconds=float(value.get("seconds") or 0.0),
    )


def makeResult(value: Mapping[str, Any], volumeNode: Any, model: str, made: list[Any]) -> Any:
    """The plane of an answer that names a slice; earlier ones are hidden. New nodes are put into ``made``."""
    said = fromAnswer(value, volumeNode, model)
    index = value.get("slice_index")
    index = int(said.candidates[0]["slice_index"] if index is None else index)
    axis = LevelAxis.of(volumeNode, AXES.index(said.sliceAxis))
    earlier = planes()
    plane = makePlane(axis, index, said.level)
    made.append(plane)
    number = 1 + max((int(node.GetAttribute(NUMBER)) for node in earlier), default=0)
    plane.SetAttribute(NUMBER, str(number))
    plane.SetNodeReferenceID(VOLUME, volumeNode.GetID())
    kept = ("answer", "level", "model", "sliceAxis", "confidence", "confidenceWords", "message", "candidates", "notes")
    record = {key: getattr(said, key) for key in (*kept, "findings", "device", "seconds", "volumeName")}
    record["date"] = datetime.now().astimezone().isoformat(timespec="milliseconds")
    keep(plane, {**record, "index": index, "numbers": None, "measured": None, "checked": None})
    for node in earlier:
        show(node, False)
    return plane


def resultOf(plane: Any) -> L3Result:
    """A plane of ours, with all that belongs to it."""
    kept, volumeNode = record(plane), volumeOf(plane)
    names = ("answer", "level", "model", "sliceAxis", "confidence", "confidenceWords", "message", "candidates", "notes")
    result = L3Result(**{key: kept[key] for key in (*names, "findings", "device", "seconds", "volumeName")})
    point = [0.0, 0.0, 0.0]
    plane.GetCenterWorld(point)
    result.positionRas = tuple(point)
    result.foundIndex = kept["index"] if kept["answer"] != "given" else None
    result.sliceIndex = sliceOf(plane, axisOf(plane)) if volumeNode is not None else kept["index"]
    result.numbers, result.measuredIndex = kept.get("numbers"), kept.get("measured")
    result.checked = bool(kept.get("checked"))
    result.volumeNode, result.planeNode = volumeNode, plane
    result.segmentationNode, result.tableNode = plane.GetNodeReference(OUTLINES), plane.GetNodeReference(TABLE)
    return result


def volumeOf(plane: Any) -> Any:
    """The plane's CT; None where it is gone or holds no image any more."""
    node = plane.GetNodeReference(VOLUME)
    return node if node is not None and node.GetImageData() is not None else None


def axisOf(plane: Any) -> LevelAxis:
    """The slices of the plane's CT."""
    return LevelAxis.of(plane.GetNodeReference(VOLUME), AXES.index(record(plane)["sliceAxis"]))


def record(plane: Any) -> dict[str, Any]:
    """What the plane keeps."""
    return json.loads(plane.GetAttribute(RECORD) or "{}")


def keep(plane: Any, values: Mapping[str, Any]) -> None:
    """Add to what the plane keeps."""
    plane.SetAttribute(RECORD, json.dumps({**record(plane), **values}))


def planes() -> list[Any]:
    """Our planes in the scene, oldest first; a copy that the user made is the user's own."""
    found = [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLMarkupsPlaneNode")
        if node.GetAttribute(KIND) == PLANE and (node.GetAttribute(NUMBER) or "").isdigit() and record(node)
    ]
    return sorted(found, key=lambda node: int(node.GetAttribute(NUMBER)))


def newest() -> Any:
    """The plane that is shown, and that ``undo`` would take back; None where there is none."""
    there = [node for node in planes() if node.GetAttribute(UNDONE) is None and volumeOf(node) is not None]
    return there[-1] if there else None


def undo() -> str | None:
    """Take the newest result back and show the one before; what a reader confirmed is hidden and kept."""
    plane = newest()
    if plane is None:
        return None
    name = plane.GetName()
    if record(plane).get("checked"):
        plane.SetAttribute(UNDONE, "1")
        show(plane, False)
        sentence = _("{name} was confirmed by a reader: it is hidden and kept.").format(name=name)
    else:
        for part in (plane.GetNodeReference(OUTLINES), plane.GetNodeReference(TABLE), plane):
            if part is not None:
                history.removeNode(part)
        sentence = _("{name} was removed.").format(name=name)
    before = newest()
    if before is not None:
        show(before, True)
        sentence += " " + _("Shown again: {names}.").format(names=before.GetName())
    return sentence


def show(plane: Any, visible: bool) -> None:
    """Show or hide a plane with its outlines."""
    for node in (plane, plane.GetNodeReference(OUTLINES)):
        if node is not None and node.GetDisplayNode() is not None:
            node.GetDisplayNode().SetVisibility(visible)
