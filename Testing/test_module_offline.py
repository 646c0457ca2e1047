"""Offline packs in Slicer: asked, checked, installed from the folder only, models brought in; made beside Slicer."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers_cli import small_model
from helpers_pack import Index

from TransferSegLib.errors import Cancelled, DependencyError, InputError, PackageError, TransferSegError
from TransferSegLib.jobs import pack_wheels
from TransferSegLib.jobs.pack import pack
from TransferSegLib.packages.offline_pack import this_python, this_system
from TransferSegLib.places import models_folder


class Logic:
    """The module's logic as far as packs use it."""

    def __init__(self, *names: str) -> None:
        self.names, self.brought = list(names), []

    def models(self):
        return [SimpleNamespace(name=name) for name in self.names]

    def importModel(self, path, name):
        if name == "broken":
            raise PackageError("its weights are damaged; get it again")
        assert Path(path).is_file()
        self.brought.append(name)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A pack for this computer: monai, psutil, something that TransferSeg does not need, and two models."""
    index = Index({("monai", "1.6.1"): ("numpy",), ("psutil", "7"): (), ("gadget", "1"): ()})
    monkeypatch.setattr(pack_wheels, "download", index.download)
    for name in ("clinic", "broken"):
        if not (models_folder() / name).exists():
            small_model(models_folder() / name)
    wanted = ("monai>=1.5.1", "psutil>=5.9", "gadget")
    options = {"platform": this_system(), "python": this_python(), "torch": "none"}
    pack(tmp_path / "pack", requirements=wanted, models=["clinic", "broken"], **options)
    return tmp_path / "pack"


@pytest.fixture
def slicer_lacks(app, monkeypatch):
    """Packages that this Slicer seems to lack, and what pip was asked to install."""
    from TransferSegGUI import installing, offline
    from TransferSegGUI.dependencies import DependencyState

    made = SimpleNamespace(missing=["monai>=1.5.1"], torch="ok", calls=[], plan={"monai": "1.6.1"})
    monkeypatch.setattr(offline, "state", lambda: DependencyState(not made.missing, "", made.missing, made.torch))
    monkeypatch.setattr(installing, "planned", lambda names, constraints, options: made.plan)
    monkeypatch.setattr(installing, "pipEnsure", lambda *arguments: made.calls.append(arguments))
    monkeypatch.setattr(offline, "removeRemains", lambda: made.calls.append("remains removed"))
    return made


def test_a_pack_is_asked_for_checked_and_installed(folder, slicer_lacks, dialogs):
    from TransferSegGUI.offline import installPack

    from TransferSegLib.packages.offline_pack import fingerprint, read_pack

    logic, said = Logic("brain-unet-phantom"), []
    done = installPack(folder, logic, say=said.append)
    assert fingerprint(read_pack(folder)) in dialogs.texts[0] and "clinic" in dialogs.texts[0]
    [(names, constraints, options)] = slicer_lacks.calls
    assert names == ["monai>=1.5.1"] and constraints.name == "constraints.txt"
    assert options == ["--no-index", "--find-links", str(folder / "wheels")]
    assert logic.brought == ["clinic"] and len(said) >= 4
    text = "\n".join(done)
    assert "5 files" in text and "Installed: monai" in text and "clinic was brought in" in text
    assert "broken was left out: its weights are damaged" in text


def test_what_is_there_already_is_left(folder, slicer_lacks):
    from TransferSegGUI.offline import installPack

    slicer_lacks.missing.clear()
    done = installPack(folder, Logic("clinic", "broken"), ask=False)
    assert slicer_lacks.calls == [] and "installed already" in done[1] and done[2].endswith("is there already.")


def test_half_a_pytorch_is_removed_first(folder, slicer_lacks):
    from TransferSegGUI.offline import installPack

    slicer_lacks.torch = "half"
    installPack(folder, None, ask=False)
    assert slicer_lacks.calls[0] == "remains removed" and len(slicer_lacks.calls) == 2


def _protect(monkeypatch, versions):
    """These are the protected packages of this Slicer, wherever they are asked for; pip's constraints are kept."""
    from TransferSegGUI import install_plan, installing, offline

    seen = []
    for room in (install_plan, installing, offline):
        monkeypatch.setattr(room, "protectedVersions", lambda: dict(versions))
    monkeypatch.setattr(installing, "planned", lambda names, file, options: seen.append(file.read_text()) or plan)
    plan = {}
    return seen, plan


