"""Small stand-ins for the CTK widgets that the panels use."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .ui_loader import stand_in

HEADER = 24
WANTED = "visibilityToParent"
"""The dynamic property in which CTK, too, keeps whether a child was hidden by others."""


@stand_in
class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A header with an arrow; its contents are hidden while it is collapsed."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._is_collapsed = self._forcing = False
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._expand)
        self.setContentsMargins(0, HEADER, 0, 0)
        self.setSizePolicy(QtWidgets.QSizePolicy.Preferred, QtWidgets.QSizePolicy.Preferred)

    def _get_collapsed(self) -> bool:
        return self._is_collapsed

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    def _expand(self, expanded: bool) -> None:
        self._is_collapsed = not expanded
        self._apply_to_all()
        self.setMaximumHeight(16777215 if expanded else HEADER)
        self.updateGeometry()
        self.contentsCollapsed.emit(self._is_collapsed)

    collapsed = QtCore.Property(bool, _get_collapsed, _set_collapsed)

    def _apply_to_all(self) -> None:
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                self._apply(child)

    def _apply(self, child: QtWidgets.QWidget) -> None:
        """Contents are hidden while collapsed; what others have hidden stays hidden when expanded."""
        if self.testAttribute(QtCore.Qt.WA_WState_Created):
            self._forcing = True
            child.setVisible(not self._is_collapsed and child.property(WANTED) is not False)
            child.setAttribute(QtCore.Qt.WA_WState_ExplicitShowHide, False)  # this was nobody's explicit wish
            self._forcing = False

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        """A child comes, perhaps while collapsed."""
        if isinstance(event.child(), QtWidgets.QWidget):
            if event.type() == QtCore.QEvent.ChildAdded:
                event.child().installEventFilter(self)
            elif event.type() == QtCore.QEvent.ChildPolished:
                self._apply(event.child())

    def eventFilter(self, child: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Remember what others want of a child."""
        shown, hidden = QtCore.QEvent.ShowToParent, QtCore.QEvent.HideToParent
        if not self._forcing and event.type() in (shown, hidden) and child.parent() is self:
            child.setProperty(WANTED, event.type() == shown)
            self._apply(child)
        return False

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Children are left alone until the first time that this is shown."""
        self._apply_to_all()

    def hitButton(self, place: QtCore.QPoint) -> bool:
        """Only the header is a button."""
        return place.y() <= HEADER

    def sizeHint(self) -> QtCore.QSize:
        """Header and contents."""
        inner = self.layout().sizeHint() if self.layout() is not None else QtCore.QSize(60, 0)
        return QtCore.QSize(inner.width(), HEADER if self._is_collapsed else inner.height())

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """The header."""
        painter = QtGui.QPainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width, HEADER)
        self.style().drawPrimitive(QtWidgets.QStyle.PE_PanelButtonCommand, option, painter, self)
        arrow = "▸" if self._is_collapsed else "▾"
        painter.setPen(self.palette.color(QtGui.QPalette.ButtonText))
        painter.drawText(QtCore.QRect(8, 0, self.width - 8, HEADER), QtCore.Qt.AlignVCenter, f"{arrow}  {self.text}")
        painter.end()


@stand_in
class ctkMessageBox(QtWidgets.QMessageBox):
    """A message box."""
