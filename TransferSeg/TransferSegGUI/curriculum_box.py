"""In which order a training meets its cases: the chooser and one sentence."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from .signals import Signal

NONE = "none"


class CurriculumBox:
    """The row "Order of the cases".

    Parameters
    ----------
    ui : object with the children ``curriculumSelector curriculumSentence``
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.changed = Signal()
        """Emitted with the curriculum's name when another one is chosen."""
        self._sentences = dict(logic.curricula())
        ui.curriculumSelector.clear()
        for name in self._sentences:
            ui.curriculumSelector.addItem(title(name), name)
        ui.curriculumSelector.connect("currentIndexChanged(int)", self._onChosen)
        self._describe()

    @property
    def name(self) -> str:
        """The chosen curriculum, ``none`` for plain order."""
        return str(self.ui.curriculumSelector.currentData or NONE)

    def select(self, name: str) -> None:
        """Choose a curriculum by name; an unknown one changes nothing."""
        index = self.ui.curriculumSelector.findData(name)
        if index >= 0:
            self.ui.curriculumSelector.setCurrentIndex(index)

    def _onChosen(self, _index: int = -1) -> None:
        self._describe()
        self.changed.emit(self.name)

    def _describe(self) -> None:
        self.ui.curriculumSentence.text = self._sentences.get(self.name, "")


def title(name: str) -> str:
    """A curriculum in a few words."""
    titles = {
        NONE: _("All cases from the start"),
        "transfer-teacher": _("Easy cases first, as the model finds them"),
        "predefined": _("Large lesions first"),
        "self-paced": _("What the training itself finds easy"),
        "rl-teacher": _("What is learned from most"),
        "smoothing": _("Blurred first, then sharp"),
        "anti": _("Hard cases first (to compare)"),
        "random": _("By chance (to compare)"),
    }
    return _("{title} ({name})").format(title=titles.get(name, name), name=name)
