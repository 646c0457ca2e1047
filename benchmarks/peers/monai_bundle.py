"""Contender: MONAI's stock bundle pipeline (its spleen and BraTS bundles' transforms, with our network)."""

from __future__ import annotations

from pathlib import Path

import common
import torch
from monai.data import Dataset, decollate_batch, list_data_collate
from monai.inferers import SlidingWindowInferer
from monai.transforms import (
    Activationsd,
    AsDiscreted,
    Compose,
    EnsureChannelFirstd,
    Invertd,
    LoadImaged,
    NormalizeIntensityd,
    SaveImaged,
    Spacingd,
)
from torch.utils.data import DataLoader


def prepare(options):
    """The pipeline as a bundle's inference.json builds it."""
    out = Path(options.out)
    network = common.load(options.network, Path(options.weights), axes="ijk")
    before = Compose(
        [
            LoadImaged("image"),
            EnsureChannelFirstd("image"),
            Spacingd("image", pixdim=(1.0, 1.0, 1.0), mode="bilinear"),
            NormalizeIntensityd("image", nonzero=True, channel_wise=True),
        ]
    )
    name = out.name.removesuffix(".nii.gz")
    after = Compose(
        [
            Activationsd("pred", softmax=True),
            Invertd("pred", transform=before, orig_keys="image", nearest_interp=False, to_tensor=True),
            AsDiscreted("pred", argmax=True),
            SaveImaged(
                "pred",
                output_dir=str(out.parent),
                output_postfix="",
                output_dtype="uint8",
                separate_folder=False,
                output_name_formatter=lambda meta, saver: {"subject": name, "idx": None},
                print_log=False,
            ),
        ]
    )
    inferer = SlidingWindowInferer(common.WINDOW, sw_batch_size=1, overlap=common.OVERLAP, mode="gaussian")
    images = common.find_images(Path(options.case))

    def run() -> None:
        data = Dataset([{"image": [str(images[role]) for role in common.ROLES]}], before)
        for batch in DataLoader(data, batch_size=1, collate_fn=list_data_collate):
            with torch.no_grad():
                batch["pred"] = inferer(batch["image"], network)
            for item in decollate_batch(batch):
                after(item)

    return run


if __name__ == "__main__":
    common.contend(prepare)
