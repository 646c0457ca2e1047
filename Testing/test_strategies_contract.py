"""Every network x strategy: what is frozen stays bit-identical, what is not learns, in fewer steps of the graph."""

from __future__ import annotations

import copy

import pytest
import torch
from helpers_networks import NO_DECODER, VARIANTS, build, registered_regressor, snapshot, window

from TransferSegLib.errors import UsageError
from TransferSegLib.networks import group_of, load_state, network_names, parameter_groups, state_to_save
from TransferSegLib.strategies import apply_strategy, strategy, strategy_names, transfer_weights

LEVELS = {"unet": 4, "unet-batchnorm": 2, "dynunet": 4, "dynunet-batchnorm": 3}
LEVELS |= {"segresnet": 4, "segresnet-batchnorm": 3, "regressor": 2}
LEVELS |= {"unet2d": 2, "segresnet2d": 2}
LEVELS |= {v: VARIANTS[v][0].count("-") - 1 for v in VARIANTS if v.startswith(("unet2d-", "unet3d-"))}
LEVELS |= dict.fromkeys(("dmfnet", "mfnet", "dmfnet2d", "mfnet2d"), 3)
LEVELS |= {"petct": 3, "petct-light": 2, "petct-refiner": 2, "petct-refiner-light": 2}
LEVELS |= {"l3-cnn4": 4, "l3-alexnet": 3, "l3-vgg16": 5, "l3-vgg19": 5, "l3-googlenet": 5, "l3-map": 2}
FIXED = ["scratch", "half-lr", "freeze-encoder", "freeze-decoder", "freeze-both"]
PAIRS = [
    (variant, name)
    for variant in VARIANTS
    for name in [*FIXED, *(f"from-level:{k}" for k in range(1, LEVELS[variant] + 1))]
    if not (variant in NO_DECODER and name in ("freeze-decoder", "freeze-both"))
]


@pytest.fixture(autouse=True, scope="module")
def _regressor():
    with registered_regressor():
        yield


def step(freezing, module, variant="unet", *, steps=2, seed=3):
    """Real optimiser steps, with weight decay, which would move whatever the optimiser was wrongly given."""
    optimiser = torch.optim.AdamW(freezing.trainable_parameters(module), lr=1e-2, weight_decay=0.1)
    torch.manual_seed(seed)
    for _ in range(steps):
        module.train()
        optimiser.zero_grad()
        freezing.forward(module, window(variant)).square().mean().backward()
        optimiser.step()


def grouped(network, module, grouping="anatomical"):
    """Tensor name (parameters and buffers) to group name."""
    from TransferSegLib.networks import groups_of, without_duplicates

    groups = groups_of(network, module, grouping)
    return {key: group_of(key, groups).name for key in without_duplicates(network, module.state_dict())}


def test_the_contract_covers_every_network_and_strategy():
    assert {VARIANTS[variant][0] for variant, _ in PAIRS} == set(network_names())
    assert {name.split(":")[0] for _, name in PAIRS} == {name.split(":")[0] for name in strategy_names()}


@pytest.mark.parametrize(("variant", "name"), PAIRS)
def test_frozen_is_bit_identical_and_the_rest_learns(variant, name):
    network, spec, module = build(variant)
    freezing = apply_strategy(strategy(name), network, module)
    expected = {
        "freeze-encoder": {g.name for g in spec.groups(module) if g.half == "encoder"},
        "freeze-decoder": {g.name for g in spec.groups(module) if g.half == "decoder"},
        "freeze-both": {g.name for g in spec.groups(module) if g.half},
    }.get(name, set())
    if name.startswith("from-level"):
        expected = {"stem", *(f"enc{i}" for i in range(1, int(name.split(":")[1])))}
    assert set(freezing.frozen_groups) == expected
    before = snapshot(module)
    step(freezing, module, variant)
    after, groups = module.state_dict(), grouped(network, module)
    moved = {groups[key] for key in groups if not torch.equal(before[key], after[key])}
    filled = {group for group, members in parameter_groups(network, module).items() if members}
    assert moved == filled - expected
    assert freezing.total == sum(p.numel() for p in module.parameters())
    assert freezing.frozen == sum(p.numel() for n, p in module.named_parameters() if groups[n] in expected)
    assert freezing.trainable + freezing.frozen == freezing.total
    assert all(p.grad is None for p in module.parameters() if not p.requires_grad)


