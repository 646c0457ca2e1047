"""Weights into a target of other labels and channels: values channel by channel, and the report by name and shape."""

from __future__ import annotations

import pytest
import torch
from helpers_networks import build, snapshot

from TransferSegLib.errors import UsageError
from TransferSegLib.networks import state_to_save
from TransferSegLib.strategies import transfer_weights


def test_an_equal_network_is_loaded_whole():
    name, _, source = build("dynunet")
    _, _, module = build("dynunet", seed=7)
    report = transfer_weights(source.state_dict(), module, name, label_map={0: 0, 1: 1, 2: 2}, channel_map=None)
    assert all(torch.equal(a, b) for a, b in zip(source.state_dict().values(), module.state_dict().values()))
    assert set(report.loaded) == set(state_to_save(name, source))
    assert not report.adapted and not report.skipped and not report.new_tensors


@pytest.mark.parametrize(
    ("variant", "head", "axis"),
    [("unet", "model.2.conv", 1), ("dynunet", "output_block.conv.conv", 0), ("segresnet", "conv_final.2.conv", 0)],
)
def test_classes_move_to_their_new_places(variant, head, axis):
    name, _, source = build(variant)
    _, _, module = build(variant, outputs=5, seed=7)
    fresh = snapshot(module)
    report = transfer_weights(source.state_dict(), module, name, label_map={0: 0, 1: None, 2: 1, 4: 2})
    for key, where in ((f"{head}.weight", axis), (f"{head}.bias", 0)):
        old, new = source.state_dict()[key], module.state_dict()[key]
        for target, origin in ((0, 0), (2, 1), (4, 2)):
            assert torch.equal(new.select(where, target), old.select(where, origin))
        for target in (1, 3):
            assert torch.equal(new.select(where, target), fresh[key].select(where, target))
    assert report.new_tensors == {f"{head}.weight", f"{head}.bias"}
    assert {(t.name, t.source_shape[axis], t.target_shape[axis]) for t in report.adapted if "weight" in t.name} == {
        (f"{head}.weight", 3, 5)
    }


def test_reordered_channels_give_the_same_output_and_are_not_new():
    """The independent check: a permuted input through the permuted network is the old network."""
    name, _, source = build("unet")
    _, _, module = build("unet", seed=7)
    order = {0: 2, 1: 0, 2: 3, 3: 1}
    report = transfer_weights(source.state_dict(), module, name, channel_map=order, label_map={0: 2, 1: 0, 2: 1})
    x = torch.randn(1, 4, 32, 32, 32)
    with torch.no_grad():
        expected = source.eval()(x)[:, [2, 0, 1]]
        torch.testing.assert_close(module.eval()(x[:, [2, 0, 3, 1]]), expected, rtol=1e-4, atol=1e-5)
    assert not report.new_tensors
    assert {tensor.name for tensor in report.adapted} == {
        "model.0.conv.weight",
        "model.2.conv.weight",
        "model.2.conv.bias",
    }


def test_a_new_channel_starts_as_the_mean_or_from_scratch():
    name, _, source = build("segresnet")
    old = source.state_dict()["convInit.conv.weight"]
    for origin in ("mean", None):
        _, _, module = build("segresnet", inputs=2, seed=7)
        fresh = snapshot(module)["convInit.conv.weight"]
        report = transfer_weights(source.state_dict(), module, name, channel_map={0: 3, 1: origin})
        new = module.state_dict()["convInit.conv.weight"]
        assert torch.equal(new[:, 0], old[:, 3])
        expected = (old[:, 0] + old[:, 1] + old[:, 2] + old[:, 3]) / 4 if origin == "mean" else fresh[:, 1]
        torch.testing.assert_close(new[:, 1], expected)
        assert report.new_tensors == {"convInit.conv.weight"}


def test_fewer_channels_and_classes_drop_the_rest_and_are_not_new():
    name, _, source = build("unet")
    _, _, module = build("unet", inputs=1, outputs=2, seed=7)
    report = transfer_weights(source.state_dict(), module, name, channel_map={0: 1}, label_map={0: 0, 1: 2})
    assert torch.equal(module.model[0].conv.weight[:, 0], source.model[0].conv.weight[:, 1])
    assert torch.equal(module.model[2].conv.weight[:, 1], source.model[2].conv.weight[:, 2])
    assert not report.new_tensors and len(report.adapted) == 3


def test_what_does_not_fit_is_reported_by_name_and_shape():
    name, _, source = build("unet")
    state = state_to_save(name, source)
    state["model.1.submodule.0.conv.weight"] = torch.zeros(9, 4, 3, 3, 3)
    del state["model.0.conv.bias"]
    state["extra.weight"] = torch.zeros(2)
    _, _, module = build("unet", inputs=2, outputs=4, seed=7)
    report = transfer_weights(state, module, name)
    assert {(t.name, t.source_shape, t.target_shape) for t in report.skipped} == {
        ("model.0.conv.weight", (4, 4, 3, 3, 3), (4, 2, 3, 3, 3)),
        ("model.0.conv.bias", None, (4,)),
        ("model.1.submodule.0.conv.weight", (9, 4, 3, 3, 3), (8, 4, 3, 3, 3)),
        ("model.2.conv.weight", (8, 3, 3, 3, 3), (8, 4, 3, 3, 3)),
        ("model.2.conv.bias", (3,), (4,)),
        ("extra.weight", (2,), None),
    }
    assert report.new_tensors == {t.name for t in report.skipped} - {"extra.weight"}
    assert any("model.2.conv.bias: source (3,), target (4,)" in line for line in report.lines())


def test_a_residual_last_block_maps_both_of_its_axes():
    name, spec, source = build("unet-batchnorm")
    _, _, module = build("unet-batchnorm", seed=7)
    transfer_weights(source.state_dict(), module, name, label_map={0: 1, 1: 2, 2: 0})
    key = next(a.tensor for a in spec.channel_axes(source) if ".unit0." in a.tensor and a.kind == "output")
    order = [1, 2, 0]
    assert torch.equal(module.state_dict()[key], source.state_dict()[key][order][:, order])


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ({"label_map": {7: 0}}, "no target channel 7; use 0 to 2"),
        ({"label_map": {0: 9}}, "no source channel 9; use 0 to 2"),
        ({"channel_map": {0: "median"}}, "'median' is not a channel"),
    ],
)
def test_channels_that_are_not_there_are_refused(maps, message):
    name, _, source = build("unet")
    with pytest.raises(UsageError, match=message):
        transfer_weights(source.state_dict(), build("unet", seed=7)[2], name, **maps)
