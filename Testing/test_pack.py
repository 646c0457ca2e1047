"""Offline packs: markers of the target, going on, hashes, wrong computers, one-line errors; a real small download."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest
from helpers_cli import call, small_model
from helpers_pack import Index, write_wheel

from TransferSegLib.errors import Cancelled, InputError, PackageError, StorageError, TransferSegError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.jobs import pack_pip, pack_wheels
from TransferSegLib.jobs.pack import check, pack
from TransferSegLib.jobs.pack_target import choose_target
from TransferSegLib.packages.offline_pack import PACK_FILE, check_machine, read_pack, this_python, this_system
from TransferSegLib.packages.pip_words import last_error, pip_problem
from TransferSegLib.places import models_folder


@pytest.fixture
def index(monkeypatch):
    """An index with PyTorch's shape: markers by system, a torchvision that is too new, what Slicer brings."""
    made = Index(
        {
            ("torch", "2.15.0"): ("numpy",),
            ("torch", "2.12.1"): ('triton; platform_system == "Linux"', "sympy", "numpy", 'optree; extra == "optree"'),
            ("torchvision", "0.29"): ("torch>=2.14", "numpy"),
            ("torchvision", "0.27"): ("torch==2.12.1", "pillow>=5"),
            ("pillow", "12"): (),
            ("triton", "3"): (),
            ("sympy", "1.14"): ("mpmath[fast]>=1; python_version >= '3.12'",),
            ("mpmath", "1.3"): ('gmp; extra == "fast"', 'colorama; sys_platform == "win32"'),
            ("gmp", "6"): (),
            ("colorama", "0.4"): (),
        }
    )
    monkeypatch.setattr(pack_wheels, "download", made.download)
    return made


def names(value: dict) -> set[str]:
    return {entry.split()[0] for entry in value["wheels"]}


def make(out: Path, **options) -> dict:
    return pack(out, requirements=("pillow",), **({"platform": "windows"} | options))


def test_a_pack_for_windows_made_here_holds_what_windows_needs(tmp_path, index):
    value = make(tmp_path / "pack")
    assert names(value) == {"torch", "torchvision", "pillow", "sympy", "mpmath", "gmp", "colorama"}
    assert "torch 2.12.1" in value["wheels"] and "torchvision 0.27" in value["wheels"]
    assert (value["platform"], value["machine"], value["python"]) == ("windows", "x86_64", "3.12")
    assert not any(text.startswith(("numpy", "triton", "optree")) for text in index.asked)
    written = json.loads((tmp_path / "pack" / PACK_FILE).read_text())
    assert value["bytes"] == sum(file["bytes"] for file in written["wheels"]) > 0
    assert check(tmp_path / "pack") == value


def test_a_pack_for_linux_has_linux_packages_and_the_newest_torch(tmp_path, index):
    value = make(tmp_path / "pack", platform="manylinux_2_28_x86_64")
    assert "torch 2.15.0" in value["wheels"] and "torchvision 0.29" in value["wheels"]
    assert "torch" not in names(make(tmp_path / "light", platform="linux", torch="none"))


def test_an_interrupted_pack_goes_on_and_is_never_taken_for_whole(tmp_path, index, monkeypatch):
    out = tmp_path / "pack"
    real = index.download

    def breaks(requirements, folder, target, **options):
        if "sympy" in requirements:
            raise TransferSegError("pack: the package index cannot be reached; ...")
        real(requirements, folder, target, **options)

    monkeypatch.setattr(pack_wheels, "download", breaks)
    with pytest.raises(TransferSegError, match="cannot be reached"):
        make(out)
    with pytest.raises(PackageError, match="not finished"):
        read_pack(out)
    (out / "wheels" / "torn-1-py3-none-any.whl").write_bytes(b"PK\x03\x04 torn")
    index.asked.clear()
    monkeypatch.setattr(pack_wheels, "download", real)
    make(out)
    assert not any(text.startswith(("torch", "pillow")) for text in index.asked)
    index.asked.clear()
    make(out, torch="none")
    assert index.asked == [] and [p.name for p in (out / "wheels").iterdir()] == ["pillow-12-py3-none-any.whl"]


