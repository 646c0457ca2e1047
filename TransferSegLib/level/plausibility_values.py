"""Whether the numbers of a scan are Hounsfield units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..imaging.scan import Scan
from .coarse import PAD_HU, Coarse
from .findings import Finding

_MODALITIES = {"MR": "an MR", "PT": "a PET", "NM": "a nuclear medicine", "US": "an ultrasound", "CR": "an X-ray"}
_SAMPLE = 400_000


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
    elif not _like_ct(sample, low, high):
        yield Finding(
            "not-ct",
            f"Values run from {shown}, which no CT of a body in Hounsfield units does (MR, PET, or scaled values?); "
            "give the CT.",
            True,
        )


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