@pytest.mark.parametrize("name", ["freeze-encoder", "freeze-decoder", "freeze-both"])
@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.split("-")[0] in ("unet", "dynunet")])
def test_the_published_grouping_freezes_as_well(variant, name):
    network, _, module = build(variant)
    freezing = apply_strategy(strategy(name), network, module, grouping="poster")
    before = snapshot(module)
    step(freezing, module)
    after, groups = module.state_dict(), grouped(network, module, "poster")
    moved = {groups[key] for key in groups if not torch.equal(before[key], after[key])}
    assert moved & set(freezing.frozen_groups) == set() and moved and freezing.frozen_groups


@pytest.mark.parametrize(("variant", "name"), PAIRS)
def test_forward_and_gradients_are_those_of_the_module_itself(variant, name):
    network, _, module = build(variant)
    freezing = apply_strategy(strategy(name), network, module)
    module.train()
    results = []
    for call in (lambda: freezing.forward(module, window(variant)), lambda: module(window(variant))):
        module.zero_grad()
        torch.manual_seed(4)
        output = call()
        output.square().mean().backward()
        # Heads of the deep supervision (petct) take no part in the module's own output.
        learning = {n: p for n, p in module.named_parameters() if p.requires_grad and "supervision." not in n}
        results.append((output, {n: p.grad.clone() for n, p in learning.items()}))
    (one, gradients), (other, references) = results
    assert torch.equal(one, other)
    assert gradients.keys() == references.keys()
    for key, gradient in gradients.items():
        torch.testing.assert_close(gradient, references[key], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("variant", "name"), [p for p in PAIRS if p[1].startswith(("freeze-", "from-level"))])
def test_the_frozen_prefix_runs_without_a_graph(variant, name):
    network, spec, module = build(variant)
    freezing = apply_strategy(strategy(name), network, module)
    seen: list[tuple[bool, bool]] = []
    stages = spec.encode_stages(module)
    blocks = [stage for stage in stages if isinstance(stage, torch.nn.Module)]
    for block in blocks:
        block.register_forward_hook(lambda m, i, o: seen.append((torch.is_grad_enabled(), o.requires_grad)))
    assert freezing.forward(module, window(variant)).requires_grad
    without = 0 if name == "freeze-decoder" else len(stages)
    if name.startswith("from-level"):
        without = int(name.split(":")[1])
    assert freezing.frozen_stages == without and freezing.frozen_prefix == (without > 0)
    assert freezing.frozen_encoder == (without == len(stages))
    without = max(without - (len(stages) - len(blocks)), 0)  # a stem that is a function has no hook
    assert seen[:without] == [(False, False)] * without
    assert all(flags == (True, True) for flags in seen[without:])


@pytest.mark.parametrize(("variant", "name"), PAIRS)
def test_frozen_parts_stay_in_eval_mode_whatever_is_called(variant, name):
    network, spec, module = build(variant)
    freezing = apply_strategy(strategy(name), network, module)
    groups = spec.groups(module)

    def check(root):
        for part_name, part in root.named_modules():
            group = group_of(part_name, groups)
            if group is not None:
                assert part.training == (group.name not in freezing.frozen_groups), part_name

    check(module.train())
    module.eval()
    torch.nn.Sequential(module).train()
    check(module)
    for part in module.modules():
        part.train()
    check(module)
    twin = copy.deepcopy(module)
    assert twin.train() is twin
    check(twin)
    for part, other in zip(module.modules(), twin.modules()):
        assert other.train() is other and part is not other
    assert not any(part.training for part in module.eval().modules())


