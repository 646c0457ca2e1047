"""Models are deleted, their folder is changed and moved, and what a strategy freezes is drawn, without losing one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from helpers_cli import SHIPPED, call, small_case, small_data_set, small_model
from PIL import Image

from TransferSegLib import places, storage
from TransferSegLib.cases import open_data_set, segment_names
from TransferSegLib.errors import InputError, StorageError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.jobs.labels import label_names_of
from TransferSegLib.processes import is_abandoned, is_alive, mark


@pytest.fixture
def free_home(tmp_path, monkeypatch):
    """No environment variable; the platform's own folder lies in the test's."""
    monkeypatch.delenv("TRANSFERSEG_HOME")
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "default"))
    return places.default_home()


def test_a_user_model_is_deleted_a_registered_one_forgotten_a_shipped_one_kept(capsys, tmp_path, free_home):
    small_model(places.models_folder() / "mine")
    (places.models_folder() / "broken" / "configs").mkdir(parents=True)
    (places.models_folder() / "broken" / "configs" / "metadata.json").write_text("{")
    out = tmp_path / "elsewhere"
    quick = ("--epochs", 1, "--steps", 1, "--patch", 32)
    data = small_data_set(tmp_path / "set", 1)
    args = ("finetune", "--from", "mine", "--data", data, "--strategy", "half-lr", "--out", out, *quick)
    assert call(capsys, *args).code == 0
    names = [row["name"] for row in call(capsys, "models", "list", "--json").value]
    assert names == [*SHIPPED, "broken", "mine", "elsewhere"]
    forgotten = call(capsys, "models", "delete", "elsewhere", "--json").value
    assert not forgotten["deleted"] and (out / "models" / "model.pt").is_file() and str(out) in forgotten["message"]
    assert call(capsys, "models", "delete", "mine", "--json").value["deleted"]
    assert call(capsys, "models", "delete", "broken").code == 0
    assert list(places.models_folder().iterdir()) == []
    refused = call(capsys, "models", "delete", "brain-unet-phantom")
    assert refused.code == 2 and "comes with TransferSeg and cannot be deleted" in refused.error
    assert "no such model; those that can be deleted: none" in call(capsys, "models", "delete", "mine").error


def test_two_models_of_one_name_are_told_apart_by_their_folder(capsys, tmp_path, free_home):
    from TransferSegLib.packages import read_package, register

    small_model(places.models_folder() / "twin")
    register(read_package(small_model(tmp_path / "twin")))
    assert "2 models have that name" in call(capsys, "models", "delete", "twin").error
    assert call(capsys, "models", "delete", tmp_path / "twin", "--json").value["deleted"] is False
    assert call(capsys, "models", "delete", "twin", "--json").value["deleted"]


def test_the_storage_folder_is_changed_for_every_process_and_back(capsys, tmp_path, free_home):
    small_model(places.models_folder() / "mine")
    places.write_registered([tmp_path / "somewhere"])
    shown = call(capsys, "models", "folder", "--json").value
    assert shown["folder"] == str(free_home) == shown["default"] and not shown["fixed"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.docx").write_text("mine")
    value = call(capsys, "models", "folder", other, "--json").value
    assert value["folder"] == str(other / "TransferSeg") and value["left"] == ["mine"] and value["moved"] == []
    assert "mine stay in" in value["message"] and places.home() == other / "TransferSeg"
    assert places.registered_folders() == [tmp_path / "somewhere"]
    assert "already" in call(capsys, "models", "folder", other).out
    assert "mine" not in [row["name"] for row in call(capsys, "models", "list", "--json").value]
    assert call(capsys, "models", "folder", "--default", "--json").value["folder"] == str(free_home)
    assert "mine" in [row["name"] for row in call(capsys, "models", "list", "--json").value]


def test_models_and_adaptations_are_moved_whole(capsys, tmp_path, free_home):
    small_model(places.models_folder() / "mine")
    run = free_home / "adaptations" / "p" / "run"
    run.mkdir(parents=True)
    (run / "checkpoint.pt").write_bytes(b"weights")
    corrected = [free_home / "levels" / "corrected" / "c", free_home / "petct" / "corrected" / "c"]
    for folder in corrected:
        folder.mkdir(parents=True)
        (folder / "truth.nrrd").write_bytes(b"mask")
    value = call(capsys, "models", "folder", tmp_path / "new", "--move", "--json").value
    assert value["moved"] == ["mine", "p", "corrected", "corrected"] and value["left"] == []
    assert (tmp_path / "new" / "adaptations" / "p" / "run" / "checkpoint.pt").read_bytes() == b"weights"
    for folder in corrected:
        assert (tmp_path / "new" / folder.relative_to(free_home) / "truth.nrrd").is_file() and not folder.exists()
    assert call(capsys, "models", "verify", "mine").code == 0
    assert not list((free_home / "models").iterdir()) and not list(free_home.rglob(".*"))


def test_a_move_that_fails_changes_nothing(capsys, tmp_path, free_home, monkeypatch):
    small_model(places.models_folder() / "a")
    small_model(places.models_folder() / "b")
    new = tmp_path / "new"
    small_model(new / "models" / "b")
    answer = call(capsys, "models", "folder", new, "--move")
    assert answer.code == 1 and "exists already" in answer.error and not (new / "models" / "a").exists()
    monkeypatch.setattr("TransferSegLib.jobs.storage_folder.sha256", lambda path: str(path))
    answer = call(capsys, "models", "folder", tmp_path / "bad", "--move")
    assert "nothing was moved" in answer.error and places.home() == free_home
    assert sorted(p.name for p in places.models_folder().iterdir()) == ["a", "b"]
    assert not list((tmp_path / "bad").rglob("*.pt"))


@pytest.mark.skipif(os.name == "nt", reason="locks by flock")
def test_a_running_adaptation_is_not_moved(capsys, tmp_path, free_home):
    import fcntl

    folder = free_home / "adaptations" / "p"
    folder.mkdir(parents=True)
    with (folder / ".owner").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "is running in it" in call(capsys, "models", "folder", tmp_path / "new", "--move").error
    assert call(capsys, "models", "folder", tmp_path / "new", "--move", "--json").value["moved"] == ["p"]


def test_a_storage_folder_that_cannot_be_is_refused(capsys, tmp_path, free_home, monkeypatch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="name a folder"):
        places.set_home(tmp_path / "file")
    with pytest.raises(UsageError, match="whole path"):
        places.set_home("relative")
    assert "name the folder" in call(capsys, "models", "folder", "--move").error
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "fixed"))
    assert places.home_is_fixed() and places.home() == tmp_path / "fixed"
    refused = call(capsys, "models", "folder", tmp_path / "new")
    assert refused.code == 2 and "TRANSFERSEG_HOME" in refused.error


def test_a_damaged_pointer_is_as_good_as_none(free_home):
    free_home.mkdir(parents=True)
    for content in (b"", b"relative/path", b"\xff\xfe"):
        (free_home / places.POINTER).write_bytes(content)
        assert places.home() == free_home


def test_groups_draws_a_strategy_for_a_narrow_panel(capsys, tmp_path):
    picture = tmp_path / "blocks.png"
    plain = call(capsys, "models", "groups", "brain-unet-phantom", "--json").value
    args = ("models", "groups", "brain-unet-phantom", "--strategy", "freeze-encoder", "--picture", picture)
    value = call(capsys, *args, "--json").value
    added = {"strategy", "sentence", "grouping", "trainable", "frozen", "frozen_percent", "blocks", "picture"}
    assert {key: value[key] for key in plain} == plain and set(value) - set(plain) == added
    table = plain["groupings"]["anatomical"]["freeze-encoder"]
    assert (value["trainable"], value["frozen"]) == (table["trainable"], table["frozen"])
    assert [b["name"] for b in value["blocks"] if b["frozen"]] == ["stem", "enc1", "enc2", "enc3"]
    assert sum(block["parameters"] for block in value["blocks"]) == value["total"]
    with Image.open(picture) as image:
        assert 800 <= image.width <= 900 and 300 <= image.height <= 700
        grey = (np.asarray(image.convert("RGB")) == 0xD0).all(axis=-1).mean()
    assert 0.05 < grey < 0.4
    assert "enc1" in call(capsys, *args).out
    assert call(capsys, "models", "groups", "unet", "--picture", picture).code == 2
    assert "does not exist" in call(capsys, "models", "groups", "unet", "--strategy", "x").error
    assert "end it in" in call(capsys, "models", "groups", "unet", "--strategy", "scratch", "--picture", "x.doc").error


def test_doctor_tells_no_names(capsys, tmp_path, free_home):
    secret = small_model(places.models_folder() / "meier-anna")
    (secret / "models" / "model.pt").write_bytes(b"damaged")
    answer = call(capsys, "doctor")
    assert answer.code == 1 and "PROBLEM: MODEL-1" in answer.out and "brain-unet-phantom: ok" in answer.out
    assert "meier" not in answer.out and str(Path.home()) not in answer.out


def test_temporaries_of_dead_processes_go_and_others_stay(tmp_path):
    dead = next(pid for pid in range(999_999, 10_000, -1) if not is_alive(pid))
    host = mark().split("-")[0]
    assert is_alive(os.getpid()) and is_abandoned(f"{host}-{dead}") and not is_abandoned(f"00000000-{dead}")
    gone = [f".a.nrrd.{host}-{dead}-01234567.nrrd", f".writing-m.{host}-{dead}-01234567"]
    (tmp_path / gone[0]).write_text("x")
    (tmp_path / gone[1] / "models").mkdir(parents=True)
    kept = [f".a.{mark()}-01234567.nrrd", f".a.00000000-{dead}-01234567.nrrd", ".a.01234567.nrrd", "a.nrrd", ".hidden"]
    for name in kept:
        (tmp_path / name).write_text("x")
    storage.write_text(tmp_path / "new.txt", "y")
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "new.txt"}
    with storage.scratch_folder("x") as folder:
        assert folder.is_dir() and mark() in folder.name
    assert not folder.exists()


def test_names_of_segments_come_from_slicers_own_files(tmp_path):
    for number in (1, 2):
        case = small_case(tmp_path / "set" / f"p{number}", seed=number)
        (case / "seg.nii.gz").rename(case / "old.nii.gz")
        _slicer_file(case, {1: "Œdème", 2: "Nothing"})
        (case / "old.nii.gz").unlink()
    said: list[dict] = []
    names = label_names_of(open_data_set(tmp_path / "set"), Events(said.append))
    assert names == {1: "Œdème"} and not said
    _slicer_file(tmp_path / "set" / "p2", {1: "Other"})
    with pytest.raises(InputError, match="Other there and Œdème in another case"):
        label_names_of(open_data_set(tmp_path / "set"), Events())
    _slicer_file(tmp_path / "set" / "p2", {1: "Other"}, again="Second")
    with pytest.raises(InputError, match="overlap"):
        segment_names(tmp_path / "set" / "p2" / "mask.seg.nrrd")


def _slicer_file(case: Path, names: dict[int, str], *, again: str = "") -> None:
    """A .seg.nrrd as Slicer writes it: names in the header's fields."""
    import SimpleITK as sitk

    truth = sitk.ReadImage(str(case / "old.nii.gz" if (case / "old.nii.gz").is_file() else case / "mask.seg.nrrd"))
    path = case / "mask.seg.nrrd"
    sitk.WriteImage(truth, str(path), False)
    header, voxels = path.read_bytes().split(b"\n\n", 1)
    lines = [line for line in header.decode().split("\n") if not line.startswith("Segment")]
    for number, (value, name) in enumerate([*names.items(), *([(1, again)] if again else [])]):
        lines += [f"Segment{number}_LabelValue:={value}", f"Segment{number}_Name:={name}"]
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + voxels)
    assert json.dumps(names)


