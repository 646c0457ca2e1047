"""The Models panel: list, import, export, verify, delete, storage, offline pack."""

from __future__ import annotations

import pytest
from helpers_adapt import Logic, importable, modelInfo, resourcePath


@pytest.fixture
def logic(scene, tmp_path):
    importable()
    made = Logic(tmp_path)
    made.infos = [
        modelInfo(),
        modelInfo("ms", source="user", folder=tmp_path / "models" / "ms"),
        modelInfo("worse", source="user", offered=False),
        modelInfo(
            "gone", source="registered", available=False, card=None, problem="The folder is gone; import it again."
        ),
    ]
    return made


@pytest.fixture
def panel(logic, app, monkeypatch):
    monkeypatch.delenv("TRANSFERSEG_HOME", raising=False)
    from TransferSegGUI.models_panel import ModelsPanel

    made = ModelsPanel(logic, resourcePath)
    made.widget.resize(420, 900)
    made.widget.show()
    made.enter()
    app.processEvents()
    yield made
    made.cleanup()
    made.widget.close()


def _cells(panel):
    table = panel.ui.modelsTable
    return [[table.item(row, column).text() for column in range(3)] for row in range(table.rowCount)]


def test_the_list_says_origin_needs_gives_size_and_state(panel, tmp_path):
    (tmp_path / "models" / "ms").mkdir(parents=True)
    (tmp_path / "models" / "ms" / "model.pt").write_bytes(b"0" * 2_500_000)
    panel.refresh()
    rows = _cells(panel)
    assert rows[0][0] == "brain-unet-phantom\ncame with TransferSeg"
    assert rows[1] == ["ms\nyours", "Needs FLAIR, T1.\nGives necrosis, oedema, enhancing tumour.", "2.5 MB\nready"]
    assert rows[2][2].endswith("not proposed") and rows[3][2].endswith("⚠ not usable")


def test_a_model_that_no_held_out_case_judged_says_so(panel, logic):
    logic.infos[1].card.origin["verdict"] = "not-measured"
    panel.refresh()
    assert _cells(panel)[1][2].endswith("not tested")


def test_details_and_buttons_follow_the_selection(panel):
    ui = panel.ui
    assert "400 phantoms" in ui.modelDetails.text and not ui.deleteButton.enabled
    assert "came with TransferSeg" in ui.deleteButton.toolTip
    panel.table.select("ms")
    assert ui.deleteButton.enabled and ui.exportButton.enabled and "“" not in ui.deleteButton.toolTip
    panel.table.select("worse")
    assert "did worse" in ui.modelDetails.text and ui.useModelButton.enabled
    panel.table.select("gone")
    assert "import it again" in ui.modelDetails.text
    assert not ui.useModelButton.enabled and not ui.exportButton.enabled and ui.deleteButton.enabled


def test_a_model_is_handed_to_the_segment_panel(panel):
    wanted = []
    panel.modelWanted.connect(wanted.append)
    panel.table.select("ms")
    panel.ui.useModelButton.click()
    assert wanted == ["ms"]


def test_import_shows_progress_and_selects_the_new_model(panel, logic, dialogs, tmp_path):
    dialogs.answer("", str(tmp_path / "theirs.zip"))
    panel.ui.importFileButton.click()
    assert not logic.asked
    panel.ui.importFileButton.click()
    assert logic.asked == [("import", str(tmp_path / "theirs.zip"), None)]
    assert panel.ui.workFrame.visible and not panel.ui.importFileButton.enabled
    assert "Wait until" in panel.ui.importFileButton.toolTip
    logic.run.move("Reading", 1, 4)
    panel.work._look()
    assert panel.ui.workProgress.value == 1 and panel.ui.workLabel.text == "Importing theirs.zip: Reading"
    logic.infos.append(modelInfo("theirs", source="user"))
    logic.changed.emit()
    logic.run.end("theirs")
    assert panel.table.model.name == "theirs" and not panel.ui.workFrame.visible
    assert "“theirs” was imported" in panel.ui.modelsMessage.text and panel.ui.importFileButton.enabled


def test_import_under_a_free_name_where_its_own_is_taken(panel, logic, dialogs, tmp_path):
    import qt

    from TransferSegLib.errors import NameTaken

    error = NameTaken("ms: in whatever words; choose another with --name")
    dialogs.answer(str(tmp_path), qt.QMessageBox.Cancel)
    panel.ui.importFolderButton.click()
    logic.run.end(None, error)
    assert panel.ui.modelsMessage.text == "Nothing was imported."
    dialogs.answer(str(tmp_path))
    panel.ui.importFolderButton.click()
    logic.run.end(None, error)
    assert "--name" not in " ".join(dialogs.texts), "the panel speaks of no option"
    assert logic.asked[-1] == ("import", str(tmp_path), "ms-2")


def test_a_refused_import_says_why(panel, logic, dialogs, tmp_path):
    from TransferSegLib.errors import PackageError

    dialogs.answer(str(tmp_path))
    panel.ui.importFolderButton.click()
    logic.run.end(None, PackageError("model.pt: holds code, not only numbers; ask for a clean one"))
    assert panel.ui.modelsMessage.text == "⚠ model.pt: holds code, not only numbers; ask for a clean one"


