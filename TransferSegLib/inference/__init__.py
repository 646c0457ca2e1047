"""From a prepared array to labels: sliding window, devices, precision and uncertainty."""

from __future__ import annotations

import os

# torch reads this at its first large allocation on Linux: activations then lie in 2 MB pages. Without it a window of
# the Dynamic U-Net costs 450,000 page faults, a quarter of its time. A value set by the user stays.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

from .devices import Device, choose_device
from .fitting import Fitted, fit_network
from .rule import OutputRule
from .segmenting import Prediction, segment_array
from .windows import Box, Placement, central_weights, gaussian_weights, place_windows

__all__ = [
    "Box",
    "Device",
    "Fitted",
    "OutputRule",
    "Placement",
    "Prediction",
    "central_weights",
    "choose_device",
    "fit_network",
    "gaussian_weights",
    "place_windows",
    "segment_array",
]
