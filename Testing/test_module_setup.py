"""Setting up: what is asked, planned, refused, installed and checked; the banner; diagnostics."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

PROJECT = Path(__file__).resolve().parent.parent


class Pip:
    """What the stand-ins were asked to do, and what pip would answer."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []
        self.plan: dict[str, str] = {"monai": "1.6.1"}
        self.constraints = ""
        self.failure = ""
        self.finished = lambda: None


@pytest.fixture
def pip(app, monkeypatch):
    """slicer.packaging, PyTorchUtils and pip's dry run in the place of the real ones; nothing is installed."""
    import PyTorchUtils
    import slicer
    from TransferSegGUI import install_plan, packaging_fallback, pytorch_extension

    made = Pip()

    def ensure(requirements, constraints=None, prompt_install=True, requester=None):
        assert prompt_install is False and requester == "TransferSeg"
        made.calls.append(("ensure", requirements))
        made.constraints = Path(constraints).read_text()
        if made.failure:
            print(made.failure)
            raise RuntimeError("pip ended with 1")
        made.finished()

    def dry_run(command, *_):
        report = Path(command[command.index("--report") + 1])
        made.calls.append(("plan", command[command.index("-c") + 2 :]))
        if "offline" in made.plan:
            return 1, "ERROR: NewConnectionError: Failed to establish a new connection"
        entries = [{"metadata": {"name": name, "version": version}} for name, version in made.plan.items()]
        report.write_text(json.dumps({"install": entries}))
        return 0, ""

    class Logic:
        def installTorch(self, **options):
            made.calls.append(("torch", options))
            made.torch_constraints = Path(os.environ["PIP_CONSTRAINT"].removeprefix("file://")).read_text()
            made.finished()

    monkeypatch.setattr(packaging_fallback, "_packaging", lambda: SimpleNamespace(pip_ensure=ensure))
    monkeypatch.setattr(install_plan, "runConsole", dry_run)
    monkeypatch.setattr(PyTorchUtils, "PyTorchUtilsLogic", Logic)
    monkeypatch.setattr(slicer.util, "pip_uninstall", lambda names: made.calls.append(("uninstall", names)))
    monkeypatch.setattr(pytorch_extension, "_LEFTOVERS", ())
    return made


@pytest.fixture
def lacking(pip, monkeypatch):
    """``lacking("torch", "monai")`` makes these look absent until pip or PyTorchUtils was called for them."""
    from TransferSegGUI import dependencies, install_plan, installing, pytorch_extension

    absent: set[str] = set()
    real = dependencies.installedPackages

    def packages(path=None):
        return {name: package for name, package in real(path).items() if name not in absent}

    def torch(path=None, found=None):
        return "missing" if "torch" in absent else "ok"

    monkeypatch.setattr(dependencies, "installedPackages", packages)
    for room in (dependencies, pytorch_extension):
        monkeypatch.setattr(room, "torchState", torch)
    monkeypatch.setattr(dependencies, "_torchvisionFits", lambda path: "torch" not in absent)
    assert installing.protectedVersions is install_plan.protectedVersions

    def take(*names):
        absent.update(names)

        def arrives():
            last = pip.calls[-1]
            absent.difference_update(["torch"] if last[0] == "torch" else [n.split(">")[0] for n in last[1]])

        pip.finished = arrives

    return take


def kinds(pip) -> list[str]:
    return [call[0] for call in pip.calls]


def test_nothing_is_done_when_nothing_is_missing(pip):
    from TransferSegGUI.dependencies import install

    assert install() is True and pip.calls == []


