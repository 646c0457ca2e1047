"""What is missing, found without importing it: halves of PyTorch, old ones, Macs, versions, sizes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "TransferSeg"))

from TransferSegGUI import dependencies, sizes
from TransferSegGUI.versions import canonical, parseRequirement, release

GOOD = {
    "numpy": "2.4.6", "scipy": "1.17.1", "SimpleITK": "2.5.5", "pydicom": "3.0.2", "monai": "1.6.1", "pillow": "12.0",
    "scikit-learn": "1.9.1", "matplotlib": "3.11", "joblib": "1.6.0", "psutil": "7.2.2", "nilearn": "0.14.1",
}  # fmt: skip


@pytest.fixture
def site(tmp_path):
    """A site-packages folder like that of a Slicer in which everything is installed."""
    for name, version in GOOD.items():
        add(tmp_path, name, version)
    add_torch(tmp_path)
    add(tmp_path, "torchvision", "0.27.1", "torch==2.12.1")
    return tmp_path


def add(site: Path, name: str, version: str, *requires: str) -> Path:
    """A package's metadata."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {text}" for text in requires)]
    (folder / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *lines]) + "\n")
    return folder


def add_torch(site: Path, version: str = "2.12.1+cu130") -> Path:
    """PyTorch's files as far as they are looked at."""
    metadata = add(site, "torch", version)
    (site / "torch" / "lib").mkdir(parents=True)
    for name in ("__init__.py", "version.py", "lib/libtorch_cpu.so"):
        (site / "torch" / name).write_text("raise RuntimeError('imported')")
    return metadata


def remove(path: Path) -> None:
    if path.is_dir():
        for child in path.iterdir():
            remove(child)
        path.rmdir()
    else:
        path.unlink()


def look(site: Path) -> dependencies.DependencyState:
    return dependencies.state([str(site)])


def test_a_complete_slicer_is_ready(site):
    state = look(site)
    assert state == dependencies.DependencyState(True) and state.reason == "" and state.torch == "ok"
    assert "torch" not in sys.modules or "imported" not in str(sys.modules["torch"].__file__)


def test_nothing_installed(tmp_path):
    state = look(tmp_path)
    assert not state.ready and state.torch == "missing" and "press Install" in state.reason
    assert {"torch", "torchvision", "monai>=1.5.1", "SimpleITK>=2.5"} <= set(state.missing)


@pytest.mark.parametrize("lost", ["torch", "torch/__init__.py", "torch/version.py", "torch/lib", "metadata", "name"])
def test_half_a_pytorch_is_recognised(site, lost):
    metadata = next(site.glob("torch-*.dist-info"))
    if lost == "metadata":
        remove(metadata)
    elif lost == "name":
        remove(metadata / "METADATA")
    else:
        remove(site / lost)
    state = look(site)
    assert state.torch == "half" and not state.ready and "half installed" in state.reason


def test_a_pytorch_that_is_too_old_is_not_replaced(site):
    remove(next(site.glob("torch-*.dist-info")))
    remove(site / "torch")
    add_torch(site, "2.7.1+cu128")
    state = look(site)
    assert state.torch == "old" and "2.7.1" in state.reason and "not replaced" in state.reason


def test_a_torchvision_of_another_pytorch_is_recognised(site):
    remove(next(site.glob("torchvision-*.dist-info")))
    add(site, "torchvision", "0.29", "torch (>=2.14.0)")
    state = look(site)
    assert state.missing == ["torchvision"] and state.torch == "ok" and "do not fit together" in state.reason


def test_a_package_that_is_too_old_is_missing(site):
    remove(next(site.glob("monai-*.dist-info")))
    add(site, "monai", "1.4.2")
    assert look(site).missing == ["monai>=1.5.1"]


def test_an_intel_mac_is_told_plainly(site, monkeypatch):
    monkeypatch.setattr(dependencies.sys, "platform", "darwin")
    monkeypatch.setattr(dependencies.platform, "machine", lambda: "x86_64")
    state = look(site)
    assert state.torch == "unsupported" and "Intel" in state.reason and "Windows or Linux" in state.reason
    monkeypatch.setattr(dependencies.platform, "machine", lambda: "arm64")
    assert look(site).torch == "ok"


def test_windows_takes_a_pytorch_whose_paths_are_short_enough(monkeypatch):
    monkeypatch.setattr(dependencies.sys, "platform", "win32")
    assert str(dependencies.torchRequirement()) == "torch>=2.8,<2.13"
    monkeypatch.setattr(dependencies.sys, "platform", "linux")
    assert str(dependencies.torchRequirement()) == "torch>=2.8"


@pytest.mark.alone
def test_looking_is_quick_and_imports_nothing(site):
    heavy = {"torch", "monai", "sklearn", "matplotlib"} - set(sys.modules)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        dependencies.state()
        times.append(time.perf_counter() - start)
    print(f"dependencies.state(): {1000 * min(times):.1f} ms")
    assert min(times) < 0.02 and not heavy & set(sys.modules)


@pytest.mark.parametrize(
    ("text", "fits", "unfit"),
    [
        ("torch>=2.8", ["2.8", "2.8.0+cpu", "2.15.1", "3.0"], ["2.7.1", "2.7.9+cu1"]),
        ("torch (>=2.14.0)", ["2.14", "2.15.0"], ["2.13.9"]),
        ("torch>=2.8,<2.13", ["2.12.1"], ["2.13", "2.13.0", "2.7"]),
        ("torch==2.12.1", ["2.12.1", "2.12.1+cu130"], ["2.12", "2.12.10"]),
        ("pillow!=8.3.*,>=5.3.0", ["12.0", "8.2"], ["8.3.1", "5.2"]),
        ("x~=3.9.0", ["3.9.0", "3.9.4"], ["3.10", "3.8"]),
        ("anything; python_version < '3'", ["0.1"], []),
    ],
)
def test_versions_are_compared_as_pip_does(text, fits, unfit):
    packaging = pytest.importorskip("packaging.requirements")
    ours, theirs = parseRequirement(text), packaging.Requirement(text.replace("(", "").replace(")", ""))
    for version in [*fits, *unfit]:
        assert ours.allows(version) == (version in fits) == theirs.specifier.contains(version, prereleases=True)


def test_names_and_numbers():
    assert canonical("SimpleITK") == "simpleitk" and canonical("scikit_learn") == "scikit-learn"
    assert release("2.8.0+cu128") == (2, 8) and release("") == ()


def test_sizes_are_told_for_both_systems():
    for system in ("windows", "linux"):
        assert sizes.pytorchSizes(system) and all(s.disk > s.download > 50 for s in sizes.pytorchSizes(system).values())
        assert sizes.otherSize(system).download < 100
    assert (sizes.inWords(138), sizes.inWords(5479)) == ("140 MB", "5.5 GB")
