"""Loads .ui files: widgets that only Slicer has become stand-ins, and their connections are made."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

from PySide6 import QtCore, QtUiTools

STAND_INS: dict[str, type] = {}
"""Class name in a .ui file to the class that stands in for it; filled by the modules that define them."""


def stand_in(kind: type) -> type:
    """Register a class that stands in for the Slicer class of the same name."""
    STAND_INS[kind.__name__] = kind
    return kind


class QUiLoader(QtUiTools.QUiLoader):
    """Qt's loader, which asks here for every widget that it creates."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._unknown: list[str] = []
        self._made: list[Any] = []

    def createWidget(self, class_name: str, parent: Any = None, name: str = "") -> Any:
        """A widget by its class name."""
        if class_name in STAND_INS:
            widget = STAND_INS[class_name](parent)
            widget.setObjectName(name)
        else:
            if class_name.startswith(("ctk", "qMRML", "qSlicer")):
                self._unknown.append(class_name)
            widget = super().createWidget(class_name, parent, name)
        self._made.append(widget)
        return widget

    def load(self, file: QtCore.QIODevice, parent: Any = None) -> Any:
        """The widget of a .ui file; fails for a class that has no stand-in."""
        tree = ElementTree.fromstring(bytes(file.readAll()))
        connections = _take_connections(tree)
        buffer = QtCore.QBuffer()
        buffer.setData(QtCore.QByteArray(ElementTree.tostring(tree)))
        buffer.open(QtCore.QIODevice.ReadOnly)
        widget = super().load(buffer, parent)
        if self._unknown:
            raise AssertionError(f"Testing/host has no stand-in for {sorted(set(self._unknown))}")
        for connection in connections:
            _connect(widget, *connection)
        return widget


def _take_connections(tree: ElementTree.Element) -> list[list[str]]:
    """Take out the connections that Qt cannot make itself, because a stand-in is at one of their ends."""
    classes = {widget.get("name"): widget.get("class") for widget in tree.iter("widget")}
    taken = []
    for room in tree.findall("connections"):
        for connection in list(room):
            parts = [connection.findtext(tag, "") for tag in ("sender", "signal", "receiver", "slot")]
            if {classes.get(parts[0]), classes.get(parts[2])} & set(STAND_INS):
                taken.append(parts)
                room.remove(connection)
    return taken


def _connect(root: Any, sender: str, signal: str, receiver: str, slot: str) -> None:
    """Make one of them."""
    ends = [root if root.objectName == name else root.findChild(QtCore.QObject, name) for name in (sender, receiver)]
    if any(end is None for end in ends):
        raise AssertionError(f"a connection of the .ui file names no widget: {sender} or {receiver}")
    ends[0].connect(signal, ends[1], slot)
