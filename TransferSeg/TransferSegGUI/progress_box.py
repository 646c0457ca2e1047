"""What a run is doing, in plain words: step, bar, time left, rate, memory, Cancel; raw output behind Details."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

MEMORY_STEPS = 1000
RATE_AFTER_S = 1.0
"""A rate from less than this is noise."""


class ProgressBox:
    """Shows one run at a time.

    Parameters
    ----------
    ui : object with the children ``runBox stageLabel runProgress rateLabel memoryLabel memoryBar cancelButton
        detailsButton detailsText copyDetailsButton``
    onCancel : called when the user presses Cancel; False means that the run goes on after all
    """

    def __init__(self, ui: Any, onCancel: Callable[[], bool | None]) -> None:
        self.ui = ui
        self._onCancel = onCancel
        self._stage = ""
        self._stageStart = 0.0
        self._stageDone = 0
        ui.cancelButton.connect("clicked(bool)", self._cancel)
        ui.copyDetailsButton.connect("clicked(bool)", self._copyDetails)
        ui.runBox.setVisible(False)
        ui.detailsButton.setVisible(False)

    def start(self, text: str) -> None:
        """A run begins: ``text`` says what is asked for."""
        self._stage, self._stageStart, self._stageDone = text, time.monotonic(), 0
        self.ui.stageLabel.text = text
        self.ui.rateLabel.text = _("The time left is shown as soon as it can be estimated.")
        self.ui.runProgress.setRange(0, 0)
        self._showMemory({})
        self.ui.cancelButton.setEnabled(True)
        self.ui.detailsText.clear()
        self.ui.detailsButton.setVisible(True)
        self.ui.runBox.setVisible(True)
        self.log(text)

    def update(self, run: Any, event: dict | None = None) -> None:
        """Show where a run is; ``event`` (the worker's) goes to the details where it says something new."""
        if run.stage and run.stage != self._stage:
            self._stage, self._stageStart, self._stageDone = run.stage, time.monotonic(), run.done
            self.log(run.stage)
        if event and event.get("event") == "message":
            self.log(event.get("text", ""))
        if not self.ui.cancelButton.enabled:  # cancelling: that is what the box says until it is over
            return
        if run.stage:
            self.ui.stageLabel.text = run.stage
        self.ui.runProgress.setRange(0, run.total)
        if run.total:
            self.ui.runProgress.value = run.done
        self.ui.rateLabel.text = self._pace(run)
        self._showMemory(run.memory)

    def log(self, text: str) -> None:
        """One line for the details."""
        if text:
            self.ui.detailsText.appendPlainText(f"{time.strftime('%H:%M:%S')}  {text}")

    def finish(self) -> None:
        """The run is over; the details stay."""
        self.ui.runBox.setVisible(False)

    def _pace(self, run: Any) -> str:
        """Time left, how far, and how quickly."""
        parts = []
        if run.secondsLeft is not None and run.done < run.total:
            parts.append(_("{time} left").format(time=aboutTime(run.secondsLeft)))
        if run.total > 1:
            parts.append(_("{done} of {total} parts").format(done=run.done, total=run.total))
        elapsed = time.monotonic() - self._stageStart
        if elapsed >= RATE_AFTER_S and run.done > self._stageDone:
            parts.append(_rate((run.done - self._stageDone) / elapsed))
        return " · ".join(parts) or _("The time left is shown as soon as it can be estimated.")

    def _showMemory(self, memory: dict[str, float]) -> None:
        used, total = memory.get("used_gb"), memory.get("total_gb")
        bar = self.ui.memoryBar
        bar.setRange(0, MEMORY_STEPS)
        if used is None or not total:
            bar.value = 0
            bar.setFormat(_("not known yet"))
            return
        bar.value = int(MEMORY_STEPS * min(used / total, 1.0))
        bar.setFormat(_("{used} of {total} GB").format(used=f"{used:.1f}", total=f"{total:.0f}"))

    def _cancel(self, _checked: bool = False) -> None:
        if self._onCancel() is False or self.ui.runBox.isHidden():  # not now, or over at once
            return
        self.ui.cancelButton.setEnabled(False)
        self.ui.stageLabel.text = _("Cancelling…")
        self.ui.rateLabel.text = ""
        self.ui.runProgress.setRange(0, 0)

    def _copyDetails(self, _checked: bool = False) -> None:
        slicer.app.clipboard().setText(self.ui.detailsText.plainText)


def aboutTime(seconds: float) -> str:
    """A duration as people say it: "a few seconds", "about 40 s", "about 3 min", "about 1 h 20 min"."""
    if seconds < 5:
        return _("a few seconds")
    if seconds < 90:
        return _("about {n} s").format(n=round(seconds / 5) * 5)
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("about {n} min").format(n=minutes)
    return _("about {hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)


def _rate(perSecond: float) -> str:
    """Parts a second, or a minute where that is easier to read."""
    if perSecond >= 1:
        return _("{n} a second").format(n=f"{perSecond:.0f}" if perSecond >= 10 else f"{perSecond:.1f}")
    return _("{n} a minute").format(n=f"{perSecond * 60:.0f}" if perSecond >= 1 / 6 else f"{perSecond * 60:.1f}")
