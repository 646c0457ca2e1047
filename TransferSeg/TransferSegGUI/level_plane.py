"""The labelled plane at a level: made, kept square to its axis while it is dragged, and followed by the views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from . import display
from .level_axis import LevelAxis, isOblique
from .results import KIND

PLANE = "level plane"
COLOUR = (0.0, 0.62, 0.45)
APART_MM = 1e-3
PARALLEL = 0.999


def makePlane(axis: LevelAxis, index: float, level: str) -> Any:
    """A plane node as large as a slice of the CT, labelled; it can be moved along its normal only.

    It hangs below the CT's transform, so that it goes where the CT goes.
    """
    name = _("{level} of {volume}").format(level=level, volume=axis.grid.nodeName)
    # Made whole before it enters the scene: each view would draw it anew at every setting.
    display = slicer.vtkMRMLMarkupsPlaneDisplayNode()
    _dress(display)
    slicer.mrmlScene.AddNode(display)
    node = slicer.vtkMRMLMarkupsPlaneNode()
    node.SetName(slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAttribute(KIND, PLANE)
    node.SetPlaneType(node.PlaneTypePointNormal)
    node.SetSizeMode(node.SizeModeAbsolute)
    place(node, axis, index)
    node.SetNthControlPointLabel(0, level)
    node.SetAndObserveDisplayNodeID(display.GetID())
    node = slicer.mrmlScene.AddNode(node)
    axis.grid.move(node)
    return node


def place(node: Any, axis: LevelAxis, index: float) -> None:
    """Put the plane on a slice, square to the axis and over the whole slice."""
    with slicer.util.NodeModify(node):
        node.SetCenter(*axis.centre(index))
        node.SetAxes(*(direction.tolist() for direction in axis.frame()))
        node.SetSize(*axis.extent())


def sliceOf(node: Any, axis: LevelAxis) -> int:
    """The slice on which the plane stands."""
    return axis.index(_centre(node))


def jump(node: Any, volumeNode: Any) -> None:
    """Show the plane's middle in all slice views, the CT behind it."""
    display.showResult({"ct": volumeNode}, "ct")
    if isOblique(volumeNode):
        for view in _sliceNodes():
            view.RotateToVolumePlane(volumeNode)
    point = [0.0, 0.0, 0.0]
    node.GetCenterWorld(point)
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *point, slicer.vtkMRMLSliceNode.CenteredJumpSlice)


def follow(node: Any) -> None:
    """Move the views that lie along the plane to it; the others keep their place."""
    point, normal = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    node.GetCenterWorld(point)
    node.GetNormalWorld(normal)
    for view in _sliceNodes():
        matrix = view.GetSliceToRAS()
        across = np.array([matrix.GetElement(row, 2) for row in range(3)])
        if abs(across @ np.array(normal)) > PARALLEL:
            view.JumpSliceByOffsetting(*point)


def showHeight(volumeNode: Any, axis: LevelAxis | None, mm: float) -> None:
    """Show the CT's slice nearest to a height (S, mm) in all views."""
    axis = axis or LevelAxis.of(volumeNode)
    ends = [_toWorld(volumeNode, axis.centre(index)) for index in (0, axis.count - 1)]
    share = (mm - ends[0][2]) / (ends[1][2] - ends[0][2]) if ends[1][2] != ends[0][2] else 0.0
    index = round(min(max(share, 0.0), 1.0) * (axis.count - 1))
    point = _toWorld(volumeNode, axis.centre(index))
    display.showResult({"ct": volumeNode}, "ct")
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *point, slicer.vtkMRMLSliceNode.CenteredJumpSlice)


def _toWorld(volumeNode: Any, point: Any) -> list[float]:
    world = [0.0, 0.0, 0.0]
    volumeNode.TransformPointToWorld([float(value) for value in point], world)
    return world


class PlaneFollower(VTKObservationMixin):
    """Watches one plane: keeps it square to its axis, and tells ``moved()`` when it is on another place.

    Parameters
    ----------
    moved : called with True when a drag ended, with False while it goes on
    """

    def __init__(self, moved: Callable[[bool], None]) -> None:
        VTKObservationMixin.__init__(self)
        self._moved = moved
        self._node: Any = None
        self._axis: LevelAxis | None = None
        self._placing = False

    def watch(self, node: Any, axis: LevelAxis | None) -> None:
        """Follow this plane from now on, or none (None)."""
        self.removeObservers()
        self._node, self._axis = node, axis
        if node is not None:
            self.addObserver(node, node.PointModifiedEvent, self._onModified)
            self.addObserver(node, node.PointEndInteractionEvent, self._onEnd)

    def _onModified(self, _caller: Any, _event: Any) -> None:
        if self._placing or self._axis is None:
            return
        self._straighten(self._axis.position(_centre(self._node)))
        follow(self._node)
        self._moved(False)

    def _onEnd(self, _caller: Any, _event: Any) -> None:
        if self._axis is None:
            return
        self._straighten(sliceOf(self._node, self._axis))  # between two slices there is nothing to be seen
        follow(self._node)
        self._moved(True)

    def _straighten(self, position: float) -> None:
        """Take back what a drag did besides moving along the axis."""
        position = min(max(position, 0.0), self._axis.count - 1.0)
        normal = [0.0, 0.0, 0.0]
        self._node.GetNormal(normal)
        apart = np.abs(np.array(_centre(self._node)) - self._axis.centre(position)).max()
        if apart < APART_MM and np.dot(normal, self._axis.frame()[2]) > 1 - APART_MM:
            return
        self._placing = True
        try:
            place(self._node, self._axis, position)
        finally:
            self._placing = False


def _dress(display: Any) -> None:
    """An outline with its label and one handle, along the normal."""
    display.SetSelectedColor(*COLOUR)
    display.SetColor(*COLOUR)
    display.SetActiveColor(*COLOUR)
    display.SetFillVisibility(False)
    display.SetOutlineVisibility(True)
    display.SetNormalVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(True)
    display.SetTextScale(4.0)
    display.SetGlyphScale(1.5)
    display.SetHandlesInteractive(True)
    display.SetTranslationHandleVisibility(True)
    display.SetTranslationHandleComponentVisibility(False, False, True, False)
    display.SetRotationHandleVisibility(False)
    display.SetScaleHandleVisibility(False)


def _centre(node: Any) -> list[float]:
    point = [0.0, 0.0, 0.0]
    node.GetCenter(point)
    return point


def _sliceNodes() -> list[Any]:
    return slicer.util.getNodesByClass("vtkMRMLSliceNode")