def test_a_folder_with_other_things_is_left_alone(tmp_path, index):
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(StorageError, match=r"thesis\.txt"):
        make(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_torch_without_and_with_cuda_is_told_apart(tmp_path, index):
    index.wheels["torch", "2.15.0"] = ("nvidia-cudnn",)
    index.wheels["nvidia-cudnn", "9"] = ()
    with pytest.raises(UsageError, match="with CUDA"):
        make(tmp_path / "a", platform="linux", torch="cpu")
    make(tmp_path / "b", platform="linux", torch="gpu")
    with pytest.raises(UsageError, match="without CUDA"):
        make(tmp_path / "c", torch="gpu")
    index.wheels["torch", "2.16.0+cpu"] = ()
    make(tmp_path / "d", platform="linux", torch="cpu")


def test_models_are_packed_and_shipped_ones_left_out(tmp_path, index):
    small_model(models_folder() / "mine")
    said: list[str] = []
    events = Events(lambda event: said.append(event.get("text", "")))
    value = make(tmp_path / "pack", torch="none", models=["mine", "brain-unet-phantom"], events=events)
    assert value["models"] == ["mine"] and any("brain-unet-phantom" in text for text in said)
    with zipfile.ZipFile(tmp_path / "pack" / "models" / "mine.zip") as archive:
        assert "mine/configs/metadata.json" in archive.namelist()
    assert "mine" in make(tmp_path / "pack", torch="none", models=["all"])["models"]
    with pytest.raises(UsageError, match="no such model"):
        make(tmp_path / "pack", models=["nobodys"])


@pytest.mark.parametrize("harm", ["changed", "longer", "missing", "added", "outside", "damaged", "future"])
def test_a_pack_that_was_tampered_with_is_refused(tmp_path, index, harm):
    out = tmp_path / "pack"
    make(out, torch="none")
    wheel, description = out / "wheels" / "pillow-12-py3-none-any.whl", out / PACK_FILE
    if harm == "changed":
        data = bytearray(wheel.read_bytes())
        data[len(data) // 2] ^= 1
        wheel.write_bytes(data)
    elif harm == "longer":
        wheel.write_bytes(wheel.read_bytes() + b"x")
    elif harm == "missing":
        wheel.unlink()
    elif harm == "added":
        write_wheel(out / "wheels", "evil", "99")
    elif harm == "outside":
        value = json.loads(description.read_text())
        value["wheels"][0]["path"] = "../../etc/passwd"
        description.write_text(json.dumps(value))
    elif harm == "damaged":
        description.write_text(description.read_text()[:100])
    else:
        description.write_text(description.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(PackageError) as told:
        check(out)
    assert "\n" not in told.value.message and ";" in told.value.message


def test_the_fingerprint_tells_a_pack_that_was_made_again(tmp_path, index):
    first = make(tmp_path / "a", torch="none")["fingerprint"]
    index.wheels["pillow", "13"] = ()
    assert make(tmp_path / "b", torch="none")["fingerprint"] != first


def test_a_pack_for_another_computer_is_refused(tmp_path, index):
    other = "linux" if this_system() == "windows" else "windows"
    make(tmp_path / "a", platform=other, torch="none")
    with pytest.raises(InputError, match=f"--platform {this_system()} --python {this_python()}"):
        check_machine(read_pack(tmp_path / "a"))


@pytest.mark.parametrize("platform", ["macos", "macosx_10_9_x86_64", "solaris", "win32"])
def test_platforms_that_cannot_be_are_refused(platform):
    with pytest.raises(UsageError, match="--platform"):
        choose_target(platform, None)


def test_a_python_that_cannot_be_is_refused():
    with pytest.raises(UsageError, match=r"--python 3\.8"):
        choose_target("linux", "3.8")


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (
            "WARNING: Retrying ... NewConnectionError: Failed to establish a new connection\nERROR: No matching",
            "offline",
        ),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk-full"),
        ("/usr/bin/python: No module named pip", "no-pip"),
        ("ERROR: ResolutionImpossible: for help visit", "conflict"),
        ("ERROR: No matching distribution found for monai>=99", "no-wheel"),
        ("ERROR: something new\n", "other"),
    ],
)
def test_what_pip_says_is_understood(output, problem):
    assert pip_problem(output) == problem
    assert last_error("Collecting\nERROR: a\nnotice") == "ERROR: a" and last_error("") == ""


def test_without_a_connection_the_command_says_so(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null" if sys.platform != "win32" else "nul")
    answer = call(capsys, "pack", "--out", tmp_path / "pack", "--platform", "windows")
    assert answer.code == 1 and "cannot be reached" in answer.error and "is kept" in answer.error


def test_cancelling_ends_pip():
    events = Events()
    events.cancel()
    with pytest.raises(Cancelled):
        pack_pip._run([sys.executable, "-c", "import time; time.sleep(60)"], events)


def test_a_small_real_download_from_the_index(capsys, tmp_path):
    """psutil for Windows, wherever this runs."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    try:
        wheels = pack_wheels.collect_wheels(["psutil>=5.9"], folder, choose_target("windows", "3.12"), events=Events())
    except TransferSegError as error:
        if "cannot be reached" in error.message:
            pytest.skip(f"no package index: {error.message}")
        raise
    assert [wheel.name for wheel in wheels] == ["psutil"] and "win_amd64" in wheels[0].path.name


def test_check_on_the_command_line(capsys, tmp_path, index):
    make(tmp_path / "pack", torch="none")
    answer = call(capsys, "pack", "--check", "--out", tmp_path / "pack", "--json")
    assert answer.code == 0 and answer.value["wheels"] == ["pillow 12"]
    assert "as it was made" in call(capsys, "pack", "--check", "--out", tmp_path / "pack").out
    refused = call(capsys, "pack", "--check", "--out", tmp_path)
    assert refused.code == 2 and "no offline pack" in refused.error
