"""Whether the numbers of a scan are Hounsfield units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..imaging.scan import Scan
from .coarse import PAD_HU, Coarse
from .findings import Finding

_MODALITIES = {"MR": "an MR", "PT": "a PET", "NM": "a nuclear medicine", "US": "an ultrasound", "CR": "an X-ray"}
_SAMPLE = 400_000
# Scaled values: more than these shares lie where only padding or metal may; air is above this; soft tissue is outside.
_LOW_SHARE, _HIGHEST = 0.02, 3000.0
_AIR_HU, _AIR_SHARE = -850.0, 0.1
_SOFT_HU = (-160.0, 110.0)
# Values cut by a grey window: this share lies exactly at the lowest one, above all air; or at the highest one, below
# dense bone. A window that ends below the threshold of bone, or below that of air, leaves nothing to measure by.
_CUT_LOW_SHARE, _CUT_HIGH_SHARE, _CUT_HIGH_HU, _BONE_HU = 0.05, 0.001, 500.0, 300.0
# Neighbours (5 mm apart) of a picture resemble each other at least so much (correlation); those of noise do not.
_LEAST_LIKENESS = 0.2


def check_modality(scan: Scan) -> Iterator[Finding]:
    """The kind of image that the file itself states."""
    if scan.modality not in ("CT", ""):
        what = _MODALITIES.get(scan.modality, f"a {scan.modality}")
        yield Finding("not-ct", f"This is {what} series, not CT; give the CT.", True)


def check_values(small: Coarse) -> Iterator[Finding]:
    """Masks, windowed exports, values before the rescale, and whatever else is not in HU."""
    sample = _inside(small.hu)
    if sample.size < 50:
        yield Finding("not-ct", "The image is empty but for its padding; export the CT again.", True)
        return
    low, high = (float(v) for v in np.percentile(sample, (1, 99.8)))
    shown = f"{float(sample.min()):g} to {float(sample.max()):g}"
    dense = sample[sample > 600]
    soft = dense[(dense > 850) & (dense < 1250)]  # where soft tissue is when 1024 was not taken off
    if np.unique(sample[:20000]).size <= 16 and np.unique(sample).size <= 40:
        yield Finding("mask", "The image holds hardly any different values, as a mask does; give the CT.", True)
    elif sample.min() >= 0 and sample.max() <= 255 and (sample == np.rint(sample)).all():
        yield Finding(
            "windowed",
            f"Values run from {shown}: a mask, or a picture exported with a grey window, not Hounsfield units; export "
            "the CT itself.",
            True,
        )
    elif low > -40 and soft.size > max(0.6 * dense.size, 0.1 * sample.size):
        yield Finding(
            "rescale",
            f"Values run from {shown}, most near {np.median(soft):.0f}: no rescale to Hounsfield units was applied (or "
            "this is no CT); export the CT again with slope and intercept.",
            True,
        )
    elif not _like_ct(sample, low, high) or _beyond(small.hu, sample):
        yield Finding(
            "not-ct",
            f"Values run from {shown}, which no CT of a body in Hounsfield units does (MR, PET, or scaled values?); "
            "give the CT.",
            True,
        )
    elif _likeness(small.hu) < _LEAST_LIKENESS:
        yield Finding("not-ct", "The image is noise: neighbouring values do not resemble each other; give a CT.", True)
    elif cut := list(_cut(small.hu)):
        yield from cut
    else:
        yield from _scaled(sample)


def _cut(hu: np.ndarray) -> Iterator[Finding]:
    """A CT saved through a grey window in Hounsfield units: all beyond its ends lies at its ends."""
    values = hu.reshape(-1)[:: max(1, hu.size // _SAMPLE)]
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    values = values[values > PAD_HU]
    low, high = values.min(), values.max()
    below = low > _AIR_HU and np.mean(values == low) > _CUT_LOW_SHARE
    above = high < _CUT_HIGH_HU and np.mean(values == high) > _CUT_HIGH_SHARE
    ends = [f"{end:g}" for end, is_cut in ((low, below), (high, above)) if is_cut]
    if ends:
        yield Finding(
            "windowed" if below or high < _BONE_HU else "values",
            f"Values are cut at {' and '.join(ends)} HU, as a picture saved through a grey window is: air or bone is "
            "not told from what is beside it; export the CT itself.",
            bool(below or high < _BONE_HU),
        )


def _scaled(sample: np.ndarray) -> Iterator[Finding]:
    """Air is -1000 HU, and most of a body lies between fat (-100) and muscle (50)."""
    thin = sample[sample < -300]
    airless = thin.size > 0.03 * sample.size and np.mean(thin < _AIR_HU) < _AIR_SHARE
    counts, edges = np.histogram(sample, bins=50, range=(-500, 500))
    smooth = np.convolve(counts, np.ones(3), "same")
    most = float(edges[int(np.argmax(smooth))] + 10)
    if airless or not _SOFT_HU[0] <= most <= _SOFT_HU[1]:
        what = f"air lies near {np.median(thin):.0f}" if airless else f"soft tissue lies near {most:.0f}"
        yield Finding(
            "values",
            f"By its values {what} HU, where a CT has none of it (scaled or clipped?); export the CT again.",
            False,
        )


def _beyond(hu: np.ndarray, sample: np.ndarray) -> bool:
    """Whether many values, and not only a constant that fills the box, lie below air or above all bone."""
    values = hu.reshape(-1)[:: max(1, hu.size // _SAMPLE)].astype(np.float64)
    low = values[values < PAD_HU]
    found, counts = np.unique(low, return_counts=True)
    varied = low.size - (counts.max() if found.size else 0)
    return bool(varied > _LOW_SHARE * values.size or np.percentile(sample, 99) > _HIGHEST)


def _likeness(hu: np.ndarray) -> float:
    """Correlation of neighbours within slices."""
    one, other = (np.clip(np.nan_to_num(part.astype(np.float32)), -1024, 1500).ravel() for part in _pairs(hu))
    if one.size < 50 or not one.std() or not other.std():
        return 1.0
    return float(np.corrcoef(one, other)[0, 1])


def _pairs(hu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return hu[:, :, :-1], hu[:, :, 1:]


def _inside(hu: np.ndarray) -> np.ndarray:
    """A sample of the values, without what only fills the box: NaN, very low values, the box's commonest constant."""
    values = hu.reshape(-1)
    values = values[:: max(1, values.size // _SAMPLE)]
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    corners = hu[:, [0, 0, -1, -1], [0, -1, 0, -1]].ravel()
    found, counts = np.unique(corners, return_counts=True)
    keep = values > PAD_HU
    if counts.max() > 0.5 * corners.size and np.mean(values == found[np.argmax(counts)]) > 0.01:
        keep &= values != found[np.argmax(counts)]
    return values[keep] if np.count_nonzero(keep) else values[:0]


def _like_ct(sample: np.ndarray, low: float, high: float) -> bool:
    """A CT of a body holds fat or air below water, soft tissue about it, and less of what is much denser."""
    soft = float(np.mean((sample > -200) & (sample < 200)))
    below, above = float(np.mean(sample < -30)), float(np.mean(sample > 500))
    return low < -40 and high > 20 and soft > 0.02 and below > 0.005 and above < 0.4
