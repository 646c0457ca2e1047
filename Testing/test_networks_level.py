"""Networks that find a level: published sizes, the dense evaluation against the windows it replaces, the map."""

from __future__ import annotations

import pytest
import torch
from helpers_networks import VARIANTS, build, narrow_maps
from hypothesis import given, settings
from hypothesis import strategies as st

from TransferSegLib.errors import InputError, PackageError, UsageError
from TransferSegLib.networks import (
    build_network,
    count_parameters,
    imagenet_state,
    load_imagenet,
    load_state,
    network_names,
    network_spec,
    state_to_save,
)

FEATURES = {
    "l3-alexnet": 2_469_696,
    "l3-vgg16": 14_714_688,
    "l3-vgg19": 20_024_384,
    "l3-googlenet": 5_599_904,
}


def regressor(name: str, rows: int = 70, width: int = 64, *, views: int = 1, only_centre_rows: bool = False):
    """A narrow seeded regressor; with ``only_centre_rows`` no convolution reaches into the padding above and below."""
    torch.manual_seed(1)
    kept = {} if name == "cnn4" else narrow_maps(name)
    module = build_network(f"l3-{name}", views, 1, {"rows": rows, "width": width, "kept": kept}).eval()
    torch.nn.init.normal_(module.head.weight)
    for part in module.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.normal_(part.bias, std=0.1) if part.bias is not None else None
            if only_centre_rows:
                reach = part.kernel_size[0] - part.padding[0]
                with torch.no_grad():
                    part.weight[:, :, : part.padding[0]] = 0
                    part.weight[:, :, reach:] = 0
    return module


def plain(module, x: torch.Tensor, step: int) -> torch.Tensor:
    """Every window on its own (B, n)."""
    tops = range(0, x.shape[2] - module.rows + 1, step)
    return torch.cat([module(x[:, :, top : top + module.rows]) for top in tops], dim=1)


def picture(rows: int, width: int = 64, views: int = 1, batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, views, rows, width, generator=torch.Generator().manual_seed(2))


def test_cnn4_has_the_published_size():
    assert count_parameters(network_spec("l3-cnn4").build(1, 1, rows=100, width=512)) == (48_433, 48_433)


@pytest.mark.parametrize("name", FEATURES)
def test_backbones_have_the_published_feature_parameters(name):
    with torch.device("meta"):
        module = network_spec(name).build(1, 1, rows=100, width=512)
    assert sum(p.numel() for p in module.trunk.parameters()) == FEATURES[name]


@pytest.mark.parametrize("name", ["l3-cnn4", "l3-googlenet"])
@pytest.mark.parametrize(("rows", "width", "views"), [(100, 512, 1), (50, 256, 2), (64, 100, 1)])
def test_heads_fit_the_window_and_begin_at_its_middle(name, rows, width, views):
    offsets = []
    for seed in range(5):
        torch.manual_seed(seed)
        module = build_network(name, views, 1, {"rows": rows, "width": width}).eval()
        assert module.head.in_features == torch.Size(module.feature_size).numel()
        with torch.no_grad():
            offset = module(picture(rows, width, views))
        assert offset.shape == (1, 1)
        offsets.append(offset.item())
    assert all(0 < offset < rows for offset in offsets)  # inside the window, whatever the first weights
    assert abs(sorted(offsets)[2] - rows / 2) < 0.2 * rows


def test_two_views_reach_the_backbone_as_frontal_lateral_frontal():
    module = regressor("vgg16", views=2)
    x = picture(70, views=2)
    shown = module.prepare(x)
    assert torch.equal(shown[:, 0] * 0.229 + 0.485, (x[:, 0] - 0.485) / 0.229 * 0.229 + 0.485)
    torch.testing.assert_close(shown[:, 1], (x[:, 1] - 0.456) / 0.224)
    torch.testing.assert_close(shown[:, 2], (x[:, 0] - 0.406) / 0.225)
    torch.testing.assert_close(regressor("googlenet").prepare(x[:, :1])[:, 2], (x[:, 0] - 0.5) / 0.5)


