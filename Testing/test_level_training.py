"""Training of level models: what windows may answer, pictures drawn from projections, resume, learning."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from TransferSegLib.events import Events
from TransferSegLib.jobs.level_recipe import LevelRecipe, recipe_card, recipe_plan
from TransferSegLib.jobs.level_training import anchored, locate_pixels, train_level
from TransferSegLib.level.scoring import MISSED_MM
from TransferSegLib.networks import build_network
from TransferSegLib.training import (
    LevelExample,
    LevelPictures,
    LevelPlan,
    Run,
    level_batches,
    level_forward,
    level_loss,
)
from TransferSegLib.training.level_augmentation import change_intensity, plain_geometry, sample
from TransferSegLib.training.level_losses import map_target, offset_bounds

RECIPE = LevelRecipe(views=("frontal",), rows=32, width=48, crop_rows=80, row_mm=4.0, rate=3e-3, step=2)


def plan_of(**changes) -> LevelPlan:
    plan = LevelPlan(epochs=1, evaluation="dense", rows=32, crop_rows=80, step=16, batch=2, steps_per_epoch=4)
    return dataclasses.replace(plan, **changes)


def a_ladder(seed: int, *, height: int = 90, width: int = 48) -> LevelExample:
    """A spine of bright steps, wider ones below the level: what tells it from the others is below it."""
    rng = np.random.default_rng(seed)
    pixels = rng.uniform(0, 0.05, (1, height, width)).astype(np.float32)
    level = int(rng.integers(25, height - 25))
    for number in range(-9, 10):
        row = level + 8 * number
        half = 4 if number < 0 else 14 if number > 0 else 9
        pixels[0, max(row - 2, 0) : max(row + 3, 0), width // 2 - half : width // 2 + half] = 0.7
    return LevelExample(f"ladder-{seed}", pixels, float(level))


@given(st.integers(-1200, 2000).map(lambda quarter: quarter / 4), st.integers(20, 120), st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_bounds_of_windows_hold_the_true_offset(row, rows, margin):
    tops = np.arange(-rows, 200, 7)
    bounds = offset_bounds(tops, rows, margin, row=row)
    inside = (row - tops >= 0) & (row - tops <= rows)
    low, high = bounds[:, 0], bounds[:, 1]
    assert np.allclose(low[inside], (row - tops)[inside], atol=1e-4) and np.array_equal(low[inside], high[inside])
    assert ((row - tops >= low - 1e-3) & (row - tops <= high + 1e-3)).all()  # the truth itself is never punished
    assert (low[~inside & (row > tops)] >= rows).all() and (high[row < tops] <= 0).all()
    assert np.isinf(np.where(inside, np.inf, np.maximum(np.abs(low), np.abs(high)))).all()


def test_a_scan_that_only_says_where_the_level_is_not_teaches_that():
    loss = level_loss(plan_of())
    below, above, absent = (
        torch.from_numpy(offset_bounds(np.array([0, 8]), 32, 10, row=None, where=where, count=90))[None]
        for where in ("below", "above", "absent")
    )
    down, up, inside = torch.tensor([[60.0, 50.0]]), torch.tensor([[-20.0, -20.0]]), torch.tensor([[16.0, 16.0]])
    assert loss(down, below) == 0 and loss(up, above) == 0
    assert loss(up, below) > loss(inside, below) > 0 and loss(down, above) > 0
    assert loss(up, absent) == 0 and loss(down, absent) == 0 and loss(inside, absent) > 0


def test_huber_keeps_small_errors_and_tames_large_ones():
    bounds = torch.zeros(1, 2, 2)
    small, large = torch.tensor([[3.2, 0.0]]), torch.tensor([[64.0, 0.0]])
    plain, tame = level_loss(plan_of()), level_loss(plan_of(huber=0.2))
    assert plain(small, bounds) == pytest.approx(float(tame(small, bounds)))
    assert tame(large, bounds) < plain(large, bounds)


def test_the_head_is_penalised_as_published():
    module = build_network("l3-cnn4", 1, 1, {"rows": 32, "width": 48})
    bounds = torch.zeros(1, 1, 2)
    plain = level_loss(plan_of(evaluation="windows"), module)(torch.zeros(1, 1), bounds)
    held = level_loss(plan_of(evaluation="windows", head_decay=1e-3), module)(torch.zeros(1, 1), bounds)
    weights = float(module.head.weight.detach().square().sum())
    assert float((held - plain).detach()) == pytest.approx(1e-3 * weights / 32**2, rel=1e-4)


@pytest.mark.parametrize("evaluation", ["dense", "windows", "map"])
@pytest.mark.parametrize("augment", [False, True])
def test_pictures_depend_on_seed_and_step_alone(evaluation, augment):
    rows = 80 if evaluation == "map" else 32
    plan = plan_of(evaluation=evaluation, augment=augment, rows=rows)
    examples = [a_ladder(0), a_ladder(1), LevelExample("none", a_ladder(2).pixels, None, "absent")]
    one, two = (LevelPictures(examples, plan, views=("frontal",), row_mm=4.0) for _ in range(2))
    two.batch(0)
    for a, b in zip(one.batch(7), two.batch(7)):
        assert torch.equal(a, b)
    x, truth = one.batch(3)
    tall = 32 if evaluation == "windows" else 80
    assert x.shape == (2, 1, tall, 48) and float(x.min()) >= 0 and float(x.max()) <= 1
    assert truth.shape == {"dense": (2, 4, 2), "windows": (2, 1, 2), "map": (2, 1, 80)}[evaluation]


def test_a_published_window_always_holds_the_level():
    plan = plan_of(evaluation="windows", batch=40)
    pictures = LevelPictures([a_ladder(0)], plan, views=("frontal",), row_mm=4.0)
    _, bounds = pictures.batch(0)
    assert torch.equal(bounds[..., 0], bounds[..., 1]) and bounds.min() >= 0 and bounds.max() <= 32


def test_the_true_row_follows_every_change_of_the_picture(monkeypatch):
    """A picture whose only bright row is the level: where it ends up is where the truth says."""
    pixels = np.full((1, 120, 48), 0.05, np.float32)
    pixels[0, 59:62] = 1.0
    monkeypatch.setattr(level_batches, "change_intensity", lambda picture, rng, row_mm: picture)
    plan = plan_of(batch=12, crop_rows=128)
    x, bounds = LevelPictures([LevelExample("a", pixels, 60.0)], plan, views=("frontal",), row_mm=4.0).batch(1)
    checked = 0
    for picture, bound in zip(x[:, 0], bounds):
        exact = torch.nonzero(bound[:, 0] == bound[:, 1]).flatten()
        rows = picture.sum(dim=1)
        if len(exact) and float(rows.max()) > 12:  # the level was not cut off
            place = float(bound[exact[0], 0]) + 16 * int(exact[0])
            checked += 1
            assert abs(place - int(rows.argmax())) <= 3
    assert checked >= 4


def test_nothing_changed_is_the_projection_itself():
    pixels = a_ladder(0).pixels
    same = sample(pixels, plain_geometry(1), 90, ("frontal",))
    assert np.allclose(same.numpy(), pixels, atol=1e-5)
    changed = change_intensity(same.clone(), np.random.default_rng(3), 4.0)
    assert changed.shape == same.shape and float(changed.min()) >= 0 and float(changed.max()) <= 1


def test_a_map_peaks_at_the_level():
    target = map_target(256, 100.0)
    assert target.argmax() == 100 and target.max() == 1 and target[105] < 0.01
    assert not map_target(256, None).any()


def trained(folder, *, steps: int, stop_at: int | None = None, seed: int = 0, anchor: float = 0.0):
    """A short training; ``stop_at`` cancels it there."""
    card = recipe_card(RECIPE)
    torch.manual_seed(seed)
    module = build_network(card.network, 1, 1, card.arguments)
    plan = dataclasses.replace(recipe_plan(RECIPE, module.stride), steps_per_epoch=5, epochs=steps // 5, batch=4)
    examples = [a_ladder(n) for n in range(6)]

    def listen(event: dict) -> None:
        if event["event"] == "progress" and event["stage"] == "training" and event["done"] == stop_at:
            events.cancel()

    events = Events(listen)
    run = Run(folder, {"plan": plan.to_json()})
    rows = train_level(module, card, examples, plan, inner=examples[:1], run=run, events=events, anchor=anchor).rows
    return card, module, rows


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(tmp_path):
    from TransferSegLib.errors import Cancelled

    _, whole, rows = trained(tmp_path / "whole", steps=20, anchor=0.1)
    with pytest.raises(Cancelled):
        trained(tmp_path / "cut", steps=20, stop_at=7, anchor=0.1)
    _, resumed, again = trained(tmp_path / "cut", steps=20, anchor=0.1)
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), resumed.state_dict().values()))
    assert [row["loss"] for row in rows] == [row["loss"] for row in again]
    assert all(row["validation_error_mm"] is not None and "validation_dice" not in row for row in rows)


def test_dense_training_learns_where_the_level_is(tmp_path):
    card, module, rows = trained(tmp_path / "run", steps=100)
    assert rows[-1]["loss"] < 0.6 * rows[0]["loss"]
    errors = [row["validation_error_mm"] for row in rows]
    assert min(errors) <= errors[0] and all(0 <= error <= 2 * MISSED_MM for error in errors)
    located = locate_pixels(card, module, a_ladder(50).pixels)
    assert located.answer in ("found", "uncertain", "not-in-view") and 0 <= located.confidence <= 1


def test_the_spring_holds_the_weights():
    module = torch.nn.Linear(2, 1)
    loss = anchored(lambda found, truth: (found - truth).square().mean(), module, 10.0)
    start = float(loss(module(torch.ones(1, 2)), torch.zeros(1, 1)).detach())
    with torch.no_grad():
        module.weight += 1.0
    moved = module(torch.ones(1, 2)).detach()
    assert float(loss(moved, moved).detach()) == pytest.approx(20.0, rel=1e-4) and start >= 0


def test_windows_run_one_by_one_and_dense_ones_together():
    module = build_network("l3-cnn4", 1, 1, {"rows": 32, "width": 48}).eval()
    x = torch.rand(2, 1, 80, 48)
    assert level_forward(module, plan_of())(x).shape == (2, 4)
    assert level_forward(module, plan_of(evaluation="windows"))(x[:, :, :32]).shape == (2, 1)
