"""Results in the order in which they were made: earlier ones are hidden, the newest can be taken back."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from . import data_tree
from .grids import NodeGrid
from .truths import labelArray

# Attributes and references of a result's segmentation node; scenes hold them: do not rename.
NUMBER, UNDONE = "TransferSeg.Number", "TransferSeg.Undone"
FINGERPRINT, VALUES, LOOKS = "TransferSeg.Fingerprint", "TransferSeg.Values", "TransferSeg.Looks"
HIDDEN, PARTS, OWNER, INPUT = "TransferSegHidden", "TransferSegPart", "TransferSegResult", "TransferSegInput."


def fingerprint(labels: np.ndarray) -> str:
    """What tells an unedited label map (uint8) from an edited one; any thread."""
    return f"{labels.shape} {zlib.crc32(np.ascontiguousarray(labels)):08x}"


def record(
    segmentationNode: Any,
    *,
    parts: Sequence[Any],
    inputIds: Mapping[str, str],
    values: Mapping[str, int],
    mark: str,
    facts: Mapping[str, str],
) -> None:
    """Note on a new result where it came from, and hide earlier results and segmentations of other images.

    Labels of another patient drawn over this one, in the same colours, would be taken for this one's.

    Parameters
    ----------
    parts : nodes that go with it (table, uncertainty, registered images)
    inputIds : {role: id of the volume node}
    values : {segment id: label value}
    mark : ``fingerprint`` of its labels
    facts : attributes (model, weights, version), each kept as ``TransferSeg.<name>``
    """
    earlier = results()
    number = 1 + max((int(node.GetAttribute(NUMBER)) for node in results()), default=0)
    attributes = {
        NUMBER: str(number),
        FINGERPRINT: mark,
        VALUES: json.dumps(dict(values)),
        LOOKS: json.dumps(_looks(segmentationNode)),
        "TransferSeg.Date": datetime.now().astimezone().isoformat(timespec="milliseconds"),
        **{f"TransferSeg.{name}": text for name, text in facts.items()},
    }
    for name, text in attributes.items():
        segmentationNode.SetAttribute(name, text)
    for role, nodeId in inputIds.items():
        if slicer.mrmlScene.GetNodeByID(nodeId) is not None:
            segmentationNode.SetNodeReferenceID(INPUT + role, nodeId)
    # Also when its table is deleted it is known by this; a copy of it points to the original.
    segmentationNode.SetNodeReferenceID(OWNER, segmentationNode.GetID())
    for part in parts:
        segmentationNode.AddNodeReferenceID(PARTS, part.GetID())
    ours = [part for result in earlier for part in (result, *references(result, PARTS))]
    for node in [*ours, *_othersOn(segmentationNode)]:
        if node.IsA("vtkMRMLSegmentationNode") and _isVisible(node):
            node.GetDisplayNode().SetVisibility(False)
            segmentationNode.AddNodeReferenceID(HIDDEN, node.GetID())


def _othersOn(segmentationNode: Any) -> list[Any]:
    """Segmentations that belong to another image than this one's."""
    others = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    return [node for node in others if _reference(node) and _reference(node) != _reference(segmentationNode)]


def hiddenBy(node: Any) -> list[Any]:
    """What a result hid when it was made, as far as it is still in the scene."""
    return references(node, HIDDEN)


def results() -> list[Any]:
    """The segmentation nodes that we made, oldest first.

    A copy that the user made of one is the user's own.
    """
    found = [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        if (node.GetAttribute(NUMBER) or "").isdigit() and node.GetNodeReference(OWNER) is node
    ]
    return sorted(found, key=lambda node: int(node.GetAttribute(NUMBER)))


def newest() -> Any:
    """The result that ``undo`` would take back, or None."""
    return next((node for node in reversed(results()) if node.GetAttribute(UNDONE) is None), None)


