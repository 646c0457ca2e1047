"""The verb prune on segmentation models: Dice at every step, going on after a kill, the package in use, refusals."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
import torch
from helpers_cli import ROLES, call, small_data_set, small_model
from helpers_pruning import write_model

from TransferSegLib.errors import Cancelled, InputError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.jobs import prune as prune_job
from TransferSegLib.jobs.evaluate import evaluate
from TransferSegLib.jobs.finetune import TrainingOptions, finetune
from TransferSegLib.jobs.prune import prune
from TransferSegLib.jobs.prune_cases import plan_case_job
from TransferSegLib.jobs.prune_options import PruneOptions
from TransferSegLib.networks import build_network, state_to_save
from TransferSegLib.packages import Label, read_package, write_package
from TransferSegLib.preparing import PreparationOptions
from TransferSegLib.training import Run
from TransferSegLib.training.pruning import choose_maps, map_groups, without_maps
from TransferSegLib.training.pruning_scores import random_scores

SHORT = {"patch": 16, "batch": 1, "batches": 1, "updates": 1, "last_updates": 1, "device": "cpu"}
LEARN = {"patch": 32, "batch": 2, "batches": 3, "rate": 1e-2, "device": "cpu"}
HELD = ["p4"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    torch.set_num_threads(1)
    return small_data_set(tmp_path_factory.mktemp("cases"), 4)


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    """A small network that has learned the cubes, through the task's own training."""
    folder = tmp_path_factory.mktemp("model")
    raw = small_model(folder / "raw", labels=(Label(1, "lesion", 1),), network="unet3d-6-12")
    planned = job(raw, data, folder, PruneOptions(**LEARN))
    plan = dataclasses.replace(planned.plan, epochs=1, steps_per_epoch=60)
    run = Run(folder / "training", {"plan": plan.to_json()})
    planned.task.train(planned.start, plan, run=run, device="cpu", events=Events())
    origin = {"inputs": {"training": ["of before"]}}
    card = dataclasses.replace(planned.start.card, name="cubes", origin=origin)
    return write_package(folder / "cubes", card, state_to_save(card.network, planned.start.module)).folder


def job(model, data, folder, options: PruneOptions):
    """A pruning of a model as it is planned."""
    given = {"label_map": None, "truth_name": None, "preparation": PreparationOptions()}
    return plan_case_job(read_package(model), data, folder / "small", folder / "run", HELD, options, Events(), **given)


def test_a_pruned_model_keeps_what_it_learned_and_works_as_any_other(model, data, tmp_path):
    options = PruneOptions(keep=0.75, steps=1, last_updates=10, **LEARN)
    result = prune(model=model, data=data, out=tmp_path / "small", options=options, hold_out=HELD, listed=False)
    rows = result["curve"]
    assert [row["step"] for row in rows] == [0, 1] and rows[0]["kept"] == 1.0
    assert rows[1]["kept"] == pytest.approx(0.75, abs=0.03)
    assert rows[1]["parameters"] < 0.6 * rows[0]["parameters"] and all(row["seconds"] > 0 for row in rows)
    assert rows[0]["dice"] > 0.8 and rows[1]["dice"] > 0.6 and rows[0]["cases"] == 1 and rows[0]["dice_sd"] is None
    package = read_package(tmp_path / "small")
    assert sum(p.numel() for p in package.network().parameters()) == rows[1]["parameters"]
    told = evaluate(model=package, data=data, cases=HELD, device="cpu")
    assert told["mean"]["dice"] == pytest.approx(rows[1]["dice"], abs=1e-3)
    inputs = package.card.origin["inputs"]
    assert inputs["before"] == ["of before"] and (len(inputs["training"]), len(inputs["held_out"])) == (3, 1)
    assert "74 % of its maps" in package.card.description and "Dice" in result["message"]
    assert (tmp_path / "small.run" / "curve.png").stat().st_size > 5000
    again = finetune(
        source=package,
        data=data,
        strategy_name="freeze-encoder",
        out=tmp_path / "again",
        hold_out_ids=HELD,
        label_map={"1": "none"},
        options=TrainingOptions(epochs=1, steps=1, patch=16, batch=1, device="cpu", early_stopping=False),
        listed=False,
    )
    assert 0 < again["trainable"] < again["total"] and read_package(tmp_path / "again").card.out_channels == 6


