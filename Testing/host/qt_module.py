"""The ``qt`` and ``ctk`` modules as Slicer's Python has them, over PySide."""

from __future__ import annotations

import types
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from . import ctk_widgets, ui_loader


class QtModule(types.ModuleType):
    """All of Qt in one module, looked up when asked for."""

    QUiLoader = ui_loader.QUiLoader

    def __getattr__(self, name: str) -> Any:
        for room in (QtWidgets, QtGui, QtCore):
            if hasattr(room, name):
                value = getattr(room, name)
                setattr(self, name, value)
                return value
        raise AttributeError(f"module 'qt' has no attribute '{name}'")


def make_qt() -> types.ModuleType:
    """The module that ``import qt`` gives."""
    return QtModule("qt")


def make_ctk() -> types.ModuleType:
    """The module that ``import ctk`` gives: stand-ins of the widgets that the panels use."""
    module = types.ModuleType("ctk")
    for name, value in vars(ctk_widgets).items():
        if name.startswith("ctk"):
            setattr(module, name, value)
    return module