@pytest.mark.parametrize("variant", VARIANTS)
def test_another_strategy_replaces_the_first(variant):
    network, _, module = build(variant)
    apply_strategy(strategy("freeze-encoder"), network, module)
    freezing = apply_strategy(strategy("half-lr"), network, module)
    assert freezing.frozen == 0 and all(p.requires_grad for p in module.parameters())
    assert all(part.training for part in module.train().modules())


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", FIXED)
def test_transfer_to_other_labels_and_channels_then_learn_then_save(variant, name):
    """The whole way: source to a target with a class and a channel more, frozen, trained, saved, loaded."""
    if variant in NO_DECODER and name in ("freeze-decoder", "freeze-both"):
        pytest.skip("refused: no decoder")
    network, spec, source = build(variant)
    _, _, module = build(variant, inputs=5, outputs=4, seed=7)
    report = transfer_weights(
        source.state_dict(),
        module,
        network,
        label_map={0: 0, 1: 2, 2: 1, 3: None},
        channel_map={0: 3, 1: 2, 2: 1, 3: 0, 4: "mean"},
    )
    changed = {axis.tensor for axis in spec.channel_axes(module)}
    assert report.new_tensors == changed and not report.skipped
    assert set(report.loaded) == {key for key in state_to_save(network, module)} - changed
    freezing = apply_strategy(strategy(name), network, module, new_tensors=report.new_tensors)
    assert not set(freezing.frozen_tensors) & changed
    owners = {key.rpartition(".")[0] for key in changed}  # modules with a new tensor learn as a whole
    before = snapshot(module)
    optimiser = torch.optim.AdamW(freezing.trainable_parameters(module), lr=1e-2)
    module.train()
    freezing.forward(module, window(variant, inputs=5)).square().mean().backward()
    optimiser.step()
    after, groups = module.state_dict(), grouped(network, module)
    for key in groups:
        if groups[key] in freezing.frozen_groups and key.rpartition(".")[0] not in owners:
            assert torch.equal(before[key], after[key]), key
    assert all(not torch.equal(before[key], after[key]) for key in changed if key.endswith("conv.weight"))
    _, _, other = build(variant, inputs=5, outputs=4, seed=8)
    load_state(network, other, state_to_save(network, module))
    with torch.no_grad():
        assert torch.equal(other.eval()(window(variant, inputs=5)), module.eval()(window(variant, inputs=5)))


@pytest.mark.parametrize("name", ["freeze-decoder", "freeze-both"])
def test_a_network_without_a_decoder_refuses_with_the_reason_and_is_left_alone(name):
    network, _, module = build("regressor")
    apply_strategy(strategy("freeze-encoder"), network, module)
    flags = [p.requires_grad for p in module.parameters()]
    reason = (
        r"has no decoder \(its groups are stem, enc1, head\); use one of scratch, half-lr, freeze-encoder, head-only"
    )
    with pytest.raises(UsageError, match=reason):
        apply_strategy(strategy(name), network, module)
    assert [p.requires_grad for p in module.parameters()] == flags


def test_trainable_norms_do_move_their_statistics():
    """The counter-check of the frozen statistics: outside the frozen groups they follow the data."""
    network, _, module = build("unet-batchnorm")
    freezing = apply_strategy(strategy("freeze-encoder"), network, module)
    before = snapshot(module)
    step(freezing, module, steps=1)
    moved = [k for k, v in module.state_dict().items() if "running_mean" in k and not torch.equal(before[k], v)]
    assert moved and not any(key.startswith("model.0") for key in moved)


def test_a_frozen_tensor_that_is_new_learns_with_its_own_module():
    network, _, module = build("regressor")
    freezing = apply_strategy(strategy("freeze-encoder"), network, module, new_tensors={"level.1.weight"})
    module.train()
    assert module.level[1].training and not module.level[3].training and not module.stem[1].training
    assert freezing.frozen_stages == 1 and "level.1.weight" not in freezing.frozen_tensors