def test_what_taylor_takes_away_is_missed_less_than_what_chance_takes(model, data, tmp_path):
    """Before any fine-tuning: loss on other windows of the training cases."""
    planned = job(model, data, tmp_path, PruneOptions(**LEARN))
    card, module = planned.start.card, planned.start.module
    groups = map_groups(module, card.network, card.arguments)
    scores = {"taylor": planned.task.taylor(planned.start, planned.plan, 3, "cpu", Events())}
    scores |= {seed: random_scores(module, seed) for seed in range(4)}
    count, losses = sum(group.maps for group in groups) // 3, {}
    for name, found in scores.items():
        smaller, _ = without_maps(
            module, card.network, card.arguments, choose_maps(groups, found, count, by_layer=False)
        )
        losses[name] = float(sum(loss_of(planned, smaller)))
    assert losses["taylor"] < min(losses[seed] for seed in range(4))


def loss_of(planned, module) -> list:
    from TransferSegLib.jobs.adapt import windows_of
    from TransferSegLib.training import loss_by_name

    source, loss = windows_of(planned.task.gathered, planned.plan, planned.start.card), loss_by_name("dice-ce")
    with torch.inference_mode():
        found = []
        for number in range(50, 54):
            inputs, truth = source.batch(number)
            found.append(loss(module.eval()(inputs)[:, :2], truth))
    return found


class Killed(BaseException):
    """What no code of ours catches."""


def test_a_killed_pruning_goes_on_and_ends_as_one_in_one_go(model, data, tmp_path, monkeypatch):
    options = PruneOptions(keep=0.5, steps=2, control=True, **SHORT)
    made, real = [], prune_job.prune_step

    def until(last: int):
        def step(*arguments, folder, **given):
            made.append(folder.name)
            if len(made) > last:
                raise Killed
            return real(*arguments, folder=folder, **given)

        return step

    def go(name: str):
        return prune(model=model, data=data, out=tmp_path / name, options=options, hold_out=HELD, listed=False)

    monkeypatch.setattr(prune_job, "prune_step", until(1))
    with pytest.raises(Killed):
        go("killed")
    monkeypatch.setattr(prune_job, "prune_step", until(99))
    resumed, whole = go("killed"), go("whole")
    assert made[:3] == ["taylor-1", "taylor-2", "taylor-2"] and made.count("taylor-1") == 2
    assert read_package(tmp_path / "killed").card.weights_sha256 == read_package(tmp_path / "whole").card.weights_sha256
    untimed = [[{k: v for k, v in row.items() if k != "seconds"} for row in r["curve"]] for r in (resumed, whole)]
    assert untimed[0] == untimed[1]


def test_a_cancelled_pruning_says_that_it_goes_on_and_the_next_start_what_is_done(model, data, tmp_path, monkeypatch):
    options, said, real = PruneOptions(keep=0.5, steps=2, criterion="l1", **SHORT), [], prune_job.prune_step

    def go(cancel_in: str | None):
        events = Events(lambda event: said.append(event.get("text") or ""))

        def step(*arguments, folder, **given):
            if folder.name == cancel_in:
                events.cancel()
            return real(*arguments, folder=folder, **given)

        monkeypatch.setattr(prune_job, "prune_step", step)
        where = {"out": tmp_path / "small", "run_folder": tmp_path / "run"}
        return prune(model=model, data=data, **where, options=options, hold_out=HELD, listed=False, events=events)

    with pytest.raises(Cancelled, match="the same command goes on from there"):
        go("l1-2")
    assert not any("going on" in text for text in said)
    result = go(None)
    assert f"going on with the interrupted run in {tmp_path / 'run'} (1 of 2 steps are done)" in said
    assert re.search(r"Dice [01]\.\d+ to [01]\.\d+, [\d.]+ ms a window to [\d.]+ ms a window", result["message"])


