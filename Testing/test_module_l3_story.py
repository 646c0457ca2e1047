"""The radiologist's L3 story by clicks, through the real worker with the shipped model: a phantom, then a real CT."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from helpers_panels import PANEL_WIDTH, wait_for
from test_module_l3 import drag, world

pytestmark = pytest.mark.usefixtures("ready_made_worker")
MODEL = "l3-map-phantom"
NEW_MODEL = "our-l3"


@pytest.fixture
def panel(tmp_path, monkeypatch, request, app):
    """The L3 panel with the worker; the test's own storage folder."""
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    module = request.getfixturevalue("module")
    module.holder.resize(PANEL_WIDTH, 1000)
    module.holder.show()
    frame = module.widget.frame
    frame.ui.tabs.setCurrentIndex(2)
    if MODEL not in [info.name for info in module.widget.logic.levelModels()]:
        pytest.skip(f"the shipped model {MODEL} is not there")
    frame.levelPanel.selectModel(MODEL)
    yield frame.levelPanel
    module.widget.logic.shutdown()


def load_phantom(tmp_path, seed=11):
    """A CT phantom in the scene, and where L3 truly is (S, mm)."""
    import slicer

    from TransferSegLib.phantoms.ct_write import write_ct_phantoms

    listed = write_ct_phantoms(tmp_path / f"ct{seed}", 1, seed, field="trunk", spacing=(2.5, 2.5, 5.0))
    row = next(csv.DictReader(listed.read_text().splitlines()))
    return slicer.util.loadVolume(str(listed.parent / row["ct"]), properties={"name": f"CT {seed}"}), float(row["mm"])


def press(panel, app, button, seconds=600):
    """Click, and wait until the work is over; a busy machine takes minutes to start the worker."""
    wait_for(app, lambda: button.enabled)
    button.click()
    wait_for(app, lambda: panel.work.run is None and panel.work.adding is None, seconds)
    assert panel.ui.errorBox.isHidden(), panel.ui.errorText.text


def test_find_correct_measure_teach_and_find_again(panel, app, tmp_path, views):
    ui = panel.ui
    for seed in (11, 12):
        ct, truth = load_phantom(tmp_path, seed)
        panel.ui.ctSelector.setCurrentNode(ct)
        press(panel, app, ui.findButton)
        result = panel.result.result
        assert result.answer in ("found", "uncertain", "not-in-view") and result.volumeNode is ct, ui.answerLabel.text
        if result.planeNode is None:
            press(panel, app, ui.markButton)
        index = int(
            np.argmin([abs(world(ct, (0, 0, k))[2] - truth) for k in range(ct.GetImageData().GetDimensions()[2])])
        )
        drag(panel.result.plane, world(ct, (0, 0, index)))
        if panel.result.result.measuredIndex != index:
            press(panel, app, ui.useSliceButton)
        now = panel.result.result
        assert (now.sliceIndex, now.measuredIndex) == (index, index)
        assert 40 < now.areasCm2["skeletal_muscle"] < 400, now.areasCm2
        press(panel, app, ui.addCaseButton)
    assert_drawn(views, panel.result.result, ct)
    assert [case.id for case in panel.cases.cases] == ["CT_11", "CT_12"]
    panel.cases.cases.setHeldOut(1, True)
    adapt = panel.adapt.ui
    adapt.strategyButton.collapsed = False
    adapt.epochsSpin.value = 1
    adapt.nameEdit.text = NEW_MODEL
    assert adapt.startButton.enabled, adapt.startReason.text
    adapt.startButton.click()
    wait_for(app, lambda: panel.adapt.run is None, 900)
    assert not adapt.resultBox.isHidden(), adapt.errorText.text
    assert any(word in adapt.verdictLabel.text.lower() for word in ("better", "worse", "no difference", "not measured"))
    assert adapt.resultTable.rowCount == 2 and adapt.resultTable.item(0, 0).text() == "CT_12"
    adapt.useButton.click() if adapt.useButton.enabled else panel.selectModel(NEW_MODEL)
    assert panel.models.name == NEW_MODEL
    press(panel, app, ui.findButton)
    assert panel.result.result.model == NEW_MODEL or panel.result.result.answer == "not-in-view"


