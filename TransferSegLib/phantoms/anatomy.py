"""The healthy brain as fractions of tissue a voxel: what both anatomies hand to lesions and contrast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .fields import Frame


@dataclass
class Anatomy:
    """Tissue fractions on a frame; every array is (k, j, i) float32 unless said otherwise.

    Attributes
    ----------
    frame : Frame
    grey, white, fluid : share of the voxel, 0..1, together 1 inside the brain and 0 outside
    deep : share of grey that is deep nuclei (darker on T2 and FLAIR, whiter on T1 than cortex)
    ventricles : share of the voxel that is ventricle, within ``fluid``
    brain : bool, what skull stripping leaves
    depth : mm below the brain's hull (canonical), negative outside
    points : the (z, y, x) canonical coordinates along each axis, broadcastable
    """

    frame: Frame
    grey: np.ndarray
    white: np.ndarray
    fluid: np.ndarray
    deep: np.ndarray
    ventricles: np.ndarray
    brain: np.ndarray
    depth: np.ndarray

    @property
    def points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        z, y, x = self.frame.axes()
        return z[:, None, None], y[None, :, None], x[None, None, :]

    def distance_to(self, mask: np.ndarray) -> np.ndarray:
        """Distance (canonical mm, float32) of every voxel to a mask, worked out on a grid of about 2 mm."""
        steps = tuple(max(1, int(2 / edge)) for edge in self.frame.voxel)
        coarse = mask[:: steps[0], :: steps[1], :: steps[2]]
        if not coarse.any():
            return np.full(mask.shape, 1e3, dtype=np.float32)
        sampling = [step * edge for step, edge in zip(steps, self.frame.voxel)]
        distance = ndimage.distance_transform_edt(~coarse, sampling=sampling).astype(np.float32)
        return enlarge(distance, mask.shape, steps)


def enlarge(field: np.ndarray, shape: tuple[int, int, int], steps: tuple[int, int, int]) -> np.ndarray:
    """Linear interpolation of a field kept at every ``steps``-th voxel back to ``shape``."""
    for axis, (size, step) in enumerate(zip(shape, steps)):
        if step == 1:
            continue
        position = np.arange(size) / step
        low = np.minimum(position.astype(int), field.shape[axis] - 1)
        high = np.minimum(low + 1, field.shape[axis] - 1)
        weight = (position - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        field = np.take(field, low, axis) * (1 - weight) + np.take(field, high, axis) * weight
    return field
