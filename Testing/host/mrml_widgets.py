"""Small stand-ins for Slicer's widgets other than the node selector."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from .ui_loader import stand_in


class _SceneWidget(QtWidgets.QWidget):
    """A widget that has the scene and tells its children, as far as the .ui file connects them."""

    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene = None

    def setMRMLScene(self, scene: Any) -> None:
        """Set the scene."""
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


@stand_in
class qMRMLWidget(_SceneWidget):
    """The root of most .ui files."""

    def mrmlScene(self) -> Any:
        """The scene."""
        return self._scene


@stand_in
class qSlicerWidget(_SceneWidget):
    """As above, of the application."""


class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):
    """What holds a scripted module's panel."""

    def __init__(self, module: Any = None) -> None:
        super().__init__()
        self._module, self._python, self._entered = module, None, False
        self.setLayout(QtWidgets.QVBoxLayout())

    def self(self) -> Any:
        """The Python object."""
        return self._python

    def enter(self) -> None:
        """The user opens the module."""
        self._entered = True
        if hasattr(self._python, "enter"):
            self._python.enter()

    def exit(self) -> None:
        """The user leaves the module."""
        self._entered = False
        if hasattr(self._python, "exit"):
            self._python.exit()

    isEntered = QtCore.Property(bool, lambda self: self._entered)
    moduleName = QtCore.Property(str, lambda self: self._module.name)

    def reload(self) -> None:
        """Make the Python object anew."""
        self._module._make_widget(self)


class qSlicerModuleSelectorToolBar(QtWidgets.QToolBar):
    """The list of modules above the views; only notes what was chosen."""

    moduleSelected = QtCore.Signal(str)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._selected = ""

    def selectModule(self, name: str) -> None:
        """Open a module."""
        self._selected = name
        self.moduleSelected.emit(name)

    selectedModule = QtCore.Property(str, lambda self: self._selected)


class qSlicerMainWindow(QtWidgets.QMainWindow):
    """A main window: some of Slicer's messages are shown only where there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.statusBar()
        self._selector = qSlicerModuleSelectorToolBar(self)

    def moduleSelector(self) -> Any:
        """The list of modules."""
        return self._selector


for _kind in (qMRMLWidget, qSlicerWidget, qSlicerScriptedLoadableModuleWidget):
    setattr(slicer, _kind.__name__, _kind)
