"""The slice views that a live model follows: those that show its slices, whichever was moved last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import vtk
from slicer.util import VTKObservationMixin

from .live_slices import FARTHEST, FollowedSlices


class ViewFollower(VTKObservationMixin):
    """Follows the slice nodes of the scene.

    Parameters
    ----------
    slices : gives the slices that are followed now
    moved : called with (slice, degrees) when a view that shows such slices came to another one
    """

    def __init__(self, slices: Callable[[], FollowedSlices], moved: Callable[[int, float], None]) -> None:
        VTKObservationMixin.__init__(self)
        self._slices, self._moved = slices, moved
        self._last: dict[str, int] = {}
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            self._follow(node)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.NodeAddedEvent, self._onNodeAdded)

    def now(self) -> tuple[int, float] | None:
        """(slice, degrees) of the view that shows such slices most nearly, of those in the layout first; else None."""
        nodes = slicer.util.getNodesByClass("vtkMRMLSliceNode")
        shown = [node for node in nodes if node.IsMappedInLayout()] or nodes
        found = [(*self._slices().nearest(node), node.GetID()) for node in shown]
        self._last = {nodeId: index for index, degrees, nodeId in found if degrees <= FARTHEST}
        best = min(found, key=lambda one: one[1], default=None)
        return None if best is None or best[1] > FARTHEST else best[:2]

    def cleanup(self) -> None:
        """Let go of the views."""
        self.removeObservers()

    def _follow(self, node: Any) -> None:
        self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self._onModified)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, _caller: Any, _event: Any, node: Any) -> None:
        if node is not None and node.IsA("vtkMRMLSliceNode"):
            self._follow(node)

    def _onModified(self, node: Any, _event: Any) -> None:
        """A view was moved, or only zoomed or resized: then its slice is the one it was."""
        index, degrees = self._slices().nearest(node)
        known = self._last.pop(node.GetID(), None)
        if degrees <= FARTHEST:
            self._last[node.GetID()] = index
            if index != known:
                self._moved(index, degrees)