def test_work_can_be_cancelled(panel, logic):
    panel.ui.verifyAllButton.click()
    panel.ui.workCancelButton.click()
    assert panel.ui.modelsMessage.text == "Cancelled. Nothing was changed." and panel.ui.verifyAllButton.enabled


def test_export_adds_the_ending(panel, logic, dialogs, tmp_path):
    panel.table.select("ms")
    dialogs.answer(str(tmp_path / "for-a-colleague"))
    panel.ui.exportButton.click()
    assert logic.asked == [("export", "ms", str(tmp_path / "for-a-colleague.zip"))]
    logic.run.end(str(tmp_path / "for-a-colleague.zip"))
    assert "for-a-colleague.zip" in panel.ui.modelsMessage.text


def test_verifying_marks_whole_and_damaged_models(panel, logic):
    panel.ui.verifyAllButton.click()
    assert logic.asked == [("verify", None)]
    logic.run.end(
        [{"name": "ms", "ok": True, "problem": ""}, {"name": "worse", "ok": False, "problem": "check sum differs"}]
    )
    rows = _cells(panel)
    assert rows[1][2].endswith("whole ✓") and rows[2][2].endswith("⚠ not usable")
    assert panel.ui.modelsMessage.text == "⚠ “worse” is damaged: check sum differs"
    panel.table.select("ms")
    panel.ui.verifyButton.click()
    logic.run.end([{"name": "ms", "ok": True, "problem": ""}])
    assert panel.ui.modelsMessage.text == "The model is whole."


def test_delete_asks(panel, logic, dialogs):
    import qt

    panel.table.select("ms")
    dialogs.answer(qt.QMessageBox.Cancel)
    panel.ui.deleteButton.click()
    assert not logic.asked
    panel.ui.deleteButton.click()
    assert "“ms”" in dialogs.texts[-1] and logic.asked == [("delete", "ms")]
    logic.run.end("ms")
    assert panel.ui.modelsMessage.text == "“ms” was deleted."


def test_folders_are_opened(panel, logic, monkeypatch, tmp_path):
    import qt

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    panel.ui.openFolderButton.click()
    logic.folder = tmp_path / "not" / "made" / "yet"
    panel.ui.openStorageButton.click()
    assert opened == [str(modelInfo().folder), str(tmp_path)]


@pytest.fixture
def free(panel, monkeypatch):
    """The panel where the environment leaves the storage folder to the user."""
    monkeypatch.delenv("TRANSFERSEG_HOME", raising=False)
    panel.refresh()
    return panel


def test_a_pack_is_made_with_ones_own_models(panel, logic, dialogs, monkeypatch, tmp_path):
    from TransferSegGUI import offline

    asked = []

    def makePack(folder, models=(), callback=None, onLine=None):
        asked.append((folder, list(models)))
        onLine("torch-2.8.0-cp312-win_amd64.whl")
        return logic._begin(("pack",), {"callback": callback})

    monkeypatch.setattr(offline, "makePack", makePack)
    dialogs.answer(str(tmp_path))
    panel.ui.makePackButton.click()
    assert asked == [(str(tmp_path), ["ms", "worse"])] and panel.ui.workCancelButton.visible
    assert panel.ui.workLabel.text == "Making the pack: torch-2.8.0-cp312-win_amd64.whl"
    logic.run.end({"pack": str(tmp_path), "fingerprint": "12ab 34cd"})
    assert "12ab 34cd" in panel.ui.modelsMessage.text


def test_a_pack_is_installed(panel, logic, dialogs, monkeypatch, tmp_path):
    from TransferSegGUI import offline

    from TransferSegLib.errors import PackageError

    def installPack(folder, logic, say):
        say("Checking every file of the pack.")
        assert panel.ui.workLabel.text == "Installing from the pack: Checking every file of the pack."
        assert not panel.ui.workCancelButton.visible and not panel.ui.verifyAllButton.enabled
        return ["12 files of the pack are as they were made.", "The packages are installed already."]

    monkeypatch.setattr(offline, "installPack", installPack)
    dialogs.answer(str(tmp_path))
    panel.ui.installPackButton.click()
    assert panel.ui.modelsMessage.text.startswith("12 files") and not panel.ui.workFrame.visible

    def damaged(folder, logic, say):
        raise PackageError("torch.whl was changed; copy the pack again")

    monkeypatch.setattr(offline, "installPack", damaged)
    dialogs.answer(str(tmp_path))
    panel.ui.installPackButton.click()
    assert panel.ui.modelsMessage.text == "⚠ torch.whl was changed; copy the pack again"


def test_a_missing_dependency_disables_what_needs_the_worker_only(free):
    panel = free
    panel.setBlocked("PyTorch is not installed; see above.")
    assert not panel.ui.importFileButton.enabled and "PyTorch" in panel.ui.importFileButton.toolTip
    assert panel.ui.installPackButton.enabled, "this is how it is mended without internet"
    assert panel.ui.openFolderButton.enabled and panel.ui.changeStorageButton.enabled


def test_nothing_is_cut_off_at_420_pixels(panel, app):
    for section in (panel.ui.storageButton, panel.ui.offlineButton):
        section.collapsed = False
    panel.ui.verifyAllButton.click()
    app.processEvents()
    assert panel.widget.minimumSizeHint.width() <= 420
