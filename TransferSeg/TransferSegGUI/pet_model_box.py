"""What finds the lesions in the PET/CT panel: the threshold alone, or a model."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from .model_chooser import describe
from .signals import Signal


class PetModelBox:
    """The chooser "Lesions by".

    Parameters
    ----------
    ui : object with the children ``methodSelector methodInfo``
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui, self.logic = ui, logic
        self.changed = Signal()
        """Emitted without values when another one is chosen."""
        ui.methodSelector.connect("currentIndexChanged(int)", lambda _index: self.changed.emit())

    @property
    def name(self) -> str:
        """The chosen model, empty for the threshold alone."""
        return self.ui.methodSelector.itemData(self.ui.methodSelector.currentIndex) or ""

    def select(self, name: str) -> bool:
        """Choose a model, for example one that was just adapted; whether it is there."""
        self.refresh()
        index = self.ui.methodSelector.findData(name)
        if index >= 0:
            self.ui.methodSelector.setCurrentIndex(index)
        return index >= 0

    def refresh(self) -> None:
        """Read the list of models again and keep the choice where it is still there."""
        chosen, selector = self.name, self.ui.methodSelector
        selector.blockSignals(True)
        selector.clear()
        selector.addItem(_("The threshold alone"), "")
        for info in self.logic.petModels():
            selector.addItem(
                info.name if info.offered else _("{model} (not proposed)").format(model=info.name), info.name
            )
        selector.setCurrentIndex(max(selector.findData(chosen), 0))
        selector.blockSignals(False)

    def show(self) -> None:
        """Say what the model needs, gives and was measured on."""
        info = next((one for one in self.logic.petModels() if one.name == self.name), None)
        self.ui.methodInfo.text = describe(info) if info is not None else ""
        self.ui.methodInfo.setVisible(info is not None)
