"""The worker's parts one by one: arguments, JSON values, warm models, the channel."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from helpers_cli import small_model

from TransferSegLib.cli.main import build_parser
from TransferSegLib.errors import (
    Cancelled,
    InputError,
    OutOfMemory,
    StorageError,
    UnexpectedError,
    UsageError,
    explain,
)
from TransferSegLib.packages import read_package
from TransferSegLib.storage import write_json
from TransferSegLib.worker import Channel, WarmModels, to_arguments
from TransferSegLib.worker.channel import plain


@pytest.mark.parametrize(
    ("verb", "given", "line"),
    [
        (
            "segment",
            {"model": "m", "image": {"flair": "a b.nrrd", "t1": "-c=d.nrrd"}, "out": "o.nrrd", "flips": True},
            ["--model", "m", "--image", "flair=a b.nrrd", "--image", "t1=-c=d.nrrd", "--out", "o.nrrd", "--flips"],
        ),
        (
            "segment",
            {"case": "folder", "model": "m", "out": "-o.nrrd", "flips": False, "mask": None, "write_prepared": "p"},
            ["folder", "--model", "m", "--out=-o.nrrd", "--write-prepared", "p"],
        ),
        (
            "finetune",
            {"from": "m", "data": "d.csv", "strategy": "from-level:2", "out": "o", "hold_out": ["p 1", "p2"]}
            | {"roles": ["flair", "t1"], "map": {"lesion": "oedema", "a": "b"}, "epochs": 3, "rate": 0.001},
            ["--from", "m", "--data", "d.csv", "--strategy", "from-level:2", "--out", "o", "--hold-out", "p 1", "p2"]
            + ["--roles", "flair", "t1", "--map", "lesion=oedema", "--map", "a=b", "--epochs", "3", "--rate", "0.001"],
        ),
        (
            "finetune",
            {"source": "m", "data": "d", "strategy": "scratch", "out": "o", "run_folder": "r", "map": ["a=b"]},
            ["--from", "m", "--data", "d", "--strategy", "scratch", "--out", "o", "--run", "r", "--map", "a=b"],
        ),
        ("models", {"action": "list"}, ["list"]),
        (
            "models",
            {"action": "groups", "name": "unet", "strategy": "half-lr"},
            ["groups", "unet", "--strategy=half-lr"],
        ),
        ("models", {"action": "verify", "name": None}, ["verify"]),
    ],
)
def test_a_request_means_what_the_command_line_means(verb, given, line):
    parser = build_parser()
    assert vars(parser.parse_args(to_arguments(parser, verb, given))) == vars(parser.parse_args([verb, *line]))


def test_every_verb_of_the_command_line_can_be_asked_for():
    known = set(build_parser(serving=True)._subparsers._group_actions[0].choices)
    assert known == set(build_parser()._subparsers._group_actions[0].choices) - {"worker"}


@pytest.mark.parametrize("value", [{"model": 3.0, "out": {"a": object()}}, {"model": ["a", "b"], "out": "o"}])
def test_a_value_of_the_wrong_kind_is_refused(value):
    with pytest.raises(UsageError):
        to_arguments(build_parser(), "segment", value)


def test_values_become_plain_json():
    value = {1: float("nan"), "a": np.float32("inf"), "b": (np.int64(3), Path("x")), "c": np.array([1.0, np.nan])}
    assert json.dumps(plain(value), allow_nan=False) == '{"1": null, "a": null, "b": [3, "x"], "c": [1.0, null]}'
    assert plain({"yes": True, "none": None, "name": "Müller"}) == {"yes": True, "none": None, "name": "Müller"}


def test_any_exception_becomes_one_line_with_a_code():
    assert explain(MemoryError()).code == "out-of-memory" and isinstance(explain(MemoryError()), OutOfMemory)
    assert isinstance(explain(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")), OutOfMemory)
    assert isinstance(explain(PermissionError(13, "Permission denied", "/x")), StorageError)
    assert explain(Cancelled()).code == "cancelled" and explain(InputError("a; b")).message == "a; b"
    assert explain(KeyError("k\nl")).message == "unexpected error, KeyError: 'k\\nl'"
    assert isinstance(explain(ValueError("a\nb")), UnexpectedError) and "\n" not in explain(ValueError("a\nb")).message


def test_a_model_is_opened_once_until_its_package_changes(tmp_path):
    folder, warm = small_model(tmp_path / "m"), WarmModels()
    first = warm.open(folder)
    assert warm.open(folder).module is first.module
    metadata = folder / "configs" / "metadata.json"
    content = json.loads(metadata.read_text())
    content["transferseg"]["description"] = "another"
    write_json(metadata, content)
    assert warm.open(folder).module is not first.module and warm.open(folder).card.description == "another"
    again = warm.open(folder)
    weights = read_package(folder).weights
    weights.write_bytes(weights.read_bytes())
    os.utime(weights, ns=(1, 1))
    assert warm.open(folder).module is not again.module


def test_only_the_last_models_are_kept(tmp_path):
    folders = [small_model(tmp_path / name) for name in "abc"]
    warm = WarmModels(most=2)
    first = warm.open(folders[0])
    warm.open(folders[1])
    assert warm.open(folders[0]).module is first.module
    warm.open(folders[2])
    assert len(warm) == 2 and warm.open(folders[0]).module is first.module
    tight = WarmModels(most_bytes=1)
    tight.open(folders[0])
    tight.open(folders[1])
    assert len(tight) == 1


def test_threads_that_augment_at_once_leave_monais_switch_as_it_was():
    from monai.data import get_track_meta

    from TransferSegLib.training.augmentation import _without_meta

    first, second = _without_meta(), _without_meta()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not get_track_meta()
    second.__exit__(None, None, None)
    assert get_track_meta()


def test_a_channel_holds_events_until_it_is_opened_and_notices_that_nobody_reads():
    source, target = os.pipe(), os.pipe()
    channel = Channel(source[0], target[1])
    channel.send({"second": 2})
    channel.open({"first": 1})
    channel.send({"never": 3}, unless=lambda: True)
    assert os.read(target[0], 100) == b'{"first":1}\n{"second":2}\n'
    os.close(target[0])
    channel.send({"lost": 4})
    assert channel.broken.is_set()
    os.close(source[1])
    assert list(channel.lines()) == []
    os.close(target[1])
