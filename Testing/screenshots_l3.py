"""Pictures of the L3 panel: the slice found with its numbers, a corrected slice, the corrections that a model learns.

python Testing/screenshots.py --only l3
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

SEED = 21
"""Of the phantom, which is no patient and may be shown."""
CORRECTED_BY = 2


def l3_pictures(session: Any, data: Path) -> None:
    """From a CT to corrected numbers and a training case; ``data`` is not needed."""
    import slicer

    frame, panel = session.frame, session.frame.levelPanel
    ui = panel.ui
    frame.ui.tabs.setCurrentIndex(2)
    ct = slicer.util.loadVolume(str(_phantom()), properties={"name": "Phantom CT"})
    slicer.util.setSliceViewerLayers(background=ct)
    session.render_views()
    session.views.fit()
    session.wait(lambda: ui.findButton.enabled)
    ui.heightSpin.value = 1.74
    _find(session)
    ui.undoButton.click()  # the first run loads the network too; the next takes the usual time
    _find(session)
    assert ui.errorBox.isHidden(), ui.errorText.text
    if panel.result.plane is None:
        ui.markButton.click()
    session.picture("l3-result")
    _move(panel, ct, panel.result.result.sliceIndex + CORRECTED_BY)
    ui.useSliceButton.click()
    session.wait(lambda: panel.work.run is None)
    ui.checkedBox.click()
    ui.addCaseButton.click()
    session.wait(lambda: panel.work.adding is None)
    panel.adapt.ui.strategyButton.collapsed = False
    session.wait(lambda: panel.adapt.ui.strategyShare.text)
    session.picture("l3-corrected", panel.adapt.ui.startButton)


def _find(session: Any) -> None:
    """Press the button, and wait until the work is over."""
    panel = session.frame.levelPanel
    panel.ui.findButton.click()
    session.wait(lambda: panel.work.run is None)


def _move(panel: Any, ct: Any, index: int) -> None:
    """Drag the plane to a slice."""
    from TransferSegGUI import level_results

    plane = panel.result.plane
    plane.SetCenter(*level_results.axisOf(plane).centre(index))
    plane.InvokeEvent(plane.PointEndInteractionEvent)


def _phantom() -> Path:
    """A CT phantom in a temporary folder beside the home of the run."""
    from TransferSegLib.phantoms.ct_write import write_ct_phantoms

    folder = Path(os.environ["TRANSFERSEG_HOME"]) / "ct"
    write_ct_phantoms(folder, 1, SEED, field="trunk", spacing=(1.2, 1.2, 3.0))
    return folder / "ct-adult-0001.nii.gz"
