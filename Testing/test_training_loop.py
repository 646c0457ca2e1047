"""The loop: the same twice, the same after a kill, cancelled with a usable checkpoint, best kept."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers_training import same, stop_at

from TransferSegLib.errors import Cancelled, StorageError, TransferSegError
from TransferSegLib.events import Events
from TransferSegLib.networks import build_network
from TransferSegLib.strategies import apply_strategy, strategy
from TransferSegLib.training import (
    FeatureBank,
    Run,
    TrainingCase,
    TrainingPlan,
    Windows,
    active_logits,
    loss_by_name,
    train,
)

PLAN = TrainingPlan(epochs=3, patch=(32, 32, 32), steps_per_epoch=4, seed=3)


def case() -> TrainingCase:
    rng = np.random.default_rng(0)
    truth = np.zeros((40, 40, 40), np.uint8)
    truth[8:14, 8:14, 8:14] = 1
    image = rng.normal(size=(4, 40, 40, 40)).astype(np.float32) + 3 * truth
    brain = np.argwhere(np.ones_like(truth))
    return TrainingCase("a", image, truth, {1: np.argwhere(truth == 1)}, brain)


def start():
    torch.manual_seed(1)
    return build_network("unet", 4, 2)


def fit(folder, *, plan=PLAN, events=None, validate=None, name="half-lr", module=None, request=None):
    module = module or start()
    freezing = apply_strategy(strategy(name), "unet", module)
    run = Run(folder, request or {"a": 1})
    progress = train(
        module,
        forward=lambda x: freezing.forward(module, x),
        source=Windows([case()], plan),
        plan=plan,
        loss=loss_by_name("dice-ce"),
        rate=plan.rate,
        device="cpu",
        precision="float32",
        run=run,
        events=events or Events(),
        validate=validate,
    )
    return module, progress, run


def test_a_seed_gives_the_same_result_twice_and_another_seed_another(tmp_path):
    first, second = fit(tmp_path / "1")[0], fit(tmp_path / "2")[0]
    assert same(first, second)
    assert not same(first, start())
    assert not same(first, fit(tmp_path / "3", plan=replace(PLAN, seed=4))[0])


@pytest.mark.parametrize("step", [1, 4, 6])
def test_cancel_leaves_a_checkpoint_and_going_on_gives_the_uninterrupted_result(tmp_path, step):
    whole, progress, _ = fit(tmp_path / "whole")
    with pytest.raises(Cancelled):
        fit(tmp_path / "cut", events=stop_at(step))
    assert (tmp_path / "cut" / "checkpoint.pt").is_file()
    resumed, again, run = fit(tmp_path / "cut", module=build_network("unet", 4, 2))
    assert run.resumed
    assert same(whole, resumed)
    losses = [[row["loss"] for row in p.rows] for p in (progress, again)]
    assert losses[0] == losses[1]


def test_stop_keeps_what_there_is(tmp_path):
    events = Events()
    count = []

    def listen(event):
        if event["event"] == "progress":
            count.append(event["done"])
            if event["done"] == 5:
                events.stop()

    events._listener = listen
    module, progress, _ = fit(tmp_path / "r", events=events)
    assert progress.step == 5 and not same(module, start()) and not module.training


def test_the_best_epoch_of_the_inner_split_is_kept(tmp_path):
    scores, states = iter([0.2, 0.9, 0.1]), []

    def validate(module):
        states.append({k: v.clone() for k, v in module.state_dict().items()})
        return next(scores)

    module, progress, _ = fit(tmp_path / "r", validate=validate)
    assert progress.best_epoch == 2
    assert all(torch.equal(v, states[1][k]) for k, v in module.state_dict().items())


def test_early_stopping_ends_after_the_patience(tmp_path):
    plan = replace(PLAN, epochs=20, early_stopping=True, patience=2)
    _, progress, _ = fit(tmp_path / "r", plan=plan, validate=lambda module: 0.5)
    assert progress.step == 3 * plan.steps_per_epoch


def test_it_learns(tmp_path):
    plan = replace(PLAN, epochs=5, steps_per_epoch=12, augment=False, decay=False, rate=2e-2)
    _, progress, _ = fit(tmp_path / "r", plan=plan)
    assert progress.rows[-1]["loss"] < 0.9 * progress.rows[0]["loss"]


def test_another_request_in_the_same_folder_is_refused(tmp_path):
    fit(tmp_path / "r")
    with pytest.raises(StorageError, match="another run"):
        Run(tmp_path / "r", {"a": 2})
    assert json.loads((tmp_path / "r" / "run.json").read_text())["versions"]["torch"] == torch.__version__


def test_a_loss_that_is_no_number_is_said(tmp_path):
    module = start()
    with torch.no_grad():
        next(module.parameters()).fill_(float("nan"))
    with pytest.raises(TransferSegError, match="NaN"):
        fit(tmp_path / "r", module=module)


def test_windows_are_the_same_for_a_step_and_hold_foreground():
    windows = Windows([case()], replace(PLAN, foreground=1.0, augment=False))
    x, y = windows.batch(5)
    assert x.shape == (2, 4, 32, 32, 32) and y.shape == (2, 1, 32, 32, 32) and y.dtype == torch.uint8
    again = windows.batch(5)
    assert torch.equal(x, again[0]) and torch.equal(y, again[1])
    assert all(int(windows.batch(n)[1].sum()) > 0 for n in range(10))


def test_augmentation_keeps_the_background_at_zero_and_the_lesion_under_its_truth():
    subject = case()
    subject.image[:, :, :, :8] = 0
    windows = Windows([subject], replace(PLAN, foreground=1.0))
    plain = Windows([subject], replace(PLAN, foreground=1.0, augment=False))
    changed = 0
    for step in range(20):
        x, y = windows.batch(step)
        assert set(y.unique().tolist()) == {0, 1} and torch.isfinite(x).all()
        background = (x == 0).all(dim=1, keepdim=True)
        assert float(x.abs().amax(1, keepdim=True)[background].sum()) == 0
        # The lesion is 3 brighter than its surroundings, whatever is done to it.
        assert float(x.mean(1, keepdim=True)[y > 0].mean() - x.mean(1, keepdim=True)[(y == 0) & ~background].mean()) > 1
        changed += not torch.equal(x, plain.batch(step)[0])
    assert changed == 20


def test_windows_larger_than_the_case_are_padded_with_background():
    windows = Windows([case()], replace(PLAN, patch=(48, 48, 48), foreground=1.0, augment=False))
    x, y = windows.batch(0)
    assert x.shape[2:] == (48, 48, 48) and int(y.sum()) == 2 * 6**3


def test_merging_inactive_outputs_adds_their_probability_to_the_background():
    logits = torch.randn(2, 5, 3, 3, 3)
    merged = active_logits(logits, (3,)).softmax(1)
    whole = logits.softmax(1)
    assert torch.allclose(merged[:, 1], whole[:, 3], atol=1e-6)
    assert torch.allclose(merged[:, 0], whole[:, [0, 1, 2, 4]].sum(1), atol=1e-6)
    assert active_logits(logits, (1, 2, 3, 4)) is logits


def test_a_bank_of_features_trains_the_rest_as_the_images_do():
    from TransferSegLib.networks import network_spec

    module, spec = start(), network_spec("unet")
    freezing = apply_strategy(strategy("freeze-encoder"), "unet", module)
    assert freezing.frozen_encoder
    plan = replace(PLAN, feature_bank=4)
    windows = Windows([case()], plan)
    bank = FeatureBank(windows, plan, encode=lambda x: spec.encode(module, x), device="cpu", events=Events())
    seen = set()
    for step in range(2):
        features, truth = bank.batch(step)
        number = next(n for n in range(2) if torch.equal(windows.batch(n)[1], truth))
        seen.add(number)
        assert torch.equal(spec.decode(module, features), module(windows.batch(number)[0]))
    assert seen == {0, 1}
