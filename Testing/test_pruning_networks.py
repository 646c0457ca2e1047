"""Pruning of every segmentation network: what goes together, the network built anew, its package and groups."""

from __future__ import annotations

import functools
import json

import pytest
import torch
from helpers_networks import VARIANTS, build, snapshot, window

from TransferSegLib.errors import UsageError
from TransferSegLib.networks import build_network, network_spec, parameter_groups, state_to_save
from TransferSegLib.networks.narrowing import widths
from TransferSegLib.packages import Card, Label, read_package, write_package
from TransferSegLib.strategies import apply_strategy, strategy, transfer_weights
from TransferSegLib.training.pruning import (
    MapGroup,
    check_network,
    choose_maps,
    groups_that_stay,
    half_of,
    map_groups,
    without_maps,
)
from TransferSegLib.training.pruning_scores import l1_scores, random_scores, taylor_scores

NAMES = [name for name in VARIANTS if not name.startswith("l3-") and name != "regressor"]
# A group norm's statistics are those of all maps of a group: the others change when one goes.
TIED = ("segresnet", "segresnet2d")


@functools.cache
def pruned(variant: str):
    """A variant without biases behind its filters, half of whose maps are silent and then gone, and the groups."""
    name, _, module = build(variant)
    groups = map_groups(module.eval(), name, VARIANTS[variant][1])
    chosen = {group.name: half_of(group) for group in groups if half_of(group)}
    with torch.no_grad():
        for part in module.modules():
            if isinstance(getattr(part, "bias", None), torch.Tensor):
                part.bias.zero_()
        for group in groups:
            for member, places in group.members:
                silence(module, member, [places[place] for place in chosen.get(group.name, ())])
    smaller, arguments = without_maps(module, name, VARIANTS[variant][1], chosen)
    return module, smaller, arguments, groups, chosen


def silence(module, name: str, places: list[int]) -> None:
    """Filters that give nothing."""
    conv = module.get_submodule(name)
    conv.weight[(slice(None), places) if conv.transposed else places] = 0


