"""What of a segmentation counts before the threshold: without what was put apart, with what was moved back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..lesions import apply_threshold, label_map, threshold_of
from .tmtv_uptake import Uptake


def counted_mask(uptake: Uptake, segmentation: np.ndarray | None, final: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The segmentation before the threshold, without what does not count.

    Parameters
    ----------
    segmentation : bool (k, j, i), optional
        As it came; None where the threshold made it.
    final, kept : bool (k, j, i)
        After the threshold: all of it, and the lesions that count.

    Returns
    -------
    bool (k, j, i)
        Whole components (18-connected) are left out where all that reaches the threshold in them does not count, else
        only the voxels that do not; components that do not reach it stay.
    """
    if segmentation is None:
        return kept
    components, numbers = _components(segmentation)
    gone = np.isin(numbers, components[final & ~kept]) & ~np.isin(numbers, components[kept])
    return segmentation & ~(final & ~kept) & ~np.concatenate([[False], gone])[components]


def before_threshold(
    uptake: Uptake, suv: np.ndarray, segmentation: np.ndarray | None, apart: Sequence[tuple[str, np.ndarray]] = ()
) -> np.ndarray:
    """What counts, before the threshold: as ``counted_mask``, with the uptake put apart that was moved back to lesion.

    Parameters
    ----------
    suv, segmentation, apart
        As ``measure_uptake`` had them.

    Returns
    -------
    bool (k, j, i)
        Of ``apart`` only the components (18-connected) that hold a lesion now.
    """
    kept = label_map(uptake.counted, suv.shape) > 0
    if segmentation is None:
        return kept
    for _, mask in apart:
        segmentation = segmentation & ~mask
    raw = counted_mask(uptake, segmentation, _reaching(suv, segmentation, uptake.rule), kept & segmentation)
    for _, mask in apart:
        components, numbers = _components(mask)
        holds = np.concatenate([[False], np.isin(numbers, components[kept & mask])])
        raw |= mask & holds[components] & ~(_reaching(suv, mask, uptake.rule) & ~kept)
    return raw


def _reaching(suv: np.ndarray, mask: np.ndarray, rule: str | None) -> np.ndarray:
    """All of a mask that reaches the threshold, whatever its volume."""
    if rule is None:
        return mask
    return apply_threshold(suv, mask, dataclasses.replace(threshold_of(rule), least_ml=0.0))


def _components(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """18-connected components and their numbers."""
    from scipy import ndimage

    components, count = ndimage.label(mask, ndimage.generate_binary_structure(3, 2))
    return components, np.arange(1, count + 1)
