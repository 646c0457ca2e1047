"""The lesions of a PET in the panel: totals, table, moves between lesion and physiological, edits that are followed."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from . import pet_results
from .library_words import inOwnWords
from .pet_changes import Changes
from .pet_mip import MipView
from .pet_tables import MOST_ROWS, fillThresholdsTable, fillUptakeTable, prepareThresholdsTable, prepareUptakeTable
from .pet_words import LESION, ORGANS, organName, totalsText
from .result_box import openSegmentEditor, outlineEvents
from .signals import Signal

FOLLOW_MS = 300
"""After the last brush stroke; measuring at each would hold the brush up."""
MOST_NOTES = 6


class PetResultBox(VTKObservationMixin):
    """Shows the newest result of the scene and follows its outlines.

    Parameters
    ----------
    ui : object with the children of the section "Result" in PetPanel.ui
    logic : the module's logic
    changes : what measures changes one after another
    """

    def __init__(self, ui: Any, logic: Any, changes: Changes) -> None:
        VTKObservationMixin.__init__(self)
        self.ui, self.logic, self.changes = ui, logic, changes
        self.shown = Signal()
        """Emitted without values when another result, or another state of it, is shown."""
        self._sentence = ""
        self._followed: Any = None
        self._filling = False
        self.mip = MipView(ui.mipButton)
        self._soon = qt.QTimer()
        self._soon.setSingleShot(True)
        self._soon.setInterval(FOLLOW_MS)
        self._soon.timeout.connect(self.follow)
        prepareUptakeTable(ui.uptakeTable)
        prepareThresholdsTable(ui.thresholdsTable)
        for kind in (LESION, *ORGANS):
            ui.kindSelector.addItem(organName(kind), kind)
        self._connect()
        self.show()

    @property
    def node(self) -> Any:
        """The segmentation node of the result that is shown, or None."""
        return pet_results.newest()

    @property
    def result(self) -> Any:
        """The ``TmtvResult`` that is shown, or None."""
        node = self.node
        return pet_results.resultOf(node) if node is not None else None

    def show(self) -> None:
        """Write all anew."""
        node, ui = self.node, self.ui
        self._observe(node)
        kept = pet_results.record(node) if node is not None else {}
        there = bool(kept.get("lesions") is not None)
        ui.totalsLabel.text = totalsText(kept) if there else _("Nothing was measured yet.")
        self.mip.show(self.logic.tmtvPicture(node) if node is not None else None)
        self._fill(kept.get("lesions") or [])
        alone = not kept.get("method") and not kept.get("edited")
        fillThresholdsTable(ui.thresholdsTable, kept.get("thresholds") or [], alone=alone)
        for widget in (ui.uptakeTable, ui.thresholdsTable, ui.thresholdsHead):
            widget.setVisible(there)
        for widget in (ui.kindLabel, ui.kindSelector, ui.showButton, ui.editButton, ui.renumberButton):
            widget.setVisible(there)
        ui.renumberButton.setVisible(bool(kept.get("edited")))
        ui.undoButton.setEnabled(there)
        self._showWords(kept)
        self._onSelected()
        self.shown.emit()

    def say(self, sentence: str) -> None:
        """A sentence above the result, until the next one."""
        self._sentence = sentence
        self.show()

    def select(self, number: int) -> None:
        """Choose an uptake and look at it."""
        if number <= self.ui.uptakeTable.rowCount:
            self.ui.uptakeTable.selectRow(number - 1)
        self.jump(number)

    def jump(self, number: int) -> None:
        """Show an uptake in all views."""
        with slicer.util.tryWithErrorDisplay(_("The uptake could not be shown.")):
            self.logic.jumpToUptake(self.result, number)

    def move(self, kind: str) -> None:
        """Make the selected uptake a lesion, or an organ's."""
        lesions, node = pet_results.record(self.node)["lesions"], self.node
        for row in self._rows():
            if (lesions[row]["physiological"] or LESION) != kind:
                self.changes.ask("", lambda told, voxel=lesions[row]["voxel"]: self._move(node, voxel, kind, told))

    def follow(self) -> None:
        """Measure the outlines where they were edited."""
        from TransferSegLib.errors import TransferSegError

        self._soon.stop()
        node = self.node
        if self.changes.busy:
            self._soon.start()
            return
        try:
            if node is not None and self.logic.isTmtvEdited(node):
                self.changes.ask("edit", lambda told: self.logic.updateTmtv(node, callback=told))
        except TransferSegError as error:
            self.changes.failed.emit(error)

    def undo(self) -> None:
        """Take the newest result back."""
        self.changes.clear()
        with slicer.util.tryWithErrorDisplay(_("The result could not be taken back.")):
            self.say(self.logic.undoTmtv() or "")

    def cleanup(self) -> None:
        """Let go of the scene."""
        self._soon.stop()
        self._followed = None
        self.removeObservers()

    def _connect(self) -> None:
        ui = self.ui
        self.mip.clicked.connect(self.select)
        self.changes.done.connect(self.show)
        ui.uptakeTable.connect("itemSelectionChanged()", self._onSelected)
        ui.uptakeTable.connect("cellClicked(int,int)", lambda row, _column: self.jump(row + 1))
        ui.kindSelector.connect("activated(int)", self._onKind)
        ui.showButton.connect("clicked(bool)", lambda _checked: [self.jump(row + 1) for row in self._rows()[:1]])
        ui.editButton.connect("clicked(bool)", lambda _checked: openSegmentEditor(self.node))
        ui.renumberButton.connect("clicked(bool)", lambda _checked: self._renumber())
        ui.undoButton.connect("clicked(bool)", lambda _checked: self.undo())

    def _observe(self, node: Any) -> None:
        """Follow the outlines of this result; an edit that waits to be measured goes on waiting."""
        if node is self._followed:
            return
        self._soon.stop()
        self.removeObservers()
        self._followed = node
        if node is not None:
            for event in outlineEvents(node.GetSegmentation()):
                self.addObserver(node.GetSegmentation(), event, self._onOutlines)

    def _onOutlines(self, _caller: Any, _event: Any) -> None:
        self._soon.start()

    def _renumber(self) -> None:
        node = self.node
        self.changes.ask("edit", lambda told: self.logic.updateTmtv(node, renumber=True, callback=told))

    def _move(self, node: Any, voxel: list[int], kind: str, told: Any) -> Any:
        """An uptake is known by its hottest voxel: numbers change while moves wait."""
        now = pet_results.record(node)["lesions"]
        number = next((one["number"] for one in now if one["voxel"] == voxel), 0)
        return self.logic.moveUptake(node, number, kind, callback=told)

    def _rows(self) -> list[int]:
        """The rows that are selected."""
        table = self.ui.uptakeTable
        return [row for row in range(table.rowCount) if table.item(row, 0) and table.item(row, 0).isSelected()]

    def _fill(self, lesions: list[dict[str, Any]]) -> None:
        """The table, with the same uptake selected as before."""
        chosen = self._rows()
        self._filling = True
        fillUptakeTable(self.ui.uptakeTable, lesions)
        if len(chosen) == 1 and chosen[0] < self.ui.uptakeTable.rowCount:
            self.ui.uptakeTable.selectRow(chosen[0])
        self._filling = False

    def _onSelected(self) -> None:
        if self._filling:
            return
        rows = self._rows()
        for widget in (self.ui.kindSelector, self.ui.showButton):
            widget.setEnabled(bool(rows))
        if rows and self.node is not None:
            kind = pet_results.record(self.node)["lesions"][rows[0]]["physiological"] or LESION
            index = self.ui.kindSelector.findData(kind)
            self.ui.kindSelector.setCurrentIndex(index if index >= 0 else self.ui.kindSelector.findData("other"))

    def _onKind(self, index: int) -> None:
        if self.node is not None:
            self.move(self.ui.kindSelector.itemData(index))

    def _showWords(self, kept: dict[str, Any]) -> None:
        more = len(kept.get("lesions") or []) - MOST_ROWS
        state = [self._sentence]
        if kept.get("edited"):
            state.append(_("⚠ Edited by hand: each part of the outlines counts as one, whatever the limits."))
        if kept.get("moves") and not kept.get("edited"):
            state.append(_("* moved by you; kept when the threshold changes, and in the report."))
        if more > 0:
            state.append(_("{n} smaller ones are not listed; they count.").format(n=more))
        self.ui.stateLabel.text = "\n".join(filter(None, state))
        self.ui.stateLabel.setVisible(bool(self.ui.stateLabel.text))
        notes = [*kept.get("notes", []), *kept.get("border", [])] if kept else []
        notes = [inOwnWords(note) for note in dict.fromkeys(notes)][:MOST_NOTES]
        if kept.get("naming_rule"):
            notes.append(_("Organs are told apart by rule: look at what is called physiological, and at what is not."))
        self.ui.notesLabel.text = "\n".join(f"• {note}" for note in notes)
        self.ui.notesLabel.setVisible(bool(notes))
