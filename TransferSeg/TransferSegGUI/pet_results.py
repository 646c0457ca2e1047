"""TMTV results in the scene: the lesions' segmentation holds what is known, and points to PET, CT, mask and table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from . import history
from .geometry import worldIjkToRas
from .grids import NodeGrid
from .pet_reporting import DEFAULTS
from .results import KIND

# Names in scenes: do not rename.
RECORD, NUMBER, UNDONE = "TransferSeg.Tmtv", "TransferSeg.TmtvNumber", "TransferSeg.TmtvUndone"
PET, CT, TRUTH = "TransferSegTmtvPet", "TransferSegTmtvCt", "TransferSegTmtvTruth"
RAW, TABLE = "TransferSegTmtvMask", "TransferSegTmtvTable"
LESIONS, MASK = "pet lesions", "pet model mask"
COLUMNS = ("volume_ml", "suv_max", "suv_mean", "suv_peak", "tlg")


@dataclass
class TmtvResult:
    """What is known of the lesions of a PET, as they are now.

    ``rule`` is the threshold (None: as outlined), ``method`` a model's name or empty for the threshold alone;
    ``lesions`` are all uptake, each with ``number volume_ml suv_max suv_mean suv_peak tlg physiological`` (empty for
    a lesion), ``thresholds`` the totals under the standing ones, ``errors`` those against a truth or None, taken by
    ``reporting`` (that of ``measureTmtv``), ``below`` the ``count`` and ``ml`` of lesions too small to count.
    Volumes in ml, TLG in g, distances in mm.
    """

    petName: str = ""
    method: str = ""
    rule: str | None = None
    tmtvMl: float = 0.0
    tlg: float = 0.0
    suvMax: float | None = None
    count: int = 0
    dmaxCentroidMm: float | None = None
    dmaxVoxelMm: float | None = None
    physiologicalMl: float = 0.0
    lesions: list[dict[str, Any]] = field(default_factory=list)
    thresholds: list[dict[str, Any]] = field(default_factory=list)
    errors: dict[str, Any] | None = None
    reporting: dict[str, Any] = field(default_factory=dict)
    below: dict[str, Any] = field(default_factory=dict)
    edited: bool = False
    unit: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    device: str = ""
    seconds: float = 0.0
    petNode: Any = field(default=None, repr=False)
    ctNode: Any = field(default=None, repr=False)
    segmentationNode: Any = field(default=None, repr=False)
    tableNode: Any = field(default=None, repr=False)


def resultOf(node: Any) -> TmtvResult:
    """A result, with all that belongs to it."""
    kept = record(node)
    return TmtvResult(
        petName=kept.get("petName", ""),
        method=kept.get("method", ""),
        rule=kept.get("rule"),
        tmtvMl=kept.get("tmtv_ml", 0.0),
        tlg=kept.get("tlg", 0.0),
        suvMax=kept.get("suv_max"),
        count=kept.get("count", 0),
        dmaxCentroidMm=kept.get("dmax_centroid_mm"),
        dmaxVoxelMm=kept.get("dmax_voxel_mm"),
        physiologicalMl=kept.get("physiological_ml", 0.0),
        lesions=kept.get("lesions", []),
        thresholds=kept.get("thresholds", []),
        errors=kept.get("errors"),
        reporting=reportingOf(kept),
        below=kept.get("below", {}),
        edited=bool(kept.get("edited")),
        unit=kept.get("unit", {}),
        notes=[*kept.get("notes", []), *kept.get("border", [])],
        device=kept.get("device", ""),
        seconds=kept.get("seconds", 0.0),
        petNode=petOf(node),
        ctNode=node.GetNodeReference(CT),
        segmentationNode=node,
        tableNode=node.GetNodeReference(TABLE),
    )


def reportingOf(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a record; results of older scenes have the usual ones."""
    return {**DEFAULTS, **kept.get("reporting", {})}


def petOf(node: Any) -> Any:
    """The PET of a result; None where it is gone or holds no image."""
    found = node.GetNodeReference(PET)
    return found if found is not None and found.GetImageData() is not None else None


def ctOf(node: Any) -> Any:
    """The CT of a result, or None."""
    found = node.GetNodeReference(CT)
    return found if found is not None and found.GetImageData() is not None else None


def rawOf(node: Any) -> np.ndarray | None:
    """The model's mask, bool (k, j, i) on the PET; None for the threshold alone."""
    from .truths import labelArray

    mask = node.GetNodeReference(RAW)
    if mask is None or mask.GetSegmentation().GetNumberOfSegments() == 0:
        return None
    return labelArray(mask, {mask.GetSegmentation().GetNthSegmentID(0): 1}, NodeGrid.of(petOf(node))) > 0


def positionOf(node: Any, lesion: Mapping[str, Any]) -> list[float]:
    """Where the hottest voxel of an uptake lies now, RAS mm."""
    return (worldIjkToRas(petOf(node)) @ [*lesion["voxel"], 1.0])[:3].tolist()


def record(node: Any) -> dict[str, Any]:
    """What a result keeps."""
    return json.loads(node.GetAttribute(RECORD) or "{}")


def keep(node: Any, values: Mapping[str, Any]) -> None:
    """Add to what a result keeps."""
    node.SetAttribute(RECORD, json.dumps({**record(node), **values}))


def results() -> list[Any]:
    """Our lesion segmentations in the scene, oldest first; a copy that the user made is the user's own."""
    found: dict[str, Any] = {}
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        number = node.GetAttribute(NUMBER) or ""
        if node.GetAttribute(KIND) == LESIONS and number.isdigit() and record(node):
            found.setdefault(number, node)
    return sorted(found.values(), key=lambda node: int(node.GetAttribute(NUMBER)))


def newest() -> Any:
    """The result that is shown, and that ``undo`` would take back; None where there is none."""
    there = [node for node in results() if node.GetAttribute(UNDONE) is None and petOf(node) is not None]
    return there[-1] if there else None


def undo() -> str | None:
    """Take the newest result back and show the one before; one that was edited or sorted by hand is hidden and kept."""
    node = newest()
    if node is None:
        return None
    name, kept = node.GetName(), record(node)
    shown = [one for one in history.references(node, history.HIDDEN) if one.GetDisplayNode() is not None]
    if kept.get("edited") or kept.get("moves"):
        node.SetAttribute(UNDONE, "1")
        node.GetDisplayNode().SetVisibility(False)
        sentence = _("{name} was worked on by hand: it is hidden and kept.").format(name=name)
    else:
        for part in (node.GetNodeReference(RAW), node.GetNodeReference(TABLE), node):
            if part is not None:
                history.removeNode(part)
        sentence = _("{name} was removed.").format(name=name)
    for one in shown:
        one.GetDisplayNode().SetVisibility(True)
    before = newest()
    if before is not None and before in shown:
        sentence += " " + _("Shown again: {names}.").format(names=before.GetName())
    return sentence
