"""How a parameter and a widget are bound: the widget classes that the real connectors take, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ctk
import qt
import slicer

INTEGER_LIMIT = 2**31


class Connector:
    """A widget's value: the property that holds it and the signal that tells of changes."""

    def __init__(self, widget: Any, name: str, signal: str | None) -> None:
        self._widget, self._name, self._signal = widget, name, signal
        self._callback: Callable[[], None] | None = None

    def onChanged(self, callback: Callable[[], None] | None) -> None:
        """Call ``callback`` at changes; None stops it."""
        if self._signal and (callback is None) != (self._callback is None):
            signal = getattr(self._widget, self._signal)
            if callback is None:
                signal.disconnect(self._changed)
            else:
                signal.connect(self._changed)
        self._callback = callback

    def _changed(self, *values: Any) -> None:
        if self._callback:
            self._callback()

    def read(self) -> Any:
        """The widget's value."""
        return getattr(self._widget, self._name)

    def write(self, value: Any) -> None:
        """Show a value; the same text is not written again, as that would move the cursor."""
        if self._name != "text" or self.read() != value:
            setattr(self._widget, self._name, value)


class Number(Connector):
    """A QDoubleSpinBox."""

    def __init__(self, widget: Any, kind: type) -> None:
        super().__init__(widget, "value", "valueChanged")
        self._kind = kind
        if kind is int:
            widget.decimals = 0

    def read(self) -> Any:
        """The number, of the parameter's type."""
        return self._kind(self._widget.value)


class PlainText(Connector):
    """A QTextEdit's text."""

    def read(self) -> str:
        """The text."""
        return self._widget.toPlainText()

    def write(self, value: str) -> None:
        """Show it."""
        self._widget.setPlainText(value)


class Node(Connector):
    """A node selector."""

    def __init__(self, widget: Any, kind: type) -> None:
        super().__init__(widget, "", "currentNodeChanged")
        widget.nodeTypes = [kind().GetClassName()]

    def read(self) -> Any:
        """The node."""
        return self._widget.currentNode()

    def write(self, value: Any) -> None:
        """Choose it."""
        self._widget.setCurrentNode(value)


def create(widget: Any, kind: type) -> Connector:
    """The connector of a widget and a parameter's type; raises where the real one would."""
    made = type(widget)
    if kind is bool and made in (qt.QCheckBox, getattr(ctk, "ctkCheckBox", None)):
        return Connector(widget, "checked", "stateChanged")
    if kind is bool and made is qt.QPushButton:
        widget.checkable = True
        return Connector(widget, "checked", "toggled")
    if kind is int and made is qt.QSpinBox:
        widget.setRange(-INTEGER_LIMIT, INTEGER_LIMIT - 1)  # as the real one does without range annotations
        return Connector(widget, "value", "valueChanged")
    if kind in (float, int) and made is qt.QDoubleSpinBox:
        widget.setRange(float("-inf"), float("inf"))
        return Number(widget, kind)
    if kind is str and made is qt.QLineEdit:
        return Connector(widget, "text", "textChanged")
    if kind is str and made is qt.QLabel:
        return Connector(widget, "text", None)
    if kind is str and made is qt.QTextEdit:
        return PlainText(widget, "", "textChanged")
    if issubclass(kind, slicer.vtkMRMLNode) and made is slicer.qMRMLNodeComboBox:
        return Node(widget, kind)
    raise RuntimeError(f"Unable to create GUI connector from datatype '{kind}' to widget type '{made}'.")
