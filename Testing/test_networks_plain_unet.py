"""The plain U-Nets in 2-D and 3-D: any widths, one ReLU a block or two, norms without parameters, kept features."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from TransferSegLib.errors import UsageError
from TransferSegLib.networks import build_network, count_parameters, network_divisor, network_names, network_spec
from TransferSegLib.strategies import apply_strategy, strategy

torch.set_num_threads(1)


@pytest.mark.parametrize("dims", [2, 3])
def test_one_relu_a_block_or_two_with_the_same_parameters(dims):
    name = f"unet{dims}d-8-16-32"
    twice = build_network(name, 1, 2)
    once = build_network(name, 1, 2, {"activation": "once"})
    assert count_parameters(once) == count_parameters(twice)
    relus = [sum(isinstance(m, nn.ReLU) for m in module.modules()) for module in (once, twice)]
    assert relus == [5, 10]
    x = torch.randn(1, 1, *(16, 16, 16)[:dims])
    with torch.no_grad():
        assert (twice.encoder[0](x) >= 0).all() and (once.encoder[0](x) < 0).any()


def test_norms_have_no_parameters_and_keep_no_statistics():
    module = build_network("unet2d-8-16", 1, 1)
    norms = [m for m in module.modules() if isinstance(m, nn.InstanceNorm2d)]
    assert len(norms) == 6 and not any(m.state_dict() for m in norms)


def test_any_widths_by_name_and_by_argument():
    by_name = build_network("unet2d-6-12-24", 1, 3)
    by_argument = build_network("unet2d-32-64", 1, 3, {"channels": [6, 12, 24]})
    shapes = [{key: v.shape for key, v in m.state_dict().items()} for m in (by_name, by_argument)]
    assert shapes[0] == shapes[1]
    assert network_spec("unet2d-6-12-24") is network_spec("unet2d-6-12-24")
    assert "unet2d-6-12-24" not in network_names()
    assert network_divisor("unet2d-32-64") == 2
    assert network_divisor("unet2d-32-64", {"activation": "once"}) == 2
    assert network_divisor("unet2d-32-64", {"channels": [6, 12, 24]}) == 4


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("unet2d-32", {}, "does not exist"),
        ("unet4d-32-64", {}, "does not exist"),
        ("unet2d-0-64", {}, "does not exist"),
        ("unet2d-32-64", {"channels": [8]}, "give two widths or more"),
        ("unet2d-32-64", {"activation": "never"}, "use one of twice, once"),
        ("unet2d-32-64", {"spatial_dims": 1}, "1 spatial dimensions; use 2 or 3"),
    ],
)
def test_refusals_are_one_line(name, arguments, message):
    with pytest.raises(UsageError, match=message) as caught:
        build_network(name, 1, 1, arguments)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ["unet2d-4-8-12", "unet3d-4-8"])
def test_kept_features_of_a_frozen_encoder_serve_again(name):
    """What the feature bank does: the frozen features are computed once and decoded step after step."""
    spec, module = network_spec(name), build_network(name, 2, 3)
    freezing = apply_strategy(strategy("freeze-encoder"), name, module)
    assert freezing.frozen_encoder
    x = torch.randn(2, 2, *(16, 16, 16)[: spec.dims])
    with torch.no_grad():
        features = tuple(f.detach() for f in spec.encode(module, x))
    kept = [f.clone() for f in features]
    optimiser = torch.optim.Adam(freezing.trainable_parameters(module), 1e-2)
    for _ in range(2):
        logits = spec.decode(module, features)
        assert torch.equal(logits, module(x))
        optimiser.zero_grad()
        logits.square().mean().backward()
        optimiser.step()
    assert all(torch.equal(a, b) for a, b in zip(features, kept))
