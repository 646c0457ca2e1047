"""A reader's name and review, and saving where the plane stands as that reader's reading."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from .level_readings import readingsFile, whyNotRead


class LevelReadingBox:
    """The section "Reader's reading".

    Parameters
    ----------
    ui : object with the children ``readerEdit reviewSpin saveReadingButton readingLabel`` of L3Panel.ui
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.logic = logic
        self._result: Any = None
        ui.saveReadingButton.connect("clicked(bool)", lambda _checked: self.save())
        ui.readerEdit.connect("textChanged(QString)", lambda _text: self._update())
        self.show(None)

    def show(self, result: Any) -> None:
        """What a reading would be of: an ``L3Result``, or None."""
        self._result = result
        self._update()

    def save(self) -> None:
        """Append the reading."""
        from TransferSegLib.errors import TransferSegError

        try:
            file = self.logic.saveReading(self._result, self.ui.readerEdit.text, self.ui.reviewSpin.value)
        except (TransferSegError, OSError) as error:
            self.ui.readingLabel.text = "⚠ " + str(getattr(error, "message", error))
            return
        said = _("Saved: {reader}, review {review}, slice {slice}. File: {file}")
        self.ui.readingLabel.text = said.format(
            reader=self.ui.readerEdit.text.strip(),
            review=self.ui.reviewSpin.value,
            slice=self._result.sliceIndex,
            file=file,
        )

    def _update(self) -> None:
        reason = whyNotRead(self._result, self.ui.readerEdit.text)
        self.ui.saveReadingButton.setEnabled(reason is None)
        self.ui.saveReadingButton.setToolTip(reason or _("Append the plane's slice under this name to the readings."))
        self.ui.readingLabel.text = reason or _("Readings go to {file}").format(file=readingsFile())
