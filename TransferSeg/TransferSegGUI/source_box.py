"""The chooser of the model that is adapted."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from .signals import Signal


class SourceBox:
    """The section "Model to start from": follows the Segment panel's model until the user chooses one here.

    Parameters
    ----------
    ui : object with the children ``sourceSelector sourceLabel``
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.logic = logic
        self.changed = Signal()
        """Emitted without values when another model is shown."""
        self._models: dict[str, Any] = {}
        self._parameterNode: Any = None
        ui.sourceSelector.connect("currentIndexChanged(int)", self._onChosen)

    @property
    def model(self) -> Any:
        """The ``ModelInfo`` to start from, or None."""
        return self._models.get(str(self.ui.sourceSelector.currentData or ""))

    def setParameterNode(self, parameterNode: Any) -> None:
        """Keep the choice in this parameter node, or nowhere."""
        self._parameterNode = parameterNode
        self.follow()

    def refresh(self) -> None:
        """Read the list of models again and keep the choice where it is still there."""
        chosen, selector = str(self.ui.sourceSelector.currentData or ""), self.ui.sourceSelector
        self._models = {info.name: info for info in self.logic.models() if _canBeAdapted(info)}
        selector.blockSignals(True)
        selector.clear()
        for info in self._models.values():
            selector.addItem(info.name, info.name)
        selector.setCurrentIndex(max(selector.findData(chosen), 0) if self._models else -1)
        selector.blockSignals(False)
        self._tell()

    def choose(self, name: str) -> None:
        """Choose a model by name, as the user would; an unknown one changes nothing."""
        if name in self._models and self._parameterNode is not None:
            self._parameterNode.sourceModel = name
        self._show(name)

    def follow(self) -> None:
        """Show what the parameter node says: the user's choice here, else the Segment panel's."""
        if self._parameterNode is not None:
            self._show(self._parameterNode.sourceModel or self._parameterNode.model)

    def _show(self, name: str) -> None:
        index, selector = self.ui.sourceSelector.findData(name), self.ui.sourceSelector
        if index >= 0 and index != selector.currentIndex:
            selector.blockSignals(True)
            selector.setCurrentIndex(index)
            selector.blockSignals(False)
            self._tell()

    def _onChosen(self, _index: int) -> None:
        if self.model is not None and self._parameterNode is not None:
            self._parameterNode.sourceModel = self.model.name
        self._tell()

    def _tell(self) -> None:
        info = self.model
        if info is None:
            text = _("There is no model that can be adapted. Import one in the Models tab.")
        else:
            text = _("Needs {needs}. Gives {gives}.").format(needs=info.needs, gives=info.gives)
        self.ui.sourceLabel.text = text
        self.changed.emit()


def _canBeAdapted(info: Any) -> bool:
    return info.available and info.card is not None and info.card.task == "segmentation"
