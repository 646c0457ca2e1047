"""State dicts: saved without repetition, loaded with a check of every name and shape."""

from __future__ import annotations

import pytest
import torch
from helpers_networks import VARIANTS, build, registered_regressor, snapshot, window
from monai.networks.nets import DynUNet

from TransferSegLib.errors import PackageError
from TransferSegLib.networks import load_state, network_spec, state_to_save


@pytest.fixture(autouse=True, scope="module")
def _regressor():
    with registered_regressor():
        yield


@pytest.mark.parametrize("variant", VARIANTS)
def test_saved_weights_give_the_same_output_again(variant, tmp_path):
    name, _, module = build(variant)
    module.train()
    module(window(variant))  # moves running statistics, which must be saved too
    torch.save(state_to_save(name, module), tmp_path / "model.pt")
    _, _, other = build(variant, seed=9)
    load_state(name, other, torch.load(tmp_path / "model.pt", weights_only=True))
    with torch.no_grad():
        assert torch.equal(module.eval()(window(variant)), other.eval()(window(variant)))


def test_dynunet_is_saved_once_and_loaded_from_both_forms():
    name, _, module = build("dynunet")
    saved = state_to_save(name, module)
    assert not any(key.startswith("skip_layers") for key in saved)
    assert sum(value.numel() for value in saved.values()) == sum(p.numel() for p in module.parameters())
    for state in (saved, module.state_dict()):
        _, _, other = build("dynunet", seed=9)
        load_state(name, other, state)
        assert all(torch.equal(a, b) for a, b in zip(module.state_dict().values(), other.state_dict().values()))


def test_a_snapshot_does_not_move_with_the_module():
    name, _, module = build("unet")
    saved = state_to_save(name, module)
    with torch.no_grad():
        module.model[0].conv.weight.add_(1)
    assert not torch.equal(saved["model.0.conv.weight"], module.model[0].conv.weight)


def test_deep_supervision_is_left_out_of_foreign_weights():
    arguments = VARIANTS["dynunet"][1] | {"deep_supervision": True, "deep_supr_num": 2}
    foreign = DynUNet(spatial_dims=3, in_channels=4, out_channels=3, **arguments).eval()
    own = network_spec("dynunet").build(4, 3, **arguments).train()
    load_state("dynunet", own, foreign.state_dict())
    assert own(window()).ndim == 5, "no stack of supervised outputs in training"
    with torch.no_grad():
        assert torch.equal(own.eval()(window()), foreign(window()))


@pytest.mark.parametrize("fault", ["missing", "surplus", "shape"])
def test_wrong_weights_are_named_and_change_nothing(fault):
    name, _, module = build("unet")
    state = state_to_save(name, build("unet", seed=9)[2])
    if fault == "missing":
        del state["model.0.conv.weight"]
    elif fault == "surplus":
        state["model.9.conv.weight"] = torch.zeros(1)
    else:
        state["model.0.conv.weight"] = torch.zeros(4, 3, 3, 3, 3)
    before = snapshot(module)
    with pytest.raises(PackageError, match=r"models/model\.pt: .*model\.[09]\.conv\.weight") as caught:
        load_state(name, module, state, what="models/model.pt")
    if fault == "shape":
        assert "(4, 3, 3, 3, 3) instead of (4, 4, 3, 3, 3)" in caught.value.message
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
