"""Foreign MONAI bundles, in the form of the zoo's BraTS bundle: read as data or refused with the reason."""

import json
from pathlib import Path

import pytest
import torch

from TransferSegLib.errors import PackageError
from TransferSegLib.jobs.models import models_import
from TransferSegLib.packages import find_package, import_bundle

NETWORK = {
    "_target_": "SegResNet",
    "blocks_down": [1, 2, 2, 4],
    "blocks_up": [1, 1, 1],
    "init_filters": 16,
    "in_channels": 4,
    "out_channels": 3,
    "dropout_prob": 0.2,
}


def bundle(folder: Path, **changes) -> Path:
    """A bundle with the zoo's configuration (BraTS MRI segmentation 0.5.2) and random weights."""
    from monai.networks.nets import SegResNet

    metadata = {
        "version": "0.5.2",
        "monai_version": "1.4.0",
        "name": "BraTS MRI segmentation",
        "task": "Multimodal Brain Tumor segmentation",
        "description": "subregions",
        "copyright": "Copyright (c) MONAI Consortium",
        "eval_metrics": {"val_mean_dice": 0.8518},
        "network_data_format": {
            "inputs": {"image": {"channel_def": {"0": "T1c", "1": "T1", "2": "T2", "3": "FLAIR"}}},
            "outputs": {"pred": {"channel_def": {"0": "Tumor core", "1": "Whole tumor", "2": "Enhancing tumor"}}},
        },
    }
    config = {
        "imports": ["$import os", "$open('/tmp/transferseg-ran', 'w')"],
        "network_def": NETWORK,
        "network": "$@network_def.to(@device)",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image"},
                {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True},
            ],
        },
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [240, 240, 160], "overlap": 0.5},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
                {"_target_": "Lambdad", "keys": "pred", "func": "$lambda x: x"},
            ],
        },
    } | changes
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    arguments = {k: v for k, v in NETWORK.items() if k != "_target_"}
    torch.save(SegResNet(spatial_dims=3, **arguments).state_dict(), folder / "models" / "model.pt")
    return folder


def test_the_zoos_brats_bundle_is_understood(tmp_path):
    from monai.networks.nets import SegResNet

    source = bundle(tmp_path / "zoo")
    package = import_bundle(source, tmp_path / "ours", name="brats")
    card = package.card
    assert card.roles == ("t1gd", "t1", "t2", "flair")
    assert card.output == "sigmoid" and card.axes == "ijk" and card.normalisation == "zscore-nonzero"
    assert [(label.name, label.value, label.channel) for label in card.labels] == [
        ("oedema", 2, 1),
        ("necrosis", 1, 0),
        ("tumour", 4, 2),
    ]
    assert not Path("/tmp/transferseg-ran").exists()
    reference = SegResNet(spatial_dims=3, **{k: v for k, v in NETWORK.items() if k != "_target_"}).eval()
    reference.load_state_dict(torch.load(source / "models" / "model.pt", weights_only=True))
    x = torch.randn(1, 4, 16, 16, 16)
    with torch.no_grad():
        assert torch.allclose(package.network()(x), reference(x), atol=1e-6)


def test_import_by_the_job(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    models_import(bundle(tmp_path / "zoo"), name="brats")
    assert find_package("brats").card.network == "segresnet"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network_def": NETWORK | {"_target_": "scripts.net.Evil"}}, "allow-list"),
        ({"network_def": NETWORK | {"_target_": "os.system"}}, "allow-list"),
        ({"network_def": NETWORK | {"init_filters": "$__import__('os').getpid()"}}, "never run"),
        ({"network_def": NETWORK | {"act": {"_target_": "os.system", "command": "true"}}}, "never done"),
        ({"network_def": "$torch.load('x')"}, "network"),
        ({"preprocessing": {"transforms": [{"_target_": "ScaleIntensityRanged"}]}}, "ScaleIntensityRanged"),
        ({"preprocessing": {"transforms": []}}, "NormalizeIntensityd"),
        ({"postprocessing": {"transforms": []}}, "softmax"),
        ({"network_def": NETWORK | {"init_filters": 8}}, "shape"),
    ],
)
def test_what_cannot_be_read_safely_is_refused_with_the_reason(tmp_path, change, words):
    source = bundle(tmp_path / "zoo", **change)
    with pytest.raises(PackageError, match=words):
        import_bundle(source, tmp_path / "ours", name="x")
    assert not (tmp_path / "ours").exists()
    assert not list(tmp_path.glob(".writing*"))