def test_the_whole_way(pip, lacking, dialogs):
    from TransferSegGUI.installing import install

    lacking("torch", "monai", "psutil")
    said: list[str] = []
    assert install(True, said.append) is True
    assert kinds(pip) == ["torch", "plan", "ensure"]
    options = pip.calls[0][1]
    assert options["torchVersionRequirement"].startswith(">=2.8") and options["askConfirmation"] is False
    assert options["torchvisionVersionRequirement"] == ">=0.23" and options["forceComputationBackend"] is None
    assert "numpy==" in pip.torch_constraints and "torch==" not in pip.torch_constraints
    assert pip.calls[2][1] == ["monai>=1.5.1", "psutil>=5.9"]
    for name in ("numpy", "scipy", "simpleitk", "pydicom", "torch", "torchvision"):
        assert f"{name}==" in pip.constraints
    question = dialogs.texts[0]
    assert "PyTorch" in question and "to download" in question and "monai, psutil" in question and "Free" in question
    assert len(said) == 3 and "PIP_CONSTRAINT" not in os.environ


def test_the_user_can_decline(pip, lacking, dialogs):
    import qt
    from TransferSegGUI.installing import install

    lacking("monai")
    dialogs.answer(qt.QMessageBox.Cancel)
    assert install() is False and pip.calls == []


def test_an_existing_pytorch_stays(pip, lacking, monkeypatch):
    from TransferSegGUI import dependencies
    from TransferSegGUI.installing import install

    version = dependencies.installedVersion("torch")
    fits = [False, False, False]
    monkeypatch.setattr(dependencies, "_torchvisionFits", lambda path: fits.pop() if fits else True)
    pip.finished = fits.clear
    assert install(False) is True
    assert kinds(pip) == ["torch"] and pip.calls[0][1]["torchVersionRequirement"] == f"=={version}"
    assert f"torch=={version}" in pip.torch_constraints and "torchvision==" not in pip.torch_constraints


@pytest.mark.parametrize("name", ["SimpleITK", "numpy", "torch", "scipy"])
def test_a_plan_that_would_replace_what_slicer_has_is_refused(pip, lacking, name):
    from TransferSegGUI.installing import install

    from TransferSegLib.errors import DependencyError

    lacking("monai")
    pip.plan[name] = "99"
    with pytest.raises(DependencyError, match=r"(SimpleITK|NumPy|PyTorch|SciPy) \S+ by 99"):
        install(False)
    assert "ensure" not in kinds(pip)


def test_antspy_is_refused(pip, lacking):
    from TransferSegGUI.installing import install

    from TransferSegLib.errors import DependencyError

    lacking("monai")
    pip.plan["antspyx"] = "0.6"
    with pytest.raises(DependencyError, match="antspyx cannot be installed in Slicer"):
        install(False)


def test_an_installation_that_changed_something_after_all_is_told(pip, lacking, monkeypatch):
    from TransferSegGUI import install_plan
    from TransferSegGUI.installing import install

    from TransferSegLib.errors import DependencyError

    lacking("monai")
    arrives = pip.finished

    def sneaky():
        arrives()
        monkeypatch.setattr(install_plan, "protectedVersions", lambda: {"numpy": "1.0"})

    pip.finished = sneaky
    with pytest.raises(DependencyError, match=r"NumPy was \S+ and is now 1\.0"):
        install(False)


@pytest.mark.parametrize("when", ["plan", "install"])
def test_without_internet_the_offline_pack_is_named(pip, lacking, when):
    from TransferSegGUI.installing import install

    from TransferSegLib.errors import DependencyError

    lacking("monai")
    if when == "plan":
        pip.plan["offline"] = "1"
    else:
        pip.failure = "ERROR: Max retries exceeded with url"
    with pytest.raises(DependencyError, match="offline pack") as told:
        install(False)
    assert "ERROR" in told.value.details


def test_old_and_unsupported_are_refused_before_anything(pip, monkeypatch):
    from TransferSegGUI import installing
    from TransferSegGUI.dependencies import DependencyState

    from TransferSegLib.errors import DependencyError

    for torch in ("old", "unsupported"):
        monkeypatch.setattr(installing, "state", lambda t=torch: DependencyState(False, "why", ["torch"], t))
        with pytest.raises(DependencyError, match="why"):
            installing.install()
    assert pip.calls == []


