"""Packages on disk: whole, safe, found by name, and refused when damaged, unsafe or foreign beyond reading."""

import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from TransferSegLib.errors import PackageError, StorageError, UsageError
from TransferSegLib.jobs.models import models_export, models_import, models_list, models_verify
from TransferSegLib.networks import build_network, state_to_save
from TransferSegLib.packages import Card, Label, find_package, read_package, register, write_package
from TransferSegLib.packages.package import METADATA, WEIGHTS


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def make(folder: Path, network: str = "unet", **changes):
    torch.manual_seed(0)
    card = Card(
        name=folder.name,
        description="a test",
        roles=("flair", "t1", "t1gd", "t2"),
        labels=(Label(1, "tumour", 1), Label(3, "oedema", 3)),
        network=network,
        in_channels=4,
        out_channels=5,
    )
    module = build_network(network, 4, 5)
    return write_package(folder, replace(card, **changes), state_to_save(network, module))


def test_layout_is_a_monai_bundle(tmp_path):
    package = make(tmp_path / "m")
    for part in ("configs/metadata.json", "configs/inference.json", "models/model.pt", "docs/README.md"):
        assert (package.folder / part).is_file()
    metadata = json.loads((package.folder / METADATA).read_text())
    wanted = [
        "version",
        "monai_version",
        "pytorch_version",
        "numpy_version",
        "name",
        "task",
        "description",
        "authors",
        "copyright",
    ]
    assert set(wanted) <= set(metadata)
    assert metadata["network_data_format"]["inputs"]["image"]["channel_def"]["2"] == "t1gd"
    state = torch.load(package.weights, weights_only=True)
    assert all(isinstance(v, torch.Tensor) for v in state.values())


@pytest.mark.parametrize("network", ["unet", "dynunet"])
def test_monais_own_parser_builds_the_same_network(tmp_path, network):
    from monai.bundle import ConfigParser

    package = make(tmp_path / "m", network)
    parser = ConfigParser()
    parser.read_config(str(package.folder / "configs" / "inference.json"))
    parser["bundle_root"] = str(package.folder)
    parser["device"] = torch.device("cpu")
    built = parser.get_parsed_content("network")
    parser.get_parsed_content("load")
    x = torch.randn(1, 4, 32, 32, 32)
    with torch.no_grad():
        assert torch.equal(built.eval()(x), package.network()(x))


def test_dynunet_duplicates_are_not_saved(tmp_path):
    state = make(tmp_path / "m", "dynunet").state()
    assert not [name for name in state if name.startswith("skip_layers")]
    assert sum(v.numel() for v in state.values()) == 16_546_341


def test_a_wrong_hash_is_refused(tmp_path):
    package = make(tmp_path / "m")
    data = bytearray(package.weights.read_bytes())
    data[-100] ^= 1
    package.weights.write_bytes(data)
    with pytest.raises(PackageError, match="hash") as caught:
        read_package(package.folder).network()
    assert "model.pt" in str(caught.value)


def rewrite(package, state, *, keep_hash: bool = False) -> None:
    torch.save(state, package.weights)
    from TransferSegLib.storage import sha256

    metadata = json.loads((package.folder / METADATA).read_text())
    metadata["transferseg"]["weights_sha256"] = sha256(package.weights)
    (package.folder / METADATA).write_text(json.dumps(metadata))


def test_a_missing_or_misshapen_tensor_is_named(tmp_path):
    package = make(tmp_path / "m")
    state = package.state()
    name = next(iter(state))
    rewrite(package, {k: v for k, v in state.items() if k != name})
    with pytest.raises(PackageError, match=name.replace(".", r"\.")):
        read_package(package.folder).network()
    rewrite(package, state | {name: torch.zeros(1, 2)})
    with pytest.raises(PackageError, match="shape"):
        read_package(package.folder).network()
    rewrite(package, state | {name: torch.full_like(state[name], float("nan"))})
    with pytest.raises(PackageError, match="NaN"):
        read_package(package.folder).network()


class Evil:
    def __reduce__(self):
        return (eval, ("open('/tmp/transferseg-was-here','w')",))


def test_code_in_the_weights_is_never_run(tmp_path):
    package = make(tmp_path / "m")
    rewrite(package, {"a": Evil()})
    with pytest.raises(PackageError, match="refused"):
        read_package(package.folder).network()
    assert not Path("/tmp/transferseg-was-here").exists()
    package.weights.write_bytes(pickle.dumps({"a": Evil()}))
    with pytest.raises(PackageError):
        replace(read_package(package.folder), card=replace(package.card, weights_sha256="")).network()


@pytest.mark.parametrize("name", ["scripts/net.py", "models/model.ts", "x.so"])
def test_code_beside_the_weights_is_refused(tmp_path, name):
    package = make(tmp_path / "m")
    (package.folder / name).parent.mkdir(exist_ok=True)
    (package.folder / name).write_text("print(1)")
    with pytest.raises(PackageError, match="code"):
        read_package(package.folder)


def test_a_truncated_file_of_weights(tmp_path):
    package = make(tmp_path / "m")
    package.weights.write_bytes(package.weights.read_bytes()[:1000])
    with pytest.raises(PackageError):
        replace(package, card=replace(package.card, weights_sha256="")).network()


def test_an_existing_folder_is_never_overwritten(tmp_path):
    make(tmp_path / "m")
    before = (tmp_path / "m" / WEIGHTS).read_bytes()
    with pytest.raises(StorageError):
        make(tmp_path / "m")
    assert (tmp_path / "m" / WEIGHTS).read_bytes() == before
    assert not list(tmp_path.glob(".writing*"))


def test_export_import_and_use_by_name_folder_and_zip(tmp_path, home):
    make(tmp_path / "mine")
    archive = tmp_path / "mine.zip"
    models_export(str(tmp_path / "mine"), archive)
    assert find_package(archive).card.name == "mine"
    assert models_import(archive)["name"] == "mine"
    assert find_package("mine").folder == home / "models" / "mine"
    with pytest.raises(UsageError, match="exists already"):
        models_import(archive)
    assert models_import(archive, name="other")["name"] == "other"
    assert find_package("other").card.name == "other"
    assert all(row["ok"] for row in models_verify())
    with pytest.raises(UsageError, match="mine"):
        find_package("nothing-of-that-name")


def test_a_zip_that_leads_outside_is_refused(tmp_path, home):
    for number, name in enumerate(("../evil.txt", "/abs.txt", "a/../../b")):
        archive = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(archive, "w") as made:
            made.writestr("m/configs/metadata.json", "{}")
            made.writestr(name, "x")
        with pytest.raises(PackageError, match="outside"):
            find_package(archive)
    assert not (tmp_path / "evil.txt").exists()


def test_not_a_zip(tmp_path, home):
    (tmp_path / "a.zip").write_bytes(b"PK nonsense")
    with pytest.raises(PackageError, match="zip"):
        find_package(tmp_path / "a.zip")


def test_registered_models_are_listed_and_a_worse_one_is_not_offered(tmp_path, home):
    register(make(tmp_path / "good"))
    register(make(tmp_path / "bad", origin={"verdict": "worse"}))
    rows = {row["name"]: row for row in models_list()}
    assert rows["good"]["offered"] and not rows["bad"]["offered"] and rows["bad"]["available"]
    assert set(rows["good"]) >= {"name", "roles", "labels", "task", "available", "path"}
    (tmp_path / "good" / METADATA).unlink()
    rows = {row["name"]: row for row in models_list()}
    assert not rows["good"]["available"] and "good" in rows["good"]["problem"]
