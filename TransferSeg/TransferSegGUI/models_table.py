"""The list of models: name and origin, what each needs and gives, size and state."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from .fitted_table import breakable, fitTable
from .signals import Signal
from .size_words import recordHere


class ModelsTable:
    """Fills the table and the details below it.

    Parameters
    ----------
    ui : object with the children ``modelsTable modelDetails``
    """

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.changed = Signal()
        """Emitted without values when another model is selected."""
        self._models: list[Any] = []
        self._checked: dict[str, str] = {}
        table = ui.modelsTable
        fitTable(table, [_("Model"), _("Needs and gives"), _("Size, state")], stretched=2, lowest=60, highest=320)
        table.connect("itemSelectionChanged()", self._onSelected)

    @property
    def model(self) -> Any:
        """The selected ``ModelInfo``, or None."""
        rows = [index.row() for index in self.ui.modelsTable.selectionModel().selectedRows()]
        return self._models[rows[0]] if rows and rows[0] < len(self._models) else None

    def show(self, models: list[Any]) -> None:
        """Show these models and keep the selection."""
        selected = self.model.name if self.model else ""
        self._models = list(models)
        table = self.ui.modelsTable
        table.setRowCount(len(models))
        for row, info in enumerate(models):
            self._fillRow(row, info)
        self.select(selected)

    def select(self, name: str) -> None:
        """Select a model by name; the first one when there is none of that name."""
        names = [info.name for info in self._models]
        if names:
            self.ui.modelsTable.selectRow(names.index(name) if name in names else 0)
        self._onSelected()

    def setChecked(self, rows: list[dict[str, Any]]) -> None:
        """Show what verifying found: ``[{name, ok, problem}]``."""
        for row in rows:
            self._checked[row["name"]] = "" if row["ok"] else row["problem"]
        self.show(self._models)

    def _fillRow(self, row: int, info: Any) -> None:
        texts = [
            f"{info.name}\n{sourceText(info)}",
            _("Needs {needs}.\nGives {gives}.").format(needs=info.needs, gives=info.gives) if info.available else "",
            f"{sizeText(folderSize(info.folder))}\n{self._state(info)}",
        ]
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            self.ui.modelsTable.setItem(row, column, item)

    def _state(self, info: Any) -> str:
        if not info.available or self._checked.get(info.name):
            return _("⚠ not usable")
        if not info.offered:
            return _("not proposed")
        if info.card.origin.get("verdict") == "not-measured":
            return _("not tested")  # no case was held out: nobody knows whether it is better
        return _("whole ✓") if info.name in self._checked else _("ready")

    def _onSelected(self) -> None:
        info = self.model
        self.ui.modelDetails.text = details(info, self._checked.get(info.name, "")) if info else ""
        self.ui.modelDetails.setVisible(info is not None)
        self.changed.emit()


def details(info: Any, problem: str = "") -> str:
    """All about a model, as rich text."""
    rows = [
        (_("Problem"), problem or info.problem),
        (_("Origin"), info.origin),
        (
            _("Not proposed"),
            "" if info.offered or not info.available else _("it did worse than the model it came from"),
        ),
        (_("Size"), sizeDetails(info)),
        (_("Time"), info.timing),
        (_("Cite"), info.citation),
        (_("Licence"), getattr(info.card, "licence", "")),
        (_("Folder"), str(info.folder)),
    ]
    lines = [f"<b>{escape(title)}:</b> {escape(breakable(text))}" for title, text in rows if text]
    return f"<p><b>{escape(info.name)}</b></p>" + "<br>".join(lines)


def sizeDetails(info: Any) -> str:
    """The size card and the case that it was measured on."""
    if not info.sizes:
        return _("not measured yet") if info.available else ""
    return _("{size}; {case}").format(size=info.size, case=(recordHere(info.sizes) or info.sizes[0]).case)


def sourceText(info: Any) -> str:
    """Where a model came from, in a few words."""
    texts = {"shipped": _("came with TransferSeg"), "user": _("yours"), "registered": _("in another folder")}
    return texts.get(info.source, info.source)


def folderSize(folder: str | Path) -> int:
    """Bytes of a folder's files; 0 where it cannot be read."""
    total = 0
    for place, _folders, files in os.walk(folder):
        for name in files:
            try:
                total += os.path.getsize(os.path.join(place, name))
            except OSError:
                continue
    return total


def sizeText(size: int) -> str:
    """Bytes as people read them."""
    if size >= 1e9:
        return _("{n} GB").format(n=f"{size / 1e9:.1f}")
    if size >= 1e6:
        return _("{n} MB").format(n=f"{size / 1e6:.1f}")
    return _("{n} kB").format(n=f"{size / 1e3:.0f}")
