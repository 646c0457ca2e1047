"""Which parts of a model may change: the chooser, one sentence, the share that learns, and the drawing."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from .signals import Signal

MARGIN = 40
"""Pixels between the panel's width and the drawing's: frames and a scroll bar."""


class StrategyBox:
    """The section "What may change".

    The drawing comes from the worker; it is asked for only while the section is shown, and once a model and strategy.

    Parameters
    ----------
    ui : object with the children ``strategyButton strategySelector strategySentence strategyShare strategyPicture``
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.logic = logic
        self.changed = Signal()
        """Emitted with the strategy's name when another one is chosen."""
        self._model: Any = None
        self._blocked: str | None = None
        self._sentences: dict[str, str] = {}
        self._found: dict[tuple[str, str], Any] = {}
        self._asked: tuple[str, str] | None = None
        self._shown: tuple[str, int] | None = None
        ui.strategySelector.connect("currentIndexChanged(int)", self._onChosen)
        ui.strategyButton.connect("contentsCollapsed(bool)", lambda _collapsed: self.draw())

    @property
    def name(self) -> str:
        """The chosen strategy."""
        return str(self.ui.strategySelector.currentData or "")

    def setModel(self, info: Any) -> None:
        """Offer the strategies of this model (``ModelInfo`` or None)."""
        self._model = info
        chosen, selector = self.name, self.ui.strategySelector
        pairs = self.logic.strategies(info.name) if info is not None else []
        self._sentences = dict(pairs)
        selector.blockSignals(True)
        selector.clear()
        for name, _sentence in pairs:
            selector.addItem(_("{title} ({name})").format(title=title(name), name=name), name)
        index = selector.findData(chosen or "half-lr")
        selector.setCurrentIndex(max(index, 0) if pairs else -1)
        selector.blockSignals(False)
        self._describe()

    def select(self, name: str) -> None:
        """Choose a strategy by name; an unknown one changes nothing."""
        index = self.ui.strategySelector.findData(name)
        if index >= 0:
            self.ui.strategySelector.setCurrentIndex(index)

    def setBlocked(self, reason: str | None) -> None:
        """Say why nothing can be drawn now, or draw again."""
        self._blocked = reason
        self._found = {key: found for key, found in self._found.items() if isinstance(found, _Drawing)}
        self.draw()

    def forget(self) -> None:
        """Models changed: ask again."""
        self._found.clear()

    def draw(self) -> None:
        """Show share and drawing; ask the worker for them when the section is shown and they are not known."""
        key = self._key()
        if key is None or key in self._found:
            self._show(self._found.get(key) if key else None)
        elif self._blocked:
            self._say(_("No drawing yet: {reason}").format(reason=self._blocked))
        elif self._asked is None and self.ui.strategyPicture.visible and self.logic.running is None:
            self._ask(key)
        elif self._asked is not None:
            self._say(_("Drawing the network…"))
        else:
            self._say("")

    def _ask(self, key: tuple[str, str]) -> None:
        from TransferSegLib.errors import TransferSegError

        self._asked = key
        self._say(_("Drawing the network…"))
        try:
            self.logic.groups(*key, lambda value, error: self._onGroups(key, value, error))
        except TransferSegError as error:
            self._onGroups(key, None, error)

    def _key(self) -> tuple[str, str] | None:
        return (self._model.name, self.name) if self._model is not None and self.name else None

    def _onChosen(self, _index: int = -1) -> None:
        self._describe()
        self.changed.emit(self.name)

    def _describe(self) -> None:
        self.ui.strategySentence.text = self._sentences.get(self.name, "")
        self.draw()

    def _onGroups(self, key: tuple[str, str], value: Any, error: Any) -> None:
        self._asked = None
        if error is None:
            self._found[key] = _Drawing(value)
        elif getattr(error, "code", "") not in ("cancelled", "worker-closed"):
            self._found[key] = _("No drawing: {reason}").format(reason=getattr(error, "message", str(error)))
        if error is None or key in self._found:
            self.draw()

    def _say(self, text: str) -> None:
        self._shown = None
        self.ui.strategyShare.text = ""
        self.ui.strategyShare.setVisible(False)
        self.ui.strategyPicture.setMinimumHeight(0)
        self.ui.strategyPicture.text = text

    def _show(self, found: Any) -> None:
        if not isinstance(found, _Drawing):
            self._say(found or "")
            return
        self.ui.strategyShare.text = found.share
        self.ui.strategyShare.setVisible(True)
        picture = self.ui.strategyPicture
        width = min(max(self.ui.strategySelector.width, 280), 900)
        if found.pixmap.isNull():
            picture.text = _("The drawing could not be read.")
        elif self._shown != (found.path, width):
            self._shown = (found.path, width)
            pixmap = found.scaled(width, picture.devicePixelRatioF())
            picture.setPixmap(pixmap)
            # Without it a label that breaks lines gives its picture's height away where the panel is full.
            picture.setMinimumHeight(round(pixmap.height() / pixmap.devicePixelRatio()))


class _Drawing:
    """What the worker said about a model and a strategy."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.path = str(value.get("picture") or "")
        self.share = shareText(int(value["trainable"]), int(value["total"]))
        # Read now: the file may go with the worker's folder.
        self.pixmap = qt.QPixmap(self.path)

    def scaled(self, width: int, ratio: float) -> Any:
        """The drawing for ``width`` pixels of the panel, sharp on a screen with more dots a pixel."""
        pixmap = self.pixmap.scaledToWidth(round(width * ratio), qt.Qt.SmoothTransformation)
        pixmap.setDevicePixelRatio(ratio)
        return pixmap


def shareText(trainable: int, total: int) -> str:
    """How much of the model learns, in a few words."""
    percent = 100 * trainable / max(total, 1)
    digits = 0 if percent >= 10 or percent == 0 else 1
    return _("Learns {percent} % of {total} parameters.").format(percent=f"{percent:.{digits}f}", total=f"{total:,}")


def title(name: str) -> str:
    """A strategy in a few words."""
    titles = {
        "scratch": _("Learn everything anew"),
        "half-lr": _("Everything may change a little"),
        "freeze-encoder": _("Keep how images are read"),
        "freeze-decoder": _("Keep how outlines are drawn"),
        "freeze-both": _("Change only the middle and the end"),
    }
    if name.startswith("from-level:"):
        return _("Keep all before level {level}").format(level=name.partition(":")[2])
    return titles.get(name, name)
