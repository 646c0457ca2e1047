"""The section Live of the Segment panel: switched on and off by one button, which says how quick it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from .error_line import ErrorLine


class LiveBox:
    """Live mode for the model and the images that the panel shows.

    Parameters
    ----------
    ui : object with the children ``liveButton liveText liveNote``
    logic : the module's logic
    errors : where a failure is told
    chosen : gives (model name, {role: volume node}, unconfirmed roles, options of ``startLive``) of the panel
    changed : called when live mode begins or ends
    """

    def __init__(
        self, ui: Any, logic: Any, errors: ErrorLine, chosen: Callable[[], tuple], changed: Callable[[], None]
    ) -> None:
        self.ui, self.logic, self.errors = ui, logic, errors
        self._chosen, self._changed = chosen, changed
        self._run: Any = None
        self._blocked: str | None = None
        self._said = ""
        ui.liveButton.connect("clicked(bool)", self._onClicked)
        self.show()

    @property
    def on(self) -> bool:
        """Whether live mode is on, or being opened."""
        return self._run is not None and not self._run.finished

    def setBlocked(self, reason: str | None) -> None:
        """Allow it no more, for a reason that lies outside the panel, or again; ``show`` is for the caller."""
        self._blocked = reason

    def followChoice(self) -> None:
        """The panel's model or images may be others: live mode ends where they are; ``show`` is for the caller."""
        if self.on:
            model, volumes, _unconfirmed, _options = self._chosen()
            if model != self._run.model.name:
                self.stop(_("Another model was chosen, so live mode was switched off."))
            elif any(node is not self._run.volumes.get(role) for role, node in volumes.items()):
                self.stop(_("Another image was chosen, so live mode was switched off."))

    def stop(self, reason: str = "") -> None:
        """Switch it off, if it is on."""
        if self.on:
            self._run.stop(reason)

    def show(self) -> None:
        """The button and what stands below it."""
        on, button = self.on, self.ui.liveButton
        reason = None if on else self._reason()
        button.setEnabled(on or reason is None)
        button.checked = on
        button.text = _("Stop following") if on else _("Follow the slice")
        button.toolTip = reason or _(
            "The model segments each slice that a view comes to, and again when the image changes."
        )
        self.ui.liveText.text = self._rate() if on else reason or self._said
        self.ui.liveNote.text = self._note() if on else ""
        self.ui.liveText.setVisible(bool(self.ui.liveText.text))
        self.ui.liveNote.setVisible(bool(self.ui.liveNote.text))

    def _reason(self) -> str | None:
        if self._blocked:
            return self._blocked
        model, volumes, unconfirmed, _options = self._chosen()
        return self.logic.whyNotLive(model, volumes, unconfirmed=unconfirmed)

    def _rate(self) -> str:
        run = self._run
        if not run.following:
            return run.stage
        if not run.rate.frames:
            return _("The model is open: move through the slices.")
        text = _("{frames} frames/s, {ms} ms, {n} dropped")
        return text.format(frames=_number(run.rate.perSecond), ms=round(run.rate.latencyMs), n=run.dropped)

    def _note(self) -> str:
        """What to know of the view, and what the worker said when it opened the images."""
        return "\n".join(text for text in (self._run.note, *self._run.notes) if text)

    def _onClicked(self, checked: bool = False) -> None:
        if not checked:
            self.stop()
        elif not self.on:
            self._start()
        self.show()

    def _start(self) -> None:
        self.errors.clear()
        model, volumes, _unconfirmed, options = self._chosen()
        self._said = ""
        try:
            run = self.logic.startLive(model, volumes, **options, callback=self._onEnded, onEvent=self._onEvent)
        except Exception as error:  # whatever it is, the panel says it in one line and stays usable
            self.errors.show(error)
            return
        self._run = None if run.finished else run
        self._changed()

    def _onEvent(self, run: Any, _event: dict) -> None:
        if run is self._run:
            self.ui.liveText.text = self._rate()
            self.ui.liveText.setVisible(True)
            note = self._note()
            if self.ui.liveNote.text != note:
                self.ui.liveNote.text = note
                self.ui.liveNote.setVisible(bool(note))

    def _onEnded(self, result: Any, error: Any) -> None:
        """It is over, whoever ended it."""
        self._run = None
        if error is not None and getattr(error, "code", "") != "cancelled":
            self.errors.show(error)
        elif error is not None:
            self._said = error.message
        else:
            text = _("{n} frames were shown; {segmentation} can be edited now.")
            shown = text.format(n=result.frames, segmentation=result.segmentationNode.GetName())
            self._said = " ".join(part for part in (result.reason, shown) if part)
        self._changed()


def _number(rate: float) -> str:
    """A rate as it is read."""
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
