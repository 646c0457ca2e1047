"""The radiologist's whole story on a real MS patient, by clicks in the panels and through the real worker."""

from __future__ import annotations

import shutil

import numpy as np
from helpers_panels import PANEL_WIDTH, load_patient, wait_for

NEW_MODEL = "ms-two-patients"
LESION = "oedema"
HOLD_OUT = 3
QUICK = {"steps": 10}  # of 50 an epoch: what is learned is not looked at here


def test_segment_correct_adapt_and_segment_again(module, app, views, dialogs, data_folder, tmp_path, monkeypatch):
    frame, learn = module.widget.frame, module.logic.adapt
    monkeypatch.setattr(module.logic, "adapt", lambda *args, **more: learn(*args, **more, options=QUICK))
    module.holder.resize(PANEL_WIDTH, 1000)
    module.holder.show()
    segment, adapt = frame.segmentPanel, frame.adaptPanel
    patients = data_folder / "ms_open_ms_data"

    images = load_patient(patients / "patient19")
    wait_for(app, lambda: segment.ui.applyButton.enabled)
    assert segment.selectors.volumes() == images

    first = run_segmentation(app, segment)
    voxels = segment_array(first.segmentationNode, LESION, images["flair"])
    assert voxels.any(), "the shipped model finds lesions in this patient"
    assert_drawn(views, images["flair"], voxels, first.segmentationNode)
    assert LESION in segment.ui.resultText.text

    segment.ui.correctButton.click()
    assert_open_in_segment_editor(first.segmentationNode, images["flair"])
    correct(first.segmentationNode, images["flair"], patients / "patient19" / "GOLD_STANDARD.nii.gz")

    module.holder.enter()
    segment.ui.trainingButton.click()
    assert frame.ui.tabs.currentIndex == 1
    adapt.ui.addCaseButton.click()
    shutil.copytree(patients / "patient07", tmp_path / "cases" / "patient07")
    dialogs.answer(str(tmp_path / "cases"))
    adapt.ui.addFolderButton.click()
    assert [case.kind for case in adapt.cases.cases.list] == ["scene", "folder"]
    hold_out(adapt, 1)

    adapt.ui.strategySelector.setCurrentIndex(adapt.ui.strategySelector.findData("freeze-encoder"))
    adapt.ui.epochsSpin.value = 1
    adapt.ui.nameEdit.text = NEW_MODEL
    assert adapt.ui.startButton.enabled, adapt.ui.startReason.text
    adapt.ui.startButton.click()
    wait_for(app, lambda: adapt.run is None, 900)
    assert not adapt.ui.resultBox.isHidden(), adapt.ui.errorText.text
    assert any(word in adapt.ui.verdictLabel.text.lower() for word in ("better", "worse", "no difference"))
    assert adapt.ui.resultTable.rowCount > 0

    frame.ui.tabs.setCurrentIndex(0)
    assert segment.selectModel(NEW_MODEL)
    second = run_segmentation(app, segment)
    assert second.model == NEW_MODEL
    assert second.segmentationNode.GetID() != first.segmentationNode.GetID()
    assert not first.segmentationNode.GetDisplayVisibility() and second.segmentationNode.GetDisplayVisibility()


def run_segmentation(app, panel):
    """Press Apply and wait; the result that the panel shows."""
    assert panel.ui.applyButton.enabled, panel.ui.applyReason.text
    made = []
    panel.logic.resultMade.connect(made.append)
    panel.ui.applyButton.click()
    assert panel.run is not None, panel.ui.errorText.text
    assert not panel.ui.applyButton.enabled and not panel.ui.runBox.isHidden()
    wait_for(app, lambda: panel.run is None, 600)
    assert panel.ui.errorBox.isHidden(), panel.ui.errorText.text
    assert panel.ui.volumesTable.mrmlTableNode() is made[-1].tableNode
    panel.logic.resultMade.disconnect(made.append)
    return made[-1]


def segment_array(node, name, reference):
    import slicer

    segment_id = node.GetSegmentation().GetSegmentIdBySegmentName(name)
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, reference) > 0


def ras_of(volume, ijk):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix.MultiplyPoint([*ijk, 1])[:3]


def assert_drawn(views, volume, voxels, node):
    """In the middle of the slice with most lesion the picture has the segment's hue; without the overlay it is grey."""
    k = int(voxels.sum(axis=(1, 2)).argmax())
    rows, columns = np.nonzero(inner(voxels[k]))
    ras = ras_of(volume, (columns[0], rows[0], k))
    views.fit()
    red, green, blue = views.pixelOf("Red", ras)
    assert max(red, green, blue) - min(red, green, blue) > 40, (red, green, blue)
    node.SetDisplayVisibility(False)
    red, green, blue = views.pixelOf("Red", ras)
    assert red == green == blue
    node.SetDisplayVisibility(True)


def inner(mask):
    """Pixels whose neighbours are set too: outlines are drawn otherwise than areas."""
    middle = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            middle &= np.roll(mask, step, axis)
    return middle if middle.any() else mask


def assert_open_in_segment_editor(node, volume):
    import slicer

    editor = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    assert slicer.util.selectedModule() == "SegmentEditor"
    assert editor.GetSegmentationNode() is node and editor.GetSourceVolumeNode() is volume


def correct(node, volume, truth_file):
    """As the radiologist would: the lesions are drawn as the experts drew them."""
    import slicer

    truth = slicer.util.loadVolume(str(truth_file), properties={})
    array = (slicer.util.arrayFromVolume(truth) > 0).astype(np.uint8)
    slicer.mrmlScene.RemoveNode(truth)
    segment_id = node.GetSegmentation().GetSegmentIdBySegmentName(LESION)
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment_id, volume)


def hold_out(panel, row):
    """Tick the box "Hold out" of a case."""
    import qt

    panel.ui.casesTable.item(row, HOLD_OUT).setCheckState(qt.Qt.Checked)
    assert panel.cases.cases.list[row].heldOut
