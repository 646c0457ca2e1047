"""Picture of the section "Make a light version": a model of phantoms, pruned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

QUICK = {"prune": {"steps": 1, "patch": 64, "batch": 1, "batches": 2, "updates": 2, "last_updates": 80}}
"""Enough for the picture; the figures in it say nothing about a pruning of the usual length."""


def light_pictures(session: Any, data: Path) -> None:
    """The section before it starts and with its table."""
    import slicer
    from screenshots_adapt import _phantoms

    if not slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        session.load(data / "ms_open_ms_data" / "patient19")
    frame, panel = session.frame, session.frame.modelsPanel
    frame.ui.tabs.setCurrentIndex(4)
    panel.table.select("brain-unet-phantom")
    panel.ui.lightButton.collapsed = False
    box, ui = panel.light, panel.light.ui
    ui.lightDataEdit.text = str(_phantoms())
    ui.lightPruneCheck.checked = True
    box.form._onChange()
    session.wait(lambda: box.form.students.sizes)
    session.wait(lambda: ui.lightStartButton.enabled)
    make = panel.logic.makeLightVersion
    panel.logic.makeLightVersion = lambda *args, **more: make(*args, **more, options=QUICK)
    ui.lightStartButton.click()
    session.wait(lambda: not panel.work.busy, 900.0)
    panel.logic.makeLightVersion = make
    assert box.result is not None, panel.ui.modelsMessage.text
    session.picture("light-version", ui.lightReportButton)
