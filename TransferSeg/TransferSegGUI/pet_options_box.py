"""The options of the report in the panel: least volume, tolerance, and what makes a pair of lesions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _

from .signals import Signal

PARAMETERS = {
    "tolerance_mm": "petctTolerance",
    "lesionwise": "petctLesionwise",
    "lesionwise_share": "petctShare",
    "minimum_ml": "petctMinimum",
}


class PetOptionsBox:
    """Shows and takes ``reporting`` as the logic has it.

    Parameters
    ----------
    ui : object with the children ``toleranceSpin lesionwiseSelector shareSpin minimumSpin``
    """

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.changed = Signal()
        """Emitted without values when the user chooses another value."""
        self._showing = False
        for kind, text in (("precision", _("Share in a true lesion")), ("dice", _("Dice of the two"))):
            ui.lesionwiseSelector.addItem(text, kind)
        ui.lesionwiseSelector.connect("currentIndexChanged(int)", lambda _index: self._tell())
        for spin in (ui.toleranceSpin, ui.shareSpin, ui.minimumSpin):
            spin.connect("valueChanged(double)", lambda _value: self._tell())

    @property
    def values(self) -> dict[str, Any]:
        """The options."""
        ui = self.ui
        return {
            "tolerance_mm": round(ui.toleranceSpin.value, 1),
            "lesionwise": ui.lesionwiseSelector.itemData(ui.lesionwiseSelector.currentIndex),
            "lesionwise_share": round(ui.shareSpin.value, 2),
            "minimum_ml": round(ui.minimumSpin.value, 2),
        }

    def show(self, reporting: Mapping[str, Any]) -> None:
        """Show options without telling."""
        ui, self._showing = self.ui, True
        ui.toleranceSpin.value = reporting["tolerance_mm"]
        ui.lesionwiseSelector.setCurrentIndex(ui.lesionwiseSelector.findData(reporting["lesionwise"]))
        ui.shareSpin.value = reporting["lesionwise_share"]
        ui.minimumSpin.value = reporting["minimum_ml"]
        self._showing = False

    def read(self, parameterNode: Any) -> None:
        """Show what the module's parameters hold."""
        self.show({name: getattr(parameterNode, parameter) for name, parameter in PARAMETERS.items()})

    def save(self, parameterNode: Any) -> None:
        """Keep the options in the module's parameters."""
        for name, value in self.values.items():
            if getattr(parameterNode, PARAMETERS[name]) != value:
                setattr(parameterNode, PARAMETERS[name], value)

    def _tell(self) -> None:
        if not self._showing:
            self.changed.emit()
