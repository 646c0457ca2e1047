"""The verb prune: a smaller model, its curve, going on after a kill."""

from __future__ import annotations

import pytest
import torch
from helpers_cli import call
from helpers_pruning import ladder, write_model, write_scans

from TransferSegLib.errors import StorageError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.jobs import prune as prune_job
from TransferSegLib.jobs.prune import prune
from TransferSegLib.jobs.prune_level import measure
from TransferSegLib.jobs.prune_options import PruneOptions
from TransferSegLib.jobs.prune_steps import Pruned
from TransferSegLib.level.scoring import MISSED_MM
from TransferSegLib.packages import read_package
from TransferSegLib.training.pruning_time import Gain


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pruning")


@pytest.fixture(scope="module")
def model(folder):
    torch.set_num_threads(1)
    return write_model(folder / "ladders")


@pytest.fixture(scope="module")
def scans(folder):
    return write_scans(folder / "scans", range(100, 108))


def test_prune_writes_a_smaller_model_its_curve_and_what_it_cost(model, scans, tmp_path):
    options = PruneOptions(keep=0.5, steps=2, updates=3, last_updates=5, batches=2, control=True, device="cpu")
    result = prune(model=model, data=scans, out=tmp_path / "pruned-small", options=options, listed=False)
    rows = result["curve"]
    assert [(row["criterion"], row["step"]) for row in rows] == [(c, n) for c in ("taylor", "random") for n in range(3)]
    assert [row["kept"] for row in rows[:3]] == [1.0, 0.75, 0.5]
    assert rows[2]["parameters"] < rows[1]["parameters"] < rows[0]["parameters"]
    assert all(row["seconds"] > 0 for row in rows) and rows[0]["error_mm"] is not None
    card = read_package(tmp_path / "pruned-small").card
    network = read_package(tmp_path / "pruned-small").network()
    assert sum(p.numel() for p in network.parameters()) == rows[2]["parameters"]
    assert "confidence" not in card.projection and card.origin["pruning"]["criterion"] == "taylor"
    assert (tmp_path / "pruned-small.run" / "curve.png").stat().st_size > 5000
    assert (tmp_path / "pruned-small.run" / "curve.csv").read_text().count("\n") == 7
    assert (
        len(result["held_out"]) == 2
        and result["guided"] is None
        and result["message"].startswith("50 % of the maps kept by taylor:")
    )


class Killed(BaseException):
    """What no code of ours catches."""


def test_a_killed_pruning_goes_on_with_its_times_and_steps(model, scans, tmp_path, monkeypatch):
    """Killed in the second step; the first is not made again, and the end is that of a run in one go."""
    short = {"keep": 0.4, "steps": 2, "updates": 2, "last_updates": 3, "batches": 1, "device": "cpu"}
    options, made, real = PruneOptions(**short, guided=True), [], prune_job.prune_step
    times = iter([(Gain("conv3", 0.2, True), Gain("conv4", 0.1, False)), (Gain("conv3", 0.0, False),)])
    monkeypatch.setattr(prune_job, "guide", lambda job, events: next(times))

    def until(last: int):
        def step(pruned, criterion, *arguments, folder, **options):
            made.append(folder.name)
            if len(made) > last:
                raise Killed
            return real(pruned, criterion, *arguments, folder=folder, **options)

        return step

    def go(name: str):
        return prune(model=model, data=scans, out=tmp_path / name, options=options, listed=False)

    monkeypatch.setattr(prune_job, "prune_step", until(1))
    with pytest.raises(Killed):
        go("killed")
    monkeypatch.setattr(prune_job, "prune_step", until(99))
    resumed = go("killed")
    assert made == ["taylor-1", "taylor-2", "taylor-2"] and [g["name"] for g in resumed["guided"]] == ["conv3", "conv4"]
    times = iter([(Gain("conv3", 0.2, True), Gain("conv4", 0.1, False))])
    whole = go("whole")
    assert read_package(tmp_path / "killed").card.weights_sha256 == read_package(tmp_path / "whole").card.weights_sha256
    untimed = [[{k: v for k, v in row.items() if k != "seconds"} for row in r["curve"]] for r in (resumed, whole)]
    assert untimed[0] == untimed[1]


def test_a_run_of_scans_that_have_changed_is_another(model, tmp_path):
    scans = write_scans(tmp_path / "own", range(5))
    options = PruneOptions(steps=1, updates=1, last_updates=1, batches=1, device="cpu", criterion="l1")
    prune(model=model, data=scans, out=tmp_path / "a", run_folder=tmp_path / "run", options=options, listed=False)
    text = scans.read_text()
    scans.write_text(text.replace(text.split()[1], text.split()[1][:-1] + "9"))
    with pytest.raises(StorageError, match="holds another run"):
        prune(model=model, data=scans, out=tmp_path / "b", run_folder=tmp_path / "run", options=options, listed=False)


def test_a_network_without_a_row_counts_as_missed(model):
    package = read_package(model)
    module = package.network()
    with torch.no_grad():
        module.head.weight.zero_()
        module.head.bias.fill_(torch.nan)
    row = measure(Pruned(package.card, module), [ladder(1), ladder(2)], Events())
    assert row["error_mm"] == MISSED_MM and row["found"] == 0


def test_the_verb_prints_the_curve_and_guides(model, scans, tmp_path, capsys):
    few = ["--steps", "1", "--updates", "2", "--last-updates", "2", "--batches", "1", "--criterion", "l1"]
    done = call(capsys, "prune", model, "--data", scans, "--out", tmp_path / "pruned-small", "--guided", "--json", *few)
    value = done.value
    assert {gain["name"] for gain in value["guided"]} == {"conv1", "conv2", "conv3", "conv4"}
    left = [gain["name"] for gain in value["guided"] if not gain["pays"]]
    kept = read_package(value["package"]).card.arguments["kept"]
    assert all(kept[name][1] == {"conv1": 8, "conv2": 16, "conv3": 32, "conv4": 32}[name] for name in left)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"criterion": "size"}, "choose taylor, l1, random"),
        ({"keep": 1.5}, "above 0 and below 1"),
        ({"keep": 0.0}, "above 0 and below 1"),
        ({"steps": 0}, "1 or more"),
    ],
)
def test_options_that_mean_nothing_are_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        PruneOptions(**changes).check()


def test_nothing_held_out_is_told(model, tmp_path):
    few = write_scans(tmp_path / "few", range(3))
    with pytest.raises(UsageError, match="no scan is held out"):
        prune(model=model, data=few, out=tmp_path / "pruned-small")
