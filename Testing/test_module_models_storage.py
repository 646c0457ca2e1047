"""The Models panel's storage folder: changed, moved with what is in it, or left to the environment."""

# ruff: noqa: F811
from __future__ import annotations

from types import SimpleNamespace

from test_module_models_panel import free, logic, panel  # noqa: F401


def test_a_storage_folder_that_the_environment_sets_is_not_changed_here(panel, monkeypatch):
    button = panel.ui.changeStorageButton
    assert button.enabled and "Keep models" in button.toolTip
    monkeypatch.setenv("TRANSFERSEG_HOME", "/elsewhere")
    panel.refresh()
    assert not button.enabled and "TRANSFERSEG_HOME" in button.toolTip


def test_the_storage_folder_is_changed(panel, logic, dialogs, tmp_path):
    logic.infos = [info for info in logic.infos if info.source != "user"]  # nothing to move: nothing is asked
    dialogs.answer("", str(tmp_path / "big-disk"))
    panel.ui.changeStorageButton.click()
    assert not logic.asked
    panel.ui.changeStorageButton.click()
    assert logic.asked == [("storage", str(tmp_path / "big-disk"))]
    assert "big-disk" in panel.ui.storageLabel.text and "free" in panel.ui.storageLabel.text
    panel.ui.defaultStorageButton.click()
    assert logic.asked[-1] == ("storage", None)


def test_models_and_trainings_are_moved_on_request(free, logic, dialogs, tmp_path):
    import qt

    panel, new = free, str(tmp_path / "big-disk")
    logic.interrupted = [SimpleNamespace(name="half")]
    dialogs.answer(new, qt.QMessageBox.Cancel, new, qt.QMessageBox.Yes)
    panel.ui.changeStorageButton.click()
    assert not logic.asked and "2 models of yours and 1 interrupted training." in dialogs.texts[-1]
    assert "cannot be resumed" in dialogs.texts[-1]
    panel.ui.changeStorageButton.click()
    assert logic.asked == [("move", new)] and panel.ui.workLabel.text == "Moving models and trainings"
    assert not panel.ui.changeStorageButton.enabled and "Wait until" in panel.ui.changeStorageButton.toolTip
    logic.run.move("moving models", 1, 2)
    panel.work._look()
    assert panel.ui.workProgress.value == 1
    logic.run.end(["ms", "half"])
    assert panel.ui.modelsMessage.text.startswith("Moved to ") and "ms, half." in panel.ui.modelsMessage.text


def test_models_can_stay_where_they_are(free, logic, dialogs, tmp_path):
    import qt

    dialogs.answer(str(tmp_path / "big-disk"), qt.QMessageBox.No)
    free.ui.changeStorageButton.click()
    assert logic.asked == [("storage", str(tmp_path / "big-disk"))] and "stay there" in free.ui.modelsMessage.text


def test_without_the_worker_models_can_only_be_left(free, logic, dialogs, tmp_path):
    import qt

    free.setBlocked("PyTorch is not installed.")
    dialogs.answer(str(tmp_path / "big-disk"), qt.QMessageBox.Ok)
    free.ui.changeStorageButton.click()
    assert "once TransferSeg is set up" in dialogs.texts[-1]
    assert not dialogs.shown[-1].dialog.standardButtons & qt.QMessageBox.Yes
    assert logic.asked == [("storage", str(tmp_path / "big-disk"))]
