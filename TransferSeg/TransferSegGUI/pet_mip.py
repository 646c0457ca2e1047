"""The projection of a PET in the panel, small; a click chooses the uptake that is nearest."""

from __future__ import annotations

from typing import Any

import qt

from .signals import Signal

WIDTH, HIGHEST = 170, 330


class MipView:
    """Draws into a flat button, which is what tells of clicks without a widget class of our own."""

    def __init__(self, button: Any) -> None:
        self._button = button
        self.clicked = Signal()
        """Emitted with the number of the uptake next to the click."""
        self._picture: Any = None
        self._scale = 1.0
        button.setStyleSheet("QPushButton { border: none; padding: 0px; }")
        button.connect("pressed()", self._onPressed)
        button.setVisible(False)

    def show(self, picture: Any) -> None:
        """Show a ``pet_live.Picture``, or nothing (None)."""
        self._picture = picture
        self._button.setVisible(picture is not None)
        if picture is None:
            return
        high, wide, _colours = picture.rgb.shape
        pixmap = qt.QPixmap()
        pixmap.loadFromData(qt.QByteArray(b"P6 %d %d 255\n" % (wide, high) + picture.rgb.tobytes()))
        self._scale = min(WIDTH / wide, HIGHEST / high)
        ratio = self._button.devicePixelRatioF()
        size = (round(wide * self._scale), round(high * self._scale))
        drawn = pixmap.scaled(
            qt.QSize(round(size[0] * ratio), round(size[1] * ratio)),
            qt.Qt.IgnoreAspectRatio,
            qt.Qt.SmoothTransformation,
        )
        drawn.setDevicePixelRatio(ratio)
        self._button.setIcon(qt.QIcon(drawn))
        self._button.setIconSize(qt.QSize(*size))
        self._button.setFixedSize(*size)

    def numberAt(self, x: float, y: float) -> int | None:
        """The uptake nearest to a place of the picture, pixels from its corner."""
        if self._picture is None or not self._picture.marks:
            return None
        row, column = y / self._scale, x / self._scale
        apart = {n: (r - row) ** 2 + (c - column) ** 2 for n, (r, c) in self._picture.marks.items()}
        return min(apart, key=apart.get)

    def _onPressed(self) -> None:
        place = self._button.mapFromGlobal(qt.QCursor.pos())
        number = self.numberAt(place.x(), place.y())
        if number is not None:
            self.clicked.emit(number)
