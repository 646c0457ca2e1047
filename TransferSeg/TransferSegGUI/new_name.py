"""The new model's name: what may be in it, and a proposal that is free."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from slicer.i18n import tr as _

LONGEST = 60


def nameProblem(name: str, taken: Collection[str]) -> str | None:
    """What is wrong with a name, in plain words; None when it can be used."""
    if not name:
        return _("Give the new model a name.")
    if re.search(r"[^A-Za-z0-9._-]", name):
        return _("Use letters, digits, - _ and . only in the name.")
    if not name[0].isalnum():
        return _("Let the name begin with a letter or a digit.")
    if name.endswith("."):
        return _("Let the name end with a letter or a digit.")
    if len(name) > LONGEST:
        return _("Use a shorter name, up to {n} characters.").format(n=LONGEST)
    # Some disks do not tell capital letters from small ones.
    if name.casefold() in {one.casefold() for one in taken}:
        return _("A model of that name is there already. Choose another name.")
    return None


def proposedName(model: str, strategy: str, taken: Collection[str]) -> str:
    """A name that is free, made of the model's and the strategy's."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{model}-{strategy}")[: LONGEST - 3].strip("-.")
    number, name = 2, base
    while nameProblem(name, taken) is not None:
        name, number = f"{base}-{number}", number + 1
    return name


class NewName:
    """The field with the new model's name: a proposal of ours until the user writes one.

    Parameters
    ----------
    ui : object with the children ``nameEdit nameProblem``
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.logic = logic
        self._parameterNode: Any = None
        self._proposed = ""
        self._taken: set[str] = set()
        self._interrupted: set[str] = set()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Where the name is kept, or None."""
        self._parameterNode = parameterNode

    def refresh(self) -> None:
        """Read which names there are; from disk, so not at every letter that is typed."""
        self._interrupted = {one.name for one in self.logic.interruptedAdaptations()}
        self._taken = {info.name for info in self.logic.models()} | self._interrupted

    def propose(self, model: str, strategy: str) -> None:
        """Put a free name into the field unless the user wrote one."""
        node = self._parameterNode
        if node is None or node.newName not in ("", self._proposed):
            return
        self._proposed = proposedName(model, strategy, self._taken)
        if node.newName != self._proposed:
            node.newName = self._proposed

    def used(self) -> None:
        """The name was given to a model: the next proposal may take its place."""
        if self._parameterNode is not None:
            self._proposed = self._parameterNode.newName

    def problem(self) -> str | None:
        """What is wrong with the name in the field; shown below it too."""
        name = self.ui.nameEdit.text
        problem = nameProblem(name, self._taken)
        if name in self._interrupted:
            problem = _("Its training was interrupted: resume or discard it above, or choose another name.")
        self.hide(problem)
        return problem

    def hide(self, problem: str | None = None) -> None:
        """Show a problem below the field, or none."""
        self.ui.nameProblem.text = problem or ""
        self.ui.nameProblem.setVisible(bool(problem))
