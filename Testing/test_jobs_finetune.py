"""Adaptation as a job: interrupted and gone on with, early stopping inside, honest before and after."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from helpers_cli import call, small_case, small_data_set, small_model

from TransferSegLib.cases import open_data_set
from TransferSegLib.errors import Cancelled, UsageError
from TransferSegLib.events import Events
from TransferSegLib.jobs.finetune import TrainingOptions, finetune
from TransferSegLib.jobs.finetune_plan import split_cases
from TransferSegLib.packages import read_package
from TransferSegLib.storage import sha256

OPTIONS = TrainingOptions(epochs=2, steps=3, patch=32, seed=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return read_package(small_model(tmp_path_factory.mktemp("models") / "little"))


def weights(result) -> str:
    return sha256(f"{result['package']}/models/model.pt")


def test_an_interrupted_adaptation_goes_on_and_ends_the_same(tmp_path, model):
    data = small_data_set(tmp_path / "set", 2)
    how = {"source": model, "data": data, "strategy_name": "freeze-decoder", "options": OPTIONS}
    whole = finetune(**how, out=tmp_path / "whole")
    events: Events
    said = []

    def listen(event):
        if event["event"] == "progress" and event["stage"] == "training" and event["done"] == 4:
            events.cancel()

    events = Events(listen)
    with pytest.raises(Cancelled):
        finetune(**how, out=tmp_path / "cut", events=events)
    assert not (tmp_path / "cut").exists() and (tmp_path / "cut.run" / "checkpoint.pt").is_file()
    resumed = finetune(**how, out=tmp_path / "cut", events=Events(lambda e: said.append(e.get("text", ""))))
    assert any("going on" in text for text in said)
    assert weights(resumed) == weights(whole)
    assert not (tmp_path / "cut.run" / "checkpoint.pt").exists()


def test_from_six_cases_on_an_inner_split_decides_and_held_out_cases_take_no_part(tmp_path, model):
    data = small_data_set(tmp_path / "set", 7)
    rows = []
    listen = Events(lambda e: rows.append(e) if e["event"] == "metric" else None)
    result = finetune(
        source=model, data=data, strategy_name="half-lr", out=tmp_path / "m", hold_out_ids=["p7"], options=OPTIONS,
        events=listen,
    )  # fmt: skip
    assert all(row["validation_dice"] is not None for row in rows)
    assert result["held_out"] == ["p7"] and "p7" not in result["trained_on"]
    # Another held-out case changes the scores, not the weights.
    other = small_data_set(tmp_path / "other", 6)
    small_case(other / "p9", seed=99)
    again = finetune(
        source=model, data=other, strategy_name="half-lr", out=tmp_path / "n", hold_out_ids=["p9"],
        options=OPTIONS,
    )  # fmt: skip
    assert weights(again) == weights(result)


def test_a_fifth_is_held_out_by_itself_from_five_cases_on(tmp_path, model):
    five = finetune(
        source=model,
        data=small_data_set(tmp_path / "five", 5),
        strategy_name="half-lr",
        out=tmp_path / "a",
        options=OPTIONS,
    )
    assert len(five["held_out"]) == 1 and len(five["trained_on"]) == 4
    four = finetune(
        source=model,
        data=small_data_set(tmp_path / "four", 4),
        strategy_name="half-lr",
        out=tmp_path / "b",
        options=OPTIONS,
    )
    assert four["held_out"] == [] and four["verdict"] == "not-measured"


def test_none_is_held_out_where_the_user_says_so(tmp_path, model, capsys):
    data = small_data_set(tmp_path / "set", 5)
    args = ("finetune", "--from", model.folder, "--data", data, "--strategy", "half-lr", "--out", tmp_path / "m")
    quick = ("--epochs", 1, "--steps", 1, "--patch", 32, "--json")
    value = call(capsys, *args, *quick, "--hold-out", "none").value
    assert value["held_out"] == [] and len(value["trained_on"]) == 5 and value["verdict"] == "not-measured"
    cases = open_data_set(data)
    assert split_cases(cases, (), None, 0) == (tuple(cases.cases), ())
    small_case(data / "none", seed=9)
    with pytest.raises(UsageError, match="a case has this name"):
        split_cases(open_data_set(data), ["none"], None, 0)


def test_scratch_from_a_model_is_its_card_with_new_weights(tmp_path, model):
    data = small_data_set(tmp_path / "set", 3)
    how = {"source": model, "data": data, "hold_out_ids": ["p3"], "options": OPTIONS}
    scratch = finetune(**how, strategy_name="scratch", out=tmp_path / "s")
    assert scratch["transferred"] is None and scratch["before"] is not None
    assert read_package(scratch["package"]).card.out_channels == model.card.out_channels
    with pytest.raises(UsageError, match="scratch"):
        finetune(source=None, data=data, strategy_name="freeze-encoder", out=tmp_path / "x", options=OPTIONS)


def test_a_feature_bank_trains_with_the_encoder_frozen(tmp_path, model):
    from dataclasses import replace

    data = small_data_set(tmp_path / "set", 2)
    options = replace(OPTIONS, feature_bank=4)
    result = finetune(source=model, data=data, strategy_name="freeze-both", out=tmp_path / "m", options=options)
    before, after = model.state(), read_package(result["package"]).state()
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed and all(name.startswith("model.1.submodule.1.submodule.1.submodule.1.") for name in changed)


def test_the_run_says_what_it_was(tmp_path, model):
    data = small_data_set(tmp_path / "set", 2)
    result = finetune(source=model, data=data, strategy_name="from-level:2", out=tmp_path / "m", options=OPTIONS)
    run = json.loads((tmp_path / "m.run" / "run.json").read_text())
    assert run["request"]["source"]["sha256"] == model.card.weights_sha256
    assert run["request"]["plan"]["seed"] == 1 and run["versions"]["monai"]
    assert run["result"]["package"] == result["package"] and run["seconds"] > 0
    assert run["id"] and read_package(result["package"]).card.origin["run"] == run["id"]
    lines = (tmp_path / "m.run" / "metrics.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,step,loss") and len(lines) == 3


def test_a_killed_process_loses_at_most_an_epoch_and_ends_the_same(tmp_path, model):
    data = small_data_set(tmp_path / "set", 2)

    def command(out):
        words = ["finetune", "--from", model.folder, "--data", data, "--strategy", "half-lr", "--out", out, "--quiet"]
        words += ["--epochs", 40, "--steps", 2, "--patch", 32, "--seed", 5, "--json"]
        return [sys.executable, "-m", "TransferSegLib", *map(str, words)]

    checkpoint = tmp_path / "cut.run" / "checkpoint.pt"
    victim = subprocess.Popen(command(tmp_path / "cut"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not checkpoint.is_file() and victim.poll() is None:
        time.sleep(0.02)
    victim.kill()
    assert victim.wait() == -signal.SIGKILL
    assert checkpoint.is_file() and not (tmp_path / "cut").exists()
    digests = []
    for name in ("cut", "whole"):
        done = subprocess.run(command(tmp_path / name), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        digests.append(weights(json.loads(done.stdout)))
    assert digests[0] == digests[1]