def test_a_half_installed_pytorch_that_is_replaced_counts_as_installed(folder, slicer_lacks, monkeypatch):
    from TransferSegGUI import offline

    versions = {"torch": "2.8.0", "torchvision": "0.23.0", "numpy": "2.0"}
    seen, plan = _protect(monkeypatch, versions)
    slicer_lacks.torch = "half"
    plan.update(monai="1.6.1", torch="2.9.0", torchvision="0.24.0")
    installing = sys.modules["TransferSegGUI.installing"]
    monkeypatch.setattr(installing, "pipEnsure", lambda *a: versions.update(torch="2.9.0", torchvision="0.24.0"))
    done = offline.installPack(folder, None, ask=False)
    assert done[1] == "Installed: monai." and seen == ["numpy==2.0\n"]


def test_a_torchvision_that_does_not_fit_may_be_replaced(folder, slicer_lacks, monkeypatch):
    from TransferSegGUI import offline

    versions = {"torch": "2.8.0", "torchvision": "0.99.0", "numpy": "2.0"}
    seen, plan = _protect(monkeypatch, versions)
    slicer_lacks.missing.append("torchvision")
    plan.update(monai="1.6.1", torchvision="0.23.0")
    done = offline.installPack(folder, None, ask=False)
    assert done[1].startswith("Installed: monai") and "torch==2.8.0" in seen[0] and "torchvision" not in seen[0]
    plan["torch"] = "2.9.0"
    with pytest.raises(DependencyError, match="PyTorch"):
        offline.installPack(folder, None, ask=False)


def test_the_user_can_decline(folder, slicer_lacks, dialogs):
    import qt
    from TransferSegGUI.offline import installPack

    dialogs.answer(qt.QMessageBox.Cancel)
    assert installPack(folder) == [] and slicer_lacks.calls == []


@pytest.mark.parametrize("harm", ["changed", "added", "unfinished"])
def test_a_tampered_pack_is_refused(folder, slicer_lacks, harm):
    from TransferSegGUI.offline import installPack

    wheel = next((folder / "wheels").glob("monai*"))
    if harm == "changed":
        wheel.write_bytes(wheel.read_bytes()[:-1] + b"!")
    elif harm == "added":
        (folder / "wheels" / "evil-1-py3-none-any.whl").write_bytes(b"evil")
    else:
        (folder / "pack.json").unlink()
    with pytest.raises(PackageError, match=r"changed or damaged|does not belong|not finished"):
        installPack(folder, Logic(), ask=False)
    assert slicer_lacks.calls == []


def test_a_pack_for_another_computer_is_refused(tmp_path, folder, slicer_lacks):
    from TransferSegGUI.offline import installPack

    other = "linux" if this_system() == "windows" else "windows"
    pack(tmp_path / "other", requirements=("monai",), platform=other, torch="none")
    with pytest.raises(InputError, match="this pack is for"):
        installPack(tmp_path / "other", ask=False)


def test_a_pack_that_would_replace_numpy_is_refused(folder, slicer_lacks):
    from TransferSegGUI.offline import installPack

    slicer_lacks.plan["numpy"] = "99"
    with pytest.raises(DependencyError, match="NumPy"):
        installPack(folder, ask=False)
    assert slicer_lacks.calls == []


@pytest.mark.alone
def test_a_pack_is_made_beside_slicer(app, tmp_path, monkeypatch):
    from TransferSegGUI.offline import makePack

    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "nul" if sys.platform == "win32" else "/dev/null")
    answers: list[tuple] = []
    start = time.perf_counter()
    lines: list[str] = []
    makePack(tmp_path / "pack", platform="windows", onLine=lines.append, callback=lambda *a: answers.append(a))
    assert time.perf_counter() - start < 0.1
    _until(app, answers)
    [(value, error)] = answers
    assert value is None and isinstance(error, TransferSegError)
    assert error.message.startswith("the package index cannot be reached")
    assert "0 packages are here, downloading joblib, matplotlib, monai, nilearn and 4 more" in lines


def test_making_a_pack_can_be_cancelled(app, tmp_path):
    from TransferSegGUI.offline import makePack

    answers: list[tuple] = []
    makePack(tmp_path / "pack", callback=lambda *answer: answers.append(answer)).cancel()
    _until(app, answers)
    assert answers[0][0] is None and isinstance(answers[0][1], Cancelled)


def _until(app, answers, seconds=300):
    end = time.monotonic() + seconds
    while not answers and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.02)
    assert answers
