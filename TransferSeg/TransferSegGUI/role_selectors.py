"""One selector a role: shown as the model asks, filled by guessing, a doubtful guess marked until it is confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from .parameters import VOLUMES
from .signals import Signal

MARKS = "TransferSeg.GuessedImages"
"""Attribute of the parameter node: which images were guessed and which of them are still doubtful."""


class RoleSelectors(VTKObservationMixin):
    """The rows of the Images box.

    What the user chose is never replaced by a guess. A doubtful guess is shown with its reason and counts as
    ``unconfirmed`` until the user confirms it or chooses.

    Parameters
    ----------
    ui : object with the children ``ROLELabel ROLESelector ROLEMark ROLEReason ROLEConfirm`` of every role
    """

    def __init__(self, ui: Any) -> None:
        VTKObservationMixin.__init__(self)
        self.ui = ui
        self.changed = Signal()
        """Emitted without values when an image or its mark changed."""
        self.roles: tuple[str, ...] = ()
        self._reasons: dict[str, str] = {}
        self._guessed: set[str] = set()
        self._doubtful: set[str] = set()
        self._leftEmpty: set[str] = set()
        self._last: dict[str, str] = {}
        self._parameterNode: Any = None
        self._filling = False
        for role in VOLUMES:
            self._selector(role).connect("currentNodeChanged(vtkMRMLNode*)", lambda _node, r=role: self._onChanged(r))
            self._selector(role).connect("nodeActivated(vtkMRMLNode*)", lambda node, r=role: self._onActivated(r, node))
            self._child(role, "Confirm").connect("clicked(bool)", lambda _checked, r=role: self.confirm(r))
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, self._onNodeGoes)
        self.setRoles(())

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Shown roles whose doubtful guess waits for the user."""
        return tuple(role for role in self.roles if role in self._doubtful and self._node(role) is not None)

    def volumes(self) -> dict[str, Any]:
        """{role: volume node or None} of the shown roles."""
        return {role: self._node(role) for role in self.roles}

    def setRoles(self, roles: Iterable[str]) -> None:
        """Show the rows of these roles only."""
        self.roles = tuple(role for role in VOLUMES if role in set(roles))
        for role in VOLUMES:
            self._child(role, "Label").setVisible(role in self.roles)
            self._selector(role).setVisible(role in self.roles)
        self._showMarks()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Take over which images were guessed; a saved choice without a mark is the user's own."""
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self._guessed, self._doubtful = _readMarks(parameterNode)
            self._showMarks()

    def fill(self, guesses: Mapping[str, Any], *, everything: bool = False) -> None:
        """Put guesses where the user has not chosen; ``everything`` replaces the user's choices too."""
        self._filling = True
        try:
            for role in self.roles:
                empty = self._node(role) is None and role not in self._leftEmpty
                if everything or empty or role in self._guessed:
                    self._put(role, guesses.get(role), everything)
        finally:
            self._filling = False
        self._update()

    def confirm(self, role: str) -> None:
        """The user says that a doubtful guess is right: from now on it is the user's own choice."""
        self._guessed.discard(role)
        self._doubtful.discard(role)
        self._update()

    def _put(self, role: str, guess: Any, everything: bool) -> None:
        """One guess into its row; without a guess an earlier one stays."""
        if guess is None or guess.node is None:
            if everything:
                self._selector(role).setCurrentNode(None)
                self._forget(role)
            return
        self._selector(role).setCurrentNode(guess.node)
        self._leftEmpty.discard(role)
        self._reasons[role] = guess.reason
        self._guessed.add(role)
        (self._doubtful.add if guess.doubtful else self._doubtful.discard)(role)

    def _forget(self, role: str) -> None:
        self._guessed.discard(role)
        self._doubtful.discard(role)
        self._reasons.pop(role, None)

    def forgetEmpty(self) -> None:
        """Another scene: what the user left empty may be filled again."""
        self._leftEmpty.clear()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeGoes(self, _caller: Any, _event: Any, node: Any) -> None:
        """A node is about to leave the scene: a selector left alone would silently take another image instead."""
        if self._parameterNode is None:
            return
        self._filling = True
        for role in VOLUMES:
            if self._node(role) is node:
                self._selector(role).setCurrentNode(None)
                self._forget(role)
        self._filling = False

    def _onChanged(self, role: str) -> None:
        """Another image in a row; renaming a node announces the same one again."""
        node = self._node(role)
        now = node.GetID() if node is not None else ""
        changed, self._last[role] = now != self._last.get(role, ""), now
        if changed and self._userActs():
            self._forget(role)
            self._leftEmpty.discard(role)
        if changed and not self._filling:
            self._update()

    def _onActivated(self, role: str, node: Any) -> None:
        """The user chose in the list, perhaps the same image again, or none; setting a node comes here too."""
        if self._userActs():
            self._forget(role)
            (self._leftEmpty.add if node is None else self._leftEmpty.discard)(role)
            self._update()

    def _userActs(self) -> bool:
        """Whether a change comes neither from ``fill`` nor from binding the parameter node."""
        return not self._filling and self._parameterNode is not None

    def _update(self) -> None:
        self._writeMarks()
        self._showMarks()
        self.changed.emit()

    def _showMarks(self) -> None:
        for role in VOLUMES:
            doubtful = role in self.unconfirmed
            self._child(role, "Mark").setVisible(doubtful)
            reason = self._reasons.get(role) or _("Chosen by its name only.")
            self._child(role, "Reason").text = _("⚠ Please check: {reason}").format(reason=reason) if doubtful else ""
            self._selector(role).toolTip = self._tip(role)

    def _tip(self, role: str) -> str:
        name = self._child(role, "Label").text.replace("&", "").rstrip(":")
        if role in self._guessed and self._reasons.get(role):
            return _("The {role} image. {reason}").format(role=name, reason=self._reasons[role])
        return _("The {role} image of the patient.").format(role=name)

    def _node(self, role: str) -> Any:
        return self._selector(role).currentNode()

    def _selector(self, role: str) -> Any:
        return self._child(role, "Selector")

    def _child(self, role: str, part: str) -> Any:
        return getattr(self.ui, role + part)

    def _writeMarks(self) -> None:
        if self._parameterNode is None:
            return
        marks = [f"{role}{'?' if role in self._doubtful else ''}" for role in VOLUMES if role in self._guessed]
        node = self._parameterNode.parameterNode
        # Without an event: it would write the node's images, not stored yet, back into the selector that just changed.
        before = node.GetDisableModifiedEvent()
        node.SetDisableModifiedEvent(1)
        node.SetAttribute(MARKS, " ".join(marks))
        node.SetDisableModifiedEvent(before)


def _readMarks(parameterNode: Any) -> tuple[set[str], set[str]]:
    """(guessed, doubtful) roles as they were saved with the scene."""
    marks = (parameterNode.parameterNode.GetAttribute(MARKS) or "").split()
    return {mark.rstrip("?") for mark in marks}, {mark.rstrip("?") for mark in marks if mark.endswith("?")}
