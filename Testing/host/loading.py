"""Loads the Slicer module for a test, and takes it away again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import shiboken6


class Loaded:
    """A scripted module: its widget and logic are made when first asked for."""

    def __init__(self, path: Path) -> None:
        from .modules import qSlicerScriptedLoadableModule

        self._module = qSlicerScriptedLoadableModule(path)
        self._module._load()
        self.name = path.stem

    @property
    def python(self) -> Any:
        """The object of the module's own class."""
        return self._module._python

    @property
    def holder(self) -> Any:
        """The Qt widget around the panel (``show()`` it, ``grab()`` it)."""
        return self._module.widgetRepresentation()

    @property
    def widget(self) -> Any:
        """The object of the widget class, set up and entered."""
        first = self._module._widget is None
        holder = self.holder
        if first:
            holder.enter()
        return holder.self()

    @property
    def logic(self) -> Any:
        """The logic, as ``slicer.util.getModuleLogic(name)`` gives it."""
        import slicer

        self.widget  # noqa: B018 made first
        return slicer.util.getModuleLogic(self.name)

    def close(self) -> None:
        """Close as Slicer closes: exit, cleanup, the module's files forgotten."""
        import slicer

        widget = self._module._widget
        destroyed = widget is not None and not shiboken6.isValid(widget)
        try:
            if widget is not None and not destroyed:
                widget.exit()
        finally:
            self._module._unload()
        slicer.app.processEvents()
        for name in [n for n in sys.modules if n == self.name or n.split(".")[0] == f"{self.name}GUI"]:
            del sys.modules[name]
        if destroyed:
            raise AssertionError("the test destroyed the module's widget: take it out of its parent before the end")
