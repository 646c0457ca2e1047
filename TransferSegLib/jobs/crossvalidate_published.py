"""What the source printed (Belharbi et al. 2017): 642 CTs, five folds, ImageNet weights, a K40. Not ours."""

from __future__ import annotations

SLICES = {
    "rf500": "10.50 ± 10.80",
    "cnn4": "2.78 ± 2.48",
    "alexnet": "2.45 ± 2.42",
    "vgg16": "1.82 ± 2.32",
    "vgg19": "1.83 ± 1.83",
    "googlenet": "2.54 ± 4.22",
}
"""Error in slices, mean ± SD, by backbone."""

SECONDS = {"cnn4": 4.46, "alexnet": 6.37, "vgg16": 13.28, "vgg19": 16.02, "googlenet": 17.75}
"""Seconds per CT, stride 1."""

FEATURE_PARAMETERS = {"alexnet": 2_469_696, "vgg16": 14_714_688, "vgg19": 20_024_384, "googlenet": 5_599_904}
"""Parameters before the regression layer."""

STRIDES = {("vgg16", 1): (SLICES["vgg16"], SECONDS["vgg16"]), ("vgg16", 6): ("1.91 ± 2.69", 2.36)}
"""(error in slices, seconds per CT) by backbone and stride."""
