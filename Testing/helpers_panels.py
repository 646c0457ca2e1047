"""What the tests of the module's panels share: waiting, volumes in the scene, texts that must not be cut off."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

PANEL_WIDTH = 420
MS_SEQUENCES = {"flair": "FLAIR", "t1": "T1", "t1gd": "T1POST", "t2": "T2"}


def wait_for(app: Any, condition: Callable[[], Any], seconds: float = 300.0) -> Any:
    """Keep the application alive until ``condition`` is true; what it returned."""
    end = time.monotonic() + seconds
    while True:
        app.processEvents()
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {seconds} s for nothing"
        time.sleep(0.005)


def add_volume(name: str, size: int = 8, node_class: str = "vtkMRMLScalarVolumeNode") -> Any:
    """A small volume in the scene."""
    import slicer

    return slicer.util.addVolumeFromArray(np.ones((size, size, size), np.float32), name=name, nodeClassName=node_class)


def add_patient(prefix: str = "") -> dict[str, Any]:
    """Four small volumes named as an MS patient's; {role: node}."""
    return {role: add_volume(prefix + name) for role, name in MS_SEQUENCES.items()}


def load_patient(folder: Path) -> dict[str, Any]:
    """The four sequences of a real case; {role: node}."""
    import slicer

    return {
        role: slicer.util.loadVolume(str(folder / f"{name}.nii.gz"), properties={})
        for role, name in MS_SEQUENCES.items()
    }


def visible_widgets(root: Any) -> Iterator[Any]:
    """All descendants that the user can see."""
    import qt

    for widget in root.findChildren(qt.QWidget):
        if widget.isVisibleTo(root):
            yield widget


def settle(app: Any, seconds: float = 0.1) -> None:
    """Let layouts and short timers do their work."""
    end = time.monotonic() + seconds
    wait_for(app, lambda: time.monotonic() > end)


@contextlib.contextmanager
def as_in_slicer(app: Any, holder: Any) -> Iterator[Any]:
    """The module's widget in a scroll area of the panel's width, laid out; yields the area."""
    import qt

    area = qt.QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
    area.setVerticalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOn)
    area.setWidget(holder)
    area.resize(PANEL_WIDTH, 800)
    area.show()
    settle(app)
    try:
        yield area
    finally:
        holder.setParent(None)


def cut_off(root: Any) -> list[str]:
    """Names of visible labels, buttons and boxes whose text has less room than it needs."""
    import qt

    found = []
    for widget in visible_widgets(root):
        if isinstance(widget, qt.QLabel) and widget.text:
            needed = widget.heightForWidth(widget.width) if widget.wordWrap else widget.sizeHint.height()
            if widget.height < needed or (not widget.wordWrap and widget.width < widget.sizeHint.width()):
                found.append(widget.objectName)
        elif isinstance(widget, (qt.QPushButton, qt.QToolButton, qt.QCheckBox)) and widget.text:
            found += [widget.objectName] * (widget.width < widget.sizeHint.width())
    return found


def without_tooltip(root: Any) -> list[str]:
    """Names of widgets that the user operates and that say nothing when pointed at."""
    import qt

    kinds = (qt.QPushButton, qt.QToolButton, qt.QCheckBox, qt.QComboBox, qt.QSpinBox, qt.QLineEdit, qt.QPlainTextEdit)
    named = [w for w in root.findChildren(qt.QWidget) if isinstance(w, kinds) and w.objectName]
    return [w.objectName for w in named if not w.toolTip and not w.objectName.startswith("qt_")]
