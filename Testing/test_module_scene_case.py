"""The form "Add from scene" when segments are edited while it is open."""

# ruff: noqa: F811  (fixtures are imported and then named as arguments)

from __future__ import annotations

from typing import Any

from helpers_adapt import logic, outline, panel  # noqa: F401
from helpers_panels import add_volume


def combo(panel: Any, row: int) -> Any:
    return panel.ui.mappingTable.cellWidget(row, 1)


def choose(panel: Any, row: int, text: str) -> None:
    """As the user does."""
    box = combo(panel, row)
    box.setCurrentIndex([box.itemText(n) for n in range(box.count)].index(text))


def test_segments_drawn_meanwhile_are_listed_on_return(panel: Any, outline: Any) -> None:
    volumes, node = outline
    panel.offerCase("brain-unet-phantom", volumes, node)
    choose(panel, 1, "leave out")
    assert panel.ui.addCaseButton.enabled
    node.GetSegmentation().AddEmptySegment("3", "Cyst", (0.1, 0.1, 0.9))
    panel.enter()
    assert panel.ui.mappingTable.rowCount == 3
    assert combo(panel, 1).currentText == "leave out" and combo(panel, 2).currentText == "Choose…"
    assert not panel.ui.addCaseButton.enabled and "Cyst" in panel.ui.sceneReason.text
    assert panel.cases.form.volumes() == volumes, "the chosen images stay"


def test_a_segment_drawn_without_leaving_the_module_is_not_missed(panel: Any, logic: Any, outline: Any) -> None:
    """From the console, or in another window."""
    volumes, node = outline
    panel.offerCase("brain-unet-phantom", volumes, node)
    choose(panel, 1, "leave out")
    node.GetSegmentation().AddEmptySegment("3", "Cyst", (0.1, 0.1, 0.9))
    panel.ui.addCaseButton.click()
    assert logic.cases.added == () and "Cyst" in panel.ui.sceneReason.text
    choose(panel, 2, "new label “Cyst”")
    panel.ui.addCaseButton.click()
    assert logic.cases.added[2] == {"Edema": "oedema", "Plaque": None, "Cyst": "Cyst"}


def test_a_renamed_segment_is_matched_anew(panel: Any, outline: Any) -> None:
    volumes, node = outline
    panel.offerCase("brain-unet-phantom", volumes, node)
    choose(panel, 1, "leave out")
    node.GetSegmentation().GetSegment("2").SetName("Necrosis")
    node.GetSegmentation().GetSegment("1").SetName("unknown")
    panel.enter()
    assert combo(panel, 1).currentText == "necrosis"
    assert combo(panel, 0).currentText == "Choose…"


def test_only_images_that_a_model_can_read_are_offered(panel: Any, outline: Any) -> None:
    volumes, node = outline
    panel.offerCase("brain-unet-phantom", volumes, node)
    add_volume("map", node_class="vtkMRMLLabelMapVolumeNode")
    add_volume("picture", node_class="vtkMRMLVectorVolumeNode")
    assert panel.cases.form._rows["flair"][1].nodeCount() == 2
