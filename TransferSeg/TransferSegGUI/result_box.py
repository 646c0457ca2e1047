"""The result of a segmentation: a sentence, the table of volumes, Undo, and where to go from here."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from . import history
from .library_words import inOwnWords
from .progress_box import aboutTime
from .wording import deviceName

HIGHEST = 260
"""Pixels of all rows; a model with more labels has a scroll bar."""


class ResultBox:
    """Shows the newest result of the scene; after Undo the one before it, after loading a scene the saved one.

    Parameters
    ----------
    ui : object with the children ``resultButton resultText resultNotes volumesTable correctButton trainingButton
        undoButton``
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.logic = logic
        self._texts: dict[str, tuple[str, str]] = {}
        self._shown = ""
        ui.volumesTable.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        ui.volumesTable.verticalHeader().setVisible(False)
        ui.correctButton.connect("clicked(bool)", self.correct)
        ui.undoButton.connect("clicked(bool)", self.undo)
        self.show()

    @property
    def node(self) -> Any:
        """The segmentation node of the newest result in the scene, or None."""
        return history.newest()

    def add(self, result: Any) -> None:
        """A new ``SegmentResult``: what is said of it is kept as long as the module lives."""
        said = [inOwnWords(note) for note in result.notes]
        hidden = [node.GetName() for node in history.hiddenBy(result.segmentationNode)]
        if hidden:
            said.append(_("Hidden, not removed: {names}.").format(names=", ".join(hidden)))
        notes = "\n".join(f"• {note}" for note in said)
        self._texts[_key(result.segmentationNode)] = (summary(result), notes)
        self.show()

    def undo(self, _checked: bool = False) -> None:
        """Take the newest result back."""
        with slicer.util.tryWithErrorDisplay(_("The result could not be taken back.")):
            self.show(self.logic.undo() or _("There is no result to take back."))

    def correct(self, _checked: bool = False) -> None:
        """Open the Segment Editor with the segmentation and the image it lies on."""
        node = self.node
        if node is None:
            self.show()
            return
        openSegmentEditor(node)

    def refresh(self) -> None:
        """Look at the scene again: another panel, the console or the user may have changed it."""
        if _key(self.node) != self._shown:
            self.show()

    def show(self, sentence: str = "") -> None:
        """Write the newest result, below ``sentence`` where one is given."""
        node = self.node
        self._shown = _key(node)
        text, notes = self._texts.get(self._shown, (node.GetName() if node is not None else "", ""))
        self.ui.resultButton.setVisible(bool(node is not None or sentence))
        self.ui.resultText.text = "\n".join(part for part in (sentence, text) if part)
        self.ui.resultNotes.text = notes
        self.ui.resultNotes.setVisible(bool(notes))
        self._showTable(_tableOf(node))
        for button in (self.ui.undoButton, self.ui.correctButton, self.ui.trainingButton):
            button.setEnabled(node is not None)

    def _showTable(self, tableNode: Any) -> None:
        table = self.ui.volumesTable
        table.setMRMLTableNode(tableNode)
        table.setVisible(tableNode is not None)
        if tableNode is not None:
            rows, header = table.verticalHeader().length(), table.horizontalHeader().sizeHint.height()
            table.setFixedHeight(min(rows, HIGHEST) + header + 2 * table.frameWidth)


def openSegmentEditor(segmentationNode: Any) -> None:
    """Open the Segment Editor with a segmentation and the image that it lies on."""
    editor = _segmentEditorNode()
    editor.SetAndObserveSegmentationNode(segmentationNode)
    role = segmentationNode.GetReferenceImageGeometryReferenceRole()
    editor.SetAndObserveSourceVolumeNode(segmentationNode.GetNodeReference(role))
    slicer.util.selectModule("SegmentEditor")


def outlineEvents(segmentation: Any) -> tuple:
    """The events of a ``vtkSegmentation`` after which its outlines may be others."""
    return (
        segmentation.SourceRepresentationModified,
        segmentation.RepresentationModified,
        slicer.vtkSegmentation.SegmentAdded,
        slicer.vtkSegmentation.SegmentRemoved,
    )


def summary(result: Any) -> str:
    """One sentence about a result: how much was found, how long it took, where it ran."""
    found = [f"{name} {_millilitres(ml)}" for name, ml in result.volumesMl.items() if ml > 0]
    what = (
        _("Found {labels}.").format(labels=", ".join(found)) if found else _("Found nothing that this model looks for.")
    )
    took = aboutTime(result.seconds) if result.seconds >= 5 else _("{n} s").format(n=f"{result.seconds:.1f}")
    return what + " " + _("It took {time} on the {device}.").format(time=took, device=deviceName(result.device))


def _millilitres(ml: float) -> str:
    """A volume as it is read: no more digits than it deserves."""
    return _("{n} ml").format(n=f"{ml:.1f}") if ml >= 0.1 else _("under 0.1 ml")


def _tableOf(node: Any) -> Any:
    """The table of a result's volumes, or None."""
    parts = history.references(node, history.PARTS) if node is not None else []
    return next((part for part in parts if part.IsA("vtkMRMLTableNode")), None)


def _key(node: Any) -> str:
    """Tells results apart: another scene uses the same node numbers again, for another patient."""
    return f"{node.GetID()} {node.GetAttribute('TransferSeg.Date')}" if node is not None else ""


def _segmentEditorNode() -> Any:
    """The Segment Editor's own settings in the scene; made here where that module was not opened yet."""
    node = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    if node is None:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag("SegmentEditor")
        node = slicer.mrmlScene.AddNode(node)
    return node
