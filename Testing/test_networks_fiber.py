"""DMFNet and MFNet: their units, and what keeps the 2-D form from learning where the public training is followed."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from TransferSegLib.errors import UsageError
from TransferSegLib.networks import build_network
from TransferSegLib.training.generalised_dice import generalised_dice

torch.set_num_threads(1)
SMALL = {"width": 8, "channels": 8, "groups": 4}


def public_loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """The generalised Dice loss with the public code's weights, 1 / (g^2 + 1e-5); no background."""
    found = logits.softmax(1)[:, 1:].transpose(0, 1).flatten(1)
    wanted = nn.functional.one_hot(truth[:, 0].long(), logits.shape[1]).movedim(-1, 1)[:, 1:].transpose(0, 1).flatten(1)
    weights = 1 / (wanted.sum(1) ** 2 + 1e-5)
    shared = (weights * (found * wanted).sum(1)).sum()
    return 1 - 2 * shared / ((weights * (found.sum(1) + wanted.sum(1))).sum() + 1e-5)


def discs(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy pictures (count, 1, 32, 32) of a disc, class 1 of three; class 2 is in none, as in many slices."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    centres = 10 + 12 * torch.rand(count, 2, 1, 1, generator=generator)
    truth = ((rows - centres[:, 0]) ** 2 + (columns - centres[:, 1]) ** 2 < 7.5**2)[:, None]
    noise = torch.randn(count, 1, 32, 32, generator=generator)
    return truth + 0.3 * noise, truth.to(torch.uint8)


def dice_of_discs(module: nn.Module) -> float:
    """Dice of class 1 on pictures that no training saw, with the batch's own statistics."""
    images, truth = discs(16, seed=999)
    with torch.no_grad():
        found = copy.deepcopy(module).train()(images).argmax(1, keepdim=True) == 1
    return float(2 * (found & (truth == 1)).sum() / (found.sum() + truth.sum()))


def trained(name: str, loss) -> tuple[float, float]:
    """Dice before and after forty steps of the published optimiser."""
    torch.manual_seed(0)
    module = build_network(name, 1, 3, SMALL)
    before = dice_of_discs(module)
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-2, weight_decay=1e-5, amsgrad=True)
    for step in range(40):
        images, truth = discs(4, seed=step)
        optimiser.zero_grad()
        loss(module(images), truth).backward()
        optimiser.step()
    return before, dice_of_discs(module)


@pytest.mark.parametrize("name", ["dmfnet2d", "mfnet2d"])
def test_the_2d_form_learns_from_batches_that_lack_a_class(name):
    assert trained(name, generalised_dice)[1] > 0.8


def test_with_the_public_weights_it_does_not():
    before, after = trained("dmfnet2d", public_loss)
    assert after < before + 0.1 and after < 0.7


def test_the_public_weights_leave_a_gradient_below_adams_epsilon():
    _, truth = discs(4, seed=1)
    found = []
    for loss in (public_loss, generalised_dice):
        logits = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(2)).requires_grad_()
        loss(logits, truth).backward()
        found.append(float(logits.grad.abs().sum()))
    assert found[0] < 1e-9 and found[1] > 1e-2


def test_softmax_twice_makes_a_perfect_answer_costly():
    truth = torch.zeros(1, 1, 32, 32, dtype=torch.uint8)
    truth[..., 4:12, 4:12], truth[..., 16:24, 4:12], truth[..., 16:24, 16:24] = 1, 2, 3
    perfect = 100 * nn.functional.one_hot(truth[:, 0].long(), 4).movedim(-1, 1).float()
    assert float(generalised_dice(perfect, truth)) < 1e-3
    assert float(generalised_dice(perfect.softmax(1), truth)) > 0.5
    assert float(perfect.softmax(1).softmax(1).max()) == pytest.approx(0.475, abs=1e-3)


@pytest.mark.parametrize(("name", "kernel"), [("dmfnet", (1, 3, 3)), ("dmfnet2d", (3, 3))])
def test_units_are_as_published_and_logits_come_out(name, kernel):
    module = build_network(name, 4, 4, SMALL)
    unit = module.levels[0][0]
    assert [branch[2].dilation[0] for branch in unit.branches] == [1, 2, 3]
    assert torch.equal(unit.weights.detach(), torch.ones(3)) and unit.weights.requires_grad
    assert unit.flat[2].kernel_size == kernel and unit.flat[2].groups == 4
    assert all(u.weights is None for u in [*module.bottleneck, *(up.unit for up in module.decoder)])
    with torch.no_grad():
        logits = module.eval()(torch.randn(1, 4, *(32,) * len(kernel)))
    assert logits.shape == (1, 4, *(32,) * len(kernel)) and bool((logits < 0).any())


def test_the_head_before_the_doubling_is_the_head_after_it():
    module = build_network("dmfnet2d", 1, 3, SMALL).eval()
    y = torch.randn(1, 8, 8, 8)
    with torch.no_grad():
        before = nn.functional.interpolate(module.head(y), scale_factor=2, mode="bilinear")
        after = module.head(nn.functional.interpolate(y, scale_factor=2, mode="bilinear"))
    torch.testing.assert_close(before, after, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": 5}, "use multiples of groups"),
        ({"dilations": []}, "give one or more"),
        ({"spatial_dims": 1}, "use 2 or 3"),
    ],
)
def test_refusals_are_one_line(arguments, message):
    with pytest.raises(UsageError, match=message) as caught:
        build_network("dmfnet", 4, 4, arguments)
    assert "\n" not in caught.value.message
