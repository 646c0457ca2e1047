"""The model chooser: the list of models and, below it, what the chosen one needs, gives and was measured on."""

from __future__ import annotations

from html import escape
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .light_models import lightVersion, whyProposed
from .models import LEVEL, SEGMENTATION, isFor
from .signals import Signal

CITED_MS = 2500


class ModelChooser:
    """Fills ``modelSelector`` and the texts below it.

    Parameters
    ----------
    ui : object with the children ``modelSelector modelInfo modelProblem modelProposal citeButton citeDone``
    logic : the module's logic
    task : only models for this task are offered
    """

    def __init__(self, ui: Any, logic: Any, task: str = SEGMENTATION) -> None:
        self.ui = ui
        self._task = task
        self.logic = logic
        self.changed = Signal()
        """Emitted with the name when another model is chosen, by the user or by ``select``."""
        self._models: dict[str, Any] = {}
        self._shown = ""
        self._citedTimer = qt.QTimer()
        self._citedTimer.setSingleShot(True)
        self._citedTimer.setInterval(CITED_MS)
        self._citedTimer.timeout.connect(self._forgetCited)
        ui.modelSelector.connect("currentIndexChanged(int)", self._onChosen)
        ui.citeButton.connect("clicked(bool)", self.copyCitation)
        ui.modelProposal.connect("linkActivated(QString)", self.select)

    @property
    def name(self) -> str:
        """The chosen model, or an empty string."""
        return self.ui.modelSelector.itemData(self.ui.modelSelector.currentIndex) or ""

    @property
    def info(self) -> Any:
        """The chosen model's ``ModelInfo``, or None."""
        return self._models.get(self.name)

    @property
    def roles(self) -> tuple[str, ...]:
        """The images that the chosen model asks for."""
        return tuple(self.info.roles) if self.info else ()

    def refresh(self) -> None:
        """Read the list of models again and keep the choice where it is still there."""
        chosen, selector = self.name, self.ui.modelSelector
        self._models = {info.name: info for info in self.logic.models() if isFor(info, self._task)}
        selector.blockSignals(True)
        selector.clear()
        for info in self._models.values():
            selector.addItem(
                info.name if info.offered else _("{model} (not proposed)").format(model=info.name), info.name
            )
        selector.setCurrentIndex(max(selector.findData(chosen), 0) if self._models else -1)
        selector.blockSignals(False)
        self._onChosen()

    def select(self, name: str) -> bool:
        """Choose a model by name; False when there is none of that name."""
        index = self.ui.modelSelector.findData(name)
        if index >= 0:
            self.ui.modelSelector.setCurrentIndex(index)
        return index >= 0

    def copyCitation(self, _checked: bool = False) -> None:
        """Put how to cite the model on the clipboard."""
        if self.info and self.info.citation:
            slicer.app.clipboard().setText(self.info.citation)
            self.ui.citeDone.text = _("Copied.")
            self._citedTimer.start()

    def propose(self) -> None:
        """Without a graphics card, say which light model can be used instead of the chosen one, and why."""
        light = lightVersion(self.info, self._models.values()) if self.logic.computesOnCpu() else None
        text = ""
        if light is not None:
            link = f"<a href='{escape(light.name)}'>{escape(_('Use it'))}</a>"
            text = f"{escape(whyProposed(light, self.info))} {link}"
        self.ui.modelProposal.text = text
        self.ui.modelProposal.setVisible(bool(text))

    def cleanup(self) -> None:
        """Stop the timer."""
        self._citedTimer.stop()

    def _forgetCited(self) -> None:
        self.ui.citeDone.text = ""

    def _onChosen(self, _index: int = -1) -> None:
        self._describe()
        if self.name != self._shown:
            self._shown = self.name
            self.changed.emit(self.name)

    def _describe(self) -> None:
        """Write what is to be known about the chosen model."""
        info = self.info
        self.ui.modelInfo.text = describe(info) if info else escape(_("No model is installed."))
        self.ui.modelProblem.text = info.problem if info else ""
        self.ui.modelProblem.setVisible(bool(info and info.problem))
        self.propose()
        citation = info.citation if info else ""
        self.ui.citeButton.setVisible(bool(citation))
        self.ui.citeButton.toolTip = _("How to cite this model; a click copies it:\n{citation}").format(
            citation=citation
        )
        self.ui.citeDone.text = ""


def describe(info: Any) -> str:
    """What a model needs, gives, where it came from and how long it takes, as rich text."""
    rows = [
        (_("Needs"), escape(info.needs)),
        (_("Gives"), _coloured(info)),
        (_("From"), escape(_source(info))),
        (_("Size"), escape(info.size)),
        (_("Time"), escape(info.timing)),
    ]
    lines = "<br>".join(f"<b>{escape(title)}:</b> {text}" for title, text in rows if text)
    about = [info.card.description if info.card else "", info.origin]
    return lines + "".join(f"<p style='margin-top:4px; margin-bottom:0'>{escape(text)}</p>" for text in about if text)


def _coloured(info: Any) -> str:
    """The labels' names, each behind a square of its colour."""
    if not info.labels or isFor(info, LEVEL):
        return escape(info.gives)
    parts = [
        (f"<span style='color:{label.colour}'>■</span>&nbsp;" if label.colour else "") + escape(label.name)
        for label in info.labels
    ]
    return ", ".join(parts)


def _source(info: Any) -> str:
    """Where a model came from, in words."""
    if info.source == "shipped":
        return _("supplied with TransferSeg")
    if info.source == "user":
        return _("your own models (adapted or imported)")
    return _("a folder on this computer: {folder}").format(folder=info.folder)
