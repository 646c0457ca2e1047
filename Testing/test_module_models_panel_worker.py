"""The Models panel with the real worker: out, in again, verified, deleted."""

from __future__ import annotations

import pytest
from helpers_panels import cut_off, wait_for, without_tooltip

pytestmark = pytest.mark.usefixtures("ready_made_worker")


@pytest.fixture
def panel(module, app):
    """The Models panel, shown."""
    module.holder.resize(420, 1000)
    module.holder.show()
    frame = module.widget.frame
    frame.ui.tabs.setCurrentIndex(4)
    app.processEvents()
    return frame.modelsPanel


def _names(panel):
    return [info.name for info in panel.logic.models()]


def test_a_model_goes_out_and_comes_in_again(panel, app, dialogs, tmp_path):
    ui, path = panel.ui, tmp_path / "brain.zip"
    assert not without_tooltip(panel.widget) and not cut_off(panel.widget)
    panel.table.select("brain-unet-phantom")
    dialogs.answer(str(path))
    ui.exportButton.click()
    wait_for(app, lambda: not panel.work.busy)
    assert path.is_file(), ui.modelsMessage.text
    dialogs.answer(str(path))
    ui.importFileButton.click()
    wait_for(app, lambda: "brain-unet-phantom-2" in _names(panel))
    wait_for(app, lambda: not panel.work.busy)
    assert panel.table.model.name == "brain-unet-phantom-2" and "imported" in ui.modelsMessage.text
    ui.verifyAllButton.click()
    wait_for(app, lambda: not panel.work.busy)
    assert "are whole" in ui.modelsMessage.text
    panel.table.select("brain-unet-phantom-2")
    weights = panel.table.model.folder / "models" / "model.pt"
    weights.write_bytes(weights.read_bytes()[:-100])
    ui.verifyButton.click()
    wait_for(app, lambda: not panel.work.busy)
    assert ui.modelsMessage.text.startswith("⚠ “brain-unet-phantom-2” is damaged")
    ui.deleteButton.click()
    wait_for(app, lambda: not panel.work.busy)
    assert "brain-unet-phantom-2" not in _names(panel), ui.modelsMessage.text
    assert panel.table.model.name == "brain-unet-phantom"


def test_what_is_no_model_is_refused_in_one_line(panel, app, dialogs, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    dialogs.answer(str(tmp_path))
    panel.ui.importFolderButton.click()
    wait_for(app, lambda: not panel.work.busy)
    text = panel.ui.modelsMessage.text
    assert text.startswith("⚠") and "\n" not in text and "Traceback" not in text