@pytest.mark.parametrize("step", [1, 2, 4, 8, 16, 32])
@pytest.mark.parametrize("name", ["cnn4", "alexnet", "vgg16", "vgg19"])
def test_phases_are_the_windows_where_nothing_reaches_into_padding(name, step):
    module = regressor(name, only_centre_rows=True)
    finest = max(step if step <= module.stride else module.stride, module.dense_plan.limit)
    if step < finest:
        pytest.skip(f"{name} cannot be evaluated finer than {finest}")
    x = picture(163, batch=2)
    with torch.no_grad():
        torch.testing.assert_close(module.dense(x, step, finest=finest), plain(module, x, step), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("step", [1, 5, 16, 48])
def test_networks_that_are_no_sequence_run_on_shifts(step):
    """GoogLeNet on a projection of 0: its poolings are padded with minus infinity, the rest with the bias alone."""
    module = regressor("googlenet")
    offsets = module.dense(torch.zeros(1, 1, 400, 64) + 0.5, step)
    middle = offsets[0, offsets.shape[1] // 3 : 2 * offsets.shape[1] // 3 + 1]
    assert offsets.shape == (1, (400 - 70) // step + 1) and not module.dense_plan.phased
    torch.testing.assert_close(middle, middle[:1].expand_as(middle), rtol=1e-3, atol=1e-2)


def test_shifts_are_the_windows_far_from_padding():
    module, x = regressor("googlenet", rows=70), picture(230)
    with torch.no_grad():
        assert torch.equal(module.dense(x, 16)[:, 1::2], module.dense(x[:, :, 16:], 32)[:, :5])


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(36, 90), extra=st.integers(0, 70), step=st.integers(1, 40))
def test_the_number_of_windows_is_that_of_the_plain_loop(rows, extra, step):
    module = regressor("cnn4", rows, 33)
    with torch.no_grad():
        x = picture(rows + extra, 33)
        assert module.dense(x, step).shape == plain(module, x, step).shape


def test_steps_that_are_not_evaluated_lie_on_the_line_between_windows():
    module, x = regressor("vgg16"), picture(201)
    with torch.no_grad():
        own = module.dense(x, 4)
        between = module.dense(x, 3)
    assert module.finest == 4 and own.shape == (1, 33) and between.shape == (1, 44)
    for number in range(43):
        left, share = divmod(3 * number, 4)
        expected = own[0, left] if not share else own[0, left] * (1 - share / 4) + own[0, left + 1] * share / 4
        torch.testing.assert_close(between[0, number], expected)
    torch.testing.assert_close(between[0, 43], own[0, 32] - 1)  # top 129, one row below the last window evaluated


def test_a_tall_projection_is_evaluated_in_parts_with_the_same_result():
    module, x = regressor("vgg16", width=32), picture(2500, 32)
    graph = module.dense(x, 4)
    with torch.no_grad():
        torch.testing.assert_close(module.dense(x, 4), graph.detach(), rtol=1e-4, atol=1e-3)
    assert graph.requires_grad


@pytest.mark.parametrize("name", ["cnn4", "vgg16", "googlenet"])
def test_gradients_flow_from_every_window(name):
    module, x = regressor(name), picture(150)
    module.dense(x, module.stride).square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in module.parameters())
    assert any(p.grad.abs().sum() > 0 for p in module.trunk.parameters())


@pytest.mark.parametrize("size", [(37, 41), (64, 64), (101, 32), (33, 250)])
def test_the_map_has_a_value_for_every_row(size):
    module = build("l3-map", inputs=2, outputs=1)[2]
    assert module(picture(*size, views=2, batch=2)).shape == (2, 1, size[0])


def test_any_classifier_of_torchvision_is_there_by_name():
    assert "l3-resnet18" not in network_names()
    module = build_network("l3-resnet18", 1, 1, {"rows": 64, "width": 64}).eval()
    assert [g.name for g in network_spec("l3-resnet18").groups(module)] == [
        "stem",
        "enc1",
        "enc2",
        "enc3",
        "enc4",
        "head",
    ]
    with torch.no_grad():
        assert module.dense(picture(130), 16).shape == (1, 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: network_spec("l3-resnet19"), "use l3-cnn4, .*or l3- and a classifier of torchvision"),
        (lambda: build_network("l3-cnn4", 3, 1), "1 view or 2"),
        (lambda: build_network("l3-cnn4", 1, 2), "and 1 output"),
        (lambda: build_network("l3-vgg16", 1, 1, {"rows": 20}), "use a larger window"),
        (lambda: build_network("l3-vit_b_16", 1, 1), "convolutional backbone"),
        (lambda: build_network("l3-cnn4", 1, 1, {"kept": {"conv9": [3, 4]}}), "no module conv9"),
        (lambda: build_network("l3-cnn4", 1, 1, {"kept": {"conv1": [3, 0]}}), "two numbers of maps"),
        (lambda: regressor("cnn4").dense(picture(69), 1), "at least 70 rows"),
        (lambda: regressor("cnn4").dense(picture(70), 0), "a step from 1"),
        (lambda: regressor("cnn4").dense(picture(70), 1, finest=3), "power of two"),
        (lambda: regressor("cnn4")(picture(71)), "use dense"),
        (lambda: regressor("cnn4")(picture(70, 65)), "as the model's card says"),
    ],
)
def test_refusals_are_one_line(call, message):
    with pytest.raises(UsageError, match=message) as caught:
        call()
    assert "\n" not in caught.value.message