def test_nothing_is_installed_in_testing_mode(pip, lacking, app, monkeypatch):
    from TransferSegGUI.installing import install

    lacking("monai")
    monkeypatch.setattr(app, "_testing", True)
    assert install(False) is False and pip.calls == []


class Model:
    """The extensions manager's model, as far as it is used."""

    def __init__(self, installed=False, works=True):
        self.interactive, self.calls, self._installed, self._works = True, [], installed, works

    def isExtensionInstalled(self, name):
        return self._installed

    def updateExtensionsMetadataFromServer(self, force, wait):
        self.calls.append(("update", force, wait))
        return True

    def installExtensionFromServer(self, name, restart):
        self.calls.append((name, restart, self.interactive))
        return self._works


@pytest.fixture
def no_extension(pip, monkeypatch):
    """A Slicer without the PyTorch extension; give it an extensions manager."""
    from TransferSegGUI import pytorch_extension

    monkeypatch.setitem(sys.modules, "PyTorchUtils", None)

    def use(model):
        monkeypatch.setattr(pytorch_extension, "extensionsModel", lambda: model)

    return use


def test_the_pytorch_extension_is_offered(no_extension, lacking, dialogs, monkeypatch):
    import slicer
    from TransferSegGUI.installing import install

    restarts: list[int] = []
    monkeypatch.setattr(slicer.util, "restart", lambda: restarts.append(1))
    model = Model()
    no_extension(model)
    lacking("torch")
    assert install(False) is False
    assert model.calls == [("update", True, True), ("PyTorch", False, False)] and model.interactive is True
    assert "extension named PyTorch" in dialogs.texts[0] and "Restart Slicer now" in dialogs.texts[1] and restarts


@pytest.mark.parametrize(
    ("model", "message"),
    [(None, "Extensions Manager"), (Model(installed=True), "restart Slicer"), (Model(works=False), "could not be")],
)
def test_what_to_do_without_the_extension(no_extension, lacking, model, message):
    from TransferSegGUI.installing import install

    from TransferSegLib.errors import DependencyError

    no_extension(model)
    lacking("torch")
    with pytest.raises(DependencyError, match=message):
        install(False)


def test_a_slicer_without_extensions_manager_is_no_error(app):
    from TransferSegGUI.pytorch_extension import extensionsModel

    assert extensionsModel() is None


def test_the_remains_of_a_half_installed_pytorch_are_removed(pip, tmp_path, monkeypatch):
    from TransferSegGUI import pytorch_extension

    site = tmp_path / "site-packages"
    (site / "torch" / "lib").mkdir(parents=True)
    (site / "torch-2.12.1.dist-info").mkdir()
    (site / "torchmetrics").mkdir()
    monkeypatch.setattr(pytorch_extension, "_LEFTOVERS", ("torch", "torchvision"))
    monkeypatch.setattr(pytorch_extension, "torchState", lambda: "missing")
    monkeypatch.setattr(sys, "path", [str(site)])
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    pytorch_extension.removeRemains()
    assert [path.name for path in site.iterdir()] == ["torchmetrics"]


def test_older_slicers_install_with_slicer_util(pip, monkeypatch, tmp_path):
    import slicer
    from TransferSegGUI import packaging_fallback

    asked: list[list[str]] = []
    monkeypatch.setattr(packaging_fallback, "_packaging", lambda: None)
    monkeypatch.setattr(slicer.util, "pip_install", asked.append)
    packaging_fallback.pipEnsure(["monai>=1.5.1"], tmp_path / "c.txt", ["--no-index"])
    assert asked == [["-c", str(tmp_path / "c.txt"), "--no-index", "monai>=1.5.1"]]


def test_pips_real_plan_is_read(app):
    """pip itself says that an installed requirement changes nothing."""
    from TransferSegGUI.install_plan import constraintsFile, planned

    with constraintsFile() as constraints:
        assert planned(["numpy"], constraints) == {}


