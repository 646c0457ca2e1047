"""Stand-in for the layout manager and its slice widgets, over real slice logics."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore

from .mrml_core import SLICES, Core


class Named(QtCore.QObject):
    """An object of the application; what it offers is held against the list of real members."""


class SliceView(Named):
    """``sliceWidget("Red").sliceView()``."""

    def __init__(self, views: Any, name: str) -> None:
        super().__init__()
        self._views, self._layout_name = views, name

    def mrmlSliceNode(self) -> Any:
        """The slice node."""
        return slicer.app._core.slice_logic(self._layout_name).GetSliceNode()

    def forceRender(self) -> None:
        """Nothing: pictures are made when they are asked for."""

    def scheduleRender(self) -> None:
        """Nothing."""


class SliceWidget(Named):
    """``layoutManager().sliceWidget("Red")``."""

    def __init__(self, core: Core, name: str) -> None:
        super().__init__()
        self._core, self._layout_name = core, name
        self._view = SliceView(None, name)

    def sliceLogic(self) -> Any:
        """The slice logic."""
        return self._core.slice_logic(self._layout_name)

    def mrmlSliceNode(self) -> Any:
        """The slice node."""
        return self.sliceLogic().GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        """The node that says which volumes are shown."""
        return self.sliceLogic().GetSliceCompositeNode()

    def sliceView(self) -> Any:
        """The view."""
        return self._view

    def fitSliceToBackground(self) -> None:
        """Show the whole volume."""
        self.sliceLogic().FitSliceToBackground()


class LayoutManager(Named):
    """``slicer.app.layoutManager()``."""

    layoutChanged = QtCore.Signal(int)

    def __init__(self, core: Core) -> None:
        super().__init__()
        self._core = core
        self._widgets = {name: SliceWidget(core, name) for name in SLICES}

    def sliceViewNames(self) -> list[str]:
        """Red, Yellow, Green."""
        return list(self._widgets)

    def sliceWidget(self, name: str) -> Any:
        """A slice view's widget, None for an unknown name."""
        return self._widgets.get(name)

    def mrmlSliceLogics(self) -> Any:
        """All slice logics."""
        return self._core.slice_logics

    def layoutLogic(self) -> Any:
        """The real layout logic."""
        return self._core.layout_logic

    def _layout(self) -> int:
        return self._core.layout_logic.GetLayoutNode().GetViewArrangement()

    def setLayout(self, layout: int) -> None:
        """Change the arrangement of views."""
        self._core.layout_logic.GetLayoutNode().SetViewArrangement(layout)
        self.layoutChanged.emit(layout)

    layout = QtCore.Property(int, _layout, setLayout)

    def resetSliceViews(self) -> None:
        """Fit all slice views."""
        for widget in self._widgets.values():
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        """There are none here."""

    threeDViewCount = QtCore.Property(int, lambda self: 0)
    tableViewCount = QtCore.Property(int, lambda self: 0)
    plotViewCount = QtCore.Property(int, lambda self: 0)
