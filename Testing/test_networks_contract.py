"""Every network of the registry: groups, halves, channel axes, encode and decode."""

from __future__ import annotations

import pytest
import torch
from helpers_networks import REGRESSOR, VARIANTS, build, registered_regressor, window
from torch import nn

from TransferSegLib.errors import TransferSegError, UsageError
from TransferSegLib.networks import (
    Group,
    build_network,
    count_parameters,
    group_of,
    network_divisor,
    network_names,
    network_of_target,
    network_spec,
    parameter_groups,
    register,
    without_duplicates,
)


@pytest.fixture(autouse=True, scope="module")
def _regressor():
    with registered_regressor():
        yield


def test_every_registered_network_is_in_the_contract():
    assert {name for name, _ in VARIANTS.values()} >= set(network_names())


PUBLISHED = {
    "unet": 125_229,
    "dynunet": 16_546_341,
    "segresnet": 4_702_227,
    "unet2d-64-128-256-512": 7_696_193,
    "unet2d-32-64-128-256": 1_925_025,
    "unet2d-32-64-128": 465_953,
    "unet2d-32-64": 100_961,
    "dmfnet": 3_875_890,
    "mfnet": 3_194_784,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_defaults_are_the_published_networks(name):
    spec = network_spec(name)
    with torch.device("meta"):
        counts = count_parameters(spec.build(*spec.default_channels))
    assert counts == (PUBLISHED[name], 33_092_517 if name == "dynunet" else PUBLISHED[name])


@pytest.mark.parametrize("variant", VARIANTS)
def test_groups_hold_every_parameter_once(variant):
    name, spec, module = build(variant)
    for grouping in spec.groupings:
        found = [parameter for members in parameter_groups(name, module, grouping).values() for _, parameter in members]
        assert len({id(p) for p in found}) == len(found)
        assert {id(p) for p in found} == {id(p) for p in module.parameters()}
        for group in spec.groups(module, grouping):
            for prefix in group.prefixes:
                named = [n for n, _ in [*module.named_modules(), *module.named_parameters()]]
                assert prefix == "dropout" or prefix in named, f"{grouping}: {prefix} names nothing"


@pytest.mark.parametrize("variant", VARIANTS)
def test_groups_are_ordered_and_named_as_the_design_says(variant):
    _, spec, module = build(variant)
    groups = spec.groups(module)
    names = [group.name for group in groups]
    levels = sum(name.startswith("enc") for name in names)
    ups = sum(name.startswith("dec") for name in names)
    middle = ["bottleneck", *(f"dec{i}" for i in range(ups, 0, -1))] if spec.has_decoder else []
    assert names == ["stem", *(f"enc{i}" for i in range(1, levels + 1)), *middle, "head"]
    for group in groups:
        half = {"stem": "encoder", "enc": "encoder", "dec": "decoder"}.get(group.name.rstrip("0123456789"))
        assert group.half == half
    assert [g.level for g in groups if g.level is not None] == list(range(levels + 1))
    assert any(g.half == "decoder" for g in groups) == spec.has_decoder
    assert len(spec.encode_stages(module)) == levels + 1


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("variant", VARIANTS)
def test_decode_of_encode_is_forward_to_the_bit(variant, training):
    _, spec, module = build(variant)
    module.train(training)
    with torch.no_grad():
        torch.manual_seed(5)
        whole = module(window(variant))
        torch.manual_seed(5)
        features = spec.encode(module, window(variant))
        assert torch.equal(spec.decode(module, features), whole)
        owned = list(features)
        torch.manual_seed(5)
        spec.decode(module, owned)
    assert len(features) >= 1
    assert not owned, "decode must empty a list, so that skips are freed"


@pytest.mark.parametrize("variant", VARIANTS)
def test_channel_axes_are_the_axes_that_channels_change(variant):
    """Found independently: build with one channel more and look which sizes grow."""
    network, spec, module = build(variant)
    shapes = {name: value.shape for name, value in without_duplicates(network, module.state_dict()).items()}
    for kind, larger in (("input", build(variant, inputs=5)[2]), ("output", build(variant, outputs=4)[2])):
        grown = {
            (name, axis)
            for name, value in without_duplicates(network, larger.state_dict()).items()
            for axis, size in enumerate(value.shape)
            if size != shapes[name][axis]
        }
        assert grown == {(a.tensor, a.axis) for a in spec.channel_axes(module) if a.kind == kind}


@pytest.mark.parametrize("variant", [v for v in VARIANTS if not v.startswith("l3-")])
def test_divisor_is_what_windows_must_be_a_multiple_of(variant):
    name, arguments = VARIANTS[variant]
    module = build(variant)[2]
    divisor = network_divisor(name, arguments)
    with torch.no_grad():
        x = torch.randn(1, 4, *[times * divisor for times in (1, 2, 3)[: network_spec(name).dims]])
        assert module.eval()(x).shape[2:] in (x.shape[2:], ())
    assert network_spec("unet").divisor == 16 and network_spec("segresnet").divisor == 8


def test_a_group_is_found_by_the_longest_prefix_at_a_dot():
    groups = (Group("a", ("model.1",)), Group("b", ("model.1.conv",)))
    assert group_of("model.1.conv.weight", groups).name == "b"
    assert group_of("model.1.norm.weight", groups).name == "a"
    assert group_of("model.10.conv.weight", groups) is None


def test_a_parameter_that_no_group_covers_is_an_error():
    module = REGRESSOR.build(4, 1)
    module.extra = nn.Linear(1, 1)
    with pytest.raises(TransferSegError, match=r"no anatomical group has the parameter extra\.weight"):
        parameter_groups("test-regressor", module)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: network_spec("resnet"), "use one of unet, dynunet, segresnet"),
        (lambda: build_network("unet", 0, 2), "use 1 or more"),
        (lambda: build_network("unet", 4, 2, {"channels": (4, 8)}), "cannot be built"),
        (lambda: build_network("unet", 4, 2, {"channels": (4, 8), "strides": (2,), "depth": 3}), "argument depth"),
        (lambda: network_spec("segresnet").groups(build("segresnet")[2], "poster"), "published table has no such"),
        (lambda: register(REGRESSOR), "name is taken"),
    ],
)
def test_refusals_are_one_line(call, message):
    with pytest.raises(UsageError, match=message) as caught:
        call()
    assert "\n" not in caught.value.message


def test_bundle_targets_are_allowed_by_name_only():
    assert network_of_target("UNet") == "unet"
    assert network_of_target("monai.networks.nets.SegResNet") == "segresnet"
    assert network_of_target("monai.networks.nets.dynunet.DynUNet") == "dynunet"
    assert network_of_target("evil.monai.networks.nets.UNet") is None
    assert network_of_target("torch.load") is None
    assert network_of_target("SegResNetDS") is None


def test_arguments_replace_the_defaults_as_a_bundle_means_them():
    """A bundle that leaves out dropout means MONAI's default (none), not ours (0.2)."""
    given = build_network("segresnet", 4, 3, {"init_filters": 8})
    assert given.dropout_prob is None
    assert build_network("segresnet", 4, 3).dropout_prob == 0.2