def undo(isNeeded: Callable[[Any], bool] = lambda node: False) -> str | None:
    """Take the newest result back; a sentence that says what was done, None where there is none.

    It is removed, or hidden and kept where the user edited it or ``isNeeded``. One that is not shown (a later one
    that hid it was deleted by hand) is only shown again.
    """
    node = newest()
    if node is None:
        return None
    name = node.GetName()
    if not _isVisible(node) and node.GetDisplayNode() is not None:
        node.GetDisplayNode().SetVisibility(True)
        return _("{name} is shown again.").format(name=name)
    shown = [earlier for earlier in references(node, HIDDEN) if earlier.GetDisplayNode() is not None]
    for earlier in shown:
        earlier.GetDisplayNode().SetVisibility(True)
    if isEdited(node):
        sentence = _keep(node, _("{name} was edited: it is hidden and kept."))
    elif isNeeded(node):
        sentence = _keep(node, _("{name} is used as a training case: it is hidden and kept."))
    else:
        _removeResult(node)
        sentence = _("{name} was removed.").format(name=name)
    names = ", ".join(earlier.GetName() for earlier in shown if earlier.GetAttribute(NUMBER))
    return f"{sentence} {_('Shown again: {names}.').format(names=names)}" if names else sentence


def _keep(node: Any, sentence: str) -> str:
    """Hide a result with its brain mask; it is not taken back a second time."""
    node.SetAttribute(UNDONE, "1")
    for part in (node, *references(node, PARTS)):
        if part.IsA("vtkMRMLSegmentationNode") and _isVisible(part):
            part.GetDisplayNode().SetVisibility(False)
    return sentence.format(name=node.GetName())


def _removeResult(node: Any) -> None:
    parts = [*references(node, PARTS), node]
    folders = data_tree.foldersOf(parts)
    for part in parts:
        removeNode(part)
    data_tree.removeEmpty(folders)


def isEdited(node: Any) -> bool:
    """Whether the user changed voxels, or the segments' list, names or colours, since the result was made."""
    from TransferSegLib.errors import TransferSegError

    values = json.loads(node.GetAttribute(VALUES) or "{}")
    looks = _looks(node)
    if set(values) != set(looks) or looks != json.loads(node.GetAttribute(LOOKS) or json.dumps(looks)):
        return True
    grid = NodeGrid.ofSegmentation(node)
    if grid is None:
        return True  # cannot be told: nothing is lost by keeping it
    try:
        labels = labelArray(node, values, grid)
    except TransferSegError:
        return True
    return fingerprint(labels) != node.GetAttribute(FINGERPRINT)


def inputsOf(node: Any) -> dict[str, Any]:
    """{role: volume node} that a result was made from, as far as they are still in the scene."""
    roles: list[str] = []
    node.GetNodeReferenceRoles(roles)
    wanted = [role for role in roles if role.startswith(INPUT)]
    found = {role[len(INPUT) :]: node.GetNodeReference(role) for role in wanted}
    return {role: volume for role, volume in found.items() if volume is not None}


def references(node: Any, role: str) -> list[Any]:
    """The nodes of a reference role that are still in the scene."""
    found = [node.GetNthNodeReference(role, n) for n in range(node.GetNumberOfNodeReferences(role))]
    return [other for other in found if other is not None]


def _looks(node: Any) -> dict[str, list[str]]:
    """{segment id: [name, colour]} of the segments now; colours as exact as files keep them."""
    segmentation = node.GetSegmentation()
    segments = {segmentId: segmentation.GetSegment(segmentId) for segmentId in segmentation.GetSegmentIDs()}
    return {
        segmentId: [segment.GetName(), "#" + "".join(f"{round(255 * part):02X}" for part in segment.GetColor())]
        for segmentId, segment in segments.items()
    }


def _isVisible(node: Any) -> bool:
    return node.GetDisplayNode() is not None and bool(node.GetDisplayNode().GetVisibility())


def _reference(node: Any) -> str | None:
    return node.GetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole())


def removeNode(node: Any) -> None:
    """Remove a node of ours with its display and storage nodes."""
    scene = slicer.mrmlScene
    others = [node.GetStorageNode()]
    if node.IsA("vtkMRMLDisplayableNode"):
        others += [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    scene.RemoveNode(node)
    for other in others:
        if other is not None and scene.IsNodePresent(other):
            scene.RemoveNode(other)
