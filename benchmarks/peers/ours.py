"""Contender: this library's segment, from four files to a label map on the patient's grid."""

from __future__ import annotations

import sys
from pathlib import Path

import common
import monai.networks.nets
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


from TransferSegLib.jobs.predict import Model
from TransferSegLib.jobs.segment import segment
from TransferSegLib.packages.card import Card, Label

_IMPORTED = (monai.networks.nets, torch)


def prepare(options):
    """An open model, and the public call."""
    card = Card(
        name="benchmark",
        description="short phantom training",
        roles=common.ROLES,
        labels=tuple(Label(value=n, name=name, channel=n) for n, name in enumerate(common.LABELS, 1)),
        network=options.network,
        in_channels=len(common.ROLES),
        out_channels=len(common.LABELS) + 1,
        window=common.WINDOW,
        overlap=common.OVERLAP,
    )
    model = Model(card, common.load(options.network, Path(options.weights)))
    images = common.find_images(Path(options.case))

    def run() -> None:
        segment(model=model, images=images, out=options.out, device="cpu", precision=options.precision)

    return run


if __name__ == "__main__":
    common.contend(prepare)
