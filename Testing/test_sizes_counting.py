"""Parameters and multiply-accumulates, against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from TransferSegLib.exporting.sizes_counting import counting, macs_of, parameters_of, parameters_of_card
from TransferSegLib.networks import build_network
from TransferSegLib.packages import Card, Label

# The layer, its input's shape, and output voxels x taps x channels in (of a group) x channels out.
LAYERS = [
    (nn.Conv2d(3, 8, 3, padding=1), (1, 3, 10, 12), 120 * 9 * 3 * 8),
    (nn.Conv2d(3, 8, 3, stride=2, padding=1), (2, 3, 10, 12), 2 * 30 * 9 * 3 * 8),
    (nn.Conv3d(4, 8, 3, padding=1, groups=4), (1, 4, 6, 6, 6), 216 * 27 * 1 * 8),
    (nn.ConvTranspose2d(8, 4, 2, 2), (1, 8, 5, 5), 25 * 4 * 8 * 4),
    (nn.Linear(10, 7), (3, 10), 3 * 10 * 7),
    (nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2)), (1, 2, 8, 8), 0),
]


@pytest.mark.parametrize(("layer", "shape", "macs"), LAYERS, ids=lambda value: type(value).__name__)
def test_a_layer_counts_as_by_hand(layer, shape, macs):
    assert macs_of(layer, shape) == macs
    assert next(layer.parameters()).device.type == "cpu", "the module itself stays as it is"
    with torch.inference_mode(), counting() as counter:
        layer(torch.zeros(shape))
    assert counter.macs == macs, "what really runs counts the same"


def test_a_small_network_counts_as_by_hand():
    network = build_network("unet2d-4-8", 1, 1, {"channels": (4, 8)})
    fine, coarse = 16 * 16, 8 * 8
    wanted = fine * 9 * (1 * 4 + 4 * 4) + coarse * 9 * (4 * 8 + 8 * 8)
    wanted += coarse * 4 * 8 * 4 + fine * 9 * (8 * 4 + 4 * 4) + fine * 4
    assert macs_of(network, (1, 1, 16, 16)) == wanted
    convs = [(1, 4, 9), (4, 4, 9), (4, 8, 9), (8, 8, 9), (8, 4, 4), (8, 4, 9), (4, 4, 9), (4, 1, 1)]
    assert parameters_of(network) == sum(c_in * c_out * taps + c_out for c_in, c_out, taps in convs)


@pytest.mark.parametrize(
    ("network", "channels", "parameters"),
    [
        ("unet2d-64-128-256-512", (1, 1), 7_696_193),
        ("unet2d-32-64", (1, 1), 100_961),
        ("unet", (4, 5), 125_229),
        ("dynunet", (4, 5), 16_546_341),
    ],
)
def test_known_parameters_and_a_tensor_registered_twice_counts_once(network, channels, parameters):
    assert parameters_of(build_network(network, *channels)) == parameters
    card = Card("x", "d", ("flair",), (Label(1, "a", 1),), network, *channels)
    assert parameters_of_card(card) == parameters


def test_all_networks_of_a_package_count():
    card = Card("x", "d", ("pet", "ct"), (Label(1, "a", 1),), "petct-light", 5, 2, members=3)
    one = parameters_of(build_network("petct-light", 5, 2))
    assert parameters_of_card(card) == 3 * one
    stage = {"network": "petct-refiner", "arguments": {}, "window": [16, 16, 16]}
    refiner = parameters_of(build_network("petct-refiner", 6, 2))
    both = Card("x", "d", ("pet", "ct"), card.labels, "petct-light", 5, 2, members=3, refiner=stage)
    assert parameters_of_card(both) == 3 * one + refiner
