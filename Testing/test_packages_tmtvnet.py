"""A checkpoint under TMTV-Net's names becomes a package that computes the same; what does not fit is refused."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from torch import nn

from TransferSegLib.errors import PackageError, UsageError
from TransferSegLib.jobs.models import models_import
from TransferSegLib.packages import Card, find_package, import_tmtvnet, is_checkpoint, read_package
from TransferSegLib.packages.tmtvnet import ensemble_of

CHANNELS = (32, 64, 96, 128, 156)


class Named(nn.Module):
    """A module that holds others under the names of the public program."""

    def __init__(self, **children: nn.Module) -> None:
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)


def conv(a: int, b: int, k: int, stride: int = 1, bias: bool = True) -> nn.Conv3d:
    return nn.Conv3d(a, b, k, stride, k // 2, bias=bias)


def block(a: int, b: int, k: int = 3, stride: int = 1, *, bias: bool = True, plain: bool = False) -> Named:
    """conv, norm, leaky ReLU as ``ops.0.ops.0``, ``ops.1``."""
    ops = [Named(ops=nn.Sequential(conv(a, b, k, stride, bias)))]
    ops += [] if plain else [nn.InstanceNorm3d(b, affine=True), nn.LeakyReLU(0.01)]
    return Named(ops=nn.Sequential(*ops))


def run(part: Named, x: torch.Tensor) -> torch.Tensor:
    for op in part.ops:
        x = op.ops[0](x) if isinstance(op, Named) else op(x)
    return x


class Theirs(nn.Module):
    """Stage 1 written anew from the method sheet, under the public names."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(CHANNELS))
        ups = []
        for a, b in reversed(pairs):
            up = nn.Sequential(
                nn.Upsample(scale_factor=2, mode="trilinear"),
                conv(b, a, 3),
                nn.InstanceNorm3d(a, affine=True),
                nn.LeakyReLU(0.01),
            )
            ups.append(Named(ops=Named(ops_deconv=Named(ops=up), ops_conv=block(2 * a, a))))
        backbone = Named(
            downs=nn.ModuleList(Named(ops=block(a, b, 3, 2)) for a, b in pairs),
            init_block=block(5, 32),
            middle_block=Named(ops=block(156, 156, 9)),
            ups=nn.ModuleList(ups),
            output=block(32, 2, 3, plain=True),
        )
        outputs = nn.ModuleList(block(c, 2, 1, plain=True) for c in (128, 96, 64, 32))
        self.model = Named(backbone=backbone, outputs=outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        net = self.model.backbone
        skips = [run(net.init_block, x)]
        for down in net.downs:
            skips.append(run(down.ops, skips[-1]))
        x = run(net.middle_block.ops, skips.pop())
        for up in net.ups:
            x = up.ops.ops_deconv.ops(x)
            x = run(up.ops.ops_conv, torch.cat([skips.pop(), x], 1))
        return run(self.model.outputs[-1], x)


class TheirRefiner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        blocks = [
            Named(
                block_1=block(32, 32, bias=False),
                block_2=Named(
                    ops=nn.Sequential(
                        Named(ops=nn.Sequential(conv(32, 32, 3, bias=False))), nn.InstanceNorm3d(32, affine=True)
                    )
                ),
            )
            for _ in range(4)
        ]
        self.model = Named(ops=nn.Sequential(block(6, 32, 9, bias=False), *blocks, block(32, 2, 1, bias=False)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, *blocks, last = self.model.ops
        x = run(first, x)
        for part in blocks:
            x = nn.functional.leaky_relu(x + run(part.block_2, run(part.block_1, x)), 0.01)
        return run(last, x)


@pytest.fixture(scope="module")
def theirs() -> tuple[Theirs, TheirRefiner]:
    torch.manual_seed(3)
    return Theirs().eval(), TheirRefiner().eval()


@pytest.fixture(scope="module")
def checkpoint(theirs, tmp_path_factory):
    """An ensemble of two members with its linear stacking, and a refiner."""
    folder = tmp_path_factory.mktemp("tmtvnet")
    torch.manual_seed(4)
    other, stacking = Theirs().eval(), nn.Conv3d(2, 2, 1)
    state = {f"base_models.{n}.{k}": v for n, m in enumerate((theirs[0], other)) for k, v in m.state_dict().items()}
    state |= {f"staking_blocks.{k}": v for k, v in stacking.state_dict().items()}
    torch.save(state, folder / "ensemble.model")
    torch.save({"state_dict": theirs[1].state_dict()}, folder / "refiner.model")
    torch.save(theirs[0].state_dict(), folder / "single.pt")
    return folder, (theirs[0], other, stacking)


def window(channels: int) -> torch.Tensor:
    return torch.rand(1, channels, 32, 32, 32, generator=torch.Generator().manual_seed(1))


def test_one_network_and_the_refiner_compute_the_same(theirs, checkpoint, tmp_path):
    folder, _ = checkpoint
    package = import_tmtvnet(folder / "single.pt", tmp_path / "a", name="a", refiner=folder / "refiner.model")
    module = package.network()
    with torch.no_grad():
        torch.testing.assert_close(module(window(5)), theirs[0](window(5)), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(module.refiner(window(6)), theirs[1](window(6)), rtol=1e-4, atol=1e-5)
    assert package.card.refiner["window"] == [96, 96, 96] and package.card.spacing == (6.0, 6.0, 6.0)
    assert "whoever holds the weights" in package.card.licence


def test_an_ensemble_keeps_its_learned_combination(checkpoint, private_home):
    folder, (one, two, stacking) = checkpoint
    result = models_import(folder / "ensemble.model", name="tmtv-ensemble", refiner=folder / "refiner.model")
    package = find_package("tmtv-ensemble")
    assert result["path"] == str(package.folder) and package.card.members == 2
    assert package.card.combination == "linear"
    with torch.no_grad():
        found = package.network()(window(5))
        lesion = torch.cat([m(window(5)).softmax(1)[:, 1:2] for m in (one, two)], 1)
        torch.testing.assert_close(found, stacking(lesion), rtol=1e-4, atol=1e-5)
    metadata = json.loads((package.folder / "configs" / "metadata.json").read_text())
    assert metadata["network_data_format"]["inputs"]["image"]["num_channels"] == 5
    assert Card.from_json(metadata["transferseg"], where="x") == package.card
    with pytest.raises(UsageError, match="exists already"):
        models_import(folder / "ensemble.model", name="tmtv-ensemble")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {k: v for k, v in s.items() if "middle" not in k}, "not named as TMTV-Net's first stage"),
        (lambda s: {k: v for k, v in s.items() if "init_block" not in k}, "lacks stem"),
        (lambda s: s | {"model.backbone.attention.weight": torch.zeros(3)}, "such as model.backbone.attention.weight"),
        (lambda s: {k: v[:, :3] if "init_block" in k and v.ndim == 5 else v for k, v in s.items()}, "another shape"),
        (lambda s: {k: v * float("nan") if "outputs.3" in k else v for k, v in s.items()}, "NaN"),
    ],
)
def test_what_does_not_fit_is_one_line(theirs, tmp_path, change, message):
    torch.save(change(theirs[0].state_dict()), tmp_path / "x.pt")
    with pytest.raises(PackageError, match=message) as caught:
        import_tmtvnet(tmp_path / "x.pt", tmp_path / "out", name="x")
    assert "\n" not in caught.value.message and not (tmp_path / "out").exists()


def test_code_and_a_lone_refiner_are_refused(checkpoint, tmp_path):
    folder, _ = checkpoint
    torch.save({"model": nn.Linear(2, 2)}, tmp_path / "module.pt")
    assert is_checkpoint(tmp_path / "module.pt")
    with pytest.raises(PackageError, match="more than tensors"):
        models_import(tmp_path / "module.pt", name="module")
    with pytest.raises(PackageError, match="not named as TMTV-Net's first stage"):
        models_import(folder / "refiner.model", name="lone")
    with pytest.raises(UsageError, match="no such file of weights"):
        models_import(folder / "single.pt", name="lone", refiner=folder / "none.pt")


def test_wrappers_around_the_names_do_not_matter(theirs):
    state = {f"module.net.{k}": v for k, v in theirs[0].state_dict().items()}
    members, combine = ensemble_of(state, where="x")
    assert combine is None and len(members) == 1
    assert np.array_equal(
        members[0]["stem.0.weight"], theirs[0].model.backbone.init_block.ops[0].ops[0].weight.detach()
    )


def test_a_package_whose_parts_are_not_its_cards_is_refused(checkpoint, tmp_path):
    folder, _ = checkpoint
    import_tmtvnet(folder / "single.pt", tmp_path / "p", name="p", refiner=folder / "refiner.model")
    file = tmp_path / "p" / "configs" / "metadata.json"
    metadata = json.loads(file.read_text())
    metadata["transferseg"]["members"] = 2
    file.write_text(json.dumps(metadata))
    with pytest.raises(PackageError, match=r"its parts are not those of its card \(members\.1\)"):
        read_package(tmp_path / "p").network()
