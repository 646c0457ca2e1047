"""Foreign MONAI bundles, in the form of the zoo's BraTS bundle: read as data or refused with the reason."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from TransferSegLib.errors import PackageError
from TransferSegLib.jobs.models import models_import
from TransferSegLib.jobs.predict import Model, predict_array
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


UNET2D = {
    "_target_": "monai.networks.nets.UNet",
    "spatial_dims": 2,
    "in_channels": 4,
    "out_channels": 3,
    "channels": [4, 8, 8],
    "strides": [2, 2],
}


def slice_bundle(folder: Path, across: int, codes: str = "LPS", **inferer) -> tuple[Path, torch.nn.Module]:
    """The same bundle with a U-Net that works on slices across one axis of its arrays, and that network."""
    from monai.networks.nets import UNet

    steps = [
        {"_target_": "Orientationd", "keys": "image", "axcodes": codes},
        {"_target_": "Spacingd", "keys": "image", "pixdim": [1.0, 1.5, 2.0]},
        {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True},
    ]
    source = bundle(
        folder,
        network_def=UNET2D,
        preprocessing={"transforms": steps},
        inferer={"_target_": "SliceInferer", "roi_size": [16, 32], "spatial_dim": across} | inferer,
    )
    module = UNet(**{k: v for k, v in UNET2D.items() if k != "_target_"}).eval()
    torch.save(module.state_dict(), folder / "models" / "model.pt")
    return source, module


@pytest.mark.parametrize(
    ("across", "orientation", "spacing", "slices"),
    [
        (0, "SPL", (2.0, 1.5, 1.0), "sagittal"),
        (1, "SLP", (2.0, 1.0, 1.5), "coronal"),
        (2, "PLS", (1.5, 1.0, 2.0), "axial"),
    ],
)
def test_a_network_on_slices_gives_what_monais_slice_inferer_gives(tmp_path, across, orientation, spacing, slices):
    import SimpleITK as sitk
    from monai.inferers import SliceInferer

    source, module = slice_bundle(tmp_path / "zoo", across)
    card = (package := import_bundle(source, tmp_path / "ours", name="m")).card
    assert (card.network, card.dims, card.axes, card.window) == ("unet2d", 2, "kji", (16, 32))
    assert (card.orientation, card.spacing, card.slices) == (orientation, spacing, slices)
    size = [16, 32]
    size.insert(across, 5)
    theirs = np.random.default_rng(0).normal(size=(4, *size)).astype(np.float32)
    with torch.no_grad():
        logits = SliceInferer(roi_size=(16, 32), spatial_dim=across)(torch.from_numpy(theirs)[None], module)[0].numpy()

    def ours(volume):  # (i, j, k) in LPS to our work grid's (k, j, i)
        image = sitk.GetImageFromArray(volume.transpose(2, 1, 0))
        return sitk.GetArrayFromImage(sitk.DICOMOrient(image, card.orientation))

    array = np.stack([ours(channel) for channel in theirs])
    found = predict_array(Model.open(package), array, None, device="cpu", precision="float32").labels
    names = {label.channel: label.value for label in card.labels}
    expected = np.zeros(theirs.shape[1:], np.uint8)
    for label in card.labels:  # sigmoid regions, painted in order
        expected[logits[label.channel] > 0] = names[label.channel]
    assert len(np.unique(expected)) > 2 and np.array_equal(found, ours(expected))


def test_slices_that_a_bundle_does_not_state_are_refused(tmp_path):
    cases = {"sliding": {"_target_": "SlidingWindowInferer"}, "axis": {"spatial_dim": 3}, "size": {"roi_size": [16]}}
    for name, change in cases.items():
        source, _ = slice_bundle(tmp_path / name, 2, **change)
        with pytest.raises(PackageError, match=r"a 2-D network without a SliceInferer|needs spatial_dim of 0 to 2"):
            import_bundle(source, tmp_path / "ours", name="m")
    path = slice_bundle(tmp_path / "no-codes", 2)[0] / "configs" / "inference.json"
    config = json.loads(path.read_text())
    del config["preprocessing"]["transforms"][0]
    path.write_text(json.dumps(config))
    with pytest.raises(PackageError, match="without Orientationd says not which slices"):
        import_bundle(path.parents[1], tmp_path / "ours", name="m")
    source = bundle(tmp_path / "one", network_def=NETWORK | {"spatial_dims": 1})
    with pytest.raises(PackageError, match="spatial_dims is 1, neither 2 nor 3"):
        import_bundle(source, tmp_path / "ours", name="m")
