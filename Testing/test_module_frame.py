"""What holds the panels together: tabs, set-up, hand-overs, reloading, closing."""

from __future__ import annotations

import sys

import pytest
from helpers_panels import PANEL_WIDTH, as_in_slicer, settle


@pytest.fixture
def frame(module):
    return module.widget.frame


def test_only_the_shown_tab_takes_room(frame):
    for index in (1, 2, 3, 4, 0):
        frame.ui.tabs.setCurrentIndex(index)
        assert [not panel.widget.isHidden() for panel in frame.panels] == [number == index for number in range(5)]


def test_no_tab_is_wider_than_the_module_panel(frame, module, app):
    with as_in_slicer(app, module.holder) as area:
        for index in range(5):
            frame.ui.tabs.setCurrentIndex(index)
            settle(app)
            assert module.holder.width <= area.viewport().width <= PANEL_WIDTH


def test_a_tab_starts_at_its_top_and_a_box_is_scrolled_into_view(frame, module, app):
    from TransferSegGUI.revealing import reveal

    with as_in_slicer(app, module.holder) as area:
        area.resize(PANEL_WIDTH, 300)
        settle(app)
        reveal(frame.segmentPanel.ui.applyButton)
        settle(app, 0.7)
        assert not frame.segmentPanel.ui.applyButton.visibleRegion().isEmpty()
        assert area.verticalScrollBar().value > 0
        frame.ui.tabs.setCurrentIndex(4)
        assert area.verticalScrollBar().value == 0


def test_what_is_missing_is_said_at_every_start_button(frame, monkeypatch):
    from TransferSegGUI.dependencies import DependencyState

    state = DependencyState(False, "PyTorch is not installed yet.", ["torch"], "missing")
    frame.setupPanel.changed.emit(state)
    assert frame.segmentPanel.ui.applyReason.text == "PyTorch is not installed yet."
    assert frame.adaptPanel.ui.startReason.text == "PyTorch is not installed yet."
    frame.setupPanel.changed.emit(DependencyState(True, "", [], "ok"))
    assert frame.segmentPanel.ui.applyReason.text != "PyTorch is not installed yet."


@pytest.fixture
def library_kept():
    """Reloading forgets the library, whose classes other tests hold already: they are put back."""

    def ours():
        return {name: kept for name, kept in sys.modules.items() if name.split(".")[0] == "TransferSegLib"}

    before = ours()
    yield
    for name in ours():
        del sys.modules[name]
    sys.modules.update(before)


def test_reloading_takes_the_packages_anew(library_kept, module, frame):
    before = sys.modules["TransferSegGUI.segment_panel"]
    module.widget.onReload()
    assert sys.modules["TransferSegGUI.segment_panel"] is not before
    assert module.widget.frame.segmentPanel.models.name


def test_the_worker_ends_with_slicer(module, app, monkeypatch):
    ended = []
    monkeypatch.setattr(module.logic, "shutdown", lambda: ended.append(True))
    module.widget.cleanup()
    assert ended == [True]
    monkeypatch.setattr(module.widget, "cleanup", lambda: None)


def test_a_module_that_could_not_be_set_up_is_cleaned_up(module, monkeypatch):
    import qt
    import slicer
    from TransferSegGUI import frame as frames

    parent = slicer.qMRMLWidget()
    parent.setLayout(qt.QVBoxLayout())
    parent.setMRMLScene(slicer.mrmlScene)
    widget = type(module.widget)(parent)
    widget.cleanup()
    monkeypatch.setattr(frames, "Frame", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        widget.setup()
    widget.cleanup()
