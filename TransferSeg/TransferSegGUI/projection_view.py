"""The projection that a level was found in, small, with its line; a click says at which height."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import qt

from .signals import Signal

WIDTH, HIGHEST = 150, 300
LINE, CORRECTED = "#E69F00", "#009E73"
THICK = 2


class ProjectionView:
    """Draws into a flat button, which is what tells of clicks without a widget class of our own.

    Parameters
    ----------
    button : QPushButton
    """

    def __init__(self, button: Any) -> None:
        self._button = button
        self.clicked = Signal()
        """Emitted with the height (S, mm) of the row that was clicked."""
        self._picture: Mapping[str, Any] = {}
        self._pixmap: Any = None
        self._crop = (0, 0)
        button.setStyleSheet("QPushButton { border: none; padding: 0px; }")
        button.connect("pressed()", self._onPressed)
        button.setVisible(False)

    @property
    def shown(self) -> bool:
        """Whether there is a projection."""
        return self._pixmap is not None

    def show(self, picture: Mapping[str, Any]) -> None:
        """Show a projection: ``png`` (bytes), ``row_mm`` and ``first_mm`` (S of row 0); nothing for an empty one."""
        self._picture, self._pixmap = dict(picture), None
        if picture.get("png"):
            pixmap = qt.QPixmap()
            pixmap.loadFromData(qt.QByteArray(picture["png"]))
            self._pixmap = None if pixmap.isNull() else pixmap
        self._button.setVisible(self.shown)

    def draw(self, lines: Sequence[tuple[float | None, bool]]) -> None:
        """Draw lines at heights (S, mm); True marks the one that a reader set."""
        if not self.shown:
            return
        scale = min(WIDTH / self._pixmap.width(), HIGHEST / self._pixmap.height())
        ratio = self._button.devicePixelRatioF()
        size = (round(self._pixmap.width() * scale), round(self._pixmap.height() * scale))
        drawn = self._pixmap.scaled(
            qt.QSize(round(size[0] * ratio), round(size[1] * ratio)),
            qt.Qt.IgnoreAspectRatio,
            qt.Qt.SmoothTransformation,
        )
        painter = qt.QPainter(drawn)
        thick = round(THICK * ratio)
        for mm, byReader in lines:
            if mm is not None:
                y = round((self.rowOf(mm) + 0.5) * scale * ratio) - thick // 2
                painter.fillRect(0, y, drawn.width(), thick, qt.QColor(CORRECTED if byReader else LINE))
        painter.end()
        drawn.setDevicePixelRatio(ratio)
        self._button.setIcon(qt.QIcon(drawn))
        self._button.setIconSize(qt.QSize(*size))
        self._button.setFixedSize(*size)

    def rowOf(self, mm: float) -> float:
        """The row of a height, continuous."""
        return (float(self._picture.get("first_mm", 0.0)) - mm) / float(self._picture.get("row_mm", 1.0))

    def heightAt(self, y: float) -> float:
        """The height (S, mm) at a place of the picture, pixels from its top."""
        row = y / self._button.height * self._pixmap.height() - 0.5
        return float(self._picture.get("first_mm", 0.0)) - row * float(self._picture.get("row_mm", 1.0))

    def _onPressed(self) -> None:
        if self.shown:
            place = self._button.mapFromGlobal(qt.QCursor.pos())
            self.clicked.emit(self.heightAt(min(max(place.y(), 0), self._button.height)))