def test_a_narrowed_network_is_rebuilt_from_its_maps_and_loads_strictly():
    name, arguments = VARIANTS["l3-vgg16"]
    module = regressor("vgg16")
    assert module.kept_maps == arguments["kept"]
    again = build_network(name, 1, 1, arguments)
    load_state(name, again, state_to_save(name, module))
    with pytest.raises(PackageError, match="another shape"):
        load_state(name, build_network(name, 1, 1, arguments | {"kept": {}}), state_to_save(name, module))


class TestImageNet:
    def test_a_start_is_never_silently_random(self):
        with pytest.raises(UsageError, match=r"--imagenet FILE, download, hub or none"):
            imagenet_state("vgg16", None)
        assert imagenet_state("vgg16", "none") is None
        assert "as asked" in load_imagenet("l3-vgg16", regressor("vgg16"), "none")
        assert "nobody publishes" in load_imagenet("l3-cnn4", regressor("cnn4"), None)

    @pytest.mark.parametrize("name", ["squeezenet1_1", "googlenet"])
    def test_weights_of_a_file_reach_every_tensor_of_the_trunk(self, name, tmp_path):
        from torchvision.models import get_model

        extra = {"aux_logits": True, "init_weights": False} if name == "googlenet" else {}
        source = get_model(name, weights=None, **extra)
        torch.save(source.state_dict(), tmp_path / "weights.pth")
        module = build_network(f"l3-{name}", 1, 1, {"rows": 64, "width": 64})
        assert "ImageNet weights" in load_imagenet(f"l3-{name}", module, tmp_path / "weights.pth")
        assert all(
            torch.equal(value, source.state_dict()[f"{module.sources[key.split('.')[0]]}.{key.partition('.')[2]}"])
            for key, value in module.trunk.state_dict().items()
        )

    def test_wrong_files_are_refused(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        torch.save({"features.0.weight": torch.zeros(3)}, tmp_path / "other.pth")
        (tmp_path / "text.pth").write_text("no weights")
        for where, words in (("absent.pth", "not found"), ("text.pth", "not readable")):
            with pytest.raises(InputError, match=words):
                imagenet_state("vgg16", tmp_path / where)
        with pytest.raises(InputError, match="not downloaded yet"):
            imagenet_state("vgg16", "hub")
        with pytest.raises(UsageError, match=r"features\.0\.weight is missing or of another shape"):
            load_imagenet("l3-squeezenet1_1", build_network("l3-squeezenet1_1", 1, 1), tmp_path / "other.pth")
