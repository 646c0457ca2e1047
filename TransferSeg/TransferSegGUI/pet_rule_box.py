"""The threshold in the panel: an SUV, a share of each lesion's SUVmax, or a model's outline as it is."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from .signals import Signal

SUV, SHARE, NONE = "suv", "share", "none"
_LIMITS = {SUV: (0.1, 100.0, 0.1, 1, 4.0), SHARE: (1.0, 100.0, 1.0, 0, 41.0)}


class RuleBox:
    """Holds a rule as the library writes it (``4.0``, ``41%``, None).

    Parameters
    ----------
    ui : object with the children ``ruleSelector ruleSpin rule40Button rule25Button rule41Button``
    """

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.changed = Signal()
        """Emitted without values when the user chooses another threshold."""
        self._showing = False
        for kind, text in ((SUV, _("SUV at least")), (SHARE, _("% of SUVmax")), (NONE, _("Model's outline"))):
            ui.ruleSelector.addItem(text, kind)
        ui.ruleSelector.connect("currentIndexChanged(int)", self._onKind)
        ui.ruleSpin.connect("valueChanged(double)", lambda _value: self._tell())
        for button, rule in ((ui.rule40Button, "4.0"), (ui.rule25Button, "2.5"), (ui.rule41Button, "41%")):
            button.connect("clicked(bool)", lambda _checked, rule=rule: self.choose(rule))
        self.show("4.0")

    @property
    def rule(self) -> str | None:
        """The threshold; None for a model's outline."""
        kind, value = self._kind(), self.ui.ruleSpin.value
        return {SUV: f"{round(value, 1)}", SHARE: f"{round(value):g}%"}.get(kind)

    def show(self, rule: str | None) -> None:
        """Show a threshold without telling."""
        if rule == self.rule and not self._showing and self.ui.ruleSelector.currentIndex >= 0:
            return
        self._showing = True
        kind = NONE if rule is None else SHARE if rule.endswith("%") else SUV
        self.ui.ruleSelector.setCurrentIndex(self.ui.ruleSelector.findData(kind))
        self._limit(kind)
        if rule is not None:
            self.ui.ruleSpin.value = float(rule.rstrip("%"))
        self._showing = False

    def choose(self, rule: str | None) -> None:
        """Take a threshold as if the user had set it."""
        self.show(rule)
        self._tell()

    def setEnabled(self, enabled: bool, reason: str = "") -> None:
        """Allow changes, or say why not."""
        tip = reason or _("What counts as lesion. Changed on a result, outlines and totals follow.")
        buttons = (self.ui.rule40Button, self.ui.rule25Button, self.ui.rule41Button)
        for widget in (self.ui.ruleSelector, self.ui.ruleSpin, *buttons):
            widget.setEnabled(enabled)
        self.ui.ruleSelector.toolTip = tip
        self.ui.ruleSpin.setEnabled(enabled and self._kind() != NONE)

    def _kind(self) -> str:
        return self.ui.ruleSelector.itemData(self.ui.ruleSelector.currentIndex) or SUV

    def _limit(self, kind: str) -> None:
        if kind in _LIMITS:
            low, high, step, digits, _usual = _LIMITS[kind]
            self.ui.ruleSpin.setDecimals(digits)
            self.ui.ruleSpin.setRange(low, high)
            self.ui.ruleSpin.setSingleStep(step)
        self.ui.ruleSpin.setEnabled(kind != NONE)

    def _onKind(self, _index: int) -> None:
        if not self._showing:
            kind = self._kind()
            self._showing = True
            self._limit(kind)
            if kind in _LIMITS:
                self.ui.ruleSpin.value = _LIMITS[kind][4]
            self._showing = False
            self._tell()

    def _tell(self) -> None:
        if not self._showing:
            self.changed.emit()
