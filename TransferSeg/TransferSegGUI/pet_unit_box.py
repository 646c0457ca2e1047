"""The unit of the PET in the panel: what the image says, what the user states, and the numbers entered by hand."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from . import pet_units
from .choice_selectors import ChoiceSelectors
from .pet_units import BQML, SUV
from .signals import Signal

_EDITS = {
    "weight_kg": "weightEdit",
    "dose_mbq": "doseEdit",
    "injected": "injectedEdit",
    "acquired": "acquiredEdit",
    "height_m": "heightEdit",
}


class PetUnitBox:
    """Shows what makes SUV of the chosen PET, and asks for what is missing.

    Parameters
    ----------
    ui : object with the children ``unitSelector unitLabel byHandFrame`` and those of the form in it
    """

    def __init__(self, ui: Any) -> None:
        from TransferSegLib.imaging.suv_factor import HALF_LIVES

        self.ui = ui
        self.changed = Signal()
        """Emitted without values when the user states something else."""
        nuclides = [("", _("as the image says"))]
        nuclides += [(f"{seconds:g}", f"{name} ({seconds / 60:.0f} min)") for name, seconds in HALF_LIVES.items()]
        self.choices = ChoiceSelectors(
            {
                "petctUnit": (
                    ui.unitSelector,
                    [("", _("From the image")), (SUV, _("SUV (body weight, g/ml)")), (BQML, _("Bq/ml"))],
                ),
                "petctHalfLife": (ui.nuclideSelector, nuclides),
                "petctSex": (ui.sexSelector, [("", _("not given")), ("F", _("female")), ("M", _("male"))]),
            }
        )
        self.choices.changed.connect(self.changed.emit)
        for name in _EDITS.values():
            getattr(ui, name).connect("textChanged(QString)", lambda _text: self.changed.emit())
        ui.byHandFrame.setVisible(False)

    @property
    def unit(self) -> str | None:
        """The unit that the user states, or None."""
        return self.choices.value("petctUnit") or None

    @property
    def byHand(self) -> dict[str, str]:
        """What was entered by hand, for a PET that is not in SUV by the user's word."""
        if self.unit == SUV:
            return {}
        found = {key: getattr(self.ui, name).text.strip() for key, name in _EDITS.items()}
        found |= {"half_life_s": self.choices.value("petctHalfLife"), "sex": self.choices.value("petctSex")}
        return {key: value for key, value in found.items() if value}

    def show(self, petNode: Any) -> None:
        """Say what the values of this PET are, and show the form where it can help."""
        from TransferSegLib.errors import TransferSegError

        text, failed, own = "", False, ""
        if petNode is not None and petNode.GetImageData() is not None:
            own = pet_units.statedUnit(petNode)[0]
            try:
                text = pet_units.stateText(pet_units.petUnit(petNode, self.unit, self.byHand))
            except TransferSegError as error:
                text, failed = f"⚠ {error.message}", True
        self.ui.unitLabel.text = text
        self.ui.unitLabel.setVisible(bool(text))
        inSuv = (own or self.unit) in ("", SUV, None)
        self.ui.byHandFrame.setVisible(petNode is not None and not inSuv and (failed or bool(self.byHand)))
