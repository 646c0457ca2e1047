"""PET and CT in the panel: guessed unless they are chosen, and what is in doubt about a guess."""

from __future__ import annotations

from typing import Any

from .pet_inputs import CT, PET, noPetReason
from .signals import Signal


class PetImagesBox:
    """The two selectors and the sentences below them.

    Parameters
    ----------
    ui : object with the children ``petSelector ctSelector petReason ctReason``
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui, self.logic = ui, logic
        self.changed = Signal()
        """Emitted without values when the user chooses another image."""
        self.filling = False
        """While true, what the selectors show is not the user's choice."""
        self._selectors = {PET: ui.petSelector, CT: ui.ctSelector}
        self._reasons = {PET: "", CT: ""}
        for role, selector in self._selectors.items():
            selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda _node, role=role: self._onImage(role))

    @property
    def pet(self) -> Any:
        """The chosen PET, or None."""
        return self._selectors[PET].currentNode()

    @property
    def ct(self) -> Any:
        """The chosen CT, or None."""
        return self._selectors[CT].currentNode()

    def fill(self) -> None:
        """Guess PET and CT unless they are chosen; say what is in doubt."""
        guesses = self.logic.guessPetCt()
        self.filling = True
        for role, selector in self._selectors.items():
            guess = guesses.get(role)
            if selector.currentNode() is None or self._reasons[role]:
                if guess is not None and guess.node is not selector.currentNode():
                    selector.setCurrentNode(guess.node)
                self._reasons[role] = guess.reason if guess is not None and guess.doubtful else ""
                if guess is None and role == PET:
                    self._reasons[role] = noPetReason()
        self.filling = False

    def show(self) -> None:
        """Write the doubts."""
        for label, role in ((self.ui.petReason, PET), (self.ui.ctReason, CT)):
            label.text = self._reasons[role]
            label.setVisible(bool(self._reasons[role]))

    def forget(self) -> None:
        """Another scene: nothing is in doubt yet."""
        self._reasons = {PET: "", CT: ""}

    def _onImage(self, role: str) -> None:
        if not self.filling:
            self._reasons[role] = ""
            self.changed.emit()
