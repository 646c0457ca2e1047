"""The losses: values and gradients against plain sums, what an unlabelled sample adds, and the terms on a real crop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.imaging import Grid, read_image, resample, to_array
from TransferSegLib.training import LOSSES, UNLABELLED, judge, loss_by_name
from TransferSegLib.training.boundary import DiceFocalBoundary, boundary, signed_distance
from TransferSegLib.training.mumford_shah import MumfordShahDiceCE, mumford_shah, unit_channels
from TransferSegLib.training.terms import cross_entropy, focal, soft_dice

SHAPE = (4, 5, 3)


def some(classes: int = 2, channels: int = 2, batch: int = 2, seed: int = 0):
    """Random logits, truth and image in double precision."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, classes, *SHAPE, generator=generator, dtype=torch.float64)
    truth = torch.randint(0, classes, (batch, 1, *SHAPE), generator=generator).to(torch.uint8)
    image = torch.rand(batch, channels, *SHAPE, generator=generator, dtype=torch.float64)
    return logits, truth, image


def slow_mumford_shah(found: np.ndarray, image: np.ndarray, mu: float) -> float:
    """The sheet's formula, voxel by voxel."""
    value = 0.0
    for sample, lesion in itertools.product(range(found.shape[0]), range(found.shape[1])):
        y = found[sample, lesion]
        for channel in image[sample]:
            mean = sum(channel[r] * y[r] for r in np.ndindex(y.shape)) / sum(y[r] for r in np.ndindex(y.shape))
            value += sum((channel[r] - mean) ** 2 * y[r] for r in np.ndindex(y.shape))
        for r in np.ndindex(y.shape):
            for axis in range(3):
                if r[axis] + 1 < y.shape[axis]:
                    following = tuple(n + (a == axis) for a, n in enumerate(r))
                    value += mu * abs(y[following] - y[r])
    return value


def test_mumford_shah_is_the_sum_of_the_sheet():
    logits, _, image = some(classes=3)
    found = logits.softmax(1)[:, 1:]
    expected = slow_mumford_shah(found.numpy(), image.numpy(), 1e-3)
    assert float(mumford_shah(found, image)) == pytest.approx(expected, rel=1e-10)
    # mu counts: without it less is left
    assert float(mumford_shah(found, image, mu=0)) < expected


def test_the_whole_loss_is_its_weighted_terms():
    logits, truth, image = some()
    loss = MumfordShahDiceCE()
    y = logits.softmax(1)[:, 1].numpy()
    g = truth[:, 0].numpy().astype(float)
    entropy = -(g * np.log(y) + (1 - g) * np.log(1 - y)).mean()
    shared, sizes = (y * g).sum((1, 2, 3)), (y + g).sum((1, 2, 3))
    dice = (1 - (2 * shared + 1) / (sizes + 1)).mean()
    ms = slow_mumford_shah(y[:, None], image.numpy(), 1e-3)
    assert float(loss(logits, truth, image)) == pytest.approx(1e-5 * ms + dice + 2 * entropy, rel=1e-10)


@pytest.mark.parametrize("classes", [2, 3])
def test_gradients_are_those_of_finite_differences(classes):
    logits, truth, image = some(classes=classes)
    logits.requires_grad_(True)
    unlabelled = torch.full_like(truth, UNLABELLED)
    # a large weight, so that a wrong Mumford-Shah gradient cannot hide behind the others
    loud = MumfordShahDiceCE(alpha=1.0)
    assert torch.autograd.gradcheck(lambda x: loud(x, truth, image), logits)
    assert torch.autograd.gradcheck(lambda x: loud(x, unlabelled, image), logits)
    assert torch.autograd.gradcheck(lambda x: MumfordShahDiceCE()(x, truth, image), logits)
    assert torch.autograd.gradcheck(lambda x: DiceFocalBoundary(boundary=1.0)(x, truth), logits)
    assert torch.autograd.gradcheck(lambda x: mumford_shah(x.softmax(1)[:, 1:], image, mu=1.0), logits)


def test_a_sample_without_a_truth_adds_the_mumford_shah_term_alone():
    logits, truth, image = some()
    loss = MumfordShahDiceCE()
    half = truth.clone()
    half[1] = UNLABELLED
    terms, first = loss.terms(logits, half, image), loss.terms(logits[:1], truth[:1], image[:1])
    assert float(terms["dice"]) == pytest.approx(float(first["dice"]))
    assert float(terms["cross-entropy"]) == pytest.approx(float(first["cross-entropy"]))
    both = [float(loss.terms(logits[n : n + 1], truth[n : n + 1], image[n : n + 1])["mumford-shah"]) for n in (0, 1)]
    assert float(terms["mumford-shah"]) == pytest.approx(sum(both))
    # a window at the image's edge is padded with 0: still no truth
    edge = torch.full_like(truth, UNLABELLED)
    edge[:, :, 0] = 0
    assert set(loss.terms(logits, edge, image)) == {"mumford-shah"}
    with pytest.raises(InputError, match="no truth"):
        DiceFocalBoundary()(logits, edge)


