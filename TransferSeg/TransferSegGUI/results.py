"""Results as nodes of the scene: segmentation, table of volumes, uncertainty, registered images, brain mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from .grids import NodeGrid

PALETTE = ("#D55E00", "#56B4E9", "#F0E442", "#CC79A7", "#009E73", "#0072B2", "#E69F00", "#999999")
KIND = "TransferSeg.Kind"
"""Attribute of every node that we make: what it is. Such nodes are not offered as inputs."""
BRAIN = (
    "Segmentation category and type - DICOM master list~SCT^123037004^Anatomical Structure~SCT^12738006^Brain~^^"
    "~Anatomic codes - DICOM master list~^^~^^"
)


def makeSegmentation(labels: np.ndarray, grid: NodeGrid, cardLabels: Sequence[Any], name: str) -> Any:
    """A segmentation node with one segment a card label (also the empty ones), all in one shared label map.

    ``labels`` is uint8 (k, j, i) on ``grid``, the reference volume's own (``NodeGrid.now()``).
    """
    return makeSegments(grid.orientedImage(labels), grid, cardLabels, name, "segmentation")


def makeSegments(image: Any, grid: NodeGrid, cardLabels: Sequence[Any], name: str, kind: str) -> Any:
    """A segmentation node whose segments share a label map that is a ``vtkOrientedImageData`` already."""
    node = _segmentationNode(grid, name, kind)
    for number, label in enumerate(cardLabels):
        colour = label.colour or PALETTE[number % len(PALETTE)]
        _addSegment(node, image, label.name, label.value, colour, label.terminology)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetVisibility2DFill(True)
    display.SetVisibility2DOutline(True)
    display.SetOpacity2DFill(0.35)
    display.SetOpacity2DOutline(1.0)
    return node


def makeBrainMask(mask: np.ndarray, grid: NodeGrid, name: str) -> Any:
    """The brain mask that was used, as an outline."""
    image = grid.orientedImage((mask > 0).astype(np.uint8))
    node = _segmentationNode(grid, name, "brain mask")
    _addSegment(node, image, _("brain mask"), 1, "#FFFFFF", BRAIN)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetVisibility2DFill(False)
    return node


def makeAligned(array: np.ndarray, grid: NodeGrid, name: str, source: Any) -> Any:
    """An input image as it was laid over the reference, shown as bright as ``source`` (its node, or None)."""
    shown = source.GetDisplayNode() if source is not None else None
    limits = (shown.GetWindowLevelMin(), shown.GetWindowLevelMax()) if shown is not None else _limits(array)
    return _makeVolume(array, grid, name, "aligned", limits)


def makeUncertainty(array: np.ndarray, grid: NodeGrid, name: str) -> Any:
    """The uncertainty, 0 (sure) to 1 (unsure), in colour."""
    node = _makeVolume(array, grid, name, "uncertainty", (0.0, 1.0))
    for colours in ("vtkMRMLColorTableNodeFileInferno.txt", "vtkMRMLColorTableNodeFileColdToHotRainbow.txt"):
        if slicer.mrmlScene.GetNodeByID(colours) is not None:
            node.GetDisplayNode().SetAndObserveColorNodeID(colours)
            break
    return node


def makeTable(volumesMl: dict[str, float], voxels: dict[str, int], name: str) -> Any:
    """A table with the volume of each label in millilitres, its voxels, and their sum."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAttribute(KIND, "volumes")
    rows = [(label, volumesMl[label], voxels.get(label, 0)) for label in volumesMl]
    rows.append((_("total"), sum(row[1] for row in rows), sum(row[2] for row in rows)))
    columns = (vtk.vtkStringArray(), vtk.vtkDoubleArray(), vtk.vtkLongLongArray())
    for column, title in zip(columns, (_("Label"), _("Volume (ml)"), _("Voxels"))):
        column.SetName(title)
    for label, millilitres, count in rows:
        columns[0].InsertNextValue(label)
        columns[1].InsertNextValue(round(millilitres, 2))
        columns[2].InsertNextValue(count)
    for column in columns:
        node.AddColumn(column)
    if hasattr(node, "SetUseColumnTitleAsColumnHeader"):
        node.SetUseColumnTitleAsColumnHeader(True)
    else:  # Slicer before 5.12
        node.SetUseColumnNameAsColumnHeader(True)
    return node


def _makeVolume(array: np.ndarray, grid: NodeGrid, name: str, kind: str, limits: tuple[float, float]) -> Any:
    """A scalar volume on the grid; finding ``limits`` is left to us, because Slicer takes 0.15 s for it."""
    image = vtk.vtkImageData()
    grid.fill(image, array)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAttribute(KIND, kind)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(*limits)
    grid.place(node)
    node.SetAndObserveImageData(image)
    return node


def _limits(array: np.ndarray) -> tuple[float, float]:
    """Black and white for an image: of every 64th voxel, without the darkest and brightest few."""
    low, high = np.percentile(array.reshape(-1)[::64], (1, 99.5))
    return float(low), float(max(high, low + 1))


def _segmentationNode(grid: NodeGrid, name: str, kind: str) -> Any:
    """A segmentation node on the grid, with the volume node as its reference where that is still there."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAttribute(KIND, kind)
    grid.move(node)
    reference = grid.node
    if reference is not None:
        node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    else:
        converter = slicer.vtkSegmentationConverter
        image = slicer.vtkOrientedImageData()
        image.SetDimensions(*grid.shape[::-1])
        geometry = converter.SerializeImageGeometry(grid.ijkToRas(), image)
        node.GetSegmentation().SetConversionParameter(converter.GetReferenceImageGeometryParameterName(), geometry)
    return node


def _addSegment(node: Any, image: Any, name: str, value: int, colour: str, terminology: str) -> None:
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.SetColor(*(int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)))
    segment.SetLabelValue(value)
    if terminology:
        if hasattr(segment, "SetTerminology"):
            segment.SetTerminology(terminology)
        else:  # Slicer before 5.10
            segment.SetTag(segment.GetTerminologyEntryTagName(), terminology)
    segment.AddRepresentation(slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName(), image)
    segmentation = node.GetSegmentation()
    segmentation.AddSegment(segment, segmentation.GenerateUniqueSegmentID(name))
