"""Pictures of the Adapt and Models panels: cases and drawing, training with curves, verdict, models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

QUICK = {"patch": 64, "batch": 1, "steps": 6}
"""Enough for the pictures; the figures in them say nothing about a training of the usual length."""
PHANTOMS = 7


def adapt_pictures(session: Any, data: Path) -> None:
    """From a corrected case and a few phantoms to a verdict."""
    import qt
    import slicer

    if not slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        session.load(data / "ms_open_ms_data" / "patient19")
    frame, panel = session.frame, session.frame.adaptPanel
    ui = panel.ui
    frame.ui.tabs.setCurrentIndex(1)
    panel.cases.cases.addFolders(str(_phantoms()), modelName="brain-unet-phantom")
    ui.casesTable.item(0, 3).setCheckState(qt.Qt.Checked)
    ui.strategySelector.setCurrentIndex(ui.strategySelector.findData("freeze-encoder"))
    session.wait(lambda: panel.run is None and ui.strategyShare.text and "100 %" not in ui.strategyShare.text)
    session.picture("adapt-ready", ui.startButton)
    adapt = panel.logic.adapt
    panel.logic.adapt = lambda *args, **more: adapt(*args, **more, options=QUICK)
    ui.epochsSpin.value, ui.nameEdit.text = 20, "phantom-adapted"
    ui.startButton.click()
    session.wait(lambda: panel.run is None or len(panel.run.metrics) >= 12)
    session.picture("adapt-running", ui.runBox)
    session.wait(lambda: panel.run is None)
    session.picture("adapt-result", ui.reportButton)
    panel.logic.adapt = adapt
    frame.ui.tabs.setCurrentIndex(4)
    frame.modelsPanel.table.select("phantom-adapted")
    session.picture("models")


def _phantoms() -> Path:
    """Small cases with truths in a temporary folder beside the home of the run."""
    from helpers_cli import small_data_set

    return small_data_set(Path(os.environ["TRANSFERSEG_HOME"]) / "cases", PHANTOMS)
