"""What the panels with parameters share: their widgets, and binding them to the module's parameter node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import vtk
from slicer.util import VTKObservationMixin


class Panel(VTKObservationMixin):
    """A form of Resources/UI with what its widgets hold in the parameter node.

    Parameters
    ----------
    logic : the module's logic
    resourcePath : callable from a name in Resources to its path
    form : name of the form
    """

    def __init__(self, logic: Any, resourcePath: Callable[[str], str], form: str) -> None:
        VTKObservationMixin.__init__(self)
        self.logic = logic
        self.widget = slicer.util.loadUI(resourcePath(f"UI/{form}.ui"))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self.widget.setMRMLScene(slicer.mrmlScene)
        self.run: Any = None
        self._parameterNode: Any = None
        self._guiTag: Any = None
        self._blocked: str | None = None

    def bind(self, parameterNode: Any) -> None:
        """Bind the widgets to this node and follow it (``_onParameters``), or let go of the one that is bound."""
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameters)
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self._guiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameters)

    def _onParameters(self, _caller: Any = None, _event: Any = None) -> None:
        raise NotImplementedError
