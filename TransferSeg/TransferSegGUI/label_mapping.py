"""The small table that says what each segment of an outline is for the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from .fitted_table import fitTable

LEAVE_OUT = "leave-out"
NEW = "new"
CHOOSE = ""


def segmentsOf(segmentationNode: Any) -> list[tuple[str, str, tuple[float, float, float]]]:
    """(id, name, colour) of each segment in order; empty without a node."""
    if segmentationNode is None:
        return []
    segmentation = segmentationNode.GetSegmentation()
    segments = [(segmentId, segmentation.GetSegment(segmentId)) for segmentId in segmentation.GetSegmentIDs()]
    return [(segmentId, segment.GetName(), tuple(segment.GetColor())) for segmentId, segment in segments]


def modelLabelOf(segmentName: str, labels: Sequence[Any]) -> str | None:
    """The model's label that a segment's name stands for (spelling, accents and aliases do not count), or None."""
    from TransferSegLib.strategies import fold_name

    wanted = fold_name(segmentName)
    for label in labels:
        if wanted in {fold_name(name) for name in (label.name, *(label.aliases or ()))}:
            return label.name
    return None


class LabelMapping:
    """Segments in rows, each with a combo box: a label of the model, a new label, or leave out.

    A segment whose name no label has is not guessed: its row says "Choose…" until the user did.
    """

    def __init__(self, table: Any, onChanged: Callable[[], None]) -> None:
        self._table = table
        self._onChanged = onChanged
        self._combos: list[Any] = []
        self._segments: list[tuple[str, str, tuple[float, float, float]]] = []
        fitTable(table, [_("Segment"), _("Learn it as")], stretched=2, highest=170)

    def fill(self, segmentationNode: Any, labels: Sequence[Any]) -> None:
        """Show the segments of a node, or none; ``labels`` are the model's."""
        self._segments = segmentsOf(segmentationNode)
        for combo in self._combos:
            combo.hide()  # a replaced one is deleted only when Qt comes to it
        self._combos = []
        self._table.setRowCount(len(self._segments))
        for row, (_id, name, colour) in enumerate(self._segments):
            item = qt.QTableWidgetItem(name)
            item.setIcon(_swatch(colour))
            item.setToolTip(name)
            self._table.setItem(row, 0, item)
            combo = self._comboFor(name, labels)
            self._table.setCellWidget(row, 1, combo)
            self._combos.append(combo)

    def follow(self, segmentationNode: Any, labels: Sequence[Any]) -> None:
        """Show the segments as they are now; what was decided for those that kept their name stays."""
        if segmentsOf(segmentationNode) == self._segments:
            return
        decided = {segment[:2]: str(combo.currentData or "") for segment, combo in self._rows()}
        self.fill(segmentationNode, labels)
        for segment, combo in self._rows():
            if segment[:2] in decided:
                combo.setCurrentIndex(max(combo.findData(decided[segment[:2]]), 0))

    def labelMap(self) -> dict[str, str | None]:
        """{segment name: label, or None to leave it out} of all rows that were decided."""
        found: dict[str, str | None] = {}
        for (_id, name, _colour), combo in self._rows():
            kind, value = _decision(combo, name)
            if kind != CHOOSE:
                found[name] = value
        return found

    def reason(self) -> str | None:
        """Why the mapping cannot be used yet; None when it can."""
        names = [name for _id, name, _colour in self._segments]
        if not names:
            return _("The segmentation has no segments.")
        if len(set(names)) < len(names):
            return _("Two segments have the same name. Rename one in the Segment Editor.")
        for (_id, name, _colour), combo in self._rows():
            if _decision(combo, name)[0] == CHOOSE:
                return _("Say what the segment “{name}” is.").format(name=name)
        if all(label is None for label in self.labelMap().values()):
            return _("All segments are left out. Choose a label for at least one.")
        return None

    def _rows(self) -> list[tuple[tuple, Any]]:
        """(segment, combo box) of each row."""
        return list(zip(self._segments, self._combos, strict=True))

    def _comboFor(self, segmentName: str, labels: Sequence[Any]) -> Any:
        combo = qt.QComboBox()
        combo.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        combo.setToolTip(_("What the model shall learn this segment as."))
        match = modelLabelOf(segmentName, labels)
        if match is None:
            combo.addItem(_("Choose…"), CHOOSE)
        for label in labels:
            combo.addItem(label.name, "label:" + label.name)
        if match is None:
            combo.addItem(_("new label “{name}”").format(name=segmentName), NEW)
        combo.addItem(_("leave out"), LEAVE_OUT)
        if match is not None:
            combo.setCurrentIndex(combo.findData("label:" + match))
        combo.connect("currentIndexChanged(int)", lambda _index: self._onChanged())
        return combo


def _decision(combo: Any, segmentName: str) -> tuple[str, str | None]:
    data = str(combo.currentData or "")
    if data.startswith("label:"):
        return "label", data[len("label:") :]
    return data, segmentName if data == NEW else None


def _swatch(colour: tuple[float, float, float]) -> Any:
    pixmap = qt.QPixmap(12, 12)
    pixmap.fill(qt.QColor.fromRgbF(*colour))
    return qt.QIcon(pixmap)
