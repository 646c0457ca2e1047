"""Watches the scene for a stand-in widget, without keeping the widget alive."""

from __future__ import annotations

import weakref
from typing import Any

import shiboken6
import vtk


class SceneWatch:
    """Watches the scene for a widget, without keeping the widget alive."""

    def __init__(self, scene: Any, widget: Any) -> None:
        self.scene, self.widget = scene, weakref.ref(widget)
        events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndImportEvent, scene.EndCloseEvent)
        self.tags = [(scene, scene.AddObserver(event, self.changed)) for event in events]
        self.followed: list[tuple[Any, int]] = []

    def changed(self, caller: Any, event: str) -> None:
        """Fill the widget anew."""
        widget = self._alive()
        if widget is None:
            self.stop()
        elif not self.scene.IsBatchProcessing():
            widget._fill()

    def follow(self, nodes: list) -> None:
        """Show the names of these nodes as they change."""
        self._drop(self.followed)
        self.followed = [(node, node.AddObserver(vtk.vtkCommand.ModifiedEvent, self.touched)) for node in nodes]

    def touched(self, node: Any, event: str) -> None:
        """A node changed."""
        widget = self._alive()
        if widget is not None:
            widget._changed(node)

    def _alive(self) -> Any:
        widget = self.widget()
        return widget if widget is not None and shiboken6.isValid(widget) else None

    def stop(self) -> None:
        """End it."""
        self._drop(self.tags + self.followed)
        self.tags, self.followed = [], []

    @staticmethod
    def _drop(observations: list) -> None:
        for thing, tag in observations:
            thing.RemoveObserver(tag)
