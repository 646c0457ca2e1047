"""What a student is taught by: maps against values worked out by hand, pairs, what is kept of a teacher."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from TransferSegLib.errors import UsageError
from TransferSegLib.networks import build_network, network_names, network_spec, side_of_group, watched_blocks
from TransferSegLib.training import UNLABELLED, Distillation, Teacher, Teaching, as_planes, as_volume
from TransferSegLib.training.distillation import (
    importance_map,
    importance_map_loss,
    normalised,
    paired_blocks,
    prediction_map_loss,
)
from TransferSegLib.training.lessons import Lesson, LessonCache
from TransferSegLib.training.losses import dice_ce, exclusive_logits, region_logits


def test_prediction_maps_of_one_channel_are_the_bernoulli_divergence():
    z, t, temperature = 1.2, -0.4, 4.0
    student = region_logits(torch.full((1, 1, 1, 1, 1), z), 0)
    teacher = region_logits(torch.full((1, 1, 1, 1, 1), t), 0)
    p, q = (1 / (1 + math.exp(-v / temperature)) for v in (t, z))
    divergence = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    assert float(prediction_map_loss(student, teacher)) == pytest.approx(16 * divergence, rel=1e-4)
    turned = q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p))
    assert float(prediction_map_loss(student, teacher, direction="student")) == pytest.approx(turned, rel=1e-4)


def test_prediction_maps_of_many_classes():
    torch.manual_seed(0)
    student, teacher = torch.randn(2, 4, 1, 3, 5), torch.randn(2, 4, 1, 3, 5)
    p, q = ((x / 2).softmax(1) for x in (teacher, student))
    wanted = 4 * (p * (p / q).log()).sum(1).mean()
    assert torch.allclose(prediction_map_loss(student, teacher, temperature=2.0), wanted, rtol=1e-5)
    assert float(prediction_map_loss(teacher, teacher)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("exponent", [2, 4])
def test_importance_maps_by_hand(exponent):
    block = torch.tensor([[[[1.0, -2.0]], [[3.0, 0.5]]]])
    wanted = [1 + 3**exponent, 2**exponent + 0.5**exponent]
    assert importance_map(block, exponent=exponent).flatten().tolist() == wanted
    maps = torch.tensor([[[3.0, 4.0]], [[0.0, 0.0]]])
    assert normalised(maps).flatten().tolist() == pytest.approx([0.6, 0.8, 0, 0])


def test_the_distance_of_importance_maps():
    one, other = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 5.0]]])
    assert float(importance_map_loss(one, other)) == pytest.approx(math.sqrt(2) / 2, rel=1e-5)
    assert float(importance_map_loss(one, other, form="mean")) == pytest.approx(1.0)
    same = one.clone().requires_grad_()
    importance_map_loss(same, one).backward()
    assert torch.isfinite(same.grad).all(), "a student that equals its teacher must not get NaN"


def test_regions_become_classes_that_exclude_each_other():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 1, 4, 4)
    found = exclusive_logits(logits, (0, 2)).exp()
    a, b = logits[:, 0].sigmoid(), logits[:, 2].sigmoid()
    for place, wanted in enumerate([(1 - a) * (1 - b), a * (1 - b), b]):
        assert torch.allclose(found[:, place], wanted, atol=1e-6)
    assert torch.allclose(found.sum(1), torch.ones(2, 1, 4, 4), atol=1e-6)
    assert torch.allclose(exclusive_logits(logits, (1,)).softmax(1), region_logits(logits, 1).softmax(1), atol=1e-6)


def test_blocks_are_paired_by_resolution_and_side():
    student = {"stem": 1, "bottleneck": 0.5, "dec1": 1}
    teacher = {"stem": 1, "enc1": 0.5, "enc2": 0.25, "dec2": 0.5, "dec1": 1.0}
    assert paired_blocks(student, teacher) == (("stem", "stem"), ("bottleneck", "enc1"), ("dec1", "dec1"))
    assert paired_blocks(student, {"enc2": 0.25}) == ()
    assert paired_blocks({"stem": 0.5}, {"stem": 0.5, "enc1": 0.5}) == (("stem", "enc1"),), "the end of the level"


@pytest.mark.parametrize("name", [n for n in network_names() if network_spec(n).has_decoder and n != "l3-map"])
def test_every_network_shows_its_blocks(name):
    spec = network_spec(name)
    torch.manual_seed(0)
    module = build_network(name, *spec.default_channels, spec.default_arguments).eval()
    inputs = torch.rand(1, spec.default_channels[0], *[max(32, spec.divisor)] * spec.dims)
    with torch.no_grad(), watched_blocks(name, module) as outputs:
        module(inputs)
    groups = [group.name for group in spec.groups(module) if group.prefixes and group.name != "head"]
    assert set(outputs) == set(groups) and {side_of_group(group) for group in outputs} == {"down", "up"}
    assert not any(part._forward_hooks for part in module.modules()), "nothing is left behind"


def test_windows_and_planes():
    windows = torch.rand(2, 3, 4, 5, 6)
    planes = as_planes(windows, 2)
    assert planes.shape == (8, 3, 5, 6) and torch.equal(planes[5], windows[1, :, 1])
    assert torch.equal(as_volume(planes, 2, 2), windows)
    assert as_planes(windows, 3) is windows
    one = windows[:, :, :1]
    assert torch.equal(as_volume(as_planes(one, 2), 2, 2), one)


class Counting(nn.Module):
    """A network that counts how many windows it was shown."""

    def __init__(self, module):
        super().__init__()
        self.module, self.seen = module, 0

    def forward(self, x):
        self.seen += len(x)
        return self.module(x)


def teaching(how=None, *, cache=None):
    torch.manual_seed(1)
    module = Counting(build_network("unet2d-4-8-16", 1, 1, {}))
    teacher = Teacher("", module, 2, "sigmoid", (0,), (0,))
    how = how or Distillation(importance=0.0)
    return Teaching(how, teacher, "unet2d-2-4", 2, device="cpu", precision="float32", cache=cache), module


def test_a_window_that_comes_again_is_not_asked_for_again(tmp_path):
    taught, module = teaching(cache=LessonCache(tmp_path))
    images = torch.rand(3, 1, 1, 16, 16)
    images[2] = images[0]
    logits = torch.zeros(3, 2, 1, 16, 16)
    first = taught.of(logits, images)
    again = taught.of(logits.flip(0), images.flip(0))
    assert module.seen == taught.asked == 2 and taught.seen == 6 and torch.equal(first, again)
    other, not_asked = teaching(cache=LessonCache(tmp_path))
    assert torch.equal(other.of(logits, images), first) and not_asked.seen == 0, "another training finds it on disk"
    damaged = next(tmp_path.glob("*.npz"))
    for content in (b"half", damaged.read_bytes()[:-40]):
        damaged.write_bytes(content)
        mended, asked = teaching(cache=LessonCache(tmp_path))
        assert torch.equal(mended.of(logits, images), first) and asked.seen == 1
    fresh, all_seen = teaching()
    assert torch.allclose(fresh.of(logits, images), first, atol=1e-4) and all_seen.seen == 3


def test_windows_of_other_shapes_are_other_windows(tmp_path):
    """Empty ones have the same bytes."""
    for shape in ((16, 16), (8, 32)):
        taught, module = teaching(cache=LessonCache(tmp_path))
        assert torch.isfinite(taught.of(torch.zeros(1, 2, 1, *shape), torch.zeros(1, 1, 1, *shape)))
        assert module.seen == 1


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path):
    (tmp_path / "file").touch()
    taught, module = teaching(cache=LessonCache(tmp_path / "file" / "lessons"))
    images = torch.rand(1, 1, 1, 16, 16)
    taught.of(torch.zeros(1, 2, 1, 16, 16), images)
    taught.of(torch.zeros(1, 2, 1, 16, 16), images)
    assert module.seen == 1


def test_what_is_remembered_is_bounded(tmp_path):
    cache = LessonCache(limit=100)
    for n in range(4):
        cache.keep(str(n), Lesson(torch.zeros(20).half(), {}))
    assert [cache.find(str(n)) is not None for n in range(4)] == [False, False, True, True]
    disk = LessonCache(tmp_path, limit=100)
    for n in range(4):
        disk.keep(str(n), Lesson(torch.zeros(20).half(), {}))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_case_without_a_truth_is_taught_by_the_teacher_alone():
    taught, _ = teaching()
    loss = taught.loss(dice_ce())
    torch.manual_seed(0)
    images, logits = torch.rand(2, 1, 1, 16, 16), torch.randn(2, 2, 1, 16, 16)
    truth = torch.zeros(2, 1, 1, 16, 16, dtype=torch.uint8)
    truth[1] = UNLABELLED
    wanted = taught.of(logits, images) + dice_ce()(logits[:1], truth[:1])
    assert torch.allclose(loss(logits, truth, images), wanted)
    alone = torch.full_like(truth, UNLABELLED)
    assert torch.allclose(loss(logits, alone, images), taught.of(logits, images))


def test_importance_maps_reach_the_students_blocks():
    torch.manual_seed(2)
    teacher = Teacher("unet2d-4-8-16", build_network("unet2d-4-8-16", 1, 1, {}), 2, "sigmoid", (0,), (0,))
    student = build_network("unet2d-2-4", 1, 1, {})
    how = Distillation(prediction=0.0, importance=1.0)
    taught = Teaching(how, teacher, "unet2d-2-4", 2, device="cpu", precision="float32")
    forward = taught.forward(student, lambda x: region_logits(as_volume(student(as_planes(x, 2)), len(x), 2), 0))
    images = torch.rand(2, 1, 1, 16, 16)
    taught.of(forward(images), images).backward()
    assert taught.pairs == (("stem", "stem"), ("bottleneck", "enc1"), ("dec1", "dec1"))
    assert student.encoder[1][1][0].weight.grad.abs().sum() > 0
    assert student.head.weight.grad is None and not any(p.grad is not None for p in teacher.module.parameters())


def test_a_3d_teacher_and_a_student_of_slices():
    torch.manual_seed(2)
    teacher = Teacher("unet3d-4-8", build_network("unet3d-4-8", 1, 2, {}), 3, "softmax", (1,), (0,))
    student = build_network("unet2d-2-4", 1, 1, {})
    taught = Teaching(Distillation(), teacher, "unet2d-2-4", 2, device="cpu", precision="float32")
    forward = taught.forward(student, lambda x: region_logits(as_volume(student(as_planes(x, 2)), len(x), 2), 0))
    images = torch.rand(2, 1, 8, 16, 16)
    value = taught.of(forward(images), images)
    assert torch.isfinite(value) and taught.pairs[0] == ("stem", "stem")
    # the student's bottleneck keeps all slices, the teacher's has half: compared on the teacher's grid
    assert taught._lesson(images).maps["bottleneck"].shape == (2, 4, 8, 8)


@pytest.mark.parametrize(
    "change", [{"direction": "both"}, {"exponent": 3}, {"form": "max"}, {"temperature": 0.0}, {"prediction": -1.0},
               {"temperature": math.nan}, {"importance": math.nan},
               {"prediction": 0.0, "importance": 0.0}]
)  # fmt: skip
def test_weights_that_mean_nothing(change):
    with pytest.raises(UsageError):
        Distillation(**change).check()