def test_a_lesion_that_is_nowhere_gives_no_nan_and_half_precision_is_computed_in_single():
    logits, truth, image = some()
    logits = torch.stack([torch.full_like(logits[:, 0], 200.0), torch.full_like(logits[:, 1], -200.0)], dim=1)
    logits.requires_grad_(True)
    value = MumfordShahDiceCE()(logits, torch.zeros_like(truth), image)
    value.backward()
    assert (
        torch.isfinite(value)
        and torch.isfinite(logits.grad).all()
        and float(value.detach()) == pytest.approx(0, abs=1e-6)
    )
    assert MumfordShahDiceCE()(some()[0].half(), truth, image.half()).dtype == torch.float32


def test_channels_end_between_zero_and_one_and_those_that_lie_there_stay():
    image = torch.rand(2, 2, 4, 4, 4)
    assert torch.equal(unit_channels(image), image)
    image[1, 1] = 8 * image[1, 1] - 3
    scaled = unit_channels(image)
    assert float(scaled.min()) >= 0 and float(scaled.max()) <= 1
    assert torch.equal(scaled[0], image[0]) and not torch.equal(scaled[1, 1], image[1, 1])


def test_the_signed_distance_is_that_of_the_boundary():
    mask = np.zeros((1, 1, 9), bool)
    mask[..., 3:6] = True
    assert signed_distance(mask).ravel().tolist() == [3, 2, 1, 0, -1, 0, 1, 2, 3]
    assert not signed_distance(np.zeros((3, 3, 3))).any() and not signed_distance(np.ones((3, 3, 3))).any()


def test_the_boundary_term_grows_with_the_distance_of_what_is_wrong():
    truth = torch.zeros(1, 1, 1, 1, 20)
    truth[..., 5:8] = 1
    values = []
    for start in (5, 8, 12, 16):
        found = torch.zeros_like(truth)
        found[..., start : start + 3] = 1
        values.append(float(boundary(found, truth)))
    assert values == sorted(values) and values[0] < 0 < values[1]


def test_focal_is_the_cross_entropy_without_its_gamma_and_below_it_with():
    logits, truth, _ = some()
    assert float(focal(logits, truth, gamma=0)) == pytest.approx(float(cross_entropy(logits, truth)))
    assert float(focal(logits, truth)) < float(cross_entropy(logits, truth))
    sure = 20 * torch.cat([1 - truth.double(), truth.double()], dim=1)
    assert float(soft_dice(sure, truth)) < 1e-6 and float(soft_dice(-sure, truth)) > 0.9


def test_every_loss_has_a_name_and_learns_what_it_is_asked():
    for name in LOSSES:
        loss = loss_by_name(name)
        truth = torch.zeros(1, 1, 8, 8, 8, dtype=torch.uint8)
        truth[..., 2:5, 2:6, 2:6] = 1
        image = truth.float()
        logits = torch.zeros(1, 2, 8, 8, 8, requires_grad=True)
        optimiser = torch.optim.Adam([logits], lr=0.2)
        for _ in range(60):
            optimiser.zero_grad()
            judge(loss, logits, truth, image).backward()
            optimiser.step()
        assert torch.equal(logits.argmax(1, keepdim=True), truth.long()), name
    with pytest.raises(UsageError, match="mumford-shah-dice-ce"):
        loss_by_name("hinge")


@pytest.mark.parametrize("patient", ["STS_001", "STS_006"])
def test_on_a_real_crop_the_mumford_shah_term_lies_far_below_the_others(data_folder, patient, capsys):
    folder = data_folder / "petct_ibsi_sts" / patient
    suv = read_image(folder / "PET_image.nii.gz")
    ct = to_array(resample(read_image(folder / "CT_image.nii.gz"), Grid.of(suv), fill=-1024))
    pet, mask = to_array(suv), to_array(read_image(folder / "PET_mask.nii.gz")) > 0
    windows = ((ct, -150, 300), (pet, 0, 30), (ct, -1000, -200), (ct, -100, 100), (pet, 2, 10))
    image = torch.from_numpy(
        np.stack([np.clip((a - low) / (high - low), 0, 1) for a, low, high in windows]).astype(np.float32)
    )[None]
    truth = torch.from_numpy(mask.astype(np.uint8))[None, None]
    # what a network under way might say: hot is lesion, and not too sure of it
    lesion = torch.from_numpy((2 * (pet - 2.5)).astype(np.float32)).clamp(-6, 6)[None]
    logits = torch.stack([-lesion / 2, lesion / 2], dim=1)
    terms = {name: float(term) for name, term in MumfordShahDiceCE().terms(logits, truth, image).items()}
    background = 1e-5 * float(mumford_shah(logits.softmax(1)[:, :1], image))
    with capsys.disabled():
        print(f"\n{patient} {tuple(pet.shape)}: {terms}; the background's Mumford-Shah would be {background:.3f}")
    assert 0 < terms["mumford-shah"] < 0.1 * min(terms["dice"], terms["cross-entropy"])
    assert background > 5 * terms["mumford-shah"]
    # the sheet's own figures are of the true lesion
    assert 0.0005 < 1e-5 * float(mumford_shah(truth.float(), image)) < 0.0115
