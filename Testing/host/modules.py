"""``slicer.modules``: real logics behind small module objects, and scripted modules loaded as Slicer does."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import shiboken6
import slicer
from PySide6 import QtCore, QtGui

from .mrml_widgets import qSlicerScriptedLoadableModuleWidget


class LogicModule(QtCore.QObject):
    """A C++ module: only its logic."""

    def __init__(self, name: str, logic: Any) -> None:
        super().__init__()
        self._title, self._logic = name, logic

    def logic(self) -> Any:
        """The real logic."""
        return self._logic

    name = QtCore.Property(str, lambda self: self._title)


def _plain(attribute: str, kind: Any, empty: Any) -> Any:
    def write(self: Any, value: Any) -> None:
        self._values[attribute] = value

    return QtCore.Property(kind, lambda self: self._values.get(attribute, empty), write)


class qSlicerScriptedLoadableModule(QtCore.QObject):
    """A scripted module: loads the Python file, makes the widget when asked."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._values: dict[str, Any] = {"path": str(path)}
        self._stem = path.stem
        self._widget: Any = None
        self._source = self._python = None

    title = _plain("title", str, "")
    path = _plain("path", str, "")
    helpText = _plain("helpText", str, "")
    acknowledgementText = _plain("acknowledgementText", str, "")
    categories = _plain("categories", "QStringList", [])
    dependencies = _plain("dependencies", "QStringList", [])
    contributors = _plain("contributors", "QStringList", [])
    associatedNodeTypes = _plain("associatedNodeTypes", "QStringList", [])
    hidden = _plain("hidden", bool, False)
    index = _plain("index", int, -1)
    icon = _plain("icon", QtGui.QIcon, QtGui.QIcon())
    name = QtCore.Property(str, lambda self: self._stem)

    def _load(self) -> None:
        """Run the file, make the module's class and register it."""
        path = Path(self._values["path"])
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        self._source = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = self._source
        spec.loader.exec_module(self._source)
        self._python = getattr(self._source, path.stem)(self)
        setattr(slicer.modules, path.stem.lower(), self)
        setattr(slicer.modules, f"{path.stem}Instance", self._python)
        slicer.app.moduleManager()._modules[path.stem] = self
        slicer.app.moduleManager().moduleLoaded.emit(path.stem)

    def logic(self) -> Any:
        """The C++ side's logic, as in Slicer: not the Python one."""
        return slicer.vtkSlicerScriptedLoadableModuleLogic()

    def widgetRepresentation(self) -> Any:
        """The module's widget; made at the first call."""
        if self._widget is None:
            self._widget = self.createNewWidgetRepresentation()
        return self._widget

    def createNewWidgetRepresentation(self) -> Any:
        """Another widget."""
        holder = qSlicerScriptedLoadableModuleWidget(self)
        holder.setMRMLScene(slicer.mrmlScene)
        self._make_widget(holder)
        return holder

    def _make_widget(self, holder: Any) -> None:
        source = sys.modules[self._stem]
        holder._python = getattr(source, f"{self._stem}Widget")(holder)
        setattr(slicer.modules, f"{self._stem}Widget", holder._python)
        holder._python.setup()

    def _unload(self) -> None:
        """What the application does when it closes."""
        slicer.app.moduleManager().moduleAboutToBeUnloaded.emit(self._stem)
        slicer.app.moduleManager()._modules.pop(self._stem, None)
        for name in (self._stem.lower(), f"{self._stem}Instance", f"{self._stem}Widget"):
            if hasattr(slicer.modules, name):
                delattr(slicer.modules, name)
        if self._widget is not None and shiboken6.isValid(self._widget):
            self._widget.deleteLater()
            QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)
        self._widget = None


def make_modules(core: Any) -> types.ModuleType:
    """The module ``slicer.modules``."""
    modules = types.ModuleType("slicer.modules")
    for name, logic in core.logics.items():
        module = LogicModule(name.capitalize(), logic)
        setattr(modules, name, module)
        slicer.app.moduleManager()._modules[name.capitalize()] = module
    return modules


slicer.qSlicerScriptedLoadableModule = qSlicerScriptedLoadableModule
