"""Whether an image is skull-stripped already, and its foreground: what differs from a constant background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..imaging import Grid
from .placing import bounding_box, grown

# Adult brains with ventricles and sulci fill 1.0 to 1.9 l; a head in a usual field of view, 2.5 l and more.
MOST_BRAIN_LITRES = 2.2
LEAST_BACKGROUND = 0.15
HEAD_SHARE_OF_OTSU = 0.5


@dataclass(frozen=True)
class Foreground:
    """What differs from the background: ``mask`` bool (k, j, i) on the image's own grid."""

    mask: np.ndarray
    background: float
    stripped: bool
    reason: str


def find_foreground(image: sitk.Image) -> Foreground:
    """Tell whether the image is stripped, from its background alone.

    Stripped means: most corners hold one and the same value, at least 15 % of all voxels hold it too, and
    what is left is no larger than a brain. Values below 0 inside the brain and faint ringing of an
    interpolation around it do not matter.
    """
    array = sitk.GetArrayViewFromImage(image)
    corners = array[:: max(array.shape[0] - 1, 1), :: max(array.shape[1] - 1, 1), :: max(array.shape[2] - 1, 1)]
    values, counts = np.unique(corners, return_counts=True)
    background = values[np.argmax(counts)].item()
    mask = _differs(array, background)
    share = 1.0 - np.count_nonzero(mask) / mask.size
    litres = np.count_nonzero(mask) * Grid.of(image).voxel_ml / 1000.0
    if counts.max() * 2 <= corners.size:
        return Foreground(mask, 0.0, False, "the corners of the image differ")
    if share < LEAST_BACKGROUND:
        return Foreground(mask, background, False, f"only {share:.0%} of the image is constant background")
    if litres > MOST_BRAIN_LITRES:
        return Foreground(mask, background, False, f"the foreground has {litres:.1f} l, more than a brain")
    return Foreground(mask, background, True, f"background is constant, foreground {litres:.2f} l")


def head_foreground(image: sitk.Image) -> np.ndarray:
    """The head, bool (k, j, i): well above air, largest part, holes (bone, fluid) filled."""
    array = sitk.GetArrayViewFromImage(image)
    low, high = (float(v) for v in np.percentile(array[::3, ::3, ::3], (1, 99)))
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.SetNumberOfHistogramBins(128)
    otsu.Execute(sitk.Clamp(image, sitk.sitkFloat32, low, high))
    # Otsu parts dark from bright tissue where fat is very bright; air lies far below half of it.
    mask = array > low + HEAD_SHARE_OF_OTSU * (otsu.GetThreshold() - low)
    closed = ndimage.binary_closing(np.pad(mask, 2, mode="edge"), iterations=2)[2:-2, 2:-2, 2:-2]
    return fill_holes(largest_part(closed | mask))


def fill_holes(mask: np.ndarray) -> np.ndarray:
    """The mask with every background region that does not reach the border filled."""
    box = bounding_box(mask)
    if box is None:
        return mask
    box = grown(box, mask.shape, 1)
    inner = np.pad(mask[box], 1)
    # One labelling pass is far quicker than scipy's binary_fill_holes, which dilates step by step.
    regions, _ = ndimage.label(~inner)
    filled = mask.copy()
    filled[box] = (regions != regions[0, 0, 0])[1:-1, 1:-1, 1:-1]
    return filled


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest 6-connected part of the mask."""
    regions, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    return regions == sizes.argmax()


def _differs(array: np.ndarray, background: float) -> np.ndarray:
    """bool (k, j, i): further from the background than ringing of an interpolation far from the brain."""
    if not np.issubdtype(array.dtype, np.floating):
        return array != background
    sample = array[::4, ::4, ::4]
    faint = 1e-4 * float(max(sample.max() - background, background - sample.min(), 0.0))
    return (array > background + faint) | (array < background - faint)