@pytest.mark.parametrize("name", ["unet2d-16-32", "unet3d-8-16-32", "segresnet2d", "l3-resnet18"])
def test_groups_takes_every_network_that_a_training_takes(capsys, name):
    value = call(capsys, "models", "groups", name, "--strategy", "half-lr", "--json").value
    assert value["network"] == name and value["total"] > 0 and value["frozen"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("models", "show", "brain-unet-phantm"), "NAME brain-unet-phantm: no such model, folder or zip; did you mean"),
        (("models", "groups", "segresnt"), "no such network, model, folder or zip; did you mean segresnet?"),
        (("models", "export", "brain-unet", "--out", "x.zip"), "NAME brain-unet: no such model"),
        (("models", "verify", "l3-map-fantom"), "did you mean l3-map-phantom?"),
        (("models", "merge", "brain-unet-phantm", "--name", "x"), "MODEL brain-unet-phantm: no such model"),
        (("models", "delete", "zzzz"), "no such model; those that can be deleted: none"),
        (("segment", "--model", "brain-unet-phantm", ".", "--out", "x.nii.gz"), "--model brain-unet-phantm: no such"),
        (("models", "show", "no.onnx"), "NAME no.onnx: no such file"),
        (("models", "show", "zzzz"), "there are: brain-unet-phantom"),
    ],
)
def test_a_misspelt_model_is_told_by_the_name_of_its_argument(capsys, free_home, arguments, words):
    answer = call(capsys, *arguments)
    assert answer.code == 2 and words in answer.error


def test_students_are_those_that_distill_takes(capsys):
    value = call(capsys, "models", "students", "brain-unet-phantom", "--json").value
    rows = {row["network"]: row for row in value["students"]}
    assert value["parameters"] == 125_229 and rows["unet"]["parameters"] == 125_229
    assert rows["unet"]["times"] == 1.0 and rows["unet2d-32-64"]["dims"] == 2
    assert not [name for name in rows if name.startswith(("l3-", "petct"))]
    assert not any(row["usual"] for row in rows.values()), "it computes less than all of them"
    others = call(capsys, "models", "students", "petct-light-phantom", "--json").value["students"]
    (usual,) = [row for row in others if row["usual"]]
    assert usual["times"] == min(row["times"] for row in others) < 1
    assert call(capsys, "models", "students", "l3-cnn4-phantom", "--json").value["students"] == []
