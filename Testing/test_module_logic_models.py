"""The models' part of the logic, through the real worker: import, export, delete, verify, groups, storage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from helpers_cli import SHIPPED
from helpers_logic import placeModel, waitFor


def test_export_import_verify_delete(logic: Any, tmp_path: Path) -> None:
    from TransferSegLib.errors import TransferSegError

    changes: list[int] = []
    logic.changed.connect(lambda: changes.append(1))
    file = logic.exportModel(placeModel(), tmp_path / "for-a-colleague.zip")
    assert Path(file).is_file() and changes == []
    assert logic.importModel(file, "from-a-colleague") == "from-a-colleague"
    assert changes == [1]
    info = logic.model("from-a-colleague")
    assert (info.source, info.gives) == ("user", "tumour, oedema")
    assert info.folder.parent == logic.modelsFolder()
    assert [row["ok"] for row in logic.verifyModel("from-a-colleague")] == [True]
    with pytest.raises(TransferSegError, match="exists already") as caught:
        logic.importModel(file, "from-a-colleague")
    assert caught.value.code == "name-taken"
    assert "--" not in caught.value.message
    assert logic.deleteModel("from-a-colleague") == "from-a-colleague"
    assert changes == [1, 1] and not info.folder.exists()
    with pytest.raises(TransferSegError, match="cannot be deleted"):
        logic.deleteModel("brain-unet-phantom")


def test_damaged_weights_are_found(logic: Any, tmp_path: Path) -> None:
    file = logic.exportModel(placeModel(), tmp_path / "m.zip")
    logic.importModel(file, "damaged")
    weights = logic.model("damaged").folder / "models" / "model.pt"
    weights.write_bytes(weights.read_bytes()[:-100] + b"x" * 100)
    rows = {row["name"]: row for row in logic.verifyModel()}
    assert rows["small"]["ok"] and not rows["damaged"]["ok"] and "damaged" in rows["damaged"]["problem"]
    logic.deleteModel("damaged")


def test_groups_with_a_drawing(logic: Any) -> None:
    answers: list[Any] = []
    run = logic.groups("brain-unet-phantom", "freeze-encoder", lambda value, error: answers.append((value, error)))
    waitFor(lambda: run.finished, logic)
    value, error = answers[0]
    assert error is None
    assert 0 < value["trainable"] < value["total"]
    assert Path(value["picture"]).is_file()
    assert any(block["frozen"] for block in value["blocks"]) and not all(block["frozen"] for block in value["blocks"])
    logic.groups("brain-unet-phantom", "nonsense", lambda value, error: answers.append((value, error)))
    waitFor(lambda: len(answers) == 2, logic)
    assert answers[1][0] is None and "nonsense" in answers[1][1].message


def test_storage_folder(logic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from TransferSegLib.errors import UsageError

    with pytest.raises(UsageError, match="TRANSFERSEG_HOME"):
        logic.setStorageFolder(tmp_path / "elsewhere")
    kept = os.environ.pop("TRANSFERSEG_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))
    try:
        logic.setStorageFolder(tmp_path / "elsewhere")
        assert logic.modelsFolder() == tmp_path / "elsewhere" / "models"
        assert [info.name for info in logic.models()] == SHIPPED
        logic.setStorageFolder(None)
        assert tmp_path / "data" in logic.storageFolder().parents
        placeModel("taken-along")
        waitFor(lambda: logic.client.state == "stopped", logic)
        assert logic.moveStorage(tmp_path / "moved") == ["taken-along"]
        assert logic.storageFolder() == tmp_path / "moved"
        own = [info.folder for info in logic.models() if info.source == "user"]
        assert own == [tmp_path / "moved" / "models" / "taken-along"]
        logic.setStorageFolder(None)
    finally:
        os.environ["TRANSFERSEG_HOME"] = kept
    assert "small" in [info.name for info in logic.models()]


@pytest.mark.alone
def test_importing_the_logic_is_quick() -> None:
    """Beyond Slicer's own modules, and without torch, SimpleITK or the library's rooms."""
    import subprocess
    import sys

    from host.api import PROJECT

    code = (
        "import sys, time; sys.path[:0] = ['Testing', 'TransferSeg', '.']; import host; host.install();"
        "import slicer.util, numpy, vtk.util.numpy_support; start = time.perf_counter();"
        "import TransferSegGUI.logic; print(time.perf_counter() - start);"
        "print([n for n in ('torch', 'monai', 'SimpleITK', 'TransferSegLib') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    seconds, heavy = done.stdout.splitlines()[-2:]
    assert heavy == "[]" and float(seconds) < 0.1
