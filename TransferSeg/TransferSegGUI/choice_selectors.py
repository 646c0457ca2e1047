"""Lists of fixed choices (automatic, always, never; devices) that hold a parameter's value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _

from .signals import Signal


def automaticChoices() -> list[tuple[str, str]]:
    """(value, text) of what is done where needed, always or never."""
    return [("auto", _("Automatic")), ("on", _("Always")), ("off", _("Never"))]


def deviceChoices() -> list[tuple[str, str]]:
    """(value, text) of where a model can run."""
    return [("auto", _("Automatic")), ("cpu", _("Processor (CPU)")), ("cuda", _("Graphics card (GPU)"))]


class ChoiceSelectors:
    """Combo boxes that show plain words and keep a short value in the parameter node.

    ``connectGui`` would show the stored words themselves.

    Parameters
    ----------
    selectors : mapping of parameter name to (combo box, [(value, text)])
    """

    def __init__(self, selectors: Mapping[str, tuple[Any, list[tuple[str, str]]]]) -> None:
        self.changed = Signal()
        """Emitted without values when a choice changed."""
        self._selectors = {name: selector for name, (selector, _choices) in selectors.items()}
        self._parameterNode: Any = None
        for selector, choices in selectors.values():
            for value, text in choices:
                selector.addItem(text, value)
            selector.connect("currentIndexChanged(int)", self._save)

    def value(self, name: str) -> str:
        """The chosen value of a parameter."""
        selector = self._selectors[name]
        return selector.itemData(selector.currentIndex)

    def values(self) -> dict[str, str]:
        """{parameter: value} of all."""
        return {name: self.value(name) for name in self._selectors}

    def setParameterNode(self, parameterNode: Any) -> None:
        """Hold the values of this node from now on, or of none."""
        self._parameterNode = parameterNode
        self.show()

    def show(self) -> None:
        """Read the parameter node again."""
        if self._parameterNode is None:
            return
        for name, selector in self._selectors.items():
            index = selector.findData(getattr(self._parameterNode, name))
            if index >= 0 and index != selector.currentIndex:
                selector.setCurrentIndex(index)

    def _save(self, _index: int = -1) -> None:
        if self._parameterNode is not None:
            for name, value in self.values().items():
                if value != getattr(self._parameterNode, name):
                    setattr(self._parameterNode, name, value)
        self.changed.emit()