@pytest.fixture
def panel(app):
    from TransferSegGUI.setup_panel import SetupPanel

    restarts: list[int] = []
    logic = SimpleNamespace(client=SimpleNamespace(restart=lambda: restarts.append(1)), restarts=restarts)
    made = SetupPanel(logic, lambda name: str(PROJECT / "TransferSeg" / "Resources" / name))
    yield made
    made.cleanup()


def test_the_banner_is_hidden_when_nothing_is_missing(panel):
    states = []
    panel.changed.connect(states.append)
    panel.refresh()
    assert panel.widget.isHidden() and states[0].ready


def test_the_banner_explains_and_installs(panel, pip, lacking):
    lacking("torch", "monai")
    states = []
    panel.changed.connect(states.append)
    panel.refresh()
    assert not panel.widget.isHidden() and "press Install" in panel.ui.reasonLabel.text
    assert "To download: PyTorch (" in panel.ui.sizesLabel.text and panel.ui.installButton.enabled
    panel.ui.installButton.click()
    assert panel.widget.isHidden() and states[-1].ready and panel.logic.restarts == [1]


def test_an_error_is_one_line_and_its_details_are_folded(panel, pip, lacking):
    lacking("monai")
    panel.refresh()
    pip.plan["offline"] = "1"
    panel.ui.installButton.click()
    assert "connected to the internet" in panel.ui.statusLabel.text and not panel.ui.statusLabel.isHidden()
    assert "NewConnectionError" in panel.ui.setupDetailsText.plainText and panel.ui.setupDetailsButton.collapsed
    assert panel.ui.installButton.enabled and panel.ui.setupProgress.isHidden() and not panel.widget.isHidden()


def test_what_cannot_be_installed_cannot_be_pressed(panel, monkeypatch):
    from TransferSegGUI import dependencies

    reason = "TransferSeg cannot work in Slicer on this Mac"
    state = dependencies.DependencyState(False, reason, ["torch"], "unsupported")
    monkeypatch.setattr(dependencies, "state", lambda: state)
    panel.refresh()
    assert not panel.ui.installButton.enabled and panel.ui.installButton.toolTip == reason
    assert panel.ui.reasonLabel.text == reason and panel.ui.sizesLabel.isHidden()


def test_the_banner_fits_slicers_panel(panel, pip, lacking):
    lacking("torch", "monai")
    panel.refresh()
    assert panel.widget.minimumSizeHint.width() <= 420


def test_diagnostics_are_doctors_output(panel, app):
    panel.copyDiagnostics()
    text = app.clipboard().text()
    assert text.startswith("Slicer ") and "torch: ok" in text and "\ntransferseg " in text and "packages: torch" in text
    assert panel.ui.setupDetailsText.plainText.strip() == text.strip() and "clipboard" in panel.ui.statusLabel.text


def test_diagnostics_come_without_pytorch_too(app, monkeypatch):
    from TransferSegGUI import diagnostics

    told = "transferseg doctor: unexpected error, ModuleNotFoundError: No module named 'torch'"
    monkeypatch.setattr(diagnostics, "runConsole", lambda command: (1, told))
    text = diagnostics.collect()
    assert "packages: numpy" in text and "Python 3." in text and "No module named 'torch'" in text
    monkeypatch.setattr(diagnostics, "pythonExecutable", lambda: 1 / 0)
    assert "doctor did not start" in diagnostics.collect()


def test_a_program_beside_slicer(app):
    from TransferSegGUI.console import ConsoleRun, runConsole

    lines: list[str] = []
    code = "import sys, time; print('one'); time.sleep(0.1); print('zwei ü', file=sys.stderr); sys.exit(3)"
    assert runConsole([sys.executable, "-c", code], lines.append) == (3, "one\nzwei ü") and lines == ["one", "zwei ü"]
    ended: list[ConsoleRun] = []
    run = ConsoleRun([sys.executable, "-c", "import time; time.sleep(60)"])
    run.follow(ended.append)
    run.cancel()
    assert run.wait() != 0 and run.cancelled
    for _ in range(40):
        app.processEvents()
        if ended:
            break
        import time

        time.sleep(0.02)
    assert ended == [run] and not run._file.exists()
