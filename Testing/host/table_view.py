"""Stand-in for qMRMLTableView: the rows of a table node."""

from __future__ import annotations

import weakref
from typing import Any

import shiboken6
import slicer
import vtk
from PySide6 import QtGui, QtWidgets

from .ui_loader import stand_in


@stand_in
class qMRMLTableView(QtWidgets.QTableView):
    """Follows a table node; column names are in the header or, as is usual, in a bold first row."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene = self._node = None
        self._model = QtGui.QStandardItemModel(self)
        self.setModel(self._model)

    def mrmlScene(self) -> Any:
        """The scene."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Set the scene."""
        self._scene = scene

    def mrmlTableNode(self) -> Any:
        """The table node."""
        return self._node

    def setMRMLTableNode(self, node: Any) -> None:
        """Show a table node."""
        self._node = node
        if node is not None:
            view = weakref.ref(self)
            node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: _refill(view, caller))
        self._fill()

    def _fill(self) -> None:
        self._model.clear()
        table = self._node.GetTable() if self._node else None
        if table is None or table.GetNumberOfColumns() == 0:
            return
        in_header = self._node.GetUseColumnTitleAsColumnHeader()
        row_header = self._node.GetUseFirstColumnAsRowHeader()
        columns = range(1 if row_header else 0, table.GetNumberOfColumns())
        names = [table.GetColumnName(column) for column in columns]
        self._model.setHorizontalHeaderLabels(names if in_header else [chr(65 + i) for i in range(len(names))])
        if not in_header:
            self._append(names, bold=True)
        for row in range(table.GetNumberOfRows()):
            self._append([table.GetValue(row, column).ToString() for column in columns])
        if row_header:
            first = [] if in_header else [table.GetColumnName(0)]
            rows = [table.GetValue(row, 0).ToString() for row in range(table.GetNumberOfRows())]
            self._model.setVerticalHeaderLabels(first + rows)
        else:
            self._model.setVerticalHeaderLabels([str(row + 1) for row in range(self._model.rowCount())])

    def _append(self, texts: list[str], bold: bool = False) -> None:
        items = [QtGui.QStandardItem(text) for text in texts]
        for item in items:
            font = QtGui.QFont()
            font.setBold(bold)
            item.setFont(font)
            item.setEditable(not self._node.GetLocked())
        self._model.appendRow(items)


def _refill(view: Any, node: Any) -> None:
    if view() is not None and shiboken6.isValid(view()) and view()._node is node:
        view()._fill()


slicer.qMRMLTableView = qMRMLTableView
