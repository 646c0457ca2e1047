"""Writing TMTV results into the scene: segmentation, record, table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from . import data_tree, history, pet_segments
from .grids import NodeGrid
from .pet_live import Measured
from .pet_results import COLUMNS, CT, LESIONS, MASK, NUMBER, PET, RAW, TABLE, keep, petOf, record, results
from .pet_words import organName
from .results import KIND

_TOTALS = ("tmtv_ml", "tlg", "suv_max", "count", "dmax_centroid_mm", "dmax_voxel_mm", "physiological_ml")


def makeResult(petNode: Any, ctNode: Any, values: Mapping[str, Any], raw: np.ndarray | None, made: list[Any]) -> Any:
    """A segmentation node without segments yet; earlier results are hidden. New nodes are put into ``made``.

    Parameters
    ----------
    values : what the record keeps: ``method rule naming unit factor notes device seconds ...``
    raw : a model's mask, bool (k, j, i)
    """
    grid, earlier = NodeGrid.of(petNode), results()
    name = _("{pet} lesions").format(pet=petNode.GetName())
    node = _segmentation(name, LESIONS, petNode, grid, made)
    display = node.GetDisplayNode()
    display.SetVisibility2DFill(True)
    display.SetOpacity2DFill(0.25)
    display.SetVisibility2DOutline(True)
    if raw is not None:
        mask = _segmentation(_("{pet} {model} mask").format(pet=petNode.GetName(), model=values["method"]), MASK,
                             petNode, grid, made)  # fmt: skip
        _fillMask(mask, raw, grid)
        node.SetNodeReferenceID(RAW, mask.GetID())
    node.SetAttribute(NUMBER, str(1 + max((int(one.GetAttribute(NUMBER)) for one in earlier), default=0)))
    node.SetNodeReferenceID(PET, petNode.GetID())
    if ctNode is not None:
        node.SetNodeReferenceID(CT, ctNode.GetID())
    keep(node, {**values, "petName": petNode.GetName(), "date": datetime.now().astimezone().isoformat()})
    hidden = [
        one for one in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if one is not node and _isShown(one)
    ]
    for one in hidden:  # other lesions in the same colours would be taken for these
        if one in earlier or _isOfAnother(one, node):
            one.GetDisplayNode().SetVisibility(False)
            node.AddNodeReferenceID(history.HIDDEN, one.GetID())
    return node


def write(node: Any, live: Any, measured: Measured, drawn: Any = None) -> None:
    """Put what was measured into record, table and (but for ``drawn``: outlines of the user's) the segments."""
    grid, uptake = NodeGrid.of(petOf(node)), measured.uptake
    mark = pet_segments.markOf(drawn) if drawn is not None else None
    if drawn is None:
        pet_segments.writeUptake(node, uptake, live.label(uptake), grid)
        mark = pet_segments.markOf(pet_segments.readKinds(node, grid))
    moved = {number for number, _to in uptake.moved}
    lesions = []
    for one in uptake.lesions:
        values = {key: round(float(getattr(one, key)), 4) for key in COLUMNS}
        place = {"voxel": live.voxel(one.hottest_mm), "border": one.touches_border, "moved": one.number in moved}
        lesions.append({"number": one.number, **values, "physiological": one.physiological, **place})
    keep(
        node,
        {
            **_totalsOf(uptake),
            "rule": uptake.rule,
            "lesions": lesions,
            "thresholds": [{"rule": one.rule, **_totalsOf(one)} for one in measured.beside],
            "naming_rule": uptake.naming,
            "below": {"count": uptake.below_count, "ml": _plain(uptake.below_ml)},
            "errors": None if measured.errors is None else _plain(measured.errors.as_dict()),
            "border": list(uptake.totals.notes),
            "edited": drawn is not None,
            "mark": mark,
        },
    )
    _writeTable(node)


def renumber(node: Any, live: Any, measured: Measured) -> None:
    """Write the segments of an edited result anew, one a lesion."""
    grid = NodeGrid.of(petOf(node))
    pet_segments.writeUptake(node, measured.uptake, live.label(measured.uptake), grid)
    keep(node, {"mark": pet_segments.markOf(pet_segments.readKinds(node, grid))})


def putBeside(node: Any) -> None:
    """In the data tree beside the PET."""
    parts = (node, node.GetNodeReference(RAW), node.GetNodeReference(TABLE))
    data_tree.putBeside([part for part in parts if part is not None], petOf(node))


def _segmentation(name: str, kind: str, petNode: Any, grid: NodeGrid, made: list[Any]) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", slicer.mrmlScene.GenerateUniqueName(name))
    made.append(node)
    node.SetAttribute(KIND, kind)
    grid.move(node)
    node.SetReferenceImageGeometryParameterFromVolumeNode(petNode)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetVisibility(kind == LESIONS)
    return node


def _fillMask(node: Any, raw: np.ndarray, grid: NodeGrid) -> None:
    segment = slicer.vtkSegment()
    segment.SetName(_("model"))
    segment.SetLabelValue(1)
    segment.AddRepresentation(
        slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName(),
        grid.orientedImage(raw.astype(np.uint8)),
    )
    node.GetSegmentation().AddSegment(segment, "model")


def _isShown(node: Any) -> bool:
    return node.GetDisplayNode() is not None and bool(node.GetDisplayNode().GetVisibility())


def _isOfAnother(other: Any, node: Any) -> bool:
    role = node.GetReferenceImageGeometryReferenceRole()
    return bool(other.GetNodeReferenceID(role)) and other.GetNodeReferenceID(role) != node.GetNodeReferenceID(role)


def _totalsOf(uptake: Any) -> dict[str, Any]:
    return {name: _plain(getattr(uptake.totals, name)) for name in _TOTALS}


def _plain(value: Any) -> Any:
    """JSON types; floats of four decimals."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    return round(float(value), 4)


def _writeTable(node: Any) -> None:
    """All uptake as a table node, and the totals below it."""
    kept, table = record(node), node.GetNodeReference(TABLE)
    if table is None:
        name = slicer.mrmlScene.GenerateUniqueName(_("{name} table").format(name=node.GetName()))
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
        table.SetAttribute(KIND, LESIONS)
        node.SetNodeReferenceID(TABLE, table.GetID())
    titles = (_("Volume (ml)"), _("SUVmax"), _("SUVmean"), _("SUVpeak"), _("TLG (g)"))
    with slicer.util.NodeModify(table):
        table.RemoveAllColumns()
        _addColumn(table, vtk.vtkStringArray(), _("Uptake"), [str(one["number"]) for one in kept["lesions"]])
        kinds = [organName(one["physiological"]) for one in kept["lesions"]]
        _addColumn(table, vtk.vtkStringArray(), _("Kind"), kinds)
        for title, key in zip(titles, COLUMNS):
            _addColumn(table, vtk.vtkDoubleArray(), title, [one[key] for one in kept["lesions"]])
        if hasattr(table, "SetUseColumnTitleAsColumnHeader"):
            table.SetUseColumnTitleAsColumnHeader(True)
        else:  # Slicer before 5.12
            table.SetUseColumnNameAsColumnHeader(True)


def _addColumn(table: Any, column: Any, title: str, values: list[Any]) -> None:
    column.SetName(title)
    for value in values:
        column.InsertNextValue(value)
    table.AddColumn(column)
