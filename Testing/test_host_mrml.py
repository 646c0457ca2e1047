"""Stand-ins over the real scene: node selector, parameter node, loading and saving, .ui files."""

import numpy as np
import pytest


@pytest.fixture
def volumes(scene):
    import slicer

    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    return [slicer.util.addVolumeFromArray(array, name=name) for name in ("first", "second")]


@pytest.fixture
def selector(scene):
    import slicer

    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    box.noneEnabled = True
    assert not box.enabled
    box.setMRMLScene(scene)
    return box


def test_selector_tells_what_the_real_one_tells(selector, volumes, scene):
    """Seen in the real application: setting a node tells nodeActivated, too, and a deleted node is replaced."""
    import slicer

    told = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: told.append(node.GetName() if node else None))
    selector.connect("nodeActivated(vtkMRMLNode*)", lambda node: told.append(f"activated {node.GetName()}"))
    third = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "third")
    assert (selector.nodeCount(), selector.currentNode()) == (3, None)
    selector.setCurrentNode(volumes[1])
    assert told == ["second", "activated second"]
    assert selector.currentNodeID == volumes[1].GetID()
    volumes[1].SetName("renamed")
    assert selector.findChildren("QComboBox")[0].currentText == "renamed"
    scene.RemoveNode(volumes[1])
    assert selector.currentNode() is third
    scene.RemoveNode(third)
    assert selector.currentNode() is volumes[0]
    selector.setCurrentNode(None)
    assert told[2:] == ["renamed", "third", "first", "activated first", None]
    selector.setCurrentNode(volumes[0])
    slicer.mrmlScene.Clear(0)
    assert (selector.nodeCount(), selector.currentNode()) == (0, None)


def test_selector_shows_only_its_kind(selector, volumes, scene):
    scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "map")
    scene.AddNewNodeByClass("vtkMRMLTableNode", "table")
    volumes[0].SetHideFromEditors(True)
    selector.setMRMLScene(None)
    selector.setMRMLScene(scene)
    names = [selector.nodeFromIndex(index).GetName() for index in range(selector.nodeCount())]
    assert names == ["second", "map"]
    selector.hideChildNodeTypes = ["vtkMRMLLabelMapVolumeNode"]
    assert selector.nodeCount() == 1
    selector.addAttribute("vtkMRMLScalarVolumeNode", "kind", "1")
    assert selector.nodeCount() == 0
    volumes[1].SetAttribute("kind", "1")
    assert selector.nodeCount() == 1


def _wrapper():
    import slicer
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Example:
        text: str = "a"
        count: int
        share: float = 0.5
        shown: bool = True
        image: slicer.vtkMRMLScalarVolumeNode

    return Example


def test_parameter_node_keeps_values_as_slicer_does(volumes, scene):
    node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    values = _wrapper()(node)
    assert (values.text, values.count, values.share, values.shown, values.image) == ("a", 0, 0.5, True, None)
    values.image, values.shown, values.count = volumes[0], False, 3
    stored = {name: node.GetParameter(name) for name in node.GetParameterNames()}
    assert stored == {"text": "a", "count": "3", "share": "0.5", "shown": "False", "image": ""}
    assert node.GetNodeReferenceID("image") == volumes[0].GetID()
    with pytest.raises(TypeError):
        values.count = "4"
    with pytest.raises(TypeError):
        values.image = scene.GetFirstNodeByClass("vtkMRMLSliceNode")
    scene.RemoveNode(volumes[0])
    assert values.image is None


def test_parameter_node_is_bound_to_widgets(volumes, scene, selector):
    import qt

    values = _wrapper()(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    parent = qt.QWidget()
    line, box, spin = qt.QLineEdit(parent), qt.QCheckBox(parent), qt.QSpinBox(parent)
    selector.setParent(parent)
    for widget, name in ((line, "text"), (box, "shown"), (spin, "count"), (selector, "image")):
        widget.setProperty("SlicerParameterName", name)
    tag = values.connectGui(parent)
    assert (line.text, box.checked, spin.value) == ("a", True, 0)
    line.text, box.checked, spin.value = "b", False, 7
    selector.setCurrentNode(volumes[1])
    assert (values.text, values.shown, values.count, values.image) == ("b", False, 7, volumes[1])
    values.text = "c"
    assert line.text == "c"
    values.disconnectGui(tag)
    values.text = "d"
    line.text = "e"
    assert (values.text, line.text) == ("d", "e")


def test_widgets_that_the_real_connectors_refuse(scene):
    import qt

    values = _wrapper()(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    for widget, name in ((qt.QComboBox(), "text"), (qt.QSlider(), "count")):
        with pytest.raises(RuntimeError):
            values.connectParametersToGui({name: widget})
    with pytest.raises(ValueError):
        values.connectParametersToGui({"nothing": qt.QLineEdit()})


def test_volumes_segmentations_tables_and_scenes_are_saved(volumes, scene, tmp_path):
    import slicer

    assert slicer.util.saveNode(volumes[0], str(tmp_path / "v.nrrd"), properties={})
    assert slicer.util.loadVolume(str(tmp_path / "v.nrrd"), properties={}).GetName() == "v"
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "result")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volumes[0])
    segment = segmentation.GetSegmentation().AddEmptySegment("", "lesion")
    mask = np.ones((2, 3, 4), np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, segment, volumes[0])
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", "ml")
    slicer.util.updateTableFromArray(table, [np.array([1.0, 2.0])], ["volume"])
    assert slicer.util.saveNode(segmentation, str(tmp_path / "s.seg.nrrd"), properties={})
    loaded = slicer.util.loadSegmentation(str(tmp_path / "s.seg.nrrd"), properties={})
    assert loaded.GetSegmentation().GetNthSegment(0).GetName() == "lesion"
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"), properties={})
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"), properties={"clear": True})
    assert slicer.util.getNode("ml").GetTable().GetValue(1, 0).ToDouble() == 2.0
    assert slicer.util.arrayFromVolume(slicer.util.getNode("second")).max() == 23
    assert scene.GetNumberOfNodesByClass("vtkMRMLSliceNode") == 3


UI = """<ui version="4.0"><class>Panel</class><widget class="qMRMLWidget" name="Panel">
<layout class="QVBoxLayout" name="rows"><item>{widget}</item></layout></widget>
<connections><connection><sender>Panel</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
<receiver>selector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>"""
SELECTOR = """<widget class="qMRMLNodeComboBox" name="selector"><property name="nodeTypes"><stringlist>
<string>vtkMRMLScalarVolumeNode</string></stringlist></property><property name="noneEnabled"><bool>true</bool>
</property><property name="SlicerParameterName" stdset="0"><string>image</string></property></widget>"""


def test_ui_files_are_loaded_with_their_connections(volumes, scene, tmp_path):
    import slicer

    path = tmp_path / "panel.ui"
    path.write_text(UI.format(widget=SELECTOR))
    widget = slicer.util.loadUI(str(path))
    ui = slicer.util.childWidgetVariables(widget)
    assert ui.selector.property("SlicerParameterName") == "image"
    widget.setMRMLScene(scene)
    assert (ui.selector.nodeCount(), ui.selector.noneEnabled) == (2, True)
    path.write_text(UI.format(widget=SELECTOR.replace("qMRMLNodeComboBox", "ctkUnheardOf")))
    with pytest.raises(AssertionError, match="ctkUnheardOf"):
        slicer.util.loadUI(str(path))
