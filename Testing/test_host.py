"""The host itself: it behaves as Slicer where the module relies on it, and refuses what Slicer refuses."""

import numpy as np
import pytest


def test_scene_is_real_and_empty(scene):
    import slicer

    assert slicer.mrmlScene is scene
    assert scene.GetNumberOfNodesByClass("vtkMRMLSliceNode") == 3
    assert scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 0


def test_a_volume_and_its_segmentation_are_drawn(scene, views):
    import slicer

    array = np.full((20, 40, 60), 50, np.int16)
    volume = slicer.util.addVolumeFromArray(array, ijkToRAS=np.diag([-1.0, -1.0, 2.0, 1.0]), name="volume")
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevelMinMax(0, 100)
    slicer.util.setSliceViewerLayers(background=volume)
    views.fit()
    assert views.pixelOf("Red", (-30, -20, 20)) == pytest.approx((127, 127, 127), abs=2)
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment = segmentation.GetSegmentation().AddEmptySegment("", "lesion", (1.0, 0.0, 0.0))
    mask = np.zeros(array.shape, np.uint8)
    mask[5:15, 10:30, 20:40] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, segment, volume)
    for name in ("Red", "Yellow", "Green"):
        red, green, _ = views.pixelOf(name, (-30, -20, 20))
        assert red > green + 30
    assert views.pixelOf("Red", (-5, -20, 20)) == pytest.approx((127, 127, 127), abs=2)


def test_what_is_absent_is_skipped_but_not_in_ci(monkeypatch):
    from host.fixtures import absent

    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no cases"):
        absent("no cases")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no cases"):
        absent("no cases")
