"""The numbers of a level's slice in the panel: they follow edits, and say whether a reader has checked them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from . import level_results
from .fitted_table import layOutAgain
from .result_box import openSegmentEditor, outlineEvents
from .signals import Signal

FOLLOW_MS = 250
"""After the last brush stroke; measuring at each would hold the brush up."""
HIGHEST = 260


class LevelNumbersBox(VTKObservationMixin):
    """Shows the numbers of one plane, and measures again when its outlines change.

    Parameters
    ----------
    ui : object with the children of the section "Muscle and fat" in L3Panel.ui
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        VTKObservationMixin.__init__(self)
        self.ui = ui
        self.logic = logic
        self.failed = Signal()
        """Emitted with an error."""
        self.height: float | None = None
        self._plane: Any = None
        self._followed: Any = None
        self._soon = qt.QTimer()
        self._soon.setSingleShot(True)
        self._soon.setInterval(FOLLOW_MS)
        self._soon.timeout.connect(self.update)
        self._showing = False
        ui.numbersTable.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        ui.numbersTable.verticalHeader().setVisible(False)
        ui.updateButton.connect("clicked(bool)", lambda _checked: self.update())
        ui.editButton.connect("clicked(bool)", lambda _checked: self.edit())
        ui.copyButton.connect("clicked(bool)", lambda _checked: self.copy())
        ui.exportButton.connect("clicked(bool)", lambda _checked: self.export())
        ui.checkedBox.connect("toggled(bool)", self._onChecked)
        self.show(None)

    @property
    def outlines(self) -> Any:
        """The segmentation of the four tissues, or None."""
        return self._plane.GetNodeReference(level_results.OUTLINES) if self._plane is not None else None

    def show(self, plane: Any) -> None:
        """Show the numbers of this plane, or none (None), and follow its outlines."""
        self._plane = plane
        outlines = self.outlines
        if outlines is self._followed:  # an edit that waits to be measured goes on waiting
            self._write()
            return
        self._soon.stop()
        self.removeObservers()
        self._followed = outlines
        if outlines is not None:
            for event in outlineEvents(outlines.GetSegmentation()):
                self.addObserver(outlines.GetSegmentation(), event, self._onOutlines)
        self._write()

    def setHeight(self, height: float | None) -> None:
        """The patient's height in metres, or None; the index follows."""
        if height != self.height:
            self.height = height
            self.update()

    def update(self) -> None:
        """Measure the outlines as they are now."""
        from TransferSegLib.errors import TransferSegError

        self._soon.stop()
        if self.outlines is not None:
            try:
                self.logic.l3Numbers(level_results.resultOf(self._plane), self.height)
            except TransferSegError as error:
                self.failed.emit(error)
        self._write()

    def edit(self) -> None:
        """Open the Segment Editor with the outlines."""
        if self.outlines is not None:
            openSegmentEditor(self.outlines)

    def copy(self) -> None:
        """Put the numbers of this CT on the clipboard, as CSV."""
        if self._plane is not None:
            slicer.app.clipboard().setText(self.logic.l3Csv([level_results.resultOf(self._plane)]))

    def export(self) -> None:
        """Write the numbers of all CTs of the scene into a file that the user names."""
        from TransferSegLib.storage import write_text

        path = qt.QFileDialog.getSaveFileName(self.ui.numbersTable, _("Export the numbers"), "l3.csv", "CSV (*.csv)")
        if path:
            with slicer.util.tryWithErrorDisplay(_("The numbers could not be written.")):
                write_text(Path(path).with_suffix(Path(path).suffix or ".csv"), self.logic.l3Csv())

    def cleanup(self) -> None:
        """Let go of the scene."""
        self._followed = None
        self._soon.stop()
        self.removeObservers()

    def _onOutlines(self, _caller: Any, _event: Any) -> None:
        self._soon.start()

    def _onChecked(self, checked: bool) -> None:
        if self._showing or self._plane is None:
            return
        with slicer.util.tryWithErrorDisplay(_("That could not be noted.")):
            self.update()  # what is confirmed is what is seen
            self.logic.confirmL3(level_results.resultOf(self._plane), checked)
        self._write()

    def _write(self) -> None:
        kept = level_results.record(self._plane) if self._plane is not None else {}
        there = self.outlines is not None and kept.get("numbers") is not None
        table = self._plane.GetNodeReference(level_results.TABLE) if there else None
        self.ui.numbersTable.setMRMLTableNode(table)
        self.ui.numbersTable.setVisible(table is not None)
        if table is not None:
            rows, header = self.ui.numbersTable.verticalHeader().length(), self.ui.numbersTable.horizontalHeader()
            height = min(rows, HIGHEST) + header.sizeHint.height() + 2 * self.ui.numbersTable.frameWidth
            self.ui.numbersTable.setFixedHeight(height)
            header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
            layOutAgain(self.ui.numbersTable)
        self.ui.numbersState.text = _state(kept, there, self._plane)
        self._showing = True
        self.ui.checkedBox.checked = bool(kept.get("checked"))
        self._showing = False
        for widget in (self.ui.checkedBox, self.ui.editButton, self.ui.updateButton, self.ui.copyButton):
            widget.setEnabled(there)
        self.ui.exportButton.setEnabled(bool(there))


def _state(kept: dict, there: bool, plane: Any) -> str:
    """Whether the numbers hold, and for what slice."""
    if not there:
        return _("Nothing is measured yet.") if plane is None else _("Nothing is measured on this slice yet.")
    now = level_results.resultOf(plane).sliceIndex
    if now != kept["measured"]:
        text = _("⚠ These numbers are of slice {old}; the plane stands on slice {new}.")
        return text.format(old=kept["measured"], new=now)
    if kept.get("checked"):
        return _("Checked by a reader, slice {n}.").format(n=kept["measured"])
    return _("⚠ Not checked by a reader, slice {n}.").format(n=kept["measured"])
