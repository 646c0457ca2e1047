"""Pruning of level models: scores, groups that go together, the network built anew."""

from __future__ import annotations

import builtins
import json

import pytest
import torch
from helpers_networks import narrow_maps
from helpers_pruning import ladder, ladder_card, ladder_plan, write_model

from TransferSegLib.errors import DependencyError, UsageError
from TransferSegLib.networks import build_network
from TransferSegLib.packages import read_package
from TransferSegLib.training import LevelPictures, level_forward, level_loss
from TransferSegLib.training.pruning import check_prunable, choose_maps, map_groups, without_maps
from TransferSegLib.training.pruning_scores import l1_scores, random_scores, taylor_scores
from TransferSegLib.training.pruning_time import gains, scan_work

SIZE = {"rows": 70, "width": 64}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pruning")


@pytest.fixture(scope="module")
def model(folder):
    torch.set_num_threads(1)
    return write_model(folder / "ladders")


def batches(count: int = 3, first: int = 0) -> list:
    source = LevelPictures([ladder(seed) for seed in range(40)], ladder_plan(), views=("frontal",), row_mm=4.0)
    return [source.batch(first + number) for number in range(count)]


def scored(module) -> dict:
    plan = ladder_plan()
    return taylor_scores(module.trunk, batches(), forward=level_forward(module, plan), loss=level_loss(plan))


def test_taylor_is_the_mean_of_activation_times_gradient(model):
    """Against the definition, written out for one layer: d loss / d (gate of a map), sample by sample."""
    module, plan = read_package(model).network(), ladder_plan()
    forward, loss = level_forward(module, plan), level_loss(plan)
    x, truth = batches(1)[0]
    by_hand = 0
    for number in range(len(x)):
        gate = torch.ones(len(x), 32, 1, 1, requires_grad=True)
        handle = module.trunk.relu3.register_forward_hook(lambda m, i, o, gate=gate: o * gate)
        gradient = torch.autograd.grad(loss(forward(x), truth), gate)[0][number, :, 0, 0]
        handle.remove()
        by_hand = by_hand + gradient.abs()
    scores = taylor_scores(module.trunk, [(x, truth)], forward=forward, loss=loss)
    torch.testing.assert_close(scores["conv3"], by_hand / by_hand.norm(), rtol=1e-3, atol=1e-5)
    assert all(score.norm().item() == pytest.approx(1, rel=1e-4) for score in scores.values())
    assert all(p.grad is None for p in module.parameters())


def test_scores_behind_a_batch_norm_are_not_all_zero():
    module = build_network("l3-googlenet", 1, 1, SIZE | {"kept": narrow_maps("googlenet")})
    plan = ladder_plan(rows=70, crop_rows=70, step=32)
    scores = taylor_scores(
        module.trunk,
        [(torch.rand(2, 1, 70, 64), torch.full((2, 1, 2), 20.0))],
        forward=level_forward(module, plan),
        loss=level_loss(plan),
    )
    assert set(scores) == {name for name in module.kept_maps if name.endswith("conv")}
    assert all(score.shape == (4,) for score in scores.values()) and scores["conv3.conv"].max() > 0
    assert module.training


@pytest.mark.parametrize("name", ["cnn4", "vgg16", "googlenet", "resnet18"])
def test_maps_that_are_zero_can_go_without_a_change(name):
    """The structure: a network whose chosen filters give nothing answers the same without them."""
    torch.manual_seed(0)
    arguments = SIZE | ({"kept": narrow_maps(name, 6)} if name in ("vgg16", "googlenet") else {})
    module = build_network(f"l3-{name}", 1, 1, arguments).eval()
    groups = map_groups(module)
    chosen = {group.name: [0, 2] for group in groups if group.count > 4}
    with torch.no_grad():
        for group in groups:
            for member, places in group.members:
                if group.name in chosen:
                    _silence(module.trunk, member, [places[0], places[2]])
    smaller, arguments = without_maps(module, f"l3-{name}", arguments, chosen)
    x = torch.rand(2, 1, 70, 64)
    with torch.no_grad():
        torch.testing.assert_close(smaller(x), module(x), rtol=1e-3, atol=1e-2)
        again = build_network(f"l3-{name}", 1, 1, json.loads(json.dumps(arguments)))
        again.load_state_dict(smaller.state_dict())
    left = sum(group.maps for group in map_groups(smaller))
    assert left == sum(group.maps - 2 * len(group.members) * (group.name in chosen) for group in groups)


def _silence(trunk, name: str, places: list[int]) -> None:
    """Filters, and the batch norms that follow them, give 0; ReLU and additions keep it."""
    conv = trunk.get_submodule(name)
    conv.weight[places] = 0
    if conv.bias is not None:
        conv.bias[places] = 0


def test_the_lowest_of_all_go_or_the_same_share_of_each_layer(model):
    module = read_package(model).network()
    groups, scores = map_groups(module), scored(module)
    lowest = choose_maps(groups, scores, 40, by_layer=False)
    shared = choose_maps(groups, l1_scores(module.trunk), 44, by_layer=True)
    assert sum(map(len, lowest.values())) == 40
    assert {name: len(places) for name, places in shared.items()} == {"conv1": 4, "conv2": 8, "conv3": 16, "conv4": 16}
    worst = max(float(scores[name][places].max()) for name, places in lowest.items())
    for group in groups:
        rest = [n for n in range(group.count) if n not in lowest.get(group.name, ())]
        assert len(rest) >= 2 and (len(rest) == 2 or float(scores[group.name][rest].min()) >= worst)
    assert "conv2" not in choose_maps(groups, scores, 40, by_layer=False, frozen=["conv2"])
    everything = choose_maps(groups, scores, 1000, by_layer=False)
    assert all(len(everything[g.name]) == g.count - 2 for g in groups)


def test_what_taylor_takes_away_is_missed_less_than_what_chance_takes(model):
    module, plan = read_package(model).network(), ladder_plan()
    groups, card = map_groups(module), ladder_card()
    losses = {}
    for name, scores in [("taylor", scored(module))] + [(n, random_scores(module.trunk, n)) for n in range(5)]:
        chosen = choose_maps(groups, scores, 30, by_layer=False)
        smaller, _ = without_maps(module, "l3-cnn4", card.arguments, chosen)
        with torch.no_grad():
            found = [level_loss(plan)(level_forward(smaller.eval(), plan)(x), truth) for x, truth in batches(3, 50)]
        losses[name] = float(sum(found))
    chance = sorted(losses[n] for n in range(5))
    assert losses["taylor"] < chance[0]


def test_groups_are_timed_and_the_module_is_left_alone(model):
    module = read_package(model).network().train()
    groups = map_groups(module)
    found = gains(module, "l3-cnn4", ladder_card().arguments, groups, work=scan_work(150, 4), repeats=3)
    assert [gain.name for gain in found] == [group.name for group in groups]
    assert all(gain.share < 1 and (gain.share > 0.01 or not gain.pays) for gain in found) and module.training


def test_networks_that_cannot_be_pruned_say_so(model, monkeypatch):
    with pytest.raises(UsageError, match="only regressors"):
        check_prunable(build_network("l3-map", 1, 1, {"rows": 64, "width": 64}))
    with pytest.raises(UsageError, match="grouped convolutions"):
        check_prunable(build_network("l3-regnet_y_400mf", 1, 1, {"rows": 64, "width": 64}))
    real = builtins.__import__

    def absent(name, *arguments, **options):
        if name == "torch_pruning":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(DependencyError, match=r"transferseg\[pruning\]"):
        check_prunable(read_package(model).network())
