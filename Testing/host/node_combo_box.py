"""Stand-in for qMRMLNodeComboBox: a node of the scene, chosen from those of some classes."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from .scene_watch import SceneWatch
from .ui_loader import stand_in


def _flag(name: str, default: bool) -> Any:
    def read(self: Any) -> bool:
        return self._flags.get(name, default)

    def write(self: Any, value: bool) -> None:
        self._flags[name] = bool(value)
        self._fill()

    return QtCore.Property(bool, read, write)


@stand_in
class qMRMLNodeComboBox(QtWidgets.QWidget):
    """A combo box that follows the scene."""

    currentNodeChanged = QtCore.Signal(object)
    currentNodeIDChanged = QtCore.Signal(str)
    nodeActivated = QtCore.Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._flags: dict[str, bool] = {}
        self._types: list[str] = []
        self._hidden_types: list[str] = []
        self._attributes: list[tuple] = []
        self._none, self._base = "None", ""
        self._scene = self._watch = None
        self._ids: list[str] = []
        self._last = ""
        self._box = QtWidgets.QComboBox(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.setSizePolicy(QtWidgets.QSizePolicy.Ignored, QtWidgets.QSizePolicy.Fixed)
        self._box.currentIndexChanged.connect(self._chosen)
        self._box.activated.connect(lambda index: self.nodeActivated.emit(self.currentNode()))
        self.setEnabled(False)

    noneEnabled = _flag("noneEnabled", False)
    addEnabled = _flag("addEnabled", True)
    removeEnabled = _flag("removeEnabled", True)
    renameEnabled = _flag("renameEnabled", False)
    editEnabled = _flag("editEnabled", False)
    showHidden = _flag("showHidden", False)
    showChildNodeTypes = _flag("showChildNodeTypes", True)
    selectNodeUponCreation = _flag("selectNodeUponCreation", True)

    def _set_types(self, types: Any) -> None:
        self._types = list(types)
        self._fill()

    nodeTypes = QtCore.Property("QStringList", lambda self: self._types, _set_types)

    def _set_hidden_types(self, types: Any) -> None:
        self._hidden_types = list(types)
        self._fill()

    hideChildNodeTypes = QtCore.Property("QStringList", lambda self: self._hidden_types, _set_hidden_types)

    def _set_none(self, text: str) -> None:
        self._none = text
        self._fill()

    noneDisplay = QtCore.Property(str, lambda self: self._none, _set_none)

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        """Show only nodes of this type with this attribute."""
        self._attributes.append((node_type, name, value))
        self._fill()

    def removeAttribute(self, node_type: str, name: str) -> None:
        """Undo ``addAttribute``."""
        self._attributes = [a for a in self._attributes if a[:2] != (node_type, name)]
        self._fill()

    def mrmlScene(self) -> Any:
        """The scene."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Follow a scene; without one the widget is disabled."""
        if scene is self._scene:
            return
        if self._watch:
            self._watch.stop()
        self._scene = scene
        self._watch = SceneWatch(scene, self) if scene else None
        self.setEnabled(scene is not None)
        self._fill()
        if self._ids and not self._last and "" not in self._ids:
            self._box.setCurrentIndex(0)  # with no "None" to choose, a scene that has nodes gives its first

    def _matches(self, node: Any) -> bool:
        exact = self._flags.get("showChildNodeTypes", True) is False
        if not any(node.GetClassName() == t if exact else node.IsA(t) for t in self._types):
            return False
        if node.GetClassName() in self._hidden_types:
            return False
        if node.GetHideFromEditors() and not self._flags.get("showHidden", False):
            return False
        for node_type, name, value in self._attributes:
            has = node.GetAttribute(name)
            if node.IsA(node_type) and (has is None or (value is not None and has != str(value))):
                return False
        return True

    def _nodes(self, every: bool = False) -> list:
        """The nodes that are offered; with ``every`` all of the right classes."""
        if self._scene is None:
            return []
        nodes = self._scene.GetNodes()
        found = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
        return [node for node in found if (any(map(node.IsA, self._types)) if every else self._matches(node))]

    def _fill(self) -> None:
        """Follow a change of the scene or of the settings."""
        before, none = self._ids.index(self._last) if self._last in self._ids else -1, self._flag_is_set("noneEnabled")
        nodes = self._nodes()
        self._ids = [""] * none + [node.GetID() for node in nodes]
        self._box.blockSignals(True)
        self._box.clear()
        self._box.addItems([self._none] * none + [node.GetName() or "" for node in nodes])
        index, activated = self._index_after(before)
        self._box.setCurrentIndex(index)
        self._box.blockSignals(False)
        if self._watch:
            self._watch.follow(self._nodes(every=True))
        now = self._ids[index] if index >= 0 else ""
        if now != self._last or (now and index != before):
            self._tell(index)
        if activated:
            self.nodeActivated.emit(self.currentNode())

    def _index_after(self, before: int) -> tuple[int, bool]:
        """Which row is current after a change, and whether the real one tells it as if the user had chosen.

        A chosen node that is gone is replaced by the one in its place, else by the last of the list, even where
        "None" could be chosen.
        """
        none = int(self._flag_is_set("noneEnabled"))
        if self._last in self._ids:
            return self._ids.index(self._last), False
        if not self._last or len(self._ids) == none:
            return none - 1, False
        return (before, False) if before < len(self._ids) else (len(self._ids) - 1, True)

    def _flag_is_set(self, name: str) -> bool:
        return self._flags.get(name, False)

    def _changed(self, node: Any) -> None:
        """A node of the scene changed: its name, or whether it is offered."""
        if self._attributes and self._matches(node) != (node.GetID() in self._ids):
            self._fill()
        elif node.GetID() in self._ids:
            row = self._ids.index(node.GetID())
            if self._box.itemText(row) != (node.GetName() or ""):
                self._box.setItemText(row, node.GetName() or "")
                if node.GetID() == self._last:
                    self._tell(row)

    def _chosen(self, index: int) -> None:
        if (self._ids[index] if index >= 0 else "") != self._last:
            self._tell(index)

    def _tell(self, index: int) -> None:
        self._last = self._ids[index] if index >= 0 else ""
        self.currentNodeChanged.emit(self.currentNode())
        self.currentNodeIDChanged.emit(self._last)

    def currentNode(self) -> Any:
        """The chosen node or None."""
        return self._scene.GetNodeByID(self._last) if self._scene and self._last else None

    def setCurrentNode(self, node: Any) -> None:
        """Choose a node; one that is not offered chooses nothing."""
        self.setCurrentNodeID(node.GetID() if node else "")

    def setCurrentNodeID(self, node_id: str) -> None:
        """Choose by ID; the real one tells this as if the user had chosen."""
        other = bool(node_id) and node_id in self._ids and node_id != self._last
        offered = node_id if node_id in self._ids else ""
        self._box.setCurrentIndex(self._ids.index(offered) if offered in self._ids else -1)
        if other:
            self.nodeActivated.emit(self.currentNode())

    currentNodeID = QtCore.Property(str, lambda self: self._last, setCurrentNodeID)

    def nodeCount(self) -> int:
        """How many nodes are offered."""
        return len([i for i in self._ids if i])

    def nodeFromIndex(self, index: int) -> Any:
        """A node by its place in the list."""
        nodes = [i for i in self._ids if i]
        return self._scene.GetNodeByID(nodes[index]) if 0 <= index < len(nodes) else None

    def setCurrentNodeIndex(self, index: int) -> None:
        """Choose by place."""
        self.setCurrentNode(self.nodeFromIndex(index))


slicer.qMRMLNodeComboBox = qMRMLNodeComboBox