def test_the_verb_prints_the_curve_and_guides(model, data, tmp_path, capsys):
    few = ["--steps", "1", "--updates", "1", "--last-updates", "1", "--batches", "1", "--batch", "1", "--patch", "16"]
    given = ["--data", data, "--hold-out", "p4", "--criterion", "l1", "--keep", "0.7", "--map", "1=lesion", *few]
    done = call(capsys, "prune", model, "--out", tmp_path / "pruned-by-the-verb", "--guided", *given)
    assert done.code == 0 and "dice" in done.out and "ms a window" in done.out
    guided = json.loads((tmp_path / "pruned-by-the-verb.run" / "guide.json").read_text())
    kept = read_package(tmp_path / "pruned-by-the-verb").card.arguments["kept"]
    whole = map_groups(read_package(model).network(), "unet3d-6-12", {})
    assert {gain["name"] for gain in guided} == {group.name for group in whole}
    left = {gain["name"] for gain in guided if not gain["pays"]}
    assert all(kept[group.name][1] == group.count for group in whole if group.name in left)


def test_no_point_of_the_curve_touches_the_frame_and_times_of_windows_are_in_milliseconds():
    from TransferSegLib.reporting.pruning_curve import pruning_figure

    rows = [{"criterion": "l1", "kept": k, "dice": 0.995, "dice_sd": None, "seconds": 0.004} for k in (1.0, 0.5)]
    above, below = pruning_figure(rows).axes
    assert above.get_ylim()[1] > 1.05 * 0.995 and below.get_ylim()[1] > 1.05 * 4
    assert below.get_ylabel() == "ms a window" and list(below.lines[0].get_ydata()) == [4.0, 4.0]


def with_card(folder, model, **changes):
    """The model's package with another card."""
    package = read_package(model)
    card = dataclasses.replace(package.card, name=folder.name, **changes)
    module = build_network(card.network, card.in_channels, card.out_channels, card.arguments)
    state = state_to_save(card.network, module)
    if card.members > 1:
        state = {f"members.{n}.{key}": value for n in range(card.members) for key, value in state.items()}
    return write_package(folder, card, state).folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"members": 2}, "holds several networks"),
        (
            {"output": "sigmoid", "out_channels": 2, "labels": (Label(1, "lesion", 0), Label(2, "core", 1))},
            "overlapping regions",
        ),
        ({"arguments": {"channels": [2, 2]}}, "no map of this unet3d-6-12 can go"),
        ({"labels": (Label(5, "oedema", 1),)}, "match it with --map lesion=NAME"),
    ],
)
def test_models_that_cannot_be_pruned_say_so_in_one_line(model, data, tmp_path, changes, message):
    other = with_card(tmp_path / "other", model, **changes)
    with pytest.raises((UsageError, InputError), match=message) as caught:
        prune(model=other, data=data, out=tmp_path / "small", hold_out=HELD, options=PruneOptions(**SHORT))
    assert "\n" not in caught.value.message and not (tmp_path / "small").exists()
    assert not (tmp_path / "small.run").exists()


def test_wrong_data_and_options_are_told(model, data, tmp_path):
    def refused(match: str, model=model, data=data, hold_out=("p4",), **given):
        options = given.pop("options", PruneOptions(**SHORT))
        with pytest.raises((UsageError, InputError), match=match):
            prune(model=model, data=data, out=tmp_path / "s", hold_out=hold_out, options=options, **given)

    refused("no case is held out", hold_out=None)
    refused("is a list of levels", data=csv_of(tmp_path))
    refused("multiple of 2", options=PruneOptions(**{**SHORT, "patch": 17}))
    level = write_model(tmp_path / "ladders")
    refused("a level model learns|finds L3", model=level)
    refused("--map: has no meaning", model=level, data=csv_of(tmp_path), label_map={"1": "lesion"})
    refused("--patch: has no meaning", model=level, data=csv_of(tmp_path))
    other = small_model(tmp_path / "four", labels=(Label(1, "lesion", 1), Label(2, "oedema", 2)), network="unet3d-4-6")
    said = []
    events = Events(lambda event: said.append(event.get("text", "")))
    assert read_package(other).card.roles == ROLES
    prune(model=other, data=data, out=tmp_path / "s", hold_out=HELD, options=few_steps(), listed=False, events=events)
    assert any("no truth has the label oedema" in text for text in said)
    assert [label.name for label in read_package(tmp_path / "s").card.labels] == ["lesion", "oedema"]


def few_steps() -> PruneOptions:
    return PruneOptions(criterion="l1", steps=1, **SHORT)


def csv_of(folder):
    path = folder / "levels.csv"
    path.write_text("ct,slice\na.nii.gz,3\n")
    return path
