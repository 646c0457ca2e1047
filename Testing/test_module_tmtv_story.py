"""The TMTV story by clicks, through the real worker: sample phantom, lesions, a move, the report, the saved scene."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers_panels import PANEL_WIDTH, settle, wait_for
from helpers_pet_panel import viewsAt
from test_module_tmtv import world


@pytest.fixture
def panel(tmp_path, monkeypatch, request, app):
    """The PET/CT panel with the worker; the test's own storage folder."""
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    module = request.getfixturevalue("module")
    module.holder.resize(PANEL_WIDTH, 1000)
    module.holder.show()
    module.widget.frame.ui.tabs.setCurrentIndex(3)
    yield module.widget.frame.petPanel
    module.widget.logic.shutdown()


def press(panel, app, button, seconds=600):
    """Click, and wait until the work is over; a busy machine takes minutes to start the worker."""
    wait_for(app, lambda: button.enabled)
    button.click()
    wait_for(app, lambda: panel.work.run is None, seconds)
    assert panel.ui.errorBox.isHidden(), panel.ui.errorText.text


def test_phantom_to_report(panel, app, scene, dialogs, tmp_path):
    import slicer
    from TransferSegGUI.samples import loadPetCtPhantom

    pet, ct, truth = loadPetCtPhantom()
    ui = panel.ui
    wait_for(app, lambda: ui.applyButton.enabled)
    assert (ui.petSelector.currentNode(), ui.ctSelector.currentNode()) == (pet, ct)
    press(panel, app, ui.applyButton)
    result = panel.result.result
    suv = slicer.util.arrayFromVolume(pet)
    voxel_ml = np.prod(pet.GetSpacing()) / 1000
    assert result.tmtvMl + result.physiologicalMl == pytest.approx((suv >= 4).sum() * voxel_ml, abs=1e-3)
    assert result.count >= 5 and result.physiologicalMl > result.tmtvMl, "brain and bladder are not lesions"
    row = next(n for n, one in enumerate(result.lesions) if one["physiological"])
    panel.result.select(row + 1)
    assert viewsAt(world(pet, result.lesions[row]["voxel"]))
    panel.result.move("lesion")
    wait_for(app, lambda: not panel.changes.busy)
    moved = panel.result.result
    assert moved.tmtvMl == pytest.approx(result.tmtvMl + result.lesions[row]["volume_ml"], abs=1e-3)
    ui.truthSelector.setCurrentNode(truth)
    wait_for(app, lambda: not panel.changes.busy)
    assert 0 < panel.result.result.errors["dice"] < 1 and "Dice" in ui.errorsLabel.text
    dialogs.answer(str(tmp_path / "report"))
    press(panel, app, ui.exportButton)
    written = json.loads((tmp_path / "report" / "Phantom_PET.json").read_text())
    assert written["tmtv_ml"] == pytest.approx(moved.tmtvMl, abs=1e-3) and written["count"] == moved.count
    assert written["errors"]["dice"] == pytest.approx(panel.result.result.errors["dice"], abs=1e-4)
    assert written["moved"] == [{"number": row + 1, "to": "lesion"}]
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"), properties={})
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"), properties={})
    settle(app, 0.4)
    loaded = panel.result.result
    assert loaded.tmtvMl == moved.tmtvMl and loaded.lesions == moved.lesions
    assert ui.uptakeTable.rowCount == len(moved.lesions)
