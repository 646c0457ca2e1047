"""The sentence below Apply belongs to the result that is shown, also when scenes come and go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers_adapt import resourcePath
from helpers_logic import addCase, segmentAtOnce, someLabels


@pytest.fixture
def box(stepped: Any, app: Any) -> Iterator[Any]:
    """The box in the Segment panel's form, told of results as the panel tells it."""
    import slicer
    from TransferSegGUI.result_box import ResultBox

    widget = slicer.util.loadUI(resourcePath("UI/SegmentPanel.ui"))
    made = ResultBox(slicer.util.childWidgetVariables(widget), stepped)
    stepped.resultMade.connect(made.add)
    yield made
    stepped.resultMade.disconnect(made.add)
    widget.close()


def test_a_loaded_result_never_shows_the_words_of_another_scene(
    box: Any, stepped: Any, scene: Any, tmp_path: Path
) -> None:
    """Another scene gives the same node numbers again, for another patient."""
    import slicer

    first = segmentAtOnce(stepped, addCase(scene), someLabels(1))
    firstId = first.segmentationNode.GetID()
    assert "tumour 0.2 ml" in box.ui.resultText.text
    assert slicer.util.saveScene(str(tmp_path / "first.mrb"), properties={})
    scene.Clear(0)
    box.show()
    assert box.ui.resultText.text == ""
    second = segmentAtOnce(stepped, addCase(scene, seed=3), someLabels(3))
    assert second.segmentationNode.GetID() == firstId
    assert "oedema" in box.ui.resultText.text and "tumour" not in box.ui.resultText.text
    scene.Clear(0)
    box.show()
    slicer.util.loadScene(str(tmp_path / "first.mrb"), properties={})
    box.refresh()
    assert box.node.GetID() == firstId
    assert box.ui.resultText.text and "oedema" not in box.ui.resultText.text
    table = box.ui.volumesTable.mrmlTableNode().GetTable()
    assert table.GetValue(0, 1).ToDouble() > 0 and table.GetValue(1, 1).ToDouble() == 0