def assert_drawn(views, result, ct):
    """The muscle is in colour on the slice; without the outlines it is grey."""
    from TransferSegGUI import level_composition, level_results

    axis = level_results.axisOf(result.planeNode)
    labels = level_composition.sliceLabels(result.segmentationNode, axis, result.measuredIndex)
    rows, columns = np.nonzero(inner(labels == 1))
    ras = world(ct, (columns[0], rows[0], result.measuredIndex))
    views.fit()
    red, green, blue = views.pixelOf("Red", ras)
    assert max(red, green, blue) - min(red, green, blue) > 20, (red, green, blue)


def inner(mask):
    """Pixels whose neighbours are set too, away from the plane's own marks in the middle."""
    middle = mask.copy()
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            middle &= np.roll(mask, step, axis)
    return middle


def turned(ct, degrees=8.0):
    """The CT with its axes stored in another order, the first one backwards, and turned about left-right."""
    import slicer
    import vtk
    from helpers_logic import addVolume
    from TransferSegGUI.geometry import worldIjkToRas

    matrix = worldIjkToRas(ct)
    array = slicer.util.arrayFromVolume(ct)
    steps, origin = matrix[:3, :3], matrix[:3, 3] + matrix[:3, 0] * (array.shape[2] - 1)
    steps = np.column_stack([steps[:, 2], -steps[:, 0], steps[:, 1]])  # i is head-foot now, j left-right, k front-back
    lengths = np.linalg.norm(steps, axis=0)
    stored = np.ascontiguousarray(array[:, :, ::-1].transpose(1, 2, 0))
    node = addVolume(slicer.mrmlScene, "turned", stored, spacing=lengths, origin=origin, directions=steps / lengths)
    turn = vtk.vtkTransform()
    turn.Translate(20, -30, 40)
    turn.RotateX(degrees)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "turn")
    transform.SetMatrixTransformToParent(turn.GetMatrix())
    node.SetAndObserveTransformNodeID(transform.GetID())
    return node


def test_a_turned_ct_with_permuted_axes_gives_the_same_slice(panel, app, tmp_path):
    straight, _truth = load_phantom(tmp_path)
    node = turned(straight)
    slices = []
    for ct in (straight, node):
        panel.ui.ctSelector.setCurrentNode(ct)
        press(panel, app, panel.ui.findButton)
        result = panel.result.result
        assert result.answer in ("found", "uncertain"), panel.ui.answerLabel.text
        slices.append(result.sliceIndex)
    assert result.sliceAxis == "i" and abs(slices[1] - slices[0]) <= 2, slices
    index = slices[1] + 3
    place = world(node, (index, *(np.array(node.GetImageData().GetDimensions()[1:]) - 1) / 2))
    panel.result.plane.SetNthControlPointPositionWorld(0, place)
    panel.result.plane.InvokeEvent(panel.result.plane.PointEndInteractionEvent)
    press(panel, app, panel.ui.useSliceButton)
    now = panel.result.result
    assert (now.sliceIndex, now.measuredIndex) == (index, index)
    assert now.positionRas == pytest.approx(place, abs=0.01) and 40 < now.areasCm2["skeletal_muscle"] < 400
    normal = np.array(now.planeNode.GetNormalWorld())
    steps = world(node, (1, 0, 0)) - world(node, (0, 0, 0))
    assert abs(normal @ steps) == pytest.approx(np.linalg.norm(steps), rel=1e-6)


def test_a_real_ct_crop_is_answered_not_crashed_on(panel, app, data_folder):
    import slicer

    files = sorted((data_folder / "ct_tptbox_l3_crop").glob("*ct*.nii.gz")) or sorted(
        (data_folder / "ct_tptbox_l3_crop").glob("*.nii.gz")
    )
    ct = slicer.util.loadVolume(str(files[0]), properties={"name": "crop"})
    panel.ui.ctSelector.setCurrentNode(ct)
    press(panel, app, panel.ui.findButton)
    assert panel.result.result.answer in ("found", "uncertain", "not-in-view", "refused")
    press(panel, app, panel.ui.markButton)
    press(panel, app, panel.ui.useSliceButton) if not panel.ui.useSliceButton.isHidden() else None


def test_an_mr_is_refused_with_its_reason(panel, app, data_folder):
    import slicer

    node = slicer.util.loadVolume(
        str(data_folder / "ms_open_ms_data" / "patient07" / "FLAIR.nii.gz"), properties={"name": "FLAIR"}
    )
    panel.ui.ctSelector.setCurrentNode(node)
    press(panel, app, panel.ui.findButton)
    result = panel.result.result
    assert result.answer == "refused" and result.planeNode is None and panel.ui.answerLabel.text
