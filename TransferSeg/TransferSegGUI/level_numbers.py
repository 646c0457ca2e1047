"""The numbers on a level's slice: outlines, measuring as they are edited, a reader's confirmation, table and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from . import history, level_composition, wording
from .level_results import OUTLINES, TABLE, axisOf, keep, record, resultOf, volumeOf
from .level_words import numberRows
from .results import KIND


def setComposition(plane: Any, labels: Any, index: int, made: list[Any]) -> None:
    """Outline the tissues on a slice; outlines of another slice, or of before, are replaced."""
    axis = axisOf(plane)
    old = plane.GetNodeReference(OUTLINES)
    name = old.GetName() if old is not None else _("{plane} composition").format(plane=plane.GetName())
    if old is not None:
        history.removeNode(old)
    node = level_composition.makeComposition(axis.plane(labels, index), axis, index, name)
    made.append(node)
    plane.SetNodeReferenceID(OUTLINES, node.GetID())
    hidden = [other for other in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if _isOfAnother(other, node)]
    for other in hidden:  # another patient's outlines over this CT would be taken for this one's
        other.GetDisplayNode().SetVisibility(False)
    keep(plane, {"measured": index, "checked": None})


def update(plane: Any, height: float | None = None) -> dict[str, Any] | None:
    """Measure the outlines as they are now and write the table; None where there are none.

    A confirmation holds as long as the outlines are those that were confirmed.
    """
    outlines, volumeNode, kept = plane.GetNodeReference(OUTLINES), volumeOf(plane), record(plane)
    if outlines is None or volumeNode is None or kept.get("measured") is None:
        return None
    numbers = level_composition.measure(outlines, volumeNode, axisOf(plane), kept["measured"], height)
    checked = kept.get("checked") if kept.get("checked") == numbers["mark"] else None
    if numbers != kept.get("numbers") or checked != kept.get("checked"):
        keep(plane, {"numbers": numbers, "checked": checked, "height": height or None})
        _writeTable(plane, numbers, bool(checked))
    return numbers


def confirm(plane: Any, checked: bool = True) -> None:
    """Note that a reader looked at slice and outlines, or take that back."""
    numbers = record(plane).get("numbers")
    if numbers is None:
        raise wording.problem(_("There are no numbers to confirm."))
    keep(plane, {"checked": numbers["mark"] if checked else None})
    _writeTable(plane, numbers, checked)


COLUMNS = (
    "ct", "level", "slice", "mm", "skeletal_muscle_cm2", "subcutaneous_fat_cm2", "visceral_fat_cm2",
    "intermuscular_fat_cm2", "muscle_density_hu", "height_m", "skeletal_muscle_index", "checked_by_a_reader", "model",
    "confidence",
)  # fmt: skip


def csvText(planes: list[Any]) -> str:
    """The numbers of these planes as CSV, one line a CT; ``mm`` is S of the measured slice."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for plane in planes:
        writer.writerow(_line(plane))
    return text.getvalue()


def _line(plane: Any) -> dict[str, Any]:
    kept, result = record(plane), resultOf(plane)
    numbers = kept.get("numbers") or {}
    areas = {f"{key}_cm2": f"{value:.2f}" for key, value in (numbers.get("areas_cm2") or {}).items()}
    given = {key: numbers.get(key) for key in ("muscle_density_hu", "skeletal_muscle_index")}
    point = worldPoint(plane, kept["measured"]) if result.volumeNode is not None and numbers else None
    return {
        "ct": result.volumeName,
        "level": result.level,
        "slice": kept.get("measured"),
        "mm": "" if point is None else f"{point[2]:.2f}",
        **areas,
        **{key: "" if value is None else f"{value:.2f}" for key, value in given.items()},
        "height_m": kept.get("height") or "",
        "checked_by_a_reader": "yes" if result.checked else "no",
        "model": result.model,
        "confidence": "" if result.confidence is None else f"{result.confidence:.3f}",
    }


def worldPoint(plane: Any, index: int) -> list[float]:
    """Middle of a slice in the world, RAS mm."""
    point = [0.0, 0.0, 0.0]
    plane.TransformPointToWorld(axisOf(plane).centre(index).tolist(), point)
    return point


def _isOfAnother(other: Any, node: Any) -> bool:
    role = node.GetReferenceImageGeometryReferenceRole()
    apart = other is not node and other.GetNodeReferenceID(role) != node.GetNodeReferenceID(role)
    return apart and other.GetDisplayNode() is not None and bool(other.GetNodeReferenceID(role))


def _writeTable(plane: Any, numbers: Mapping[str, Any], checked: bool) -> None:
    """The numbers as a table node; it says whether a reader has looked at them."""
    table = plane.GetNodeReference(TABLE)
    if table is None:
        name = slicer.mrmlScene.GenerateUniqueName(_("{plane} numbers").format(plane=plane.GetName()))
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
        table.SetAttribute(KIND, "level numbers")
        plane.SetNodeReferenceID(TABLE, table.GetID())
    state = _("checked") if checked else _("not checked")
    rows = numberRows(numbers)
    columns = {
        _("Slice {n}").format(n=record(plane)["measured"]): [what for what, _value, _unit in rows],
        _("Value"): [f"{value:.1f}" for _what, value, _unit in rows],
        _("Unit"): [unit for _what, _value, unit in rows],
        _("By a reader"): [state for _row in rows],
    }
    with slicer.util.NodeModify(table):
        table.RemoveAllColumns()
        for heading, texts in columns.items():
            column = vtk.vtkStringArray()
            column.SetName(heading)
            for text in texts:
                column.InsertNextValue(text)
            table.AddColumn(column)
        if hasattr(table, "SetUseColumnTitleAsColumnHeader"):
            table.SetUseColumnTitleAsColumnHeader(True)
        else:  # Slicer before 5.12
            table.SetUseColumnNameAsColumnHeader(True)
