"""Scrolls the module panel to what has just appeared in it."""

from __future__ import annotations

from typing import Any

import qt

AFTER_MS = (50, 250, 600)
"""A widget that was just shown gets its place some time later, the later the busier Slicer is."""
MARGIN = 8


def reveal(widget: Any) -> None:
    """Scroll the panel, where it is scrolled, so that ``widget`` is seen soon."""
    for delay in AFTER_MS:
        timer = qt.QTimer(widget)  # a child: it goes when the widget goes
        timer.setSingleShot(True)
        timer.connect("timeout()", lambda t=timer: _scrollTo(widget, t))
        timer.start(delay)


def scrollToTop(widget: Any) -> None:
    """Scroll the panel that ``widget`` is in to its top."""
    area = _scrollArea(widget)
    if area is not None:
        area.verticalScrollBar().setValue(0)


def _scrollTo(widget: Any, timer: Any) -> None:
    timer.deleteLater()
    area = _scrollArea(widget)
    if area is not None and not widget.isHidden():
        area.ensureWidgetVisible(widget, 0, MARGIN)


def _scrollArea(widget: Any) -> Any:
    """The scroll area around a widget, or None."""
    area = widget.parentWidget()
    while area is not None and not area.inherits("QScrollArea"):
        area = area.parentWidget()
    return area
