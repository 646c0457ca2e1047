"""From a prepared array to labels: sliding window, devices, precision and uncertainty."""

from __future__ import annotations

from .devices import Device, choose_device
from .fitting import fit_network
from .rule import OutputRule
from .segmenting import Prediction, segment_array
from .windows import Placement, gaussian_weights, place_windows

__all__ = [
    "Device",
    "OutputRule",
    "Placement",
    "Prediction",
    "choose_device",
    "fit_network",
    "gaussian_weights",
    "place_windows",
    "segment_array",
]
