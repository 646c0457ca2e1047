"""Picture of the PET/CT panel: lesions of the phantom at SUV 4, one of them moved.

python Testing/screenshots.py --only petct
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def petct_pictures(session: Any, data: Path) -> None:
    """From the sample to totals; ``data`` is not needed."""
    import slicer
    from TransferSegGUI.samples import loadPetCtPhantom

    frame, panel = session.frame, session.frame.petPanel
    ui = panel.ui
    frame.ui.tabs.setCurrentIndex(3)
    pet, ct, _truth = loadPetCtPhantom()
    session.render_views()
    session.views.fit()
    session.wait(lambda: ui.applyButton.enabled)
    assert (ui.petSelector.currentNode(), ui.ctSelector.currentNode()) == (pet, ct), ui.petReason.text
    ui.applyButton.click()
    session.wait(lambda: panel.work.run is None)
    assert ui.errorBox.isHidden(), ui.errorText.text
    panel.result.select(2)
    red = session.views.view("Red").logic.GetSliceNode()
    x, y, z = red.GetFieldOfView()
    red.SetFieldOfView(0.64 * x, 0.64 * y, z)
    slicer.app.processEvents()
    session.picture("petct-result", ui.notesLabel)
