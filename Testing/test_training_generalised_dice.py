"""The generalised Dice loss, and optimiser and fall of the rate of DMFNet's training."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from TransferSegLib.errors import UsageError
from TransferSegLib.training import TrainingPlan, default_plan, loss_by_name
from TransferSegLib.training.optimisers import optimiser_of, rate_factor

torch.set_num_threads(1)


def batch(*sizes: tuple[int, int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (2, 4, 6, 6, 6) and a truth with so many voxels of each (class, voxels)."""
    truth = torch.zeros(2 * 216, dtype=torch.uint8)
    start = 10
    for label, voxels in sizes:
        truth[start : start + voxels] = label
        start += voxels
    logits = torch.randn(2, 4, 6, 6, 6, generator=torch.Generator().manual_seed(seed))
    return logits.requires_grad_(), truth.reshape(2, 1, 6, 6, 6)


@pytest.mark.parametrize("sizes", [((1, 40), (2, 9), (3, 120)), ((1, 40), (3, 120))])
def test_the_value_is_monais_with_next_to_no_smoothing(sizes):
    from monai.losses import GeneralizedDiceLoss

    logits, truth = batch(*sizes)
    reference = GeneralizedDiceLoss(
        include_background=False, to_onehot_y=True, softmax=True, batch=True, smooth_nr=0.0, smooth_dr=1e-12
    )
    found = loss_by_name("generalised-dice")(logits, truth)
    torch.testing.assert_close(found, reference(logits, truth), rtol=1e-5, atol=1e-6)


def test_a_perfect_answer_costs_nothing_and_a_wrong_one_everything():
    loss = loss_by_name("generalised-dice")
    _, truth = batch((1, 40), (2, 9))
    perfect = 100 * torch.nn.functional.one_hot(truth[:, 0].long(), 4).movedim(-1, 1).float()
    assert float(loss(perfect, truth)) == pytest.approx(0, abs=1e-6)
    assert float(loss(perfect.roll(1, dims=1), truth)) > 0.9


def test_a_batch_without_any_class_costs_nothing_and_moves_nothing():
    logits, truth = batch()
    value = loss_by_name("generalised-dice")(logits, truth)
    value.backward()
    assert float(value.detach()) == 0 and torch.equal(logits.grad, torch.zeros_like(logits))


def test_the_plan_of_dmfnet_is_the_published_one():
    plan = default_plan("dmfnet", on_gpu=True, early_stopping=False)
    assert (plan.loss, plan.optimiser, plan.rate, plan.weight_decay) == ("generalised-dice", "adam-amsgrad", 1e-3, 1e-5)
    assert plan.patch == (128, 128, 128) and plan.schedule == "poly" and plan.to_json()["schedule"] == "poly"
    module = torch.nn.Linear(2, 2)
    optimiser = optimiser_of(plan, module, plan.rate)
    assert type(optimiser) is torch.optim.Adam and optimiser.defaults["amsgrad"]
    assert not optimiser_of(replace(plan, optimiser="adam"), module, 1e-3).defaults["amsgrad"]
    assert rate_factor(plan, 0) == 1 and rate_factor(plan, plan.steps // 2) == pytest.approx(0.5**0.9)
    with pytest.raises(UsageError, match="choose one of cosine, poly"):
        rate_factor(replace(plan, schedule="steps"), 0)


def test_the_plain_plan_is_what_it_was():
    plan = TrainingPlan(3, (16, 16, 16))
    assert (
        "schedule" not in plan.to_json() and default_plan("unet", on_gpu=False, early_stopping=False).loss == "dice-ce"
    )
    assert all(rate_factor(plan, step) == 0.5 * (1 + math.cos(math.pi * step / 150)) for step in range(150))
    assert rate_factor(replace(plan, decay=False, schedule="poly"), 70) == 1.0
