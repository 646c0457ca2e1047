"""Size cards: where they are kept, that the newest counts, that they belong to the weights, and the verb."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace

import pytest
from helpers_cli import call, small_model

from TransferSegLib import places
from TransferSegLib.errors import Cancelled, PackageError, TransferSegError
from TransferSegLib.events import Events
from TransferSegLib.packages import (
    Card,
    SizeRecord,
    find_package,
    read_package,
    size_here,
    sizes_file,
    sizes_of,
    store_size,
    write_package,
)
from TransferSegLib.processes import machine_name
from TransferSegLib.storage import sha256

RECORD = SizeRecord("A, 2 cores", "cpu", "float32", "a case", 10, 200, 100, 1.5, 80.0, "2026-11-28T10:00:00+00:00")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def model(home):
    return read_package(small_model(places.models_folder() / "mine"))


def test_a_users_model_keeps_it_in_its_card(model):
    weights = sha256(model.weights)
    file = store_size(model, RECORD)
    assert file == model.folder / "configs" / "metadata.json" and not sizes_file().exists()
    again = read_package(model.folder)
    assert again.card.sizes == (RECORD,) and again.state()
    assert again.card.weights_sha256 == model.card.weights_sha256 == weights == sha256(model.weights)


def test_the_newest_of_each_machine_and_device_is_kept(model):
    later = replace(RECORD, seconds=1.0, date="2026-11-29T10:00:00+00:00")
    gpu = replace(RECORD, device="NVIDIA H200", date="2026-11-27T10:00:00+00:00")
    for record in (RECORD, later, gpu):
        store_size(model, record)
    assert sizes_of(read_package(model.folder)) == (later, gpu)
    assert size_here(read_package(model.folder)) is None
    here = replace(RECORD, machine=machine_name())
    store_size(model, here)
    assert size_here(read_package(model.folder)) == here
    assert size_here(read_package(model.folder), device="NVIDIA H200") is None


def test_a_shipped_model_is_left_alone_and_its_record_lies_beside(home):
    shipped = find_package("brain-unet-phantom")
    before = (shipped.folder / "configs" / "metadata.json").read_bytes()
    assert store_size(shipped, RECORD) == home / "sizes.json"
    assert (shipped.folder / "configs" / "metadata.json").read_bytes() == before
    assert sizes_of(find_package("brain-unet-phantom")) == (RECORD,)
    assert sizes_of(find_package("l3-map-phantom")) == ()
    broken = {shipped.card.weights_sha256: [{"machine": 3}, asdict(RECORD)]}
    sizes_file().write_text(json.dumps(broken))
    assert sizes_of(shipped) == (RECORD,)
    sizes_file().write_text("[")
    assert sizes_of(shipped) == ()


def test_a_card_that_cannot_be_written_is_no_obstacle(model, home, monkeypatch):
    from TransferSegLib.errors import StorageError
    from TransferSegLib.packages import sizes

    def refuse(package, record):
        raise StorageError("read-only")

    monkeypatch.setattr(sizes, "_into_card", refuse)
    assert store_size(model, RECORD) == home / "sizes.json" and sizes_of(model) == (RECORD,)


def test_another_model_does_not_inherit_it(model, tmp_path):
    store_size(model, RECORD)
    measured = read_package(model.folder)
    state = measured.state()
    changed = {name: tensor + 1 for name, tensor in state.items()}
    assert write_package(tmp_path / "adapted", replace(measured.card, name="adapted"), changed).card.sizes == ()
    assert read_package(tmp_path / "adapted").card.sizes == ()
    assert write_package(tmp_path / "renamed", replace(measured.card, name="renamed"), state).card.sizes == (RECORD,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seconds": "fast"}, "number"),
        ({"parameters": 0}, "range"),
        ({"peak_mb": "much"}, "peak_mb"),
        ({"macs_window": 300}, "window"),
    ],
)
def test_a_size_that_cannot_be_is_refused(model, change, words):
    data = model.card.to_json() | {"sizes": [asdict(RECORD) | change]}
    with pytest.raises(PackageError, match=words):
        Card.from_json(data, where="metadata.json")
    assert Card.from_json(model.card.to_json() | {"sizes": [asdict(RECORD)]}, where="f").sizes == (RECORD,)


def test_the_verb_measures_in_a_process_of_its_own_and_lists_show_it(model, capsys):
    listed = {row["name"]: row for row in call(capsys, "models", "list", "--json").value}
    assert (listed["mine"]["parameters"], listed["mine"]["seconds"]) == (125_229, None)
    found = call(capsys, "models", "measure", "mine", "--device", "cpu", "--repeats", 1, "--json").value
    size = found["size"]
    assert found["path"] == str(model.folder / "configs" / "metadata.json") and size["parameters"] == 125_229
    assert size["machine"] == machine_name() and size["device"] == "cpu" and "4 sequences" in size["case"]
    assert 0 < size["seconds"] < 300 and 40 < size["peak_mb"] < 3000
    assert size["macs"] % size["macs_window"] == 0 and size["macs"] > 100 * size["macs_window"]
    assert call(capsys, "models", "show", "mine").value["sizes"] == [size]
    listed = {row["name"]: row for row in call(capsys, "models", "list", "--json").value}
    assert listed["mine"]["seconds"] == size["seconds"]
    line = next(line for line in call(capsys, "models", "list").out.splitlines() if line.startswith("mine"))
    assert f"0.13 M, {size['seconds']:.1f} s in {size['precision']}" in line


def test_the_text_says_all(model, capsys, monkeypatch):
    from TransferSegLib.jobs import models_measure

    monkeypatch.setattr(models_measure, "_measured", lambda *_: asdict(replace(RECORD, macs=3_000_000_000)))
    text = call(capsys, "models", "measure", "mine").out
    for words in ("mine: a case", "parameters  10", "3.00 GMAC", "1 MAC = 2 FLOP", "1.50 s", "80 MB", "A, 2 cores"):
        assert words in text


def test_what_goes_wrong_is_one_line_and_keeps_nothing(model, capsys, home, monkeypatch):
    assert "no such model" in call(capsys, "models", "measure", "nothing").error
    assert "--repeats 0" in call(capsys, "models", "measure", "mine", "--repeats", 0).error
    model.weights.write_bytes(b"x")
    assert "does not match the hash" in call(capsys, "models", "measure", "mine").error
    assert read_package(model.folder).card.sizes == () and not sizes_file().exists()


def test_a_cancel_ends_the_process(tmp_path):
    from TransferSegLib.jobs.models_measure import _run

    events = Events()
    events.cancel()
    with (tmp_path / "err").open("wb") as stderr, pytest.raises(Cancelled):
        _run([sys.executable, "-c", "import time; time.sleep(600)"], stderr, events)


def test_a_process_that_ends_without_an_answer_is_told(model, monkeypatch):
    from TransferSegLib.jobs import models_measure

    monkeypatch.setattr(models_measure, "_run", lambda *_: 3)
    with pytest.raises(TransferSegError, match="mine: measuring ended with code 3"):
        models_measure.models_measure("mine")
