"""What a panel with node selectors does when nodes come and go: look again a moment later, let go of what leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from .signals import Signal

SETTLED_AFTER_MS = 150
"""A node is announced before its name and data are there; several volumes are loaded in a row."""


class SceneFollower(VTKObservationMixin):
    """Follows the nodes of the scene for a panel.

    Parameters
    ----------
    isFollowing : whether the panel looks at the scene now; it does not while scenes are closed or loaded
    selectors : gives the selectors that must not keep, or silently replace, a node that leaves the scene
    """

    def __init__(self, isFollowing: Callable[[], bool], selectors: Callable[[], Iterable[Any]] = tuple) -> None:
        VTKObservationMixin.__init__(self)
        self.settled = Signal()
        """Emitted without values a moment after the last node came or went."""
        self._isFollowing, self._selectors = isFollowing, selectors
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLED_AFTER_MS)
        self._timer.timeout.connect(self.settled.emit)
        events = slicer.vtkMRMLScene
        self.addObserver(slicer.mrmlScene, events.NodeAddedEvent, self._onNodes)
        self.addObserver(slicer.mrmlScene, events.NodeAboutToBeRemovedEvent, self._onNodeGoes)
        self.addObserver(slicer.mrmlScene, events.NodeRemovedEvent, self._onNodes)

    def stop(self) -> None:
        """Whoever looked at the scene just now need not be told."""
        self._timer.stop()

    def cleanup(self) -> None:
        """Let go of the scene and the timer."""
        self.stop()
        self.removeObservers()

    def _onNodes(self, _caller: Any, _event: Any) -> None:
        if self._isFollowing():
            self._timer.start()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeGoes(self, _caller: Any, _event: Any, node: Any) -> None:
        """A node is about to leave the scene: a selector left alone would silently take another image instead."""
        if self._isFollowing():
            for selector in self._selectors():
                if node is selector.currentNode():
                    selector.setCurrentNode(None)