@pytest.mark.parametrize("variant", NAMES)
def test_maps_that_are_zero_can_go_without_a_change(variant):
    module, smaller, _, groups, chosen = pruned(variant)
    x, before = window(variant), snapshot(module)
    with torch.no_grad():
        whole, left = module(x), smaller.eval()(x)
    assert left.shape == whole.shape and torch.isfinite(left).all()
    if variant not in TIED:
        torch.testing.assert_close(left, whole, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    name, own = VARIANTS[variant][0], widths(smaller)
    maps = sum(group.maps for group in map_groups(smaller, name, VARIANTS[variant][1]))
    gone = {group.name: len(chosen.get(group.name, ())) for group in groups}
    assert maps == sum(group.maps - gone[group.name] * len(group.members) for group in groups)
    for group in groups:
        assert all(own[member][1] == len(places) - gone[group.name] for member, places in group.members)
    assert sum(p.numel() for p in smaller.parameters()) < 0.8 * sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("variant", NAMES)
def test_a_pruned_network_is_a_network_like_any_other(variant, tmp_path):
    """Its package, groups, strategies, halves and pruning again."""
    _, smaller, arguments, _, _ = pruned(variant)
    name, spec, x = VARIANTS[variant][0], network_spec(VARIANTS[variant][0]), window(variant)
    arguments = json.loads(json.dumps(arguments))
    again = build_network(name, 4, 3, arguments).eval()
    assert {k: v.shape for k, v in again.state_dict().items()} == {k: v.shape for k, v in smaller.state_dict().items()}
    if spec.has_decoder:
        card = card_of(name, arguments, spec.dims)
        write_package(tmp_path / "package", card, state_to_save(name, smaller))
        config = json.loads((tmp_path / "package" / "configs" / "inference.json").read_text())
        assert "network_def" not in config, "no network of MONAI's takes these sizes"
        again = read_package(tmp_path / "package").network()
        with torch.no_grad():
            assert torch.equal(again(x), smaller.eval()(x))
            assert torch.equal(spec.decode(smaller, spec.encode(smaller, x)), smaller(x))
        assert apply_strategy(strategy("freeze-encoder"), name, again).frozen > 0
    found = [value for members in parameter_groups(name, smaller).values() for _, value in members]
    assert {id(p) for p in found} == {id(p) for p in smaller.parameters()} and len(found) == len(set(map(id, found)))
    groups = map_groups(smaller, name, arguments)
    chosen = {group.name: half_of(group) for group in groups if half_of(group)}
    smallest, arguments = without_maps(smaller, name, arguments, chosen)
    with torch.no_grad():
        assert torch.isfinite(smallest.eval()(x)).all()


def card_of(network: str, arguments: dict, dims: int) -> Card:
    return Card(
        name="small",
        description="a model of the tests",
        roles=("flair", "t1", "t1gd", "t2"),
        labels=(Label(1, "lesion", 1),),
        network=network,
        in_channels=4,
        out_channels=3,
        arguments=arguments,
        window=(32,) * dims,
    )


@pytest.mark.parametrize("variant", ["unet-batchnorm", "dynunet", "segresnet", "unet2d-32-64", "mfnet", "petct-light"])
def test_a_pruned_network_takes_other_channels_and_labels(variant):
    _, smaller, arguments, _, _ = pruned(variant)
    name, spec = VARIANTS[variant][0], network_spec(VARIANTS[variant][0])
    other = build_network(name, 5, 4, arguments)
    with torch.no_grad():
        assert other.eval()(window(variant, inputs=5)).shape[1] == 4
    axes = {axis.tensor for axis in spec.channel_axes(other)}
    state = state_to_save(name, smaller)
    report = transfer_weights(state, other, name, label_map={0: 0, 1: 1, 2: 2}, channel_map={n: n for n in range(4)})
    assert not report.skipped and {tensor.name for tensor in report.adapted} <= axes


@pytest.mark.parametrize(
    "variant", ["unet", "dynunet", "segresnet-batchnorm", "unet2d-32-64", "dmfnet2d", "petct-light"]
)
@pytest.mark.parametrize("criterion", ["taylor", "l1"])
def test_filters_that_give_nothing_go_first(variant, criterion):
    name, spec, module = build(variant)
    groups = [g for g in map_groups(module, name, VARIANTS[variant][1]) if g.choices > g.least]
    with torch.no_grad():
        for group in groups:
            for member, places in group.members:
                silence(module, member, [places[place] for place in group.at(1)])
                if module.get_submodule(member).bias is not None:
                    module.get_submodule(member).bias.zero_()
    scores = l1_scores(module)
    if criterion == "taylor":
        truth = torch.randint(0, 3, window(variant).shape[2:], generator=torch.Generator().manual_seed(2))
        batch = (window(variant), truth[None].expand(2, *truth.shape))

        def forward(x):
            return module(x) if spec.supervise is None else spec.supervise(module, list(spec.encode(module, x)))[-1]

        scores = taylor_scores(module, [batch], forward=forward, loss=torch.nn.functional.cross_entropy)
        assert all(float(score.norm()) == pytest.approx(1, rel=1e-3) for n, score in scores.items() if score.any())
        assert all(float(scores[g.name].max()) > 0 for g in groups)
    for group in groups:
        assert float(scores[group.name][group.at(1)].max()) == 0
    chosen = choose_maps(groups, scores, sum(group.cost for group in groups), by_layer=False)
    for group in (group for group in groups if group.name in chosen):  # a filter may give nothing by chance
        assert all(
            float(scores[member][places[place]]) == 0
            for member, places in group.members
            for place in chosen[group.name]
        )
    if variant != "dmfnet2d":
        assert chosen == {group.name: group.at(1) for group in groups}


def test_groups_of_filters_and_of_norms_lose_evenly():
    name, _, module = build("mfnet")
    by_name = {group.name: group for group in map_groups(module, name, VARIANTS["mfnet"][1])}
    grouped = [group for group in by_name.values() if group.fibres > 1]
    assert grouped and all(group.fibres == 4 and group.count % 4 == 0 for group in grouped)
    group = next(group for group in grouped if group.choices > 2)
    scores = random_scores(module, 0)
    chosen = choose_maps([group], scores, 10 * group.cost, by_layer=False)[group.name]
    assert len(chosen) == group.fibres * (group.choices - 2)
    assert len({place % group.choices for place in chosen}) == group.choices - 2
    name, _, module = build("segresnet")
    norms = {group.count: group for group in map_groups(module, name, VARIANTS["segresnet"][1])}
    assert (norms[8].fibres, norms[16].fibres, norms[16].least) == (1, 8, 1)


def test_maps_that_are_added_to_the_image_stay():
    arguments = {"channels": (4, 8, 16), "strides": (1, 2), "num_res_units": 1}
    module = build_network("unet", 4, 3, arguments)
    groups = check_network(module, "unet", arguments)
    stay = groups_that_stay(module, "unet", arguments, groups)
    assert len(stay) == 1 and len(groups) - len(stay) > 0
    assert widths(module)[stay[0]] == [4, 4]


def test_a_network_whose_maps_cannot_go_is_refused():
    arguments = {"channels": (2, 2)}
    module = build_network("unet3d-32-64", 1, 2, arguments)
    with pytest.raises(UsageError, match=r"no map of this unet3d-32-64 can go"):
        check_network(module, "unet3d-32-64", arguments)
    assert half_of(MapGroup("a", 2, (("a", (0, 1)),))) == []


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ({"encoder.9": [1, 1]}, "no module encoder.9"),
        ({"head": [4]}, "expected two numbers"),
        ({"head": [0, 1]}, "expected two numbers"),
        ({"encoder.0.2": [4, 4]}, "only convolutions, norms and PReLUs"),
        (["head"], "no table"),
    ],
)
def test_sizes_that_mean_nothing_are_refused(kept, message):
    with pytest.raises(UsageError, match=message):
        build_network("unet3d-32-64", 1, 2, {"channels": (4, 6), "kept": kept})
